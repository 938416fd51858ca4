//! The verb `complete_task`.

use guichet_schemas::command::{Command, CompleteTask};
use guichet_schemas::event::TaskCompleted;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::{ends_task, task_of};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{TaskState, Ticket};
use crate::transition::require;

impl Decide for CompleteTask {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let task = task_of(ticket, self.task_id)?;
        let is_new = ends_task(ticket, task, TaskState::Completed)?;
        Ok(is_new.then(|| Draft::of(TaskCompleted { task_id: self.task_id })).into_iter().collect())
    }
}

impl Fold for TaskCompleted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(task) = ticket.work.tasks.get_mut(&self.task_id) {
            task.state = TaskState::Completed;
        }
    }
}
