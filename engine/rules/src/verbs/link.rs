//! The verb `link`.

use guichet_schemas::command::{Command, Entity, Link, limits};
use guichet_schemas::event::TicketsLinked;
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::LinkKind;

use super::declare_problem::incidents;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

impl Decide for Link {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        let own = own(command);
        if own == Some(self.other) {
            return Err(FieldError::new("data.other", "must be another ticket").into());
        }
        let missing = || Rejection::NotFound { what: format!("ticket {}", self.other) };
        let (own, other) = own.zip(context.other).ok_or_else(missing)?;
        let is_tied = |from_other| ticket.links.contains(&(self.other, self.kind, from_other));
        // Who relates to somebody is related to.
        if is_tied(false) || self.kind == LinkKind::Relates && is_tied(true) {
            return Ok(Vec::new());
        }
        let (number, kind) = (ticket.number, self.kind);
        if is_tied(true) {
            return Err(Rejection::CycleDetected { number, other: other.ticket.number, kind });
        }
        for one in [ticket, &other.ticket] {
            room_for_tie(one)?;
        }
        let of =
            |other, number: u64, from_other| TicketsLinked { other, other_number: number, kind, from_other };
        Ok(vec![
            Draft::at(other.id, of(own, number.0, true)),
            Draft::of(of(other.id, other.ticket.number.0, false)),
        ])
    }
}

impl Fold for TicketsLinked {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.links.insert((self.other, self.kind, self.from_other));
    }
}

/// Refuses one tie more than a ticket has; its incidents, if it is a problem, have a limit of their own.
pub(super) fn room_for_tie(ticket: &Ticket) -> Result<(), Rejection> {
    let by_hand = ticket.links.len().saturating_sub(incidents(ticket).count());
    if by_hand < limits::LINKS {
        return Ok(());
    }
    let rule = format!("must leave each ticket with at most {} links", limits::LINKS);
    Err(FieldError::new("data.other", rule).into())
}

/// The ticket that a command is about.
pub(super) const fn own(command: &Command) -> Option<TicketId> {
    if let Entity::Ticket(id) = command.entity { Some(id) } else { None }
}
