//! The verb `escalate`.

use super::verb::IN_WORK;
use super::{Name, Verb, limits};
use crate::codec::check::{at_most, tier};
use crate::rejection::FieldError;
use crate::text::{Label, Note, Tag};
use crate::words::{EscalationKind, EscalationReason, TicketState};

mirror! {
    /// Ask for a higher tier, or for a manager.
    pub struct Escalate {
        /// Tier or manager.
        pub kind: EscalationKind,
        /// Above the present tier.
        pub to_tier: Option<u32>,
        /// Which manager.
        pub to_manager: Option<Label>,
        /// Why.
        pub reason: EscalationReason,
        /// What the next one must know; becomes an internal comment.
        pub note: Option<Note>,
        /// At least one unless the configuration says otherwise; added to the ticket.
        pub tags: Vec<Tag>,
    }
}

impl Verb for Escalate {
    const STATES: &'static [TicketState] = IN_WORK;

    fn check(&self) -> Result<(), FieldError> {
        at_most("tags", self.tags.len(), limits::TAGS)?;
        match self.kind {
            EscalationKind::Functional if self.to_tier.is_none() => {
                Err(FieldError::new("to_tier", "is required for a functional escalation"))
            }
            EscalationKind::Hierarchical if self.to_manager.is_none() => {
                Err(FieldError::new("to_manager", "is required for a hierarchical escalation"))
            }
            EscalationKind::Functional | EscalationKind::Hierarchical => tier("to_tier", self.to_tier),
        }
    }

    fn names(&self) -> Vec<Name<'_>> {
        let tier = self.to_tier.map(|tier| Name::Tier("to_tier", tier));
        let manager = self.to_manager.as_ref().map(|id| Name::Agent("to_manager", id));
        [tier, manager, Some(Name::Tags("tags", &self.tags))].into_iter().flatten().collect()
    }

    fn is_internal(&self) -> bool {
        self.note.is_some()
    }
}
