//! The verb `log_call`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::{given, seconds};
use crate::event::{Change, Meaning};
use crate::ids::CommentId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::time::Timestamp;
use crate::wire;
use crate::words::{CallOutcome, Direction, TicketState};

/// Note a call about it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogCall {
    /// Who called whom.
    pub direction: Direction,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took; 0: nobody spoke.
    pub duration_s: u32,
    /// How it ended.
    pub outcome: CallOutcome,
    /// What was said; becomes an internal comment.
    pub note: Option<Note>,
}
// A call in which nobody spoke is one: on the wire, a forgotten length must differ from it.
message!(
    LogCall,
    wire::LogCall,
    |w| {
        use crate::mirror::Wire;
        Ok(Self {
            direction: Wire::from_wire(w.direction).map_err(|e: FieldError| e.in_field("direction"))?,
            started_at: Wire::from_wire(w.started_at).map_err(|e: FieldError| e.in_field("started_at"))?,
            duration_s: w.duration_s.ok_or_else(|| FieldError::new("duration_s", "is required"))?,
            outcome: Wire::from_wire(w.outcome).map_err(|e: FieldError| e.in_field("outcome"))?,
            note: Wire::from_wire(w.note).map_err(|e: FieldError| e.in_field("note"))?,
        })
    },
    |v| wire::LogCall {
        direction: crate::mirror::Wire::to_wire(v.direction),
        started_at: crate::mirror::Wire::to_wire(v.started_at),
        duration_s: Some(v.duration_s),
        outcome: crate::mirror::Wire::to_wire(v.outcome),
        note: v.note.map(Into::into),
    }
);

impl Verb for LogCall {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn check(&self) -> Result<(), FieldError> {
        given("started_at", self.started_at)?;
        seconds("duration_s", self.duration_s)
    }

    fn is_internal(&self) -> bool {
        self.note.is_some()
    }
}

mirror! {
    /// Somebody called, or was called.
    pub struct CallLogged {
        /// Who called whom.
        pub direction: Direction,
        /// When it began.
        pub started_at: Timestamp,
        /// How long it took.
        pub duration_s: u32,
        /// How it ended.
        pub outcome: CallOutcome,
        /// Comment with what was said.
        pub note_comment: Option<CommentId>,
    }
}

personal_texts!(CallLogged {});

impl Meaning for CallLogged {
    fn sizes(&self) -> Result<(), FieldError> {
        seconds("duration_s", self.duration_s)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
