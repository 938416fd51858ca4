//! One answer from one view, so that the data and the position that it names agree.

use std::cell::{Cell, RefCell};

use guichet_key_client::Opener;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{Attainment, QueryReply, query_reply};

use super::Queries;
use super::ask::{Ask, Question, Which};
use super::budget::{Budget, Meter, Over};
use crate::live::Model;
use crate::projection::Answers;
use crate::status::Status;
use crate::store::{Checkpoint, StoreError, View};

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The asker is told.
    Rejected(Rejection),
    /// The operator is told.
    Store(StoreError),
    /// The answer would cost more than one may.
    Over(Over),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::Rejected(error.into())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What an answer is read from.
pub struct Reader<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) view: View<'a>,
    pub(crate) checkpoint: Checkpoint,
    /// The last position that the answer looks at.
    pub(crate) until: u64,
    /// The instant for which it holds.
    pub(crate) now: Timestamp,
    /// Set by an answer from memory that has a position of its own, newer or older than the view's.
    pub(crate) own_position: Cell<Option<u64>>,
    /// Set by an answer whose figures somebody had goals for.
    pub(crate) attainment: RefCell<Vec<Attainment>>,
    /// Opens personal texts; none where there is no key service to ask.
    pub(crate) opener: Option<&'a Opener>,
    /// What the answer may cost.
    pub(crate) budget: &'a Budget,
    /// What the thread of the answer has cost.
    pub(crate) meter: RefCell<Meter<'a>>,
}

/// The data of an answer, and where the next page begins.
pub type Found = (query_reply::Data, Option<String>);

impl Queries {
    /// Reads an answer of a model. Blocks.
    pub(super) fn read(&self, model: &Model, ask: &Ask) -> Result<QueryReply, Rejection> {
        let budget = self.budget();
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
        let mut reader =
            Reader { ask, view, checkpoint, until, now, own_position, attainment, opener, budget, meter };
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

/// What the asker is told; what is ours to know goes to the operator.
pub(super) fn rejection(refusal: Refusal) -> Rejection {
    match refusal {
        Refusal::Rejected(rejection) => rejection,
        Refusal::Store(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a question could not be answered");
            super::unavailable("the read model cannot be read; the operator's log says why")
        }
        Refusal::Over(over) => over.rejection("limit"),
    }
}

/// Another tenant's ticket, an unknown tenant's and one that is not there look the same.
pub(super) fn unknown_tenant(ask: &Ask) -> Rejection {
    match &ask.question {
        Question::Ticket(which) | Question::SlaClocks(which) => absent(*which),
        Question::Timeline(history) => absent(history.which),
        Question::Tickets(_)
        | Question::Events(_)
        | Question::Queues(_)
        | Question::Queue(_)
        | Question::Report(..)
        | Question::SlaDue(_)
        | Question::SlaBreaches(_)
        | Question::Projections => Rejection::NotFound { what: format!("tenant {}", ask.tenant) },
    }
}

impl Reader<'_> {
    pub(crate) fn tenant(&self) -> &str {
        self.ask.tenant.as_str()
    }

    /// Counts an entry that was read, of so many bytes.
    ///
    /// # Errors
    /// The answer costs more than one may.
    pub(crate) fn entry(&self, bytes: usize) -> Result<(), Refusal> {
        Ok(self.meter.borrow_mut().entry(bytes)?)
    }

    /// Whether a list has had its slice of time: its page ends, and the next one goes on.
    pub(crate) fn slice_is_over(&self) -> bool {
        self.meter.borrow().slice_is_over()
    }

    /// The ticket that was named.
    pub(crate) fn find(&self, which: Which) -> Result<TicketId, Refusal> {
        match which {
            Which::Id(id) => Ok(id),
            Which::Number(number) => {
                self.view.ticket_by_number(self.tenant(), number)?.ok_or_else(|| absent(which).into())
            }
        }
    }
}

pub(crate) fn absent(which: Which) -> Rejection {
    Rejection::NotFound { what: which.to_string() }
}
