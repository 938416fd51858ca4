//! One command: what it leads to, and how that gets into the batch.

use guichet_rules::{Context, Draft, decide, evolve};
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Order};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::personal;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_service::caught;

use super::beside::Beside;
use super::meeting::{Meeting, Met, claimed_ref};
use super::{Decider, TicketKey};
use crate::log::batch::Answer;
use crate::log::derived::Derived;
use crate::log::disk::Disk;
use crate::log::sealer::Fresh;
use crate::log::stage::{Place, Staged, StagedOther, Stream, stage};
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
    after: Vec<After>,
    told: Told,
}

/// A ticket as the command leaves it.
struct After {
    ticket: TicketId,
    entry: Entry,
    snapshot: Option<Vec<u8>>,
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
        if (entry.is_some() && !meeting.went_on && !command.expects(version))
            || (entry.is_none() && command.expected_version.is_some_and(|v| v > 0) && creates(command))
        {
            return self.conflicts(&meeting.key, command.expected_version.unwrap_or(0), version);
        }
        let beside = match self.beside(command, meeting)? {
            Ok(beside) => beside,
            Err(rejection) => return Ok(Prepared::Answer(refused(rejection))),
        };
        let in_force = meeting.configuration.at(meeting.now);
        let context = Context {
            now: meeting.now,
            next_number: meeting.next_number,
            external_ref_of: meeting.external_ref_of,
            desk: meeting.desk(&in_force),
            config_version: meeting.config_version,
            fresh: match (entry, &beside) {
                (Some(_), Some(_)) => TicketId(self.ids.next(meeting.now)),
                (None, _) | (_, None) => meeting.key.1,
            },
            other: beside.as_ref().map(|beside| &beside.other),
        };
        let ticket = self.recognised(command, meeting, &context)?;
        match ticket.and_then(|ticket| decide(ticket.as_deref(), command, &context)) {
            Ok(drafts) if drafts.is_empty() => Ok(Prepared::Nothing),
            Ok(drafts) => self.records(request, meeting, beside.as_ref(), drafts),
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
        beside: Option<&Beside>,
        drafts: Vec<Draft>,
    ) -> Result<Prepared, StoreFault> {
        let mut streams = streams(drafts, meeting, beside);
        let fresh = self.seal(request, &mut streams)?;
        let place = Place {
            partition: self.partition,
            epoch: self.epoch,
            last: self.last,
            now: meeting.now,
            config_version: meeting.config_version,
        };
        let (created, staged) = match stage(request, &mut streams, fresh.as_ref(), &place, &mut self.ids) {
            Ok(staged) => staged,
            Err(rejection) => return Ok(Prepared::Answer(refused(rejection))),
        };
        let Some(newest) = staged.last().map(|s| s.recorded) else { return Ok(Prepared::Nothing) };
        // The answer is about the last: a message to a ticket that is over tells where it stands now.
        let number = staged.iter().find_map(|s| s.derived.number).map(TicketNumber);
        let known = streams.last().and_then(|stream| stream.entry).map(|entry| entry.ticket.number);
        let told = Told {
            partition: self.partition,
            ticket: newest.ticket,
            number: known.or(number).unwrap_or(TicketNumber(0)),
            version: newest.version,
            position: Some(newest.position),
            events: (0, staged.len()),
        };
        if request.command.dry_run {
            let events: Vec<Recorded> = staged.iter().map(|s| s.recorded).collect();
            return Ok(Prepared::Answer(Answer::Ready(Ok(outcome::accepted(&told, &events)))));
        }
        let (after, written) = fold(&streams, staged);
        let created = created.zip(fresh);
        Ok(Prepared::Records(Box::new(Records { created, written, after, told })))
    }

    /// Behind the border: everything is made, and is only put where it belongs.
    fn append(&mut self, request: &Request, meeting: &mut Meeting, records: Records) -> Answer {
        let Records { created, written, after, mut told } = records;
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
        for After { ticket, entry, snapshot } in after {
            if let Some(snapshot) = snapshot {
                self.batch.snapshots.push((keys::ticket(key.0.as_str(), ticket), snapshot));
            }
            if ticket == key.1 {
                meeting.entry = Some(entry);
            } else {
                self.tickets.put((key.0.clone(), ticket), entry);
            }
        }
        if let Some(reference) = claimed_ref(&request.command) {
            self.overlay().external_refs.insert((key.0.clone(), reference), key.1);
        }
        self.remember(request, told);
        Answer::Told(told)
    }

