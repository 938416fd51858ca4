//! What the board knows of a ticket. The subject lies apart: it never changes, and the row does often.

use guichet_schemas::event::{
    Attribute, Change, Conversation, Event, Meaning as _, TicketCreated, TicketEvent,
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
    #[prost(string, optional, tag = "60")]
    pub(crate) claimed_by: Option<String>,
    #[prost(int64, optional, tag = "61")]
    pub(crate) claimed_until: Option<i64>,
    /// Since when a requester's message waits that did not reopen the ticket.
    #[prost(int64, optional, tag = "13")]
    pub(crate) reopen_held_at: Option<i64>,
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

    /// Stands in a queue: somebody has to do something about it.
    pub(crate) fn waits(&self) -> bool {
        !self.synthetic && (self.is_under_way() || self.reopen_held_at.is_some())
    }

    fn is_under_way(&self) -> bool {
        self.state().is_some_and(|state| !state.is_done())
    }

    /// When it is due, by its clocks or by its own date; what is resolved never is.
    pub(crate) fn due(&self, by_clock: Option<i64>) -> Option<i64> {
        self.due_at.into_iter().chain(by_clock).min().filter(|_| self.is_under_way())
    }

    fn enter(&mut self, to: TicketState, at: i64) {
        if self.state() != Some(to) {
            self.state_since = at;
        }
        self.state = to.to_wire();
        self.reopen_held_at = None;
    }

    fn take(&mut self, change: Change<'_>) {
        match change {
            Change::Group(to) => self.group = to.map(str::to_owned),
            Change::Assignee { to, .. } => self.assignee = to.map(str::to_owned),
            Change::Tier { to, .. } => self.tier = to,
            Change::Priority { to, .. } => self.priority = to.to_wire(),
            Change::DueAt(to) => self.due_at = to.to_wire(),
            Change::Claim(to) => {
                self.claimed_by = to.map(|(by, _)| by.to_owned());
                self.claimed_until = to.map(|(_, until)| until.0);
            }
            Change::Participants { .. }
            | Change::Restriction { .. }
            | Change::Channel { .. }
            | Change::Urgency(_)
            | Change::Impact(_)
            | Change::Type { .. }
            | Change::Category { .. }
            | Change::Tags { .. }
            | Change::Field { .. }
            | Change::Link { .. } => {}
        }
    }
}

/// The effect of an event on a row.
pub(super) enum Step<'a> {
    Created(&'a TicketCreated),
    Entered(TicketState),
    Held,
    Changed(&'a TicketEvent),
}

impl<'a> Step<'a> {
    /// `None` where an event changes no row: most comments and tags need not be looked at.
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        let Event::Ticket(of_ticket) = event else { return None };
        if let Some(e) = event.created() {
            return Some(Self::Created(e));
        }
        if let Some(state) = of_ticket.enters() {
            return Some(Self::Entered(state));
        }
        if let TicketEvent::Conversation(Conversation::ReopenHeld(_)) = of_ticket {
            return Some(Self::Held);
        }
        let mut shows = false;
        of_ticket.changes(|change| shows |= is_shown(change.attribute()));
        shows.then_some(Self::Changed(of_ticket))
    }

    pub(super) fn take(self, row: &mut Option<Row>, record: &Record) {
        match (self, row) {
            (Self::Created(e), row) => *row = Some(created(e, record)),
            (Self::Entered(state), Some(row)) => row.enter(state, record.occurred_at.0),
            (Self::Held, Some(row)) => {
                row.reopen_held_at = row.reopen_held_at.or(Some(record.occurred_at.0));
            }
            (Self::Changed(event), Some(row)) => event.changes(|change| row.take(change)),
            // Before its creation a ticket has no row.
            (_, None) => {}
        }
    }
}

/// True for the attributes that a row holds.
const fn is_shown(attribute: Attribute) -> bool {
    match attribute {
        Attribute::Group
        | Attribute::Assignee
        | Attribute::Tier
        | Attribute::Priority
        | Attribute::DueAt
        | Attribute::Claim => true,
        Attribute::Participants
        | Attribute::Restriction
        | Attribute::Channel
        | Attribute::Urgency
        | Attribute::Impact
        | Attribute::Type
        | Attribute::Category
        | Attribute::Tags
        | Attribute::Field
        | Attribute::Link => false,
    }
}

fn created(e: &TicketCreated, record: &Record) -> Row {
    Row {
        place: record.position.get(),
        number: e.number,
        state: e.enters().to_wire().unwrap_or_default(),
        priority: e.priority.to_wire(),
        group: e.group.clone(),
        assignee: e.assignee.clone(),
        created_at: record.occurred_at.0,
        state_since: record.occurred_at.0,
        due_at: e.due_at.to_wire(),
        organisation: e.organisation.clone(),
        tier: e.tier,
        synthetic: e.synthetic,
        claimed_by: None,
        claimed_until: None,
        reopen_held_at: None,
    }
}
