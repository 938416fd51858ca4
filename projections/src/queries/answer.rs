//! How a question is put to a model, and its answer to the asker.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::QueryReply;

use super::Queries;
use super::ask::{Ask, Question};
use super::budget::Budget;
use super::reader::{Reader, Refusal, absent};
use crate::live::Model;
use crate::projection::Answers;
use crate::sight::Sight;
use crate::status::Status;
use crate::store::View;

impl Queries {
    /// Reads an answer of a model. Blocks.
    pub(super) fn read(
        &self,
        model: &Model,
        ask: &Ask,
        unheard: Arc<AtomicBool>,
    ) -> Result<QueryReply, Rejection> {
        let budget = self.budget(unheard);
        let read = model.slot.read(|view, answers| self.try_read(&model.status, view, answers, ask, &budget));
        read.map_err(|refusal| match refusal {
            Refusal::Over(over) => over.rejection(ask.widest_field()),
            Refusal::Rejected(_) | Refusal::Store(_) => rejection(refusal),
        })
    }

    fn try_read(
        &self,
        status: &Status,
        view: View<'_>,
        answers: &dyn Answers,
        ask: &Ask,
        budget: &Budget,
    ) -> Result<QueryReply, Refusal> {
        let checkpoint = view.checkpoint()?;
        let have = checkpoint.position_or_zero();
        let until = ask.as_of_position.map_or(have, |asked| asked.min(have));
        let (own_position, opener) = (Cell::new(None), Some(&self.opener));
        let (now, meter) = (Timestamp(0), RefCell::new(budget.meter()));
        let attainment = RefCell::default();
        let sight = Sight::of(&view, ask, (self.ground.clock)())?;
        let mut reader = Reader {
            ask,
            view,
            checkpoint,
            until,
            now,
            own_position,
            attainment,
            sight,
            opener,
            budget,
            meter,
        };
        if !reader.view.has(&ask.tenant)? {
            return Err(unknown_tenant(ask).into());
        }
        reader.now = self.instant(&reader, answers)?;
        require_healthy(&reader, status)?;
        let (data, next_cursor) = answers.answer(&reader)?;
        Ok(QueryReply {
            as_of_position: reader.own_position.get().unwrap_or(until),
            as_of_time: reader.now.0,
            next_cursor,
            as_of: ask.as_of.map(|t| t.0),
            sla_as_of_position: None,
            attainment: reader.attainment.take(),
            data: Some(data),
        })
    }

    /// The instant that was asked for, or that a page before held for; else when the last record that counts was recorded, so that a look
    /// back always gives the same answer; else now.
    fn instant(&self, reader: &Reader<'_>, answers: &dyn Answers) -> Result<Timestamp, Refusal> {
        if let Some(instant) = reader.ask.as_of.or(answers.instant(reader)?) {
            return Ok(instant);
        }
        let last = match reader.ask.as_of_position.and_then(|_| LogPosition::new(reader.until)) {
            Some(until) => answers.recorded_at(reader, until)?,
            None => None,
        };
        Ok(last.unwrap_or_else(|| (self.ground.clock)()))
    }
}

/// A model that stands still because its history is in doubt answers only how it is.
fn require_healthy(reader: &Reader<'_>, status: &Status) -> Result<(), Refusal> {
    match status.halted().borrow().as_ref() {
        None => Ok(()),
        Some(why) => {
            let as_of_position = Some(reader.checkpoint.position_or_zero());
            let reason = format!("the read model is halted: {why}");
            Err(Rejection::Unavailable { reason, as_of_position }.into())
        }
    }
}

/// The answer for the asker; internal details go to the operator.
pub(super) fn rejection(refusal: Refusal) -> Rejection {
    match refusal {
        Refusal::Rejected(rejection) => rejection,
        Refusal::Store(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a question could not be answered");
            super::reader::unavailable("the read model cannot be read; the operator's log says why")
        }
        Refusal::Over(over) => over.rejection("limit"),
    }
}

/// Another tenant's ticket, an unknown tenant's and one that is not there look the same.
pub(super) fn unknown_tenant(ask: &Ask) -> Rejection {
    match &ask.question {
        Question::Ticket(which) | Question::SlaClocks(which) | Question::SuggestedArticles(which, _) => {
            absent(which)
        }
        Question::Timeline(history) => absent(&history.which),
        Question::Tickets(_)
        | Question::Events(_)
        | Question::Queues(_)
        | Question::Queue(_)
        | Question::Report(..)
        | Question::SlaDue(_)
        | Question::SlaBreaches(_)
        | Question::Figures
        | Question::Article(_)
        | Question::Articles(_)
        | Question::KnowledgeGaps(_)
        | Question::Projections => Rejection::NotFound { what: format!("tenant {}", ask.tenant) },
    }
}
