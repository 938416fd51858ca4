//! The verb `assign`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb};
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::CommentId;
use crate::rejection::FieldError;
use crate::text::{Label, Note};
use crate::words::{Strategy, TicketState};

mirror! {
    /// Give the ticket to an agent, a group, or both.
    pub struct Assign {
        /// New assignee.
        pub assignee: Option<Label>,
        /// New group.
        pub group: Option<Label>,
        /// Why.
        pub reason: Option<Note>,
        /// A note for the next one; becomes an internal comment.
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

mirror! {
    /// The ticket moved to another group, or to none, and keeps its assignee.
    pub struct TicketRouted {
        /// From group.
        pub from_group: Option<String>,
        /// Absent: the group was cleared.
        pub to_group: Option<String>,
        /// Rule.
        pub rule: Option<String>,
        /// Strategy.
        pub strategy: Strategy,
        /// Reason.
        pub reason: Option<String>,
    }
}

personal_texts!(TicketRouted {});

impl Meaning for TicketRouted {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("from_group", self.from_group.as_deref())?;
        size::label("to_group", self.to_group.as_deref())?;
        size::label("rule", self.rule.as_deref())?;
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Group(self.to_group.as_deref()));
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

mirror! {
    /// The ticket has a new assignee.
    pub struct TicketAssigned {
        /// From.
        pub from: Option<String>,
        /// To.
        pub to: String,
        /// The group from now on; absent: none.
        pub group: Option<String>,
        /// Strategy.
        pub strategy: Strategy,
        /// Comment with the handover note.
        pub handover_comment: Option<CommentId>,
        /// Count of assignments of this ticket, this one included.
        pub station_no: u32,
        /// Reason.
        pub reason: Option<String>,
    }
}

personal_texts!(TicketAssigned {});

impl Meaning for TicketAssigned {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("from", self.from.as_deref())?;
        size::label("to", Some(&self.to))?;
        size::label("group", self.group.as_deref())?;
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Group(self.group.as_deref()));
        tell(Change::Assignee { from: self.from.as_deref(), to: Some(&self.to) });
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
