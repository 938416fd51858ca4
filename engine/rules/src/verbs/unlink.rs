//! The verb `unlink`.

use guichet_schemas::command::{Command, Unlink};
use guichet_schemas::event::TicketsUnlinked;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::LinkKind;

use super::link::own;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

impl Decide for Unlink {
    /// A tie may name a ticket that is not here, for imports tell of such: it goes all the same.
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        let is_tied = |from_other| ticket.links.contains(&(self.other, self.kind, from_other));
        let from_other = match (is_tied(false), self.kind == LinkKind::Relates && is_tied(true)) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => return Ok(Vec::new()),
        };
        let kind = self.kind;
        let of =
            |other, number, from_other| TicketsUnlinked { other, other_number: number, kind, from_other };
        let known = context.other.map_or(0, |other| other.ticket.number.0);
        let there = own(command).zip(context.other);
        let there = there.map(|(own, other)| Draft::at(other.id, of(own, ticket.number.0, !from_other)));
        Ok(there.into_iter().chain([Draft::of(of(self.other, known, from_other))]).collect())
    }
}

impl Fold for TicketsUnlinked {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.links.remove(&(self.other, self.kind, self.from_other));
    }
}
