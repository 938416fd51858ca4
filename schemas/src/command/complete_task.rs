//! The verb `complete_task`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::ids::TaskId;
use crate::rejection::FieldError;
use crate::words::TicketState;

mirror! {
    /// Say that a task is done.
    pub struct CompleteTask {
        /// Which one.
        pub task_id: TaskId,
    }
}

impl Verb for CompleteTask {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// A task is done.
    pub struct TaskCompleted {
        /// Which one.
        pub task_id: TaskId,
    }
}

personal_texts!(TaskCompleted {});

impl Meaning for TaskCompleted {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
