//! The verb `escalate`.

use super::verb::IN_WORK;
use super::{Name, Verb, limits};
use crate::codec::check::{at_most, size, tier};
use crate::event::{Change, Meaning};
use crate::ids::CommentId;
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
        /// A note for the next one; becomes an internal comment.
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

mirror! {
    /// The ticket went to a higher tier, or to a manager.
    pub struct TicketEscalated {
        /// Kind.
        pub kind: EscalationKind,
        /// From tier.
        pub from_tier: u32,
        /// To tier.
        pub to_tier: u32,
        /// To manager.
        pub to_manager: Option<String>,
        /// Reason.
        pub reason: EscalationReason,
        /// Tags and category at that time, for reports that must not depend on later edits.
        pub tags_at: Vec<String>,
        /// Category at.
        pub category_at: Option<String>,
        /// Note comment.
        pub note_comment: Option<CommentId>,
    }
}

personal_texts!(TicketEscalated {});

impl Meaning for TicketEscalated {
    fn sizes(&self) -> Result<(), FieldError> {
        tier("from_tier", Some(self.from_tier))?;
        tier("to_tier", Some(self.to_tier))?;
        size::label("to_manager", self.to_manager.as_deref())?;
        size::tags("tags_at", &self.tags_at)?;
        size::category("category_at", self.category_at.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Tier { from: self.from_tier, to: self.to_tier });
    }
}
