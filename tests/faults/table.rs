//! The table: one row per goal, with what was done and what was found.

use std::io::Write as _;
use std::time::Duration;

use crate::finding::{Finding, Invariant};
use crate::judge::Verdict;

/// Findings that are printed in full for one goal.
const SHOWN: usize = 5;

/// The aim for 99 of 100 starts after a fault. A figure, not a finding: how long a start takes is the machine's too.
const RESTARTS_WITHIN: Duration = Duration::from_secs(2);

/// What came of a goal.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) goal: String,
    /// What was done, with its number.
    pub(crate) done: String,
    pub(crate) verdict: Verdict,
    /// How long each start took until a command was answered, the quick ones first.
    pub(crate) restarts: Vec<Duration>,
    /// More figures, in words.
    pub(crate) note: String,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

/// Good, bad, or not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Held,
    Broken,
    /// A control: the rig found the fault that was put there.
    Caught,
    /// A control whose fault nobody found: the rig is blind.
    Missed,
    /// Left out, and why.
    Skipped(String),
}

/// At home a machine may lack what a goal needs. CI leaves nothing out but what `GUICHET_CANNOT` names, separated by
/// commas.
fn may_be_skipped(goal: &str) -> bool {
    let named = std::env::var_os("GUICHET_CANNOT").unwrap_or_default();
    let named = named.to_string_lossy();
    std::env::var_os("CI").is_none() || named.split(',').map(str::trim).any(|name| name == goal)
}

impl Row {
    /// A goal that must hold.
    pub(crate) fn of(goal: &str, done: String, verdict: Verdict, mut restarts: Vec<Duration>) -> Self {
        restarts.sort_unstable();
        let outcome = if verdict.findings.is_empty() { Outcome::Held } else { Outcome::Broken };
        let (goal, note) = (goal.to_owned(), String::new());
        Self { goal, done, verdict, restarts, note, took: Duration::ZERO, outcome }
    }

    /// A goal that this machine cannot be asked about.
    pub(crate) fn skipped(goal: &str, why: String) -> Self {
        let row = Self::of(goal, "nothing".to_owned(), Verdict::default(), Vec::new());
        Self { outcome: Outcome::Skipped(why), ..row }
    }

    /// A control: one of these promises must have been found broken.
    pub(crate) fn control(self, expected: &[Invariant]) -> Self {
        let caught = self.verdict.count(expected) > 0;
        Self { outcome: if caught { Outcome::Caught } else { Outcome::Missed }, ..self }
    }

    pub(crate) fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// True where the test must fail.
    pub(crate) fn failed(&self) -> bool {
        match self.outcome {
            Outcome::Held | Outcome::Caught => false,
            Outcome::Skipped(_) => !may_be_skipped(&self.goal),
            Outcome::Broken | Outcome::Missed => true,
        }
    }

    /// Says at once what came of it; the table comes when all is done.
    pub(crate) fn announce(&self) {
        say(&format!(
            "{:8} {}: {} in {:.1} s {}",
            self.word(),
            self.goal,
            self.done,
            self.took.as_secs_f64(),
            self.note
        ));
        if let Outcome::Skipped(why) = &self.outcome {
            say(&format!("         LEFT OUT, NOT TESTED: {why}"));
        }
        for finding in self.verdict.findings.iter().take(SHOWN) {
            say(&format!("         {}", shortened(finding)));
        }
        if self.verdict.findings.len() > SHOWN {
            say(&format!("         and {} more", self.verdict.findings.len() - SHOWN));
        }
    }

    const fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Held => "held",
            Outcome::Broken => "BROKEN",
            Outcome::Caught => "caught",
            Outcome::Missed => "MISSED",
            Outcome::Skipped(_) => "SKIPPED",
        }
    }

    fn cells(&self) -> [String; 10] {
        let verdict = &self.verdict;
        [
            self.goal.clone(),
            self.done.clone(),
            verdict.acked.to_string(),
            format!("{} ({})", verdict.unknown, verdict.saved_by_id),
            verdict.count(&[Invariant::I1]).to_string(),
            verdict.count(&[Invariant::I2]).to_string(),
            verdict.count(&[Invariant::I3]).to_string(),
            verdict.count(&OTHER).to_string(),
            restarts(&self.restarts),
            format!("{} ({:.0} s)", self.word(), self.took.as_secs_f64()),
        ]
    }
}

/// What has no column of its own.
const OTHER: [Invariant; 9] = [
    Invariant::I4,
    Invariant::I5,
    Invariant::I7,
    Invariant::I8,
    Invariant::I11,
    Invariant::I12,
    Invariant::I13,
    Invariant::K2,
    Invariant::K6,
];

/// Prints the table.
pub(crate) fn print(title: &str, rows: &[Row]) {
    let head = [
        "goal",
        "done",
        "acked",
        "unknown (written)",
        "lost",
        "twice",
        "gaps",
        "other",
        "restart p50 / p99",
        "outcome",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    say(&format!("\n{title}"));
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// The middle one, and the one that 99 of 100 do not exceed.
fn restarts(sorted: &[Duration]) -> String {
    match (sorted.get(sorted.len() / 2), most(sorted)) {
        (Some(middle), Some(most)) => {
            let missed = if *most > RESTARTS_WITHIN { " MISSED" } else { "" };
            format!("{} / {} ms{missed}", middle.as_millis(), most.as_millis())
        }
        _ => String::new(),
    }
}

fn most(sorted: &[Duration]) -> Option<&Duration> {
    sorted.get((sorted.len() * 99 / 100).min(sorted.len().saturating_sub(1)))
}

fn shortened(finding: &Finding) -> String {
    finding.to_string().chars().take(600).collect()
}

/// Says something on the terminal. A reader that is gone does not end a campaign.
pub(crate) fn say(text: &str) {
    writeln!(std::io::stderr().lock(), "{text}").ok();
}
