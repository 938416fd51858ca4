//! The verb `assign`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb};
use crate::rejection::FieldError;
use crate::text::{Label, Note};
use crate::words::TicketState;

mirror! {
    /// Give the ticket to an agent, a group, or both.
    pub struct Assign {
        /// New assignee.
        pub assignee: Option<Label>,
        /// New group.
        pub group: Option<Label>,
        /// Why.
        pub reason: Option<Note>,
        /// What the next one must know; becomes an internal comment.
        pub handover_note: Option<Note>,
    }
}

impl Verb for Assign {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.assignee.is_none() && self.group.is_none() {
            return Err(FieldError::new("assignee", "or group is required"));
        }
        Ok(())
    }

    fn names(&self) -> Vec<Name<'_>> {
        let assignee = self.assignee.as_ref().map(|id| Name::Agent("assignee", id));
        let group = self.group.as_ref().map(|id| Name::Group("group", id));
        assignee.into_iter().chain(group).collect()
    }

    fn is_internal(&self) -> bool {
        self.handover_note.is_some()
    }
}
