//! The verb `add_task`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb};
use crate::codec::check::size;
use crate::event::{Change, Meaning};
use crate::ids::TaskId;
use crate::rejection::FieldError;
use crate::text::{Label, Subject};
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// Note something that is to be done for it.
    pub struct AddTask {
        /// What, in one line.
        pub title: Subject,
        /// Who does it.
        pub owner: Option<Label>,
        /// By when.
        pub due: Option<Timestamp>,
        /// The ticket is not resolved before it is done.
        pub blocks_resolve: bool,
    }
}

impl Verb for AddTask {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn names(&self) -> Vec<Name<'_>> {
        self.owner.iter().map(|id| Name::Agent("owner", id)).collect()
    }
}

mirror! {
    /// Something is to be done.
    pub struct TaskAdded {
        /// Which task.
        pub task_id: TaskId,
        /// What, in one line.
        pub title: String,
        /// Who does it.
        pub owner: Option<String>,
        /// By when.
        pub due: Option<Timestamp>,
        /// The ticket is not resolved before it is done.
        pub blocks_resolve: bool,
    }
}

personal_texts!(TaskAdded {});

impl Meaning for TaskAdded {
    fn sizes(&self) -> Result<(), FieldError> {
        size::characters("title", &self.title, Subject::CHARACTERS)?;
        size::label("owner", self.owner.as_deref())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
