//! What an event of a ticket says to everybody who reads it. Each event says it in its own file, once; the read models, the
//! clocks and the sentences ask here and need not know the event.

use super::{
    Assistance, Attachments, Change, Classification, Confirmation, Conversation, LifeCycle, Moderation,
    Ownership, Relations, Satisfaction, TicketEvent, Work,
};
use crate::rejection::FieldError;
use crate::words::TicketState;

/// The meaning of an event of a ticket, beside its fields. `personal_texts!` names the texts that are personal.
pub trait Meaning {
    /// Checks an imported one: its sizes and ranges are those of the commands that would have led to it.
    ///
    /// # Errors
    /// The field and the rule.
    fn sizes(&self) -> Result<(), FieldError>;

    /// Tells every attribute that it makes another, the group and the assignee, whom it concerns, among them.
    fn changes<'a>(&'a self, tell: impl FnMut(Change<'a>));

    /// The state in which the ticket is from then on; none: it stays where it is.
    fn enters(&self) -> Option<TicketState> {
        None
    }

    /// Why, in somebody's words.
    fn reason(&self) -> Option<&str> {
        None
    }
}

macro_rules! meanings {
    (
        Ticket: TicketEvent { $($family:ident { $($fact:ident,)* })* }
        $($about:ident: $about_event:ident { $($other:ident,)* })*
    ) => {
        impl Meaning for TicketEvent {
            fn sizes(&self) -> Result<(), FieldError> {
                match self { $($(Self::$family($family::$fact(e)) => e.sizes(),)*)* }
            }

            fn changes<'a>(&'a self, tell: impl FnMut(Change<'a>)) {
                match self { $($(Self::$family($family::$fact(e)) => e.changes(tell),)*)* }
            }

            fn enters(&self) -> Option<TicketState> {
                match self { $($(Self::$family($family::$fact(e)) => e.enters(),)*)* }
            }

            fn reason(&self) -> Option<&str> {
                match self { $($(Self::$family($family::$fact(e)) => e.reason(),)*)* }
            }
        }
    };
}
each_event!(meanings);
