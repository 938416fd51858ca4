//! What a command led to, in as much memory as its answer needs.

use guichet_schemas::event::{Event, LifeCycle, Moderation, Relations, TicketEvent};
use guichet_schemas::ids::{EventId, TenantId, TicketId, TicketNumber};
use guichet_schemas::position::{LogPosition, Partition, StreamVersion};
use guichet_schemas::rejection::EventRef;
use guichet_schemas::wire;
use guichet_schemas::words::{StatusCause, StreamKind};

/// The stream of the accesses of a tenant.
const ACCESSES: &str = "access";

/// The outcome of a command: enough to give its answer, and to give it again.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) partition: Partition,
    pub(super) about: About,
    /// Of the stream; 0: it has no record.
    pub(super) version: u64,
    /// Of the last event; where nothing was to do, the newest of the log.
    pub(super) position: Option<LogPosition>,
    /// Its events among those of the batch: the first, and how many.
    pub(super) events: (usize, usize),
}

/// What a command was about.
#[derive(Debug, Clone)]
pub(super) enum About {
    Ticket(TicketId, TicketNumber),
    /// What a tenant has configured.
    Config(TenantId),
    /// Who has read personal texts of a tenant.
    Access(TenantId),
    /// An article of the knowledge base.
    Article(String),
}

impl About {
    pub(super) const fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::Ticket(id, _) => Some(*id),
            Self::Config(_) | Self::Access(_) | Self::Article(_) => None,
        }
    }

    /// The stream of its records.
    pub(super) fn stream(&self) -> (StreamKind, String) {
        match self {
            Self::Ticket(id, _) => (StreamKind::Ticket, id.to_string()),
            Self::Config(tenant) => (StreamKind::Config, tenant.as_str().to_owned()),
            Self::Access(_) => (StreamKind::System, ACCESSES.to_owned()),
            Self::Article(id) => (StreamKind::Article, id.clone()),
        }
    }
}

/// An event, as answers and conflicts name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded {
    /// A command may write to several.
    pub(super) ticket: Option<TicketId>,
    pub(super) event_id: EventId,
    pub(super) type_name: &'static str,
    pub(super) version: StreamVersion,
    pub(super) position: LogPosition,
    /// The answer warns of it.
    pub(super) unwise: Option<Unwise>,
}

impl Told {
    /// Its events, among all of the batch.
    pub(super) fn events_of<'a>(&self, all: &'a [Recorded]) -> &'a [Recorded] {
        let (first, count) = self.events;
        &all[first..first + count]
    }
}

impl Recorded {
    pub(super) fn event_ref(&self) -> EventRef {
        EventRef {
            event_id: self.event_id,
            type_name: self.type_name.to_owned(),
            version: self.version,
            position: self.position,
        }
    }
}

/// A warning about what is legal but unwise. It stands in the event, so that every answer of its command repeats it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unwise {
    /// The clocks of the requester stand still, and nobody has answered them.
    Pending,
    /// The ticket was closed, and the message began another.
    FollowUp,
    /// A reply does not go out before somebody approves it.
    Drafted,
}

impl Unwise {
    pub(super) fn of(event: &Event) -> Option<Self> {
        if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) = event {
            return e.unanswered.then_some(Self::Pending);
        }
        if let Event::Ticket(TicketEvent::Moderation(Moderation::ReplyDrafted(_))) = event {
            return Some(Self::Drafted);
        }
        let Event::Ticket(TicketEvent::Relations(Relations::FollowUpCreated(e))) = event else { return None };
        (e.cause == StatusCause::RequesterComment).then_some(Self::FollowUp)
    }

    pub(super) fn warning(self, number: TicketNumber) -> wire::Warning {
        match self {
            Self::Pending => wire::Warning {
                code: "pending".to_owned(),
                message: format!(
                    "ticket {number} waits for its requester, who has no answer; send them a public comment"
                ),
            },
            Self::Drafted => wire::Warning {
                code: "drafted".to_owned(),
                message: format!(
                    "the requester of ticket {number} does not see the reply before the mentor of its author, or a \
                     supervisor, sends approve_reply"
                ),
            },
            Self::FollowUp => wire::Warning {
                code: "follow_up".to_owned(),
                message: format!("the ticket is closed; what was said stands in its follow-up {number}"),
            },
        }
    }
}
