//! Every column of every ticket, compared; what differs is collected, so that a failure shows its pattern.

use std::collections::BTreeSet;
use std::fmt::Debug;

/// The differences of a comparison.
#[derive(Debug, Default)]
pub(super) struct Differences {
    found: Vec<String>,
    columns: BTreeSet<&'static str>,
    compared: usize,
}

impl Differences {
    pub(super) fn compare<T: PartialEq + Debug>(
        &mut self,
        ticket: &str,
        column: &'static str,
        truth: T,
        ours: T,
    ) {
        self.compared += 1;
        if truth != ours {
            self.columns.insert(column);
            self.found.push(format!("{ticket} {column}: truth {truth:?}, ours {ours:?}"));
        }
    }

    /// Fails with the first of what was found.
    pub(super) fn none(&self, columns: usize, tickets: usize) {
        assert_eq!(self.compared, columns * tickets, "every column of every ticket was compared");
        let first: Vec<&String> = self.found.iter().take(20).collect();
        assert!(
            first.is_empty(),
            "{} differences in {:?}, such as {first:#?}",
            self.found.len(),
            self.columns
        );
    }
}
