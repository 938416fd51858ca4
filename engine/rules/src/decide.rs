//! What happens, or why not: what holds for every verb, and the way to each.

use guichet_schemas::command::{Command, Order};
use guichet_schemas::each_verb;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use crate::articles::KnownArticle;
use crate::beside::Other;
use crate::desk::DeskRules;
use crate::draft::{Draft, Stored};
use crate::permission::{permits, reaches, sees_other};
use crate::state::Ticket;
use crate::transition::is_here;
use crate::verbs::{Begin, Decide};

/// Everything that a decision needs beside the ticket and the command. All of it comes in as values.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// The number that a new ticket gets.
    pub next_number: TicketNumber,
    /// The ticket that already has the external reference of a create.
    pub external_ref_of: Option<TicketId>,
    pub desk: &'a dyn DeskRules,
    /// Version of that; 0: nothing was ever configured.
    pub config_version: u64,
    /// The id of the ticket that the command begins, its own or one beside it.
    pub fresh: TicketId,
    /// The article that the command names, as far as the desk has any.
    pub article: KnownArticle,
    /// Another ticket, which [`looks_at`](crate::looks_at) asks for; none: nobody asks, or there is none.
    pub other: Option<&'a Other>,
    /// Further ones, which [`looks_at_others`](crate::looks_at_others) asks for.
    pub others: &'a [Other],
    /// The bytes that an `add_attachment` names, where they lie on disk under the key of the requester.
    pub stored: Option<Stored>,
}

/// Decides one command on a ticket; `None`: there is no such ticket yet.
///
/// An empty list means that the effect already holds.
///
/// # Errors
/// The reason to refuse.
pub fn decide(
    ticket: Option<&Ticket>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    permits(ticket, command, context.desk)?;
    if let Some(other) = context.other {
        sees_other(other, command, context.desk)?;
        if let Order::CreateFollowUp(_) = &command.order {
            reaches(&other.ticket, command, context.desk)?;
        }
    }
    // What is said to the incidents of a problem is said to each of their requesters, whoever sees those tickets.
    if !matches!(command.order, Order::BroadcastToLinked(_)) {
        context.others.iter().try_for_each(|other| sees_other(other, command, context.desk))?;
    }
    context.desk.knows(&command.order).map_err(|e| e.in_field("data"))?;
    if let Some(ticket) = ticket {
        is_here(ticket, &command.order)?;
    }
    by_verb(ticket, command, context)
}

macro_rules! verbs {
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        fn by_verb(
            ticket: Option<&Ticket>,
            command: &Command,
            context: &Context<'_>,
        ) -> Result<Vec<Draft>, Rejection> {
            match &command.order {
                $(Order::$variant(order) => verbs!($about)(order, ticket, command, context),)*
            }
        }
    };
    (New) => { Begin::begin };
    (Ticket) => { of_a_ticket };
    ($other:ident) => { of_no_ticket };
}
each_verb!(verbs);

fn of_a_ticket(
    order: &impl Decide,
    ticket: Option<&Ticket>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    let ticket = ticket.ok_or_else(|| Rejection::NotFound { what: "the ticket".to_owned() })?;
    order.decide(ticket, command, context)
}

/// The subject does not let this happen.
fn of_no_ticket<T>(
    _: &T,
    _: Option<&Ticket>,
    command: &Command,
    _: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    Err(Rejection::BadSubject(format!("{} is about no ticket", command.order.verb())))
}
