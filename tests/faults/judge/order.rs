//! K6: if one command was answered before another was sent, it stands before it. Together with the positions in the
//! answers this is the whole proof that the history is linear: the log is the witness.

use super::Written;
use super::acks::promised;
use crate::finding::{Finding, Invariant};
use crate::ledger::{Entry, Moment, is_accepted};

struct Acted {
    position: u64,
    sent: Moment,
    answered: Moment,
}

/// Checks all acknowledged commands that wrote something. O(n log n).
pub(super) fn check(entries: &[Entry], written: &Written) -> Vec<Finding> {
    let mut acted: Vec<Acted> = entries.iter().filter(|entry| !entry.dry_run).filter_map(acted).collect();
    acted.retain(|one| one.position <= written.len() as u64);
    acted.sort_by_key(|one| std::cmp::Reverse(one.position));
    let mut earliest: Option<&Acted> = None;
    let mut findings = Vec::new();
    for one in &acted {
        if let Some(later) = earliest.filter(|later| later.answered < one.sent) {
            findings.push(Finding::of(
                Invariant::K6,
                format!(
                    "position {} was answered before the command of position {} was sent",
                    later.position, one.position
                ),
            ));
        }
        if earliest.is_none_or(|later| one.answered < later.answered) {
            earliest = Some(one);
        }
    }
    findings
}

/// When it can have happened: between the first time that it was sent and the first answer.
fn acted(entry: &Entry) -> Option<Acted> {
    let sent = entry.attempts.iter().map(|attempt| attempt.sent).min()?;
    let accepted = entry.answers().filter(|(_, bytes)| is_accepted(bytes));
    let (first, answer) = accepted.min_by_key(|(attempt, _)| attempt.ended)?;
    let position = *promised(answer).first()?;
    Some(Acted { position, sent, answered: first.ended })
}
