//! The verb `declare_problem`.

use guichet_schemas::command::{Command, DeclareProblem, limits};
use guichet_schemas::event::{ProblemDeclared, TicketsLinked, WorkaroundPublished};
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{LinkKind, ProblemTrigger, TicketType};

use super::link::{own, room_for_tie};
use super::merge::{found, is_of_its_own};
use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for DeclareProblem {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let own = own(command).ok_or_else(|| Rejection::NotFound { what: "the ticket".to_owned() })?;
        let mut incidents = found("tickets", &self.tickets, own, context)?;
        incidents.sort_by_key(|incident| incident.id);
        incidents.retain(|incident| !ticket.links.contains(&(incident.id, LinkKind::CausedBy, true)));
        incidents.iter().try_for_each(|incident| is_of_its_own(&incident.ticket))?;
        require(ticket, &command.order)?;
        incidents.iter().try_for_each(|incident| may_be_caused(&incident.ticket, incident.id, ticket))?;
        has_room(ticket, incidents.len())?;
        let tie = |other, number: u64, from_other| TicketsLinked {
            other,
            other_number: number,
            kind: LinkKind::CausedBy,
            from_other,
        };
        let at_incidents = incidents.iter().map(|i| Draft::at(i.id, tie(own, ticket.number.0, false)));
        let mut drafts: Vec<Draft> = at_incidents.collect();
        let turns = ticket.turns_into(TicketType::Problem);
        let is_new = turns.is_some();
        drafts.extend(turns);
        if is_new || !incidents.is_empty() {
            let tickets = incidents.iter().map(|incident| incident.id).collect();
            drafts.push(Draft::of(ProblemDeclared { tickets, trigger: ProblemTrigger::Manual }));
        }
        drafts.extend(incidents.iter().map(|i| Draft::of(tie(i.id, i.ticket.number.0, true))));
        drafts
            .extend(self.workaround.clone().map(|text| Draft::of(WorkaroundPublished { text: text.into() })));
        Ok(drafts)
    }
}

/// The incidents of a problem, as the ties of its ticket say.
pub(crate) fn incidents(problem: &Ticket) -> impl Iterator<Item = TicketId> + '_ {
    let caused =
        problem.links.iter().filter(|(_, kind, from_other)| *kind == LinkKind::CausedBy && *from_other);
    caused.map(|(id, ..)| *id)
}

fn may_be_caused(incident: &Ticket, id: TicketId, problem: &Ticket) -> Result<(), Rejection> {
    if problem.links.contains(&(id, LinkKind::CausedBy, false)) {
        let (number, other, kind) = (problem.number, incident.number, LinkKind::CausedBy);
        return Err(Rejection::CycleDetected { number, other, kind });
    }
    room_for_tie(incident)
}

fn has_room(problem: &Ticket, more: usize) -> Result<(), Rejection> {
    let had = incidents(problem).count();
    if had.saturating_add(more) <= limits::INCIDENTS {
        return Ok(());
    }
    let message = format!("problem {} has {had} incidents; at most {} do", problem.number, limits::INCIDENTS);
    Err(Rejection::GuardFailed { guard: "incidents", message })
}

impl Fold for ProblemDeclared {
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}

impl Fold for WorkaroundPublished {
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}
