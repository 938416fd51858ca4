//! What a ticket is after an event. Total: whatever the log says happened, happened. What each event does to it stands in
//! the file of the verb that leads to the event.

use guichet_schemas::each_event;
use guichet_schemas::event::{
    Assistance, Attachments, Classification, Confirmation, Conversation, Event, LifeCycle, Moderation,
    Ownership, Relations, Satisfaction, SlaEvent, TicketEvent, Work,
};
use guichet_schemas::time::Timestamp;

use crate::state::Ticket;
use crate::verbs::{Fold as _, Replayed};

/// Folds one event that occurred at `occurred_at` into a ticket; `None` stands before the first.
#[must_use]
pub fn evolve(ticket: Option<Ticket>, event: &Event, occurred_at: Timestamp) -> Ticket {
    let mut t = ticket.unwrap_or_else(Ticket::blank);
    if !is_found(event) {
        t.last_occurred_at = t.last_occurred_at.max(occurred_at);
    }
    let before = t.state();
    t.version = t.version.saturating_add(1);
    fold(&mut t, event, occurred_at);
    if t.state() != before || event.created().is_some() {
        t.state_since = occurred_at;
    }
    t
}

/// True for what a timer found: it has the instant of the timer, and may come after what happened later.
const fn is_found(event: &Event) -> bool {
    matches!(
        event,
        Event::Sla(SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_) | SlaEvent::TimeRuleFired(_))
    )
}

macro_rules! folds {
    (
        Ticket: TicketEvent { $($family:ident { $($fact:ident,)* })* }
        Log: LogEvent { $($log:ident,)* }
        Sla: SlaEvent { $($found:ident,)* }
        Config: ConfigEvent { $($config:ident,)* }
        Desk: DeskEvent { $($desk:ident,)* }
    ) => {
        fn fold(t: &mut Ticket, event: &Event, at: Timestamp) {
            match event {
                $($(Event::Ticket(TicketEvent::$family($family::$fact(e))) => e.fold(t, at),)*)*
                $(Event::Sla(SlaEvent::$found(e)) => e.fold(t, at),)*
                // No decision depends on these.
                Event::Log(_) | Event::Config(_) | Event::Desk(_) => {}
            }
        }

        /// Fills in what follows from the ticket so far.
        pub(crate) fn complete(event: &mut Event, t: &Ticket, replayed: &Replayed<'_>) {
            match event {
                $($(Event::Ticket(TicketEvent::$family($family::$fact(e))) => e.complete(t, replayed),)*)*
                // No facts that may be imported.
                Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => {}
            }
        }

        /// Bytes that [`complete`] copies from a ticket into an event.
        pub(crate) fn repeats(event: &Event, t: &Ticket) -> usize {
            match event {
                $($(Event::Ticket(TicketEvent::$family($family::$fact(e))) => e.repeats(t),)*)*
                Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => 0,
            }
        }
    };
}
each_event!(folds);
