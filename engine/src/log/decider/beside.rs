//! Tickets beside that of a command: the one that it looks at, and the one that goes on where its own ended.

use guichet_rules::{
    Found, LooksAt, Other, Others, Past, Reads, Ticket, copied_bytes, goes_on_to, looks_at, looks_at_others,
    permits,
};
use guichet_schemas::command::{Command, Order, limits};
use guichet_schemas::event::{Conversation, Event, TicketEvent};
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::TicketState;

use super::meeting::Meeting;
use super::recall::RETRY_AFTER_MS;
use super::{Decider, TicketKey};
use crate::log::disk::Disk;
use crate::log::tickets::{self, Entry};
use crate::log::told::About;
use crate::log::{StoreFault, keys};

/// So many closed tickets in a row that follow each other are walked. A follow-up begins after the one before it was
/// closed, so a conversation would need years for it.
const FOLLOWED_MAX: usize = 100;

/// A ticket that a command looks at, and where its stream ends.
pub(super) struct Beside {
    pub(super) other: Other,
    pub(super) entry: Entry,
}

/// All tickets that a command looks at beside its own.
#[derive(Default)]
pub(super) struct Besides {
    pub(super) one: Option<Beside>,
    pub(super) others: Vec<Other>,
    /// Where the streams of the others end.
    ends: Vec<Entry>,
}

impl Besides {
    pub(super) const fn is_empty(&self) -> bool {
        self.one.is_none() && self.others.is_empty()
    }

    /// A ticket as it is, where it is one of them.
    pub(super) fn entry(&self, ticket: TicketId) -> Option<&Entry> {
        let one = self.one.as_ref().filter(|one| one.other.id == ticket).map(|one| &one.entry);
        one.or_else(|| {
            let at = self.others.iter().position(|other| other.id == ticket)?;
            self.ends.get(at)
        })
    }
}

