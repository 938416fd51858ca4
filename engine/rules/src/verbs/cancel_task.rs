//! The verb `cancel_task`.

use guichet_schemas::command::{CancelTask, Command};
use guichet_schemas::event::TaskCancelled;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::{ends_task, task_of};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{TaskState, Ticket};
use crate::transition::require;

impl Decide for CancelTask {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let task = task_of(ticket, self.task_id)?;
        let is_new = ends_task(ticket, task, TaskState::Cancelled)?;
        let cancelled = || TaskCancelled {
            task_id: self.task_id,
            reason: self.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        };
        Ok(is_new.then(|| Draft::of(cancelled())).into_iter().collect())
    }
}

impl Fold for TaskCancelled {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(task) = ticket.work.tasks.get_mut(&self.task_id) {
            task.state = TaskState::Cancelled;
        }
    }
}
