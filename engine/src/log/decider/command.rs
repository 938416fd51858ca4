//! One command: what it leads to, and how that gets into the batch.

use guichet_rules::{Context, Draft, Unconfigured, decide, evolve};
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Order};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::personal;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_service::caught;

use super::meeting::{Meeting, Met, claimed_ref};
use super::{Decider, TicketKey};
use crate::log::batch::Answer;
use crate::log::derived::Derived;
use crate::log::disk::Disk;
use crate::log::sealer::Fresh;
use crate::log::stage::{Place, Staged, StagedOther, stage};
use crate::log::tickets::{self, Entry, SNAPSHOT_EVERY};
use crate::log::told::{Recorded, Told};
use crate::log::{StoreFault, keys, outcome};

/// What a decision comes to, before anything of it is in the batch.
enum Prepared {
    /// Nothing to write.
    Answer(Answer),
    /// The effect already holds; only the answer is kept.
    Nothing,
    /// Records, and the ticket after them.
    Records(Box<Records>),
}

struct Records {
    created: Option<(StagedOther, Fresh)>,
    written: Vec<Written>,
    entry: Entry,
    snapshot: Option<Vec<u8>>,
    told: Told,
}

/// A record without its event: that is in the ticket already.
struct Written {
    bytes: Vec<u8>,
    hash: Hash,
    recorded: Recorded,
    derived: Derived,
}

impl<D: Disk> Decider<D> {
    /// Decides one command.
    ///
    /// Up to the border, which is where the first byte goes into the batch, nothing is changed but what could be read
    /// again: a panic there is the answer `internal` to this command, and the next one is decided. Behind it, on the
    /// way from decided to durable, a panic ends the process, for nobody could say what the batch holds. So all that
    /// may be wrong is done before: the rules, the seals, the encoding, and the fold of what was decided.
    pub(super) fn decide(&mut self, request: &Request) -> Result<Answer, StoreFault> {
        let meeting = match caught("decide", || self.meet(request)) {
            Ok(Ok(Met::Ticket(meeting))) => meeting,
            Ok(Ok(Met::Answered(answer))) => return Ok(answer),
            Ok(Ok(Met::Config(now))) => return self.configure(request, now),
            Ok(Ok(Met::Access(now))) => return self.record_access(request, now),
            Ok(Err(fault)) => return Err(fault),
            Err(internal) => return Ok(refused(internal)),
        };
        let mut meeting = *meeting;
        // By reference: whatever happens in there, the ticket is still what it was.
        let prepared = match caught("decide", || self.prepare(request, &meeting)) {
            Ok(prepared) => prepared,
            Err(internal) => Ok(Prepared::Answer(refused(internal))),
        };
        // The border.
        let answer = prepared.map(|prepared| match prepared {
            Prepared::Answer(answer) => answer,
            Prepared::Nothing => self.nothing_to_do(request, &meeting.key, meeting.entry.as_ref()),
            Prepared::Records(records) => self.append(request, &mut meeting, *records),
        });
        if let Some(entry) = meeting.entry {
            self.tickets.put(meeting.key, entry);
        }
        answer
    }

    /// Decides, seals, encodes and folds. Changes nothing that another command sees.
    fn prepare(&mut self, request: &Request, meeting: &Meeting) -> Result<Prepared, StoreFault> {
        let (command, entry) = (&request.command, meeting.entry.as_ref());
        #[cfg(test)]
        super::tests::fall_over(command);
        let version = entry.map(|e| e.version);
        if (entry.is_some() && !command.expects(version))
            || (entry.is_none() && command.expected_version.is_some_and(|v| v > 0) && creates(command))
        {
            return self.conflicts(&meeting.key, command.expected_version.unwrap_or(0), version);
        }
        let in_force = meeting.configuration.at(meeting.now);
        let context = Context {
            now: meeting.now,
            next_number: meeting.next_number,
            external_ref_of: meeting.external_ref_of,
            desk: if meeting.config_version == 0 { &Unconfigured } else { &in_force },
            config_version: meeting.config_version,
        };
        let ticket = self.recognised(command, meeting, &context)?;
        match ticket.and_then(|ticket| decide(ticket.as_deref(), command, &context)) {
            Ok(drafts) if drafts.is_empty() => Ok(Prepared::Nothing),
            Ok(drafts) => self.records(request, meeting, drafts),
            Err(Rejection::VersionConflict { expected, .. }) => {
                self.conflicts(&meeting.key, expected, version)
            }
            Err(rejection) => Ok(Prepared::Answer(refused(rejection))),
        }
    }