impl<D: Disk> Decider<D> {
    /// All tickets that the decision looks at.
    pub(super) fn besides(
        &mut self,
        command: &Command,
        meeting: &Meeting,
    ) -> Result<Result<Besides, Rejection>, StoreFault> {
        let one = match self.beside(command, meeting)? {
            Ok(one) => one,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let mut besides = Besides { one, ..Besides::default() };
        let Others { tickets, said } =
            looks_at_others(meeting.entry.as_ref().map(|entry| &entry.ticket), command);
        let mut bytes = 0;
        for id in tickets {
            let key = (meeting.key.0.clone(), id);
            let entry = if id == meeting.key.1 { meeting.entry.clone() } else { self.entry(&key)? };
            let Some(entry) = entry else { continue };
            let said = if said { self.said(&key, &entry.ticket, &mut bytes)? } else { Some(Vec::new()) };
            let Some(said) = said else { return Ok(Err(not_on_disk())) };
            besides.others.push(Other { id, ticket: entry.ticket.clone(), event: None, said, found: None });
            besides.ends.push(entry);
        }
        Ok(Ok(besides))
    }

    /// What was said in a ticket, its first words first; `None`: some of it is not on disk yet. Of what no command copies,
    /// so much is read that the decision sees that it is too much.
    fn said(
        &self,
        key: &TicketKey,
        ticket: &Ticket,
        bytes: &mut usize,
    ) -> Result<Option<Vec<Past>>, StoreFault> {
        let is_too_much = ticket.said.comments as usize >= limits::COPIED_COMMENTS;
        if is_too_much || ticket.state().is_terminal() {
            return Ok(Some(Vec::new()));
        }
        let Some(first) = self.creation(key)? else { return Ok(None) };
        let mut said = vec![first];
        for version in &ticket.said.versions {
            if *bytes > limits::COPIED_BYTES {
                break;
            }
            let Some(past) = self.past_at(key, *version)? else { return Ok(None) };
            *bytes = bytes.saturating_add(copied_bytes(&past.event));
            said.push(past);
        }
        Ok(Some(said))
    }

    /// The ticket that the decision looks at, if there is one.
    fn beside(
        &mut self,
        command: &Command,
        meeting: &Meeting,
    ) -> Result<Result<Option<Beside>, Rejection>, StoreFault> {
        let own = meeting.entry.as_ref();
        let Some(LooksAt { ticket, reads }) = looks_at(own.map(|entry| &entry.ticket), command) else {
            return Ok(Ok(None));
        };
        let id = ticket.unwrap_or(meeting.key.1);
        let key = (meeting.key.0.clone(), id);
        let entry = if id == meeting.key.1 { own.cloned() } else { self.entry(&key)? };
        let Some(entry) = entry else { return Ok(Ok(None)) };
        let (event, found) = match reads {
            Reads::Nothing => (None, None),
            Reads::Creation => (self.creation(&key)?.map(|past| past.event), None),
            Reads::Version(version) => (self.past_at(&key, version)?.map(|past| past.event), None),
            Reads::Comment(_) | Reads::Event(_) => match self.sought(&key, entry.version, reads)? {
                None => return Ok(Err(not_on_disk())),
                Some(sought) => sought.map_or((None, None), |(event, found)| (Some(event), Some(found))),
            },
        };
        if event.is_none() && matches!(reads, Reads::Creation | Reads::Version(_)) {
            return Ok(Err(not_on_disk()));
        }
        let other = Other { id, ticket: entry.ticket.clone(), event, said: Vec::new(), found };
        Ok(Ok(Some(Beside { other, entry })))
    }

    /// The event of a ticket that is looked for by what it says, the newest first: what is taken back was mostly said
    /// just now. The outer `None`: not all of them are on disk yet.
    fn sought(
        &self,
        key: &TicketKey,
        newest: StreamVersion,
        reads: Reads,
    ) -> Result<Option<Option<(Event, Found)>>, StoreFault> {
        let positions = self.positions(key)?;
        if positions.len() as u64 != newest.get() {
            return Ok(None);
        }
        for (n, position) in positions.into_iter().enumerate().rev() {
            if self.is_sought(position, reads)? {
                let past = self.event(key, position)?;
                let version = (n as u64).saturating_add(1);
                return Ok(Some(Some((past.event, Found { version, by: past.actor }))));
            }
        }
        Ok(Some(None))
    }

    fn is_sought(&self, position: LogPosition, reads: Reads) -> Result<bool, StoreFault> {
        let record = self.record(position)?;
        Ok(match (reads, &record.event) {
            (Reads::Event(id), _) => record.event_id == id,
            (Reads::Comment(id), Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e)))) => {
                e.comment_id == id
            }
            (Reads::Nothing | Reads::Creation | Reads::Version(_) | Reads::Comment(_), _) => false,
        })
    }

    /// Turns from a closed ticket to the one that goes on with it, where the message of a requester was sent to the first.
    /// Gives the conflict where the first is not at the version that was expected.
    pub(super) fn goes_on(
        &mut self,
        command: &Command,
        meeting: &mut Meeting,
    ) -> Result<Option<Rejection>, StoreFault> {
        if !matches!(command.order, Order::AddComment(_)) {
            return Ok(None);
        }
        let in_force = meeting.configuration.at(meeting.now);
        let desk = meeting.desk(&in_force);
        let mut key = meeting.key.clone();
        for _ in 0..FOLLOWED_MAX {
            let Some(entry) = self.peek(&key)? else { break };
            let Some(id) = goes_on_to(&entry.ticket, command, desk) else { break };
            if permits(Some(&entry.ticket), command, desk).is_err() {
                break;
            }
            let (addressed, version, number) = (key == meeting.key, entry.version, entry.ticket.number);
            if addressed && !command.expects(Some(version)) {
                let expected = command.expected_version.unwrap_or(0);
                let about = About::Ticket(key.1, number);
                return self.conflict(&key.0, &about, expected, Some(version)).map(Some);
            }
            key.1 = id;
            // One that was given up takes nothing; where it is not there, an import told of it.
            if self.peek(&key)?.is_none_or(|next| next.ticket.state() == TicketState::Cancelled) {
                break;
            }
            (meeting.key.1, meeting.went_on) = (id, true);
        }
        Ok(None)
    }

    /// A ticket as it is, in the cache from here on.
    pub(super) fn peek(&mut self, key: &TicketKey) -> Result<Option<&Entry>, StoreFault> {
        if !self.tickets.contains(key)
            && let Some(entry) = tickets::load(&self.store, key.0.as_str(), key.1)?
        {
            self.tickets.put(key.clone(), entry);
        }
        Ok(self.tickets.get(key))
    }

    /// A copy of a ticket as it is.
    pub(super) fn entry(&mut self, key: &TicketKey) -> Result<Option<Entry>, StoreFault> {
        self.peek(key).map(|entry| entry.cloned())
    }

    /// The first words of a ticket, open where their key is still there; `None`: they are not on disk yet. Where it was
    /// imported, the import stands before them.
    pub(super) fn creation(&self, key: &TicketKey) -> Result<Option<Past>, StoreFault> {
        for version in [1, 2] {
            match self.past_at(key, version)? {
                None => return Ok(None),
                Some(past) if past.event.created().is_some() => return Ok(Some(past)),
                Some(_) => {}
            }
        }
        Err(StoreFault::found(
            "read the creation of a ticket",
            format!("ticket {} begins without one", key.1),
        ))
    }

    /// The event of a version, as [`creation`](Self::creation).
    pub(super) fn past_at(&self, key: &TicketKey, version: u64) -> Result<Option<Past>, StoreFault> {
        let Some(version) = StreamVersion::new(version) else { return Ok(None) };
        let row = keys::ticket_version(key.0.as_str(), key.1, version);
        let Some(position) = self.store.number(keys::TICKETS_INDEX, &row)? else { return Ok(None) };
        let position = LogPosition::new(position)
            .ok_or_else(|| StoreFault::found("read an event of a ticket", "its index holds no position"))?;
        self.event(key, position).map(Some)
    }
}

fn not_on_disk() -> Rejection {
    let reason = "the ticket has records that are not on disk yet";
    Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }
}
