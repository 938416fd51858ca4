//! What an audit found wrong. Data, not an error: the audit goes on and finds the rest.

use serde::Serialize;

/// Findings that are told one by one; the others are counted.
const TOLD_MAX: usize = 1000;

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The record that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// What is wrong.
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
    count: u64,
}

impl Findings {
    pub(super) fn at(&mut self, position: u64, what: String) {
        self.push(Finding { position: Some(position), what });
    }

    /// About the log as a whole.
    pub fn of_all(&mut self, what: String) {
        self.push(Finding { position: None, what });
    }

    pub(super) fn join(&mut self, later: Self) {
        let untold = later.count - later.told.len() as u64;
        later.told.into_iter().for_each(|finding| self.push(finding));
        self.count += untold;
    }

    /// How many.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The first thousand, by position.
    #[must_use]
    pub fn told(mut self) -> Vec<Finding> {
        self.told.sort_by_key(|finding| finding.position.unwrap_or(u64::MAX));
        self.told
    }

    fn push(&mut self, finding: Finding) {
        self.count += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(finding);
        }
    }
}
