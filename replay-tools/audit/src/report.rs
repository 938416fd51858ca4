//! What an audit came to: for a program as JSON, for a person as a page.

use guichet_schemas::time::Timestamp;
use serde::Serialize;

use crate::findings::{Check, Finding, Findings};
use crate::page;
use crate::whole::{Claim, Whole};

/// The form of the JSON.
const FORMAT: &str = "guichet-audit-report/v1";

/// What was audited, by whom and when.
#[derive(Debug, Clone)]
pub struct About {
    /// Where the records were read: a desk, or a folder.
    pub source: String,
    /// When the audit ended.
    pub made_at: Timestamp,
    /// Version of the program.
    pub program: &'static str,
    /// Fingerprint of the key that signatures were checked with; `None`: none was at hand.
    pub key: Option<String>,
}

/// What an audit came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Form of this document.
    pub format: &'static str,
    /// Nothing was found. It says nothing of what was not checked.
    pub ok: bool,
    /// Where the records were read.
    pub source: String,
    /// When the audit ended, RFC 3339.
    pub made_at: String,
    /// Version of the program.
    pub program: &'static str,
    /// Public key that signatures were checked with.
    pub key: Option<String>,
    /// Name of the log, as its checkpoints say it.
    pub origin: Option<String>,
    /// Records read.
    pub records: u64,
    /// Streams of events: tickets, configurations, data subjects, the log's own.
    pub streams: usize,
    /// Root of the tree over all of them, in hex.
    pub root: String,
    /// What the log was compared with.
    pub compared: Vec<String>,
    /// How many findings there are, over all checks.
    pub faults: u64,
    /// Each check with what it looked at, found, and left out.
    pub checks: Vec<Checked>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It looked at everything and found nothing.
    Passed,
    /// It found nothing in what it could look at; something was left out.
    PassedInPart,
    /// It found something.
    Failed,
    /// It could look at nothing.
    NotChecked,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// Which.
    pub check: Check,
    /// How it ended.
    pub outcome: Outcome,
    /// What it looked at.
    pub checked: Vec<Counted>,
    /// How many findings; not all of very many are listed.
    pub faults: u64,
    /// What it found.
    pub findings: Vec<Finding>,
    /// What it could not check, and why.
    pub not_checked: Vec<String>,
}

/// So many of something.
#[derive(Debug, Clone, Serialize)]
pub struct Counted {
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

impl Report {
    pub(crate) fn new(
        about: About,
        whole: &Whole,
        claims: &[Claim],
        findings: Findings,
        counted: &[(Check, &'static str, u64)],
        unchecked: Vec<(Check, String)>,
    ) -> Self {
        let faults = findings.count();
        let counts = Check::ALL.map(|check| findings.count_of(check));
        let told = findings.told();
        let checks = Check::ALL.into_iter().zip(counts).map(|(check, faults)| {
            let of = |(of, what, count): &(Check, &'static str, u64)| {
                (*of == check).then_some(Counted { what, count: *count })
            };
            let checked: Vec<Counted> = counted.iter().filter_map(of).collect();
            let left = unchecked.iter().filter(|(of, _)| *of == check);
            let not_checked: Vec<String> = left.map(|(_, why)| why.clone()).collect();
            Checked {
                check,
                outcome: outcome(faults, &checked, &not_checked),
                checked,
                faults,
                findings: told.iter().filter(|finding| finding.check == check).cloned().collect(),
                not_checked,
            }
        });
        Self {
            format: FORMAT,
            ok: faults == 0,
            source: about.source,
            made_at: about.made_at.to_string(),
            program: about.program,
            key: about.key,
            origin: claims.first().map(|claim| claim.checkpoint.origin.clone()),
            records: whole.events(),
            streams: whole.streams(),
            root: whole.root().to_string(),
            compared: claims
                .iter()
                .map(|claim| format!("{} of {} records", claim.who, claim.checkpoint.size))
                .collect(),
            faults,
            checks: checks.collect(),
        }
    }

    /// The page for a person: one file that needs nothing else.
    #[must_use]
    pub fn page(&self) -> String {
        page::of(self)
    }
}

fn outcome(faults: u64, checked: &[Counted], not_checked: &[String]) -> Outcome {
    let looked = checked.iter().any(|one| one.count > 0);
    match (faults, looked, not_checked.is_empty()) {
        (1.., _, _) => Outcome::Failed,
        (0, false, _) => Outcome::NotChecked,
        (0, true, true) => Outcome::Passed,
        (0, true, false) => Outcome::PassedInPart,
    }
}
