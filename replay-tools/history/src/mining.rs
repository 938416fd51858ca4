//! Documents of process mining: one ticket is one case.

pub mod ocel;
pub mod xes;

use std::borrow::Cow;

use guichet_schemas::codec::Head;
use guichet_schemas::event::{Event, LifeCycle, TicketEvent};

use crate::rows::Decoded;

/// The activity, as process mining names it: the type of the event, and after a change of status the state.
#[must_use]
pub fn activity<'a>(head: &Head<'a>, decoded: &Decoded) -> Cow<'a, str> {
    match &decoded.event {
        Some(Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e)))) => {
            Cow::Owned(format!("{} to {}", head.r#type, e.to))
        }
        Some(_) | None => Cow::Borrowed(head.r#type),
    }
}