    fn conflicts(
        &self,
        key: &TicketKey,
        expected: u64,
        actual: Option<StreamVersion>,
    ) -> Result<Prepared, StoreFault> {
        self.conflict(key, expected, actual).map(refused).map(Prepared::Answer)
    }

    /// The effect already holds: nothing to record but the answer.
    fn nothing_to_do(&mut self, request: &Request, key: &TicketKey, entry: Option<&Entry>) -> Answer {
        let Some(entry) = entry else {
            return refused(Rejection::NotFound { what: "the ticket".to_owned() });
        };
        let told = Told {
            partition: self.partition,
            ticket: key.1,
            number: entry.ticket.number,
            version: entry.version,
            position: self.last,
            events: (0, 0),
        };
        if !request.command.dry_run {
            let row = outcome::row_without_events(request.request_hash, &outcome::accepted(&told, &[]));
            let at = keys::command(key.0.as_str(), request.command.command_id);
            self.keep_answer(&at, &row);
            self.remember(request, told);
        }
        Answer::Told(told)
    }

    /// Keeps the answer of a command that wrote no event, and counts it: nothing else says that it was given.
    pub(super) fn keep_answer(&mut self, at: &[u8], row: &[u8]) {
        self.batch.bytes += row.len();
        self.answers += 1;
        self.batch.answers = self.answers;
        D::put(&mut self.batch.synced, &self.store.cf(keys::COMMANDS), at, row);
        let counted = self.answers.to_be_bytes();
        D::put(&mut self.batch.synced, &self.store.cf(keys::META), keys::META_ANSWERS, counted);
    }

    /// The records of what was decided, and the ticket that they make.
    fn records(
        &mut self,
        request: &Request,
        meeting: &Meeting,
        mut drafts: Vec<Draft>,
    ) -> Result<Prepared, StoreFault> {
        let (key, entry) = (&meeting.key, meeting.entry.as_ref());
        let fresh = self.seal(request, key, entry, &mut drafts)?;
        let place = Place {
            partition: self.partition,
            epoch: self.epoch,
            ticket: key.1,
            entry,
            last: self.last,
            now: meeting.now,
            config_version: meeting.config_version,
        };
        let (created, staged) = match stage(request, drafts, fresh.as_ref(), &place, &mut self.ids) {
            Ok(staged) => staged,
            Err(rejection) => return Ok(Prepared::Answer(refused(rejection))),
        };
        let Some(newest) = staged.last().map(|s| s.recorded) else { return Ok(Prepared::Nothing) };
        let number = staged.iter().find_map(|s| s.derived.number).map(TicketNumber);
        let told = Told {
            partition: self.partition,
            ticket: key.1,
            number: number.or_else(|| entry.map(|e| e.ticket.number)).unwrap_or(TicketNumber(0)),
            version: newest.version,
            position: Some(newest.position),
            events: (0, staged.len()),
        };
        if request.command.dry_run {
            let events: Vec<Recorded> = staged.iter().map(|s| s.recorded).collect();
            return Ok(Prepared::Answer(Answer::Ready(Ok(outcome::accepted(&told, &events)))));
        }
        let before = StreamVersion::or_zero(entry.map(|e| e.version));
        let Some((entry, written)) = fold(entry, staged) else { return Ok(Prepared::Nothing) };
        let is_due = before / SNAPSHOT_EVERY != entry.version.get() / SNAPSHOT_EVERY;
        let snapshot = is_due.then(|| tickets::to_snapshot(&entry));
        let created = created.zip(fresh);
        Ok(Prepared::Records(Box::new(Records { created, written, entry, snapshot, told })))
    }