    /// Seals the personal texts of a command under the key of the ticket's requester, whoever wrote them. Gives the
    /// key where it is a new one. A ticket that goes on where another ended has the requester of that one, so there is
    /// one key.
    fn seal(&mut self, request: &Request, streams: &mut [Stream<'_>]) -> Result<Option<Fresh>, StoreFault> {
        let holds = |stream: &&Stream<'_>| stream.drafts.iter().any(|draft| personal::holds(&draft.event));
        let Some(first) = streams.iter().find(holds) else { return Ok(None) };
        let known = first.entry.map(|entry| entry.ticket.requester.as_str());
        let requester = known.or_else(|| first.drafts.iter().find_map(requester)).unwrap_or_default();
        let (tenant, command) = (&request.command.tenant, request.command.command_id);
        let under = self.sealer.key_of(&self.store, tenant, requester)?;
        for Stream { ticket, drafts, .. } in streams {
            for draft in drafts {
                self.sealer.seal(&mut draft.event, &under, tenant, *ticket, command)?;
            }
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

/// What was decided, by ticket.
fn streams<'a>(drafts: Vec<Draft>, meeting: &'a Meeting, beside: Option<&'a Beside>) -> Vec<Stream<'a>> {
    let mut streams: Vec<Stream<'a>> = Vec::with_capacity(1);
    for draft in drafts {
        let ticket = draft.of.unwrap_or(meeting.key.1);
        match streams.last_mut() {
            Some(stream) if stream.ticket == ticket => stream.drafts.push(draft),
            Some(_) | None => {
                let own = (ticket == meeting.key.1).then_some(meeting.entry.as_ref()).flatten();
                let other = beside.filter(|beside| beside.other.id == ticket).map(|beside| &beside.entry);
                streams.push(Stream { ticket, entry: own.or(other), drafts: vec![draft] });
            }
        }
    }
    streams
}

/// The tickets after records; the events are folded as they were read back.
fn fold(streams: &[Stream<'_>], staged: Vec<Staged>) -> (Vec<After>, Vec<Written>) {
    let mut after: Vec<After> = Vec::with_capacity(streams.len());
    let mut written = Vec::with_capacity(staged.len());
    let mut staged = staged.into_iter().peekable();
    for Stream { ticket, entry, .. } in streams {
        // A copy: where a fold falls over, the ticket that others see is untouched, and with it what is under way.
        let mut folded = entry.map(|entry| entry.ticket.clone());
        let mut end = None;
        while let Some(one) = staged.next_if(|one| one.recorded.ticket == *ticket) {
            let Staged { bytes, hash, event, occurred_at, recorded, derived } = one;
            folded = Some(evolve(folded, &event, occurred_at));
            end = Some((recorded.version, recorded.position, hash));
            written.push(Written { bytes, hash, recorded, derived });
        }
        if let (Some(folded), Some((version, position, last_hash))) = (folded, end) {
            let before = StreamVersion::or_zero(entry.map(|entry| entry.version));
            let is_due = before / SNAPSHOT_EVERY != version.get() / SNAPSHOT_EVERY;
            let entry = Entry { ticket: folded, version, position, last_hash };
            let snapshot = is_due.then(|| tickets::to_snapshot(&entry));
            after.push(After { ticket: *ticket, entry, snapshot });
        }
    }
    (after, written)
}

pub(super) fn refused(rejection: Rejection) -> Answer {
    Answer::Ready(Err(rejection))
}

/// Whom a ticket is for, where it comes into being.
fn requester(draft: &Draft) -> Option<&str> {
    draft.event.created().map(|e| e.requester.as_str())
}

fn creates(command: &Command) -> bool {
    matches!(command.order, Order::Create(_) | Order::CreateFollowUp(_) | Order::Import(_))
}
