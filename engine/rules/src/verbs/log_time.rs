//! The verb `log_time`.

use guichet_schemas::command::{Command, LogTime};
use guichet_schemas::event::TimeLogged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TimeKind;

use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for LogTime {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        let kind = self.kind.unwrap_or(TimeKind::Work);
        Ok(vec![Draft::of(TimeLogged { seconds: self.seconds, kind })])
    }
}

impl Fold for TimeLogged {
    /// No decision depends on it.
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}
