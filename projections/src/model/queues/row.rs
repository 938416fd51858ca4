//! What the board knows of a ticket. The subject lies apart: it never changes, and the row does often.

use guichet_schemas::event::{
    Classification, ConfigEvent, Conversation, Event, LifeCycle, LogEvent, Ownership, SlaEvent,
    TicketCreated, TicketEvent,
};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::Personal;
use guichet_schemas::words::{Priority, TicketState};

/// A ticket's row, as it is stored.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Row {
    /// Position of its creation: its place in the line, and its short name in memory.
    #[prost(uint64, tag = "1")]
    pub(crate) place: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) number: u64,
    #[prost(int32, tag = "3")]
    pub(crate) state: i32,
    #[prost(int32, tag = "4")]
    pub(crate) priority: i32,
    #[prost(string, optional, tag = "5")]
    pub(crate) group: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) assignee: Option<String>,
    #[prost(int64, tag = "7")]
    pub(crate) created_at: i64,
    #[prost(int64, tag = "8")]
    pub(crate) state_since: i64,
    #[prost(int64, optional, tag = "9")]
    pub(crate) due_at: Option<i64>,
    #[prost(string, optional, tag = "10")]
    pub(crate) organisation: Option<String>,
    #[prost(uint32, tag = "11")]
    pub(crate) tier: u32,
    #[prost(bool, tag = "12")]
    pub(crate) synthetic: bool,
}

/// A ticket's subject as it came in, sealed, with the command that it is bound to.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Subject {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) command_id: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) text: Option<Personal>,
}

impl Row {
    pub(crate) fn state(&self) -> Option<TicketState> {
        TicketState::from_wire(self.state).ok()
    }

    pub(crate) fn priority(&self) -> Option<Priority> {
        Priority::from_wire(self.priority).ok()
    }

    /// Stands in a queue.
    pub(crate) fn waits(&self) -> bool {
        !self.synthetic && self.state().is_some_and(|state| !state.is_done())
    }

    fn enter(&mut self, to: TicketState, at: i64) {
        if self.state() != Some(to) {
            self.state_since = at;
        }
        self.state = to.to_wire();
    }
}

/// Whether an event can change a row: most comments and tags need not be looked at.
pub(super) const fn matters(event: &Event) -> bool {
    match event {
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(_)))
        | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(_)))
        | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(_)))
        | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_)))
        | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(_)))
        | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_)))
        | Event::Ticket(TicketEvent::Ownership(Ownership::TicketRouted(_)))
        | Event::Ticket(TicketEvent::Ownership(Ownership::TicketAssigned(_)))
        | Event::Ticket(TicketEvent::Ownership(Ownership::TicketUnassigned(_)))
        | Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(_)))
        | Event::Ticket(TicketEvent::Ownership(Ownership::TicketDeescalated(_)))
        | Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(_))) => true,
        Event::Ticket(
            TicketEvent::LifeCycle(_) | TicketEvent::Conversation(_) | TicketEvent::Classification(_),
        )
        | Event::Log(_)
        | Event::Sla(_)
        | Event::Config(_) => false,
    }
}

/// What a record makes of a row. Before its creation a ticket has none.
pub(super) fn evolve(row: &mut Option<Row>, record: &Record) {
    if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) = &record.event {
        *row = Some(created(e, record));
    } else if let Some(row) = row {
        change(row, record);
    }
}

fn created(e: &TicketCreated, record: &Record) -> Row {
    let state = if e.assignee.is_some() { TicketState::Open } else { TicketState::New };
    Row {
        place: record.position.get(),
        number: e.number,
        state: state.to_wire(),
        priority: e.priority.to_wire(),
        group: e.group.clone(),
        assignee: e.assignee.clone(),
        created_at: record.occurred_at.0,
        state_since: record.occurred_at.0,
        due_at: e.due_at.to_wire(),
        organisation: e.organisation.clone(),
        tier: e.tier,
        synthetic: e.synthetic,
    }
}

fn change(row: &mut Row, record: &Record) {
    let at = record.occurred_at.0;
    match &record.event {
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) => row.enter(e.to, at),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(_))) => {
            row.enter(TicketState::Resolved, at)
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_))) => {
            row.enter(TicketState::Open, at)
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(_))) => {
            row.enter(TicketState::Closed, at)
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_))) => {
            row.enter(TicketState::Cancelled, at)
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketRouted(e))) => {
            row.group.clone_from(&e.to_group)
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketAssigned(e))) => {
            row.group.clone_from(&e.group);
            row.assignee = Some(e.to.clone());
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketUnassigned(_))) => row.assignee = None,
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(e))) => row.tier = e.to_tier,
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketDeescalated(e))) => row.tier = e.to_tier,
        Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(e))) => {
            row.priority = e.to.to_wire()
        }
        Event::Ticket(
            TicketEvent::LifeCycle(_) | TicketEvent::Conversation(_) | TicketEvent::Classification(_),
        )
        | Event::Log(_)
        | Event::Sla(_)
        | Event::Config(_) => {}
    }
}
