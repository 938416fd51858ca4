//! The verb `add_task`.

use guichet_schemas::command::{AddTask, Command, limits};
use guichet_schemas::event::TaskAdded;
use guichet_schemas::ids::TaskId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::room_for;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Task, TaskState, Ticket};
use crate::transition::require;

impl Decide for AddTask {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        room_for(ticket, "tasks", ticket.work.tasks.len(), limits::TASKS)?;
        Ok(vec![Draft::of(TaskAdded {
            task_id: TaskId(command.command_id.derive("task")),
            title: self.title.as_str().to_owned(),
            owner: self.owner.as_ref().map(|owner| owner.as_str().to_owned()),
            due: self.due,
            blocks_resolve: self.blocks_resolve,
        })])
    }
}

impl Fold for TaskAdded {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let task = Task { blocks_resolve: self.blocks_resolve, state: TaskState::Open };
        ticket.work.tasks.insert(self.task_id, task);
    }
}
