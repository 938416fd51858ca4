//! What is known of a verb beside the types of its fields.

use crate::rejection::FieldError;
use crate::text::{CategoryPath, Label, Tag};
use crate::words::TicketState;

/// States of a ticket that somebody still works on.
pub(crate) const IN_WORK: &[TicketState] =
    &[TicketState::New, TicketState::Open, TicketState::Pending, TicketState::Hold];
/// States of a ticket that is not over.
pub(crate) const UNTIL_CLOSED: &[TicketState] =
    &[TicketState::New, TicketState::Open, TicketState::Pending, TicketState::Hold, TicketState::Resolved];

/// The description of a verb.
pub trait Verb {
    /// States in which it can change a ticket, as somebody is told who looks at one. None: it is not about a ticket that
    /// is there, or it records what holds in any state.
    const STATES: &'static [TicketState];

    /// Rules between its fields, limits of its lists and numbers: what a field's own type cannot say.
    ///
    /// # Errors
    /// The field and the rule.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    /// Names that the tenant's configuration may list, in the order in which they are looked up.
    fn names(&self) -> Vec<Name<'_>> {
        Vec::new()
    }

    /// True where somebody writes an internal note by it: a comment, or what the next one must know.
    fn is_internal(&self) -> bool {
        false
    }
}

/// A name in a command, after the path of its field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Name<'a> {
    /// An agent.
    Agent(&'static str, &'a Label),
    /// A group.
    Group(&'static str, &'a Label),
    /// A tier.
    Tier(&'static str, u32),
    /// A custom status of this state.
    Status(&'static str, &'a Label, TicketState),
    /// A category.
    Category(&'static str, &'a CategoryPath),
    /// Tags.
    Tags(&'static str, &'a [Tag]),
}
