//! The invariants, asked of what is left at the end of a run. Each names itself where it is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use guichet_projections::Model;
use guichet_projections::rebuild::content_of;
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::CommandId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::record::Record;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::Accepted;

use crate::broker::Broker;
use crate::ledger::{Ledger, Told};
use crate::worker::memory;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) invariant: Invariant,
    pub(crate) how: String,
}

/// What must hold, by the names of the list of invariants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// What was acknowledged is in the log.
    AckedIsThere,
    /// One command id, one outcome.
    OneOutcome,
    /// Positions, versions and hashes without a gap.
    NoGaps,
    /// Answers and positions are in the order in which callers saw them.
    Order,
    /// Time does not go back.
    Time,
    /// Of two engines on one log, one is stopped.
    OneWriter,
    /// The stream is the log, byte by byte.
    StreamIsLog,
    /// A read model is the fold of the log.
    ModelIsFold,
    /// It recovers by itself once nothing breaks any more.
    Recovers,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.how)
    }
}

/// Shorter.
pub(crate) fn broken(invariant: Invariant, how: impl Into<String>) -> Broken {
    Broken { invariant, how: how.into() }
}

/// What a second engine told before it was stopped: nobody can keep that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excused {
    pub(crate) engine: usize,
    pub(crate) since: Duration,
}

/// Judges a log and what was told about it.
pub(crate) fn judge(records: &[Vec<u8>], ledger: &Ledger, excused: Option<Excused>) -> Result<(), Broken> {
    let records = read(records)?;
    let book = ledger.book();
    let mut by_command: BTreeMap<CommandId, Vec<&(Record, Hash)>> = BTreeMap::new();
    for one in &records {
        by_command.entry(one.0.command_id).or_default().push(one);
    }
    for (command, events) in &by_command {
        let epoch =
            events[0].0.ticket_id().is_none() && events.len() == 1 && !book.asked.contains_key(command);
        if !epoch && !book.asked.contains_key(command) {
            return Err(broken(Invariant::OneOutcome, format!("nobody sent command {command}")));
        }
        let first = events[0].0.position.get();
        let whole =
            events.iter().zip(first..).all(|((record, _), position)| record.position.get() == position)
                && events.len() == events[0].0.command_count as usize;
        if !whole {
            return Err(broken(
                Invariant::OneOutcome,
                format!("command {command} stands more than once, or in part"),
            ));
        }
    }
    let mut acks = Vec::new();
    for (command, told) in &book.told {
        let is_excused =
            |told: &&Told| excused.is_some_and(|e| told.engine == e.engine && told.at >= e.since);
        let told: Vec<&Told> = told.iter().filter(|told| !is_excused(told)).collect();
        let accepted = one_outcome(*command, &told)?;
        if let Some((accepted, told)) = accepted {
            is_there(*command, &accepted, &records)?;
            if !accepted.events.is_empty() {
                acks.push((told.asked, told.at, accepted.position));
            }
        }
    }
    in_order(acks)
}

/// Judges the stream by the log that it is a copy of.
pub(crate) fn judge_stream(records: &[Vec<u8>], broker: &Broker) -> Result<(), Broken> {
    let other = |what: String| Err(broken(Invariant::StreamIsLog, what));
    let last = broker.look().map_or(0, |found| found.last);
    if last != records.len() as u64 {
        return other(format!("the stream ends at {last}, the log at {}", records.len()));
    }
    let mut before = Hash::ZERO;
    for (record, sequence) in records.iter().zip(1..) {
        let Some(held) = broker.message(sequence) else {
            return other(format!("message {sequence} is missing"));
        };
        let hash = Hash::of_record(record);
        if held.payload != record[..] || held.hash() != Some(hash) || held.prev_hash() != Some(before) {
            return other(format!("message {sequence} is not the record"));
        }
        before = hash;
    }
    Ok(())
}

/// Judges the read models by a fold of the log that nothing has disturbed.
pub(crate) fn judge_models(records: &[Vec<u8>], models: &[Model]) -> Result<(), Broken> {
    let dir = tempfile::tempdir().expect("a folder for names");
    for model in models {
        let records = records.iter().map(Vec::as_slice);
        let wanted =
            content_of(&dir.path().join(model.model().name), Partition(0), model.model(), &memory(), records);
        let other = |how: String| broken(Invariant::ModelIsFold, format!("{}: {how}", model.model().name));
        let wanted = wanted.map_err(|error| other(error.to_string()))?;
        let found = model.store().content_hash().map_err(|error| other(error.to_string()))?;
        if let Some(halted) = &*model.halted().borrow() {
            return Err(other(format!("it halts: {halted}")));
        }
        if found != wanted {
            let position = *model.position().borrow();
            return Err(other(format!("at position {position} it is not what the log folds to")));
        }
    }
    Ok(())
}

