//! The rig that breaks things: kills, power cuts, disks that fail, a second engine, and load on one spot; and after
//! each the question whether anything that was acknowledged is lost, doubled, or out of place.
//!
//! Without arguments it is short and always throws the same dice. `GUICHET_CAMPAIGN=full`, or `--full` behind
//! `cargo test --test faults --`, does everything; words choose goals by a part of their name, and so does `--goal WORD`, which
//! fails where no goal has such a name; `GUICHET_SEED` throws other dice. What a machine cannot do (root, loop devices, ptrace) is left out, and said so.
//!
//! A rig that has never found anything proves nothing. So it also runs against builds that commit one fault each
//! (feature `sabotage`), and fails where it does not find them.

use guichet_test_support::{self as harness, desk, published};

mod campaign;
mod disk;
mod finding;
mod needs;
mod table;

mod crowd;
mod ledger;
mod site;

mod judge;

mod clocks;
mod controls;
mod eio;
mod files;
mod flips;
mod full;
mod harms;
mod hot;
mod kills;
mod late;
mod network;
mod pauses;
mod power;
mod rebuilds;
mod relay;
mod standing;
mod stores;
mod zombies;

use std::process::ExitCode;
use std::time::Instant;

use crate::campaign::Campaign;
use crate::table::{Row, print, say};

#[tokio::main]
async fn main() -> ExitCode {
    let campaign = Campaign::asked();
    say(&format!("{}, seed {}", campaign.name(), campaign.seed));
    let mut report = Report { campaign, goals: Vec::new(), rows: Vec::new() };
    report.work("crash points", async |goal, campaign| kills::at_points(goal, campaign).await).await;
    report.work("system calls", async |goal, campaign| kills::at_calls(goal, campaign).await).await;
    report.work("random kills", async |goal, campaign| kills::at_random(goal, campaign).await).await;
    report.work("controls", async |goal, campaign| controls::all(goal, campaign).await).await;
    report.work("power cuts", async |goal, campaign| power::cuts(goal, campaign).await).await;
    report.work("attachments", async |goal, campaign| files::attached(goal, campaign).await).await;
    report.work("failed syncs", async |goal, campaign| eio::at_each_sync(goal, campaign).await).await;
    report.work("damage at rest", async |goal, campaign| flips::at_rest(goal, campaign).await).await;
    report.work("damage under load", async |goal, campaign| harms::under_load(goal, campaign).await).await;
    report.work("standing streams", async |goal, campaign| standing::streams(goal, campaign).await).await;
    report.work("lost streams", async |goal, campaign| stores::lost(goal, campaign).await).await;
    report.work("rebuilds", async |goal, campaign| rebuilds::of_each_model(goal, campaign).await).await;
    report.work("late messages", async |goal, campaign| late::messages(goal, campaign).await).await;
    report.work("partitions", async |goal, campaign| network::cuts(goal, campaign).await).await;
    report.work("pauses", async |goal, campaign| pauses::of_processes(goal, campaign).await).await;
    report.work("clock jumps", async |goal, campaign| clocks::thrown(goal, campaign).await).await;
    report.work("full disk", async |goal, campaign| full::and_recovery(goal, campaign).await).await;
    report.work("second engines", async |goal, campaign| zombies::second_engines(goal, campaign).await).await;
    report.work("one hot ticket", async |goal, campaign| hot::one_ticket(goal, campaign).await).await;
    report.end()
}

/// Goal after goal, and the table at the end.
struct Report {
    campaign: Campaign,
    /// All that there are.
    goals: Vec<String>,
    rows: Vec<Row>,
}

impl Report {
    async fn work(&mut self, goal: &str, work: impl AsyncFnOnce(&str, &Campaign) -> Vec<Row>) {
        self.goals.push(goal.to_owned());
        if self.campaign.wants(goal) {
            let begun = Instant::now();
            for mut row in work(goal, &self.campaign).await {
                row.took = if row.took.is_zero() { begun.elapsed() } else { row.took };
                row.announce();
                self.rows.push(row);
            }
        }
    }

    fn end(self) -> ExitCode {
        print(&format!("Faults: {}, seed {}", self.campaign.name(), self.campaign.seed), &self.rows);
        let unknown = |word: &&String| !self.goals.iter().any(|goal| goal.contains(word.as_str()));
        let unknown: Vec<_> = self.campaign.named.iter().filter(unknown).collect();
        if !unknown.is_empty() {
            say(&format!("no goal has a name with {unknown:?}; they are {}", self.goals.join(", ")));
        }
        if self.rows.iter().any(Row::failed) || !unknown.is_empty() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}
