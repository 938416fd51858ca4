//! The verb `record_follow_up`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::wire;
use crate::words::TicketState;

/// Say whether the solution held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordFollowUp {
    /// It did.
    pub effective: bool,
}
// That it did not hold is an answer: on the wire, a forgotten one must differ from it.
message!(
    RecordFollowUp,
    wire::RecordFollowUp,
    |w| Ok(Self { effective: w.effective.ok_or_else(|| FieldError::new("effective", "is required"))? }),
    |v| wire::RecordFollowUp { effective: Some(v.effective) }
);

impl Verb for RecordFollowUp {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

/// Somebody looked whether the solution held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowUpRecorded {
    /// It did.
    pub effective: bool,
}
// As above.
message!(
    FollowUpRecorded,
    wire::FollowUpRecorded,
    |w| Ok(Self { effective: w.effective.ok_or_else(|| FieldError::new("effective", "is required"))? }),
    |v| wire::FollowUpRecorded { effective: Some(v.effective) }
);

personal_texts!(FollowUpRecorded {});

impl Meaning for FollowUpRecorded {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
