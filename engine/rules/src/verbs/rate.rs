//! The verb `rate`.

use guichet_schemas::command::{Command, Rate};
use guichet_schemas::event::TicketRated;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::shared::asked;
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Survey, Ticket};

impl Decide for Rate {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        let survey = ticket.survey(self.token);
        asked(command, survey.map(|survey| survey.to.as_str()))?;
        let survey = survey.ok_or_else(|| Rejection::NotFound {
            what: format!("a survey of ticket {} with this token", ticket.number),
        })?;
        if survey.kind != self.scale.of() {
            let rule = format!("{} does not answer a survey {}", self.scale, survey.kind);
            return Err(FieldError::new("data.scale", rule).into());
        }
        if survey.is_over(context.now) {
            return Err(too_late(ticket, survey));
        }
        if self.comment.is_none() && survey.answer == Some((Some(self.scale), self.score)) {
            return Ok(Vec::new());
        }
        Ok(vec![Draft::of(TicketRated {
            scale: self.scale,
            score: self.score,
            comment: self.comment.clone().map(Into::into),
            credited_agent: credited(ticket),
            survey_id: Some(self.token),
        })])
    }
}

impl Fold for TicketRated {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.note_rating(self);
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.credited_agent = self.credited_agent.take().or_else(|| credited(ticket));
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        ticket.last_resolution.as_ref().map_or(0, |resolution| resolution.by.len())
    }
}

/// Whoever resolved it last, whoever has it now.
fn credited(ticket: &Ticket) -> Option<String> {
    ticket.last_resolution.as_ref().map(|resolution| resolution.by.clone())
}

/// A ticket that is over takes ratings within their window, and nothing after it.
fn too_late(ticket: &Ticket, survey: &Survey) -> Rejection {
    let (number, state) = (ticket.number, ticket.state());
    if state.is_terminal() {
        return Rejection::TerminalState { number, state, verb: Rate::VERB };
    }
    let message = format!("the survey of ticket {number} expired at {}; request another", survey.expires);
    Rejection::GuardFailed { guard: "survey_expired", message }
}