    /// Behind the border: everything is made, and is only put where it belongs.
    fn append(&mut self, request: &Request, meeting: &mut Meeting, records: Records) -> Answer {
        let Records { created, written, entry, snapshot, mut told } = records;
        let key = &meeting.key;
        if let Some((created, fresh)) = created {
            self.put(created.bytes, created.hash, created.recorded.position, created.derived);
            self.batch.keys = self.sealer.keep(&key.0, fresh);
        }
        told.events.0 = self.overlay().recorded.len();
        for Written { bytes, hash, recorded, derived } in written {
            if let Some(number) = derived.number {
                self.numbers.insert(key.0.clone(), number);
            }
            self.put(bytes, hash, recorded.position, derived);
            self.overlay().recorded.push(recorded);
        }
        if let Some(snapshot) = snapshot {
            self.batch.snapshots.push((keys::ticket(key.0.as_str(), key.1), snapshot));
        }
        if let Some(reference) = claimed_ref(&request.command) {
            self.overlay().external_refs.insert((key.0.clone(), reference), key.1);
        }
        self.remember(request, told);
        meeting.entry = Some(entry);
        Answer::Told(told)
    }

    /// Seals the personal texts of a command under the key of the ticket's requester, whoever wrote them. Gives the
    /// key where it is a new one.
    fn seal(
        &mut self,
        request: &Request,
        key: &TicketKey,
        entry: Option<&Entry>,
        drafts: &mut [Draft],
    ) -> Result<Option<Fresh>, StoreFault> {
        if !drafts.iter().any(|draft| personal::holds(&draft.event)) {
            return Ok(None);
        }
        let requester =
            entry.map(|e| e.ticket.requester.as_str()).or_else(|| drafts.iter().find_map(requester));
        let under = self.sealer.key_of(&self.store, &key.0, requester.unwrap_or_default())?;
        for draft in drafts {
            self.sealer.seal(&mut draft.event, &under, &key.0, key.1, request.command.command_id)?;
        }
        Ok(under.fresh())
    }

    /// Puts a record into the batch.
    pub(super) fn put(&mut self, bytes: Vec<u8>, hash: Hash, position: LogPosition, derived: Derived) {
        self.batch.bytes += bytes.len();
        D::put(&mut self.batch.synced, &self.store.cf(keys::EVENTS), keys::event(position), &bytes);
        self.batch.leaves.push(hash);
        self.batch.derived.push(derived);
        self.batch.head = Some(position);
        self.overlay().head = Some(position);
        self.last = Some(position);
    }

    fn remember(&mut self, request: &Request, told: Told) {
        let key = (request.command.tenant.clone(), request.command.command_id);
        self.overlay().outcomes.insert(key, (request.request_hash, told));
    }
}

/// The ticket after records; the events are folded as they were read back. `None`: there are no records.
fn fold(before: Option<&Entry>, staged: Vec<Staged>) -> Option<(Entry, Vec<Written>)> {
    // A copy: where a fold falls over, the ticket that others see is untouched, and with it what is under way.
    let mut ticket = before.map(|entry| entry.ticket.clone());
    let mut end = None;
    let mut written = Vec::with_capacity(staged.len());
    for Staged { bytes, hash, event, occurred_at, recorded, derived } in staged {
        ticket = Some(evolve(ticket, &event, occurred_at));
        end = Some((recorded.version, recorded.position, hash));
        written.push(Written { bytes, hash, recorded, derived });
    }
    let (version, position, last_hash) = end?;
    Some((Entry { ticket: ticket?, version, position, last_hash }, written))
}

pub(super) fn refused(rejection: Rejection) -> Answer {
    Answer::Ready(Err(rejection))
}

/// Whom a ticket is for, where it comes into being.
fn requester(draft: &Draft) -> Option<&str> {
    draft.event.created().map(|e| e.requester.as_str())
}

fn creates(command: &Command) -> bool {
    matches!(command.order, Order::Create(_) | Order::Import(_))
}
