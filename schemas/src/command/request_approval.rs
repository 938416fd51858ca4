//! The verb `request_approval`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb, limits};
use crate::codec::check::{at_least_one, at_most, size};
use crate::event::{Change, Meaning};
use crate::ids::ApprovalId;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::words::TicketState;

mirror! {
    /// Ask people to agree; the ticket is not resolved before it is decided.
    pub struct RequestApproval {
        /// Whom, each once.
        pub approvers: Vec<Label>,
        /// How many of them must agree.
        pub quorum: u32,
    }
}

impl Verb for RequestApproval {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        if self.approvers.is_empty() {
            return Err(FieldError::new("approvers", "must hold somebody"));
        }
        at_most("approvers", self.approvers.len(), limits::APPROVERS)?;
        let twice =
            (1..).zip(&self.approvers).find(|(n, id)| self.approvers.iter().skip(*n).any(|o| o == *id));
        if let Some((_, id)) = twice {
            return Err(FieldError::new("approvers", format!("must hold {id} once")));
        }
        at_least_one("quorum", self.quorum)?;
        if self.quorum as usize > self.approvers.len() {
            return Err(FieldError::new("quorum", "must be at most the number of approvers"));
        }
        Ok(())
    }

    fn names(&self) -> Vec<Name<'_>> {
        self.approvers.iter().map(|id| Name::Agent("approvers", id)).collect()
    }
}

mirror! {
    /// People were asked to agree.
    pub struct ApprovalRequested {
        /// Which approval.
        pub approval_id: ApprovalId,
        /// Who was asked.
        pub approvers: Vec<String>,
        /// How many of them must agree.
        pub quorum: u32,
    }
}

personal_texts!(ApprovalRequested {});

impl Meaning for ApprovalRequested {
    fn sizes(&self) -> Result<(), FieldError> {
        size::labels("approvers", &self.approvers, limits::APPROVERS)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
