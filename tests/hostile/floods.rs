//! Much of one kind, and beside it the polite client.

mod nats;
mod web;

use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Serve, Settings};
use crate::polite::Polite;
use crate::table::Row;
use crate::watch;

/// How many files a node may open in these tests: what many systems give a process.
const FILES: u64 = 1024;

/// What a flood did.
#[derive(Debug, Default)]
pub(crate) struct Poured {
    pub(crate) sent: u64,
    /// How it was answered, in words.
    pub(crate) answers: String,
    pub(crate) findings: Vec<String>,
}

/// Where it goes, and how much.
pub(crate) struct Target {
    pub(crate) url: String,
    /// Host and port of HTTP.
    pub(crate) web: String,
    pub(crate) token: String,
    pub(crate) pid: u32,
    pub(crate) long: bool,
}

type Pouring<'a> = Pin<Box<dyn Future<Output = Poured> + 'a>>;

/// A flood.
pub(crate) struct Flood {
    pub(crate) name: &'static str,
    pour: for<'a> fn(&'a Target) -> Pouring<'a>,
}

impl Flood {
    pub(crate) const ALL: &[Self] = &[
        Self { name: "flood of commands", pour: |t| Box::pin(nats::commands(t)) },
        Self { name: "flood of callers", pour: |t| Box::pin(nats::callers(t)) },
        Self { name: "flood of brackets", pour: |t| Box::pin(nats::brackets(t)) },
        Self { name: "flood of wide reports", pour: |t| Box::pin(nats::reports(t)) },
        Self { name: "flood of text searches", pour: |t| Box::pin(nats::searches(t)) },
        Self { name: "flood of log requests", pour: |t| Box::pin(nats::log(t)) },
        Self { name: "flood of tile requests", pour: |t| Box::pin(nats::tiles(t)) },
        Self { name: "1000 live pages", pour: |t| Box::pin(web::live(t)) },
        Self { name: "slow readers", pour: |t| Box::pin(web::slow_readers(t)) },
        Self { name: "slowloris", pour: |t| Box::pin(web::slowloris(t)) },
    ];
}

/// One flood against a node of its own.
pub(crate) async fn run(flood: &Flood, long: bool) -> Row {
    watch::open_few(FILES);
    let mut node = Serve::start(Settings::default()).await;
    watch::open_many();
    let run: Value =
        serde_json::from_slice(&std::fs::read(node.run_file()).expect("a ready node")).expect("JSON");
    let word = |name: &str| run[name].as_str().expect("a ready node says it").to_owned();
    let target = Target {
        url: word("nats_url"),
        web: word("http_url").trim_start_matches("http://").to_owned(),
        token: word("http_token"),
        pid: node.process().pid(),
        long,
    };
    let polite = Polite::start(node.url()).await;
    let alone = polite.alone(Duration::from_secs(if long { 15 } else { 2 })).await;
    watch::forget_peak(target.pid);
    let rss_before = watch::rss_mib(target.pid);
    let poured = (flood.pour)(&target).await;
    let beside = polite.told();
    let (peak, rss_after) = (watch::peak_mib(target.pid), watch::rss_mib(target.pid));
    let after = polite.alone(Duration::from_secs(1)).await;
    let mut findings = poured.findings;
    if let Some(status) = node.process().ended() {
        findings.push(format!("the node ended with {status}"));
    } else {
        if after.took.is_empty() {
            findings.push("nobody answers the polite client any more".to_owned());
        }
        let descriptors = watch::descriptors(target.pid) as u64;
        if descriptors > FILES * 9 / 10 {
            findings.push(format!("the node keeps {descriptors} of {FILES} descriptors after the flood"));
        }
        let status = node.stop().await;
        if !status.success() {
            findings.push(format!("the node ended with {status} when it was asked to"));
        }
    }
    Row {
        name: flood.name.to_owned(),
        sent: poured.sent,
        answers: poured.answers,
        alone,
        beside,
        rss_before,
        peak,
        rss_after,
        note: String::new(),
        findings,
        missed: None,
    }
    .judged()
}
