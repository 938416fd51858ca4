//! The verb `deescalate`.

use super::verb::IN_WORK;
use super::{Name, Verb};
use crate::codec::check::{size, tier};
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::wire;
use crate::words::TicketState;

/// Back to a lower tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Deescalate {
    /// Below the present tier.
    pub to_tier: u32,
    /// Why.
    pub reason: Note,
}
// Tier 0 is a tier: on the wire, a forgotten one must differ from it.
message!(
    Deescalate,
    wire::Deescalate,
    |w| Ok(Self {
        to_tier: w.to_tier.ok_or_else(|| FieldError::new("to_tier", "is required"))?,
        reason: crate::mirror::Wire::from_wire(w.reason).map_err(|e: FieldError| e.in_field("reason"))?,
    }),
    |v| wire::Deescalate { to_tier: Some(v.to_tier), reason: v.reason.into() }
);

impl Verb for Deescalate {
    const STATES: &'static [TicketState] = IN_WORK;

    fn check(&self) -> Result<(), FieldError> {
        tier("to_tier", Some(self.to_tier))
    }

    fn names(&self) -> Vec<Name<'_>> {
        vec![Name::Tier("to_tier", self.to_tier)]
    }
}

mirror! {
    /// The ticket went back to a lower tier.
    pub struct TicketDeescalated {
        /// From tier.
        pub from_tier: u32,
        /// To tier.
        pub to_tier: u32,
        /// Reason.
        pub reason: Option<String>,
    }
}

personal_texts!(TicketDeescalated {});

impl Meaning for TicketDeescalated {
    fn sizes(&self) -> Result<(), FieldError> {
        tier("from_tier", Some(self.from_tier))?;
        tier("to_tier", Some(self.to_tier))?;
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Tier { from: self.from_tier, to: self.to_tier });
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
