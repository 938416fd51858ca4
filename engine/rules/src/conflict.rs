//! What the answer to a command tells that expected another version of its ticket.

use guichet_schemas::position::StreamVersion;

/// The events that a caller has not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// Version of the first one that is named; beyond the last version where there is none.
    pub from: u64,
    /// How many there are, named or not.
    pub count: u64,
}

/// The events between two versions, of which the newest `most` are named. `expected` is a number of the caller, any at
/// all; whoever expects more than there is has missed nothing.
#[must_use]
pub fn missed(expected: u64, actual: Option<StreamVersion>, most: u64) -> Missed {
    let actual = StreamVersion::or_zero(actual);
    let newest = actual.saturating_sub(most.saturating_sub(1));
    Missed { from: expected.saturating_add(1).max(newest), count: actual.saturating_sub(expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_named_and_all_are_counted() {
        let at = |version| StreamVersion::new(version);
        assert_eq!(missed(2, at(5), 20), Missed { from: 3, count: 3 });
        assert_eq!(missed(2, at(50), 20), Missed { from: 31, count: 48 });
        assert_eq!(missed(7, at(5), 20), Missed { from: 8, count: 0 });
        assert_eq!(missed(u64::MAX, at(5), 20).count, 0);
        assert_eq!(missed(0, None, 20).count, 0);
    }
}
