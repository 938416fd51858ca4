//! What each verb does to a ticket, or why not: a file per verb.

mod add_comment;
mod assign;
mod cancel;
mod change_tags;
mod close;
mod create;
mod deescalate;
mod escalate;
mod fire_time_rule;
mod import;
mod record_sla_breach;
mod record_sla_warning;
mod reopen;
mod resolve;
mod set_category;
mod set_priority;
mod set_status;
pub(crate) mod shared;
mod unassign;
mod void_sla_breach;

use guichet_schemas::command::Command;
use guichet_schemas::rejection::Rejection;

use crate::decide::{Context, Draft};
use crate::state::Ticket;

/// A verb about a ticket that is there.
pub(crate) trait Decide {
    /// What happens; nothing where the effect already holds.
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection>;
}

/// A verb that begins a ticket, or goes on with one that it began.
pub(crate) trait Begin {
    /// What happens; nothing where the effect already holds.
    fn begin(
        &self,
        ticket: Option<&Ticket>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection>;
}
