//! I1 and I2: what was promised stands where it was promised, once, and every answer to an id is the same.

use guichet_schemas::record::Record;
use serde_json::Value;
use uuid::Uuid;

use super::Written;
use crate::finding::{Finding, Invariant};
use crate::ledger::{Attempt, Entry, Forgery, is_accepted};

/// Checks every command that was ever sent.
pub(super) fn check(entries: &[Entry], forgeries: &[Forgery], written: &Written) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in entries {
        let records = written.of(entry.id);
        let accepted: Vec<_> = entry.answers().filter(|(_, bytes)| is_accepted(bytes)).collect();
        if entry.dry_run {
            findings.extend(no_trace(entry, &records, "a dry run"));
            continue;
        }
        findings.extend(written_once(entry, &records));
        if let Some((first, answer)) = accepted.first() {
            findings.extend(stands(entry.id, answer, &records));
            findings.extend(one_answer(entry, accepted.iter().map(|(_, bytes)| &bytes[..])));
            findings.extend(never_refused_again(entry, first));
        } else if !entry.is_in_doubt() {
            findings.extend(no_trace(entry, &records, "a refused command"));
        }
    }
    for forgery in forgeries {
        if forgery.answer["error"]["code"] != "command_id_reused" {
            let what = format!("another command under the id {} got {}", forgery.id, forgery.answer);
            findings.push(Finding::of(Invariant::I2, what));
        }
    }
    findings
}

/// How many commands are in the log although their first attempt was never answered.
pub(super) fn saved_by_id(entries: &[Entry], written: &Written) -> usize {
    let doubted = |entry: &&Entry| {
        let first_answer =
            entry.attempts.iter().position(|a| matches!(a.end, crate::ledger::End::Answered(_)));
        first_answer.is_some_and(|n| n > 0) && {
            let answers: Vec<_> = entry.answers().collect();
            let replayed = |(_, bytes): &(&Attempt, &bytes::Bytes)| parsed(bytes)["replayed"] == true;
            !written.of(entry.id).is_empty() && answers.first().is_some_and(replayed)
        }
    };
    entries.iter().filter(doubted).count()
}

fn no_trace(entry: &Entry, records: &[&Record], what: &str) -> Option<Finding> {
    let first = records.first()?;
    let text = format!("{what}, {}, stands at position {}", entry.id, first.position);
    Some(Finding::of(Invariant::I2, text))
}

/// All events of a command, next to each other, once.
fn written_once(entry: &Entry, records: &[&Record]) -> Option<Finding> {
    let first = records.first()?;
    let in_order = records.iter().enumerate().all(|(index, record)| {
        record.command_index as usize == index
            && record.position.get() == first.position.get() + index as u64
            && record.command_count as usize == records.len()
    });
    if in_order {
        return None;
    }
    let places: Vec<_> = records.iter().map(|record| record.position.get()).collect();
    let what = format!("command {} stands at {places:?}: twice, or not whole", entry.id);
    Some(Finding::of(Invariant::I2, what))
}

/// The events of the answer are the records of the log.
pub(super) fn stands(id: Uuid, answer: &[u8], records: &[&Record]) -> Option<Finding> {
    let answer = parsed(answer);
    // A key that the command made first is no event of the ticket: no answer names it.
    let records: Vec<_> = records.iter().filter(|record| record.ticket_id().is_some()).collect();
    let events = answer["events"].as_array().cloned().unwrap_or_default();
    let same = |(event, record): (&Value, &&&Record)| {
        event["position"] == record.position.get()
            && event["version"] == record.version.get()
            && event["type"] == record.event.type_name()
            && event["event_id"] == record.event_id.0.to_string()
    };
    if events.len() == records.len() && events.iter().zip(&records).all(same) {
        return None;
    }
    let promised: Vec<_> = events.iter().map(|event| event["position"].clone()).collect();
    let found: Vec<_> = records.iter().map(|record| record.position.get()).collect();
    let what = format!("command {id} was promised positions {promised:?}, the log has it at {found:?}");
    Some(Finding::of(Invariant::I1, what))
}

/// The same bytes, but for the word that says that it was said before; and that word is missing once at most.
fn one_answer<'a>(entry: &Entry, answers: impl Iterator<Item = &'a [u8]>) -> Option<Finding> {
    let texts: Vec<String> = answers.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    let first_times = texts.iter().filter(|text| text.contains("\"replayed\":false")).count();
    let plain = |text: &String| text.replace("\"replayed\":true", "\"replayed\":false");
    let mut different: Vec<String> = texts.iter().map(plain).collect();
    different.dedup();
    if different.len() > 1 || first_times > 1 {
        let what = format!("command {}: {first_times} first times, answers {different:?}", entry.id);
        return Some(Finding::of(Invariant::I2, what));
    }
    None
}

/// Who asks again after an acceptance gets that.
fn never_refused_again(entry: &Entry, first: &Attempt) -> Option<Finding> {
    let refused = entry.answers().find(|(later, bytes)| later.sent > first.ended && !is_accepted(bytes));
    let (_, answer) = refused?;
    let what = format!("command {} was accepted and later got {}", entry.id, String::from_utf8_lossy(answer));
    Some(Finding::of(Invariant::I2, what))
}

/// Somebody got an acceptance and another answer for one command.
pub(super) fn told_two(entry: &Entry) -> bool {
    let accepted: Vec<_> = entry.answers().filter(|(_, bytes)| is_accepted(bytes)).collect();
    let Some((first, _)) = accepted.first() else { return false };
    one_answer(entry, accepted.iter().map(|(_, bytes)| &bytes[..])).is_some()
        || never_refused_again(entry, first).is_some()
}

/// An answer as JSON.
pub(super) fn parsed(answer: &[u8]) -> Value {
    serde_json::from_slice(answer).expect("every answer is JSON")
}

/// The positions that an answer promises.
pub(super) fn promised(answer: &[u8]) -> Vec<u64> {
    let events = parsed(answer)["events"].as_array().cloned().unwrap_or_default();
    events.iter().filter_map(|event| event["position"].as_u64()).collect()
}