/// Positions, versions, chains, and the time of records.
fn read(records: &[Vec<u8>]) -> Result<Vec<(Record, Hash)>, Broken> {
    let mut streams: BTreeMap<(String, String), (u64, Hash)> = BTreeMap::new();
    let mut events = BTreeSet::new();
    let (mut all, mut last_time) = (Vec::with_capacity(records.len()), None);
    for (bytes, position) in records.iter().zip(1..) {
        let gap = |what: String| broken(Invariant::NoGaps, format!("position {position}: {what}"));
        let record = decode_record(bytes).map_err(|e| gap(e.to_string()))?;
        if record.position.get() != position {
            return Err(gap(format!("its record says {}", record.position)));
        }
        let hash = Hash::of_record(bytes);
        let name = (record.tenant.clone(), record.stream_id.clone());
        let (version, before) = streams.insert(name, (record.version.get(), hash)).unwrap_or((0, Hash::ZERO));
        if (record.version.get(), record.prev_hash) != (version + 1, before) {
            return Err(gap(format!("version {} of {} follows {version}", record.version, record.stream_id)));
        }
        if !events.insert(record.event_id) {
            return Err(gap("its event id was there before".to_owned()));
        }
        if last_time.is_some_and(|last| record.recorded_at < last) {
            return Err(broken(
                Invariant::Time,
                format!("position {position} was recorded before the one before it"),
            ));
        }
        last_time = Some(record.recorded_at);
        all.push((record, hash));
    }
    Ok(all)
}

/// The one success of a command, with the first answer that told it.
fn one_outcome<'a>(command: CommandId, told: &[&'a Told]) -> Result<Option<(Accepted, &'a Told)>, Broken> {
    let mut success: Option<(Accepted, &Told)> = None;
    for one in told.iter().copied().filter(|one| !one.dry_run) {
        match &one.outcome {
            Ok(accepted) => {
                let accepted = Accepted { replayed: false, ..accepted.clone() };
                match &success {
                    None => success = Some((accepted, one)),
                    Some((first, _)) if *first == accepted => {}
                    Some((first, _)) => {
                        let how = format!("command {command} was told {first:?} and {accepted:?}");
                        return Err(broken(Invariant::OneOutcome, how));
                    }
                }
            }
            // Not a word about the outcome.
            Err(Rejection::OutcomeUnknown | Rejection::Unavailable { .. } | Rejection::Busy { .. }) => {}
            // A refusal is no outcome: until there is one, a retry may be accepted. Afterwards it may not be refused.
            Err(rejection) => {
                if let Some((_, first)) = &success
                    && first.request == one.request
                    && one.sent > first.at
                {
                    let how = format!("command {command} was accepted, and then refused: {rejection}");
                    return Err(broken(Invariant::OneOutcome, how));
                }
            }
        }
    }
    Ok(success)
}

fn is_there(command: CommandId, accepted: &Accepted, records: &[(Record, Hash)]) -> Result<(), Broken> {
    let lost = |what: String| Err(broken(Invariant::AckedIsThere, format!("command {command}: {what}")));
    if accepted.position > records.len() as u64 {
        return lost(format!(
            "position {} was acknowledged, the log ends at {}",
            accepted.position,
            records.len()
        ));
    }
    for event in &accepted.events {
        let at = usize::try_from(event.position).ok().and_then(|p| records.get(p.wrapping_sub(1)));
        let there = at.is_some_and(|(record, _)| {
            record.command_id == command
                && record.event_id.to_wire() == event.event_id
                && record.version.get() == event.version
        });
        if !there {
            return lost(format!("position {} holds something else than was acknowledged", event.position));
        }
    }
    Ok(())
}

/// Who had an answer before another asked stands before it.
fn in_order(mut acks: Vec<(Duration, Duration, u64)>) -> Result<(), Broken> {
    acks.sort_by_key(|(_, _, position)| *position);
    let mut asked_last = Duration::ZERO;
    for (asked, at, position) in acks {
        if at < asked_last {
            let how = format!("position {position} was acknowledged before one below it was asked for");
            return Err(broken(Invariant::Order, how));
        }
        asked_last = asked_last.max(asked);
    }
    Ok(())
}
