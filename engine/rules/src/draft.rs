//! What goes into a decision as bytes, and comes out of it as events.

use guichet_schemas::event::{Actor, Event};
use guichet_schemas::ids::{KeyId, TicketId};
use guichet_schemas::time::Timestamp;

/// Bytes that were uploaded to a ticket and are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// How many.
    pub size: u64,
    /// The key that they are sealed under.
    pub key_id: KeyId,
}

/// An event as decided; the log adds the place, the ids and the hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub event: Event,
    /// To which ticket; none: to that of the command. Events of one ticket stand together, and the answer is about the last.
    pub of: Option<TicketId>,
    /// When; none: as it is recorded.
    pub occurred_at: Option<Timestamp>,
    /// The source's own time where an imported fact was lifted.
    pub source_time: Option<Timestamp>,
    /// The actor, if it is not that of the command.
    pub actor: Option<Actor>,
}

impl Draft {
    /// Of what happens now, by the actor of the command.
    pub(crate) fn of(event: impl Into<Event>) -> Self {
        Self { event: event.into(), of: None, occurred_at: None, source_time: None, actor: None }
    }

    /// Of what happens now to another ticket.
    pub(crate) fn at(ticket: TicketId, event: impl Into<Event>) -> Self {
        Self { of: Some(ticket), ..Self::of(event) }
    }
}

impl From<Event> for Draft {
    fn from(event: Event) -> Self {
        Self::of(event)
    }
}
