//! The verb `record_nps`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::wire;
use crate::words::TicketState;

/// The highest score.
const SCORE_MAX: u32 = 10;

/// Say how likely somebody is to recommend the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordNps {
    /// 0 to 10.
    pub score: u32,
}
// A score of 0 is one: on the wire, a forgotten one must differ from it.
message!(
    RecordNps,
    wire::RecordNps,
    |w| Ok(Self { score: w.score.ok_or_else(|| FieldError::new("score", "is required"))? }),
    |v| wire::RecordNps { score: Some(v.score) }
);

impl Verb for RecordNps {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        in_range(self.score)
    }
}

/// Somebody said how likely they are to recommend the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NpsRecorded {
    /// 0 to 10.
    pub score: u32,
}
// As above.
message!(
    NpsRecorded,
    wire::NpsRecorded,
    |w| Ok(Self { score: w.score.ok_or_else(|| FieldError::new("score", "is required"))? }),
    |v| wire::NpsRecorded { score: Some(v.score) }
);

personal_texts!(NpsRecorded {});

impl Meaning for NpsRecorded {
    fn sizes(&self) -> Result<(), FieldError> {
        in_range(self.score)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}

fn in_range(score: u32) -> Result<(), FieldError> {
    if score > SCORE_MAX {
        return Err(FieldError::new("score", format!("must be 0 to {SCORE_MAX}")));
    }
    Ok(())
}
