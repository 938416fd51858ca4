//! What an audit found wrong. Data, not an error: the audit goes on and finds the rest.

use std::collections::BTreeMap;

use serde::Serialize;

/// Findings that are told one by one; the others are counted.
const TOLD_MAX: usize = 1000;

/// What is checked of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The bytes are records of ours, and each says its own position.
    Form,
    /// No position is missing or unreadable.
    Gaps,
    /// Versions of a stream have no gap, and each event names the hash of the one before.
    Chain,
    /// The records have the tree that is stored and the roots that were signed.
    Tree,
    /// Neither the engine's clock nor its epoch goes back.
    Clock,
    /// The messages of the stream carry the MAC of this log's engine.
    Authorship,
    /// The stream holds what the log holds, and nothing else.
    Publication,
    /// Each event names the configuration that was in force.
    Configuration,
    /// Each event has a caller and an actor who were allowed to cause it.
    Roles,
    /// Who read personal texts is recorded.
    Access,
    /// Attachments that the log names are there, with their digests. In the files of a stopped node alone, so no report
    /// of an audit has it.
    Attachments,
}

impl Check {
    /// Those of every report, in its order.
    pub const ALL: [Self; 10] = [
        Self::Form,
        Self::Gaps,
        Self::Chain,
        Self::Tree,
        Self::Clock,
        Self::Authorship,
        Self::Publication,
        Self::Configuration,
        Self::Roles,
        Self::Access,
    ];
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check found it; a report says it once for all findings of the check.
    #[serde(skip)]
    pub check: Check,
    /// The record that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.position {
            Some(position) => write!(f, "position {position}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// All that was found, in the order of the log.
#[derive(Debug, Default, Clone)]
pub struct Findings {
    told: Vec<Finding>,
    counts: BTreeMap<Check, u64>,
}

impl Findings {
    /// About the record at a position.
    pub fn at(&mut self, check: Check, position: u64, what: String) {
        self.push(Finding { check, position: Some(position), what });
    }

    /// About the log as a whole.
    pub fn of_all(&mut self, check: Check, what: String) {
        self.push(Finding { check, position: None, what });
    }

    /// Adds those of a later part of the log.
    pub fn join(&mut self, later: Self) {
        for finding in later.told {
            self.tell(finding);
        }
        for (check, count) in later.counts {
            *self.counts.entry(check).or_default() += count;
        }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many a check found.
    #[must_use]
    pub fn count_of(&self, check: Check) -> u64 {
        self.counts.get(&check).copied().unwrap_or(0)
    }

    /// The first thousand, by position.
    #[must_use]
    pub fn told(mut self) -> Vec<Finding> {
        self.told.sort_by_key(|finding| finding.position.unwrap_or(u64::MAX));
        self.told
    }

    fn push(&mut self, finding: Finding) {
        *self.counts.entry(finding.check).or_default() += 1;
        self.tell(finding);
    }

    fn tell(&mut self, finding: Finding) {
        if self.told.len() < TOLD_MAX {
            self.told.push(finding);
        }
    }
}
