//! Tickets beside that of a command: the one that it looks at, and the one that goes on where its own ended.

use guichet_rules::{LooksAt, Other, Reads, goes_on_to, looks_at};
use guichet_schemas::command::{Command, Order};
use guichet_schemas::event::Event;
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

impl<D: Disk> Decider<D> {
    /// The ticket that the decision looks at, if there is one.
    pub(super) fn beside(
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
        let event = match reads {
            Reads::Nothing => None,
            Reads::Creation => self.creation(&key)?,
            Reads::Version(version) => self.event_at(&key, version)?,
        };
        if event.is_none() && reads != Reads::Nothing {
            let reason = "the ticket has records that are not on disk yet";
            return Ok(Err(Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }));
        }
        let other = Other { id, ticket: entry.ticket.clone(), event };
        Ok(Ok(Some(Beside { other, entry })))
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
    fn peek(&mut self, key: &TicketKey) -> Result<Option<&Entry>, StoreFault> {
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
    pub(super) fn creation(&self, key: &TicketKey) -> Result<Option<Event>, StoreFault> {
        for version in [1, 2] {
            match self.event_at(key, version)? {
                None => return Ok(None),
                Some(event) if event.created().is_some() => return Ok(Some(event)),
                Some(_) => {}
            }
        }
        Err(StoreFault::found(
            "read the creation of a ticket",
            format!("ticket {} begins without one", key.1),
        ))
    }

    /// The event of a version, as [`creation`](Self::creation).
    pub(super) fn event_at(&self, key: &TicketKey, version: u64) -> Result<Option<Event>, StoreFault> {
        let Some(version) = StreamVersion::new(version) else { return Ok(None) };
        let row = keys::ticket_version(key.0.as_str(), key.1, version);
        let Some(position) = self.store.number(keys::TICKETS_INDEX, &row)? else { return Ok(None) };
        let position = LogPosition::new(position)
            .ok_or_else(|| StoreFault::found("read an event of a ticket", "its index holds no position"))?;
        self.event(key, position).map(|past| Some(past.event))
    }
}
