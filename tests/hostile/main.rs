//! The rig of hostile callers: whatever anybody sends with ordinary rights, the node lives, its memory is bounded, and a
//! polite client beside it is served.
//!
//! `fuzz` draws messages field by field from the descriptors of our own types (commands of every verb, queries of every
//! name, imports, configurations) and from changed texts, bytes, odd subjects, replies and headers, and sends them
//! through the real codec into a live node. Message n of a seed is always the same, so a finding is repeated with
//! `GUICHET_SEED`. The floods send much of one kind. Every finding is printed with the message that caused it; what was
//! found once stands in `corpus/` and is sent first.
//!
//! Without arguments it is short and always throws the same dice. `GUICHET_LONG=1` sends 1,000,000 messages and longer
//! floods, `GUICHET_MESSAGES` so many; words choose attacks by a part of their name.

use guichet_test_support::{self as harness, desk};

mod message;
mod table;
mod watch;
mod words;

mod desks;
mod shapes;

mod configs;
mod corpus;
mod orders;
mod questions;
mod raw;

mod polite;

mod floods;
mod fuzz;

use std::process::ExitCode;
use std::time::Duration;

use crate::floods::Flood;
use crate::fuzz::Plan;
use crate::table::{exit, print, say};

const SHORT: u64 = 6_000;
const LONG: u64 = 1_000_000;
/// Of the short run: the same in every CI.
const SEED: u64 = 13;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let long = harness::long();
    let mut rows = Vec::new();
    if wanted("fuzz") {
        let messages = number("GUICHET_MESSAGES").unwrap_or(if long { LONG } else { SHORT });
        let alone = Duration::from_secs(if long { 20 } else { 2 });
        let plan = Plan { seed: harness::seed().unwrap_or(SEED), messages, alone };
        say(&format!("fuzz: seed {}, {} messages", plan.seed, plan.messages));
        rows.push(fuzz::run(plan).await);
        rows.iter().for_each(table::Row::announce);
    }
    for flood in Flood::ALL.iter().filter(|flood| wanted(flood.name)) {
        let row = floods::run(flood, long).await;
        row.announce();
        rows.push(row);
    }
    print(&rows);
    exit(&rows, long)
}

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}
