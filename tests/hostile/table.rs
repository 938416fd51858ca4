//! What was found, and the table: a row for each attack, with what the polite client felt of it.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::polite::Told;

/// Most that the node may hold.
pub(crate) const MEMORY_MIB: u64 = 512;
/// How many times slower the polite client may become...
const TIMES: f64 = 3.0;
/// ... where it is slow at all: on a busy machine a few milliseconds are many times a few others.
const SLOW_MS: f64 = 250.0;
/// Findings that are printed in full for one attack.
const SHOWN: usize = 10;

/// What came of an attack.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) sent: u64,
    /// How they were answered, in words.
    pub(crate) answers: String,
    pub(crate) alone: Told,
    pub(crate) beside: Told,
    pub(crate) rss_before: u64,
    pub(crate) peak: u64,
    pub(crate) rss_after: u64,
    pub(crate) note: String,
    pub(crate) findings: Vec<String>,
    /// A figure that falls short of its target: said always, and a fault in the long form, for which the machine is quiet.
    pub(crate) missed: Option<String>,
}

impl Row {
    /// Adds what the figures themselves say is wrong.
    pub(crate) fn judged(mut self) -> Self {
        for hung in &self.beside.hung {
            self.findings.push(format!("the polite client hung: {hung}"));
        }
        if self.peak > MEMORY_MIB {
            self.findings.push(format!("the node held {} MiB, more than {MEMORY_MIB}", self.peak));
        }
        let (alone, beside) = (self.alone.ms(99.0), self.beside.ms(99.0));
        if beside > (alone * TIMES).max(SLOW_MS) {
            self.missed = Some(format!("99 of 100 polite requests took {beside:.1} ms, alone {alone:.1} ms"));
        }
        if let Some(n) = self.beside.refused.get("internal") {
            self.findings.push(format!("{n} polite requests were answered internal"));
        }
        self
    }

    pub(crate) fn failed(&self) -> bool {
        !self.findings.is_empty()
    }

    /// Says at once what came of it.
    pub(crate) fn announce(&self) {
        let word = match (self.failed(), &self.missed) {
            (true, _) => "BROKEN",
            (false, Some(_)) => "MISSED",
            (false, None) => "held",
        };
        say(&format!("{word:6} {}: {} sent; {}; {}", self.name, self.sent, self.answers, self.note));
        if let Some(missed) = &self.missed {
            say(&format!("       {missed}"));
        }
        for finding in self.findings.iter().take(SHOWN) {
            say(&format!("       {finding}"));
        }
        if self.findings.len() > SHOWN {
            say(&format!("       and {} more", self.findings.len() - SHOWN));
        }
    }
}

/// The whole table.
pub(crate) fn print(rows: &[Row]) {
    let mut text = String::from(
        "\n| attack | sent | polite p50 alone → beside | p99 alone → beside | x | slowest | its refusals | MiB before, peak, after | found |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for r in rows {
        let (alone, beside) = (r.alone.ms(99.0), r.beside.ms(99.0));
        writeln!(
            text,
            "| {} | {} | {:.1} → {:.1} ms | {alone:.1} → {beside:.1} ms | {:.1} | {:.0} ms | {} of {} | {}, {}, {} | {} |",
            r.name,
            r.sent,
            r.alone.ms(50.0),
            r.beside.ms(50.0),
            beside / alone.max(0.001),
            r.beside.ms(100.0),
            r.beside.refused.values().sum::<u64>(),
            r.beside.took.len(),
            r.rss_before,
            r.peak,
            r.rss_after,
            r.findings.len(),
        )
        .expect("a text takes all");
    }
    say(&text);
}

/// A line of the rig.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").ok();
}

/// A failing program says so.
pub(crate) fn exit(rows: &[Row], long: bool) -> std::process::ExitCode {
    if rows.iter().any(|row| row.failed() || (long && row.missed.is_some())) {
        std::process::ExitCode::FAILURE
    } else {
        std::process::ExitCode::SUCCESS
    }
}
