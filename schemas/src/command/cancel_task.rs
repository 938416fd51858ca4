//! The verb `cancel_task`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::TaskId;
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::TicketState;

mirror! {
    /// Say that a task need not be done.
    pub struct CancelTask {
        /// Which one.
        pub task_id: TaskId,
        /// Why.
        pub reason: Option<Note>,
    }
}

impl Verb for CancelTask {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// A task need not be done.
    pub struct TaskCancelled {
        /// Which one.
        pub task_id: TaskId,
        /// Why.
        pub reason: Option<String>,
    }
}

personal_texts!(TaskCancelled {});

impl Meaning for TaskCancelled {
    fn sizes(&self) -> Result<(), FieldError> {
        size::note("reason", self.reason.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
