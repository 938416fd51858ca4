//! The verb `create_follow_up`.

use super::{Name, Verb};
use crate::event::{Change, Meaning};
use crate::ids::TicketId;
use crate::rejection::FieldError;
use crate::text::{Body, Label, Subject};
use crate::words::{LinkKind, StatusCause, TicketState};

mirror! {
    /// Go on with a closed ticket in a new one.
    pub struct CreateFollowUp {
        /// The closed ticket.
        pub of: TicketId,
        /// Default: that of the closed ticket.
        pub subject: Option<Subject>,
        /// Default: that of the closed ticket.
        pub description: Option<Body>,
        /// Default: that of the closed ticket.
        pub group: Option<Label>,
        /// Assignee from the start: the ticket starts open.
        pub assignee: Option<Label>,
    }
}

impl Verb for CreateFollowUp {
    const STATES: &'static [TicketState] = &[TicketState::Closed];

    fn names(&self) -> Vec<Name<'_>> {
        let assignee = self.assignee.as_ref().map(|id| Name::Agent("assignee", id));
        let group = self.group.as_ref().map(|id| Name::Group("group", id));
        assignee.into_iter().chain(group).collect()
    }
}

mirror! {
    /// A closed ticket goes on in another one. Stands in the history of the closed ticket.
    pub struct FollowUpCreated {
        /// The closed ticket.
        pub of: TicketId,
        /// The ticket that goes on.
        pub new_ticket: TicketId,
        /// The number of that ticket.
        pub new_number: u64,
        /// A message of the requester, or a command that asked for it.
        pub cause: StatusCause,
    }
}

personal_texts!(FollowUpCreated {});

impl Meaning for FollowUpCreated {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Link {
            other: self.new_ticket,
            number: self.new_number,
            kind: LinkKind::FollowUp,
            from_other: true,
            comes: true,
        });
    }
}
