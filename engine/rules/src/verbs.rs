//! What each verb does to a ticket, or why not, and what its events make of the ticket: a file per verb.

pub(crate) mod shared;

pub(crate) use declare_problem::incidents;
pub use merge::copied_bytes;

use guichet_schemas::command::Command;
use guichet_schemas::each_verb;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

macro_rules! files {
    ($($verb:ident => $variant:ident on $about:ident,)*) => { $(files!($about $verb);)* };
    (Config $verb:ident) => {};
    (Desk $verb:ident) => {};
    (Articles $verb:ident) => {};
    ($about:ident $verb:ident) => { mod $verb; };
}
each_verb!(files);

/// A verb about a ticket that is there.
pub(crate) trait Decide {
    /// Drafts of the events; none where the effect already holds.
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection>;
}

/// A verb that begins a ticket, or goes on with one that it began.
pub(crate) trait Begin {
    /// Drafts of the events; none where the effect already holds.
    fn begin(
        &self,
        ticket: Option<&Ticket>,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection>;
}

/// An event that decisions look back at.
pub(crate) trait Fold {
    /// Changes the ticket, at the instant at which it occurred.
    fn fold(&self, ticket: &mut Ticket, at: Timestamp);

    /// Fills in what an imported one need not say, for it follows from the ticket so far.
    fn complete(&mut self, _: &Ticket, _: &Replayed<'_>) {}

    /// Bytes that `complete` copies from a ticket.
    fn repeats(&self, _: &Ticket) -> usize {
        0
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Replayed<'a> {
    /// When it happened, by the source.
    pub(crate) at: Timestamp,
    /// Its place among the events of the command.
    pub(crate) index: usize,
    pub(crate) command: &'a Command,
    pub(crate) context: &'a Context<'a>,
}
