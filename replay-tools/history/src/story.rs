//! The life of one ticket, step by step, each with its cause.

use std::ops::ControlFlow;

use guichet_client::output::Output;
use guichet_client::which::Which;
use guichet_config::Publication;
use guichet_rules::{Ticket, evolve};
use guichet_schemas::codec::Head;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;
use guichet_sla::Rulebook;

use crate::HistoryError;
use crate::filter::ticket_of;
use crate::picture::{Field, Picture};
use crate::reader::each;
use crate::source::History;

/// The name of the event with which a ticket gets its number.
const CREATED: &str = "TicketCreated";

#[derive(Debug)]
pub enum Cause {
    /// An event of the ticket.
    Event(Box<Record>),
    /// A publication of configuration, which moved a clock.
    Configuration(Box<Record>),
    /// Neither: a clock ran out, or a publication took effect as planned.
    Time(Timestamp),
}

/// A change, or an event that changed none of the fields.
#[derive(Debug)]
pub struct Step {
    pub cause: Cause,
    /// The ticket before it; empty before its creation.
    pub before: Picture,
    /// The ticket after it.
    pub after: Picture,
}

impl Step {
    /// True where it changed a field.
    #[must_use]
    pub fn changes(&self, field: Field) -> bool {
        self.before.get(field) != self.after.get(field)
    }
}

/// The life of a ticket up to a position.
#[derive(Debug)]
pub struct Story {
    pub id: TicketId,
    pub number: TicketNumber,
    /// Its events, and what else moved its clocks, oldest first.
    pub steps: Vec<Step>,
    /// The picture at the end.
    pub now: Picture,
}

impl Story {
    /// Reads the life of a ticket up to a position; `None`: there is no such ticket in it.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn read(
        history: &History,
        tenant: &str,
        which: Which,
        until: u64,
        output: Option<&Output>,
    ) -> Result<Option<Self>, HistoryError> {
        let id = match which {
            Which::Id(id) => Some(id),
            Which::Number(number) => numbered(history, tenant, number, until)?,
        };
        let Some(id) = id else { return Ok(None) };
        let progress = output.map(|output| output.progress("reading", until));
        let mut folder = Folder::new(id);
        each(history, (1, until), progress.as_ref(), |head| {
            if head.tenant == tenant {
                folder.take(head)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(folder.end())
    }
}

/// The ticket of this number.
fn numbered(
    history: &History,
    tenant: &str,
    number: TicketNumber,
    until: u64,
) -> Result<Option<TicketId>, HistoryError> {
    let mut found = None;
    each(history, (1, until), None, |head| {
        if head.tenant == tenant && head.r#type == CREATED {
            let event = decoded(head)?.event;
            if event.created().is_some_and(|created| created.number == number.0) {
                found = ticket_of(head);
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn decoded(head: &Head<'_>) -> Result<Record, HistoryError> {
    head.record().map_err(|problem| HistoryError::Record { position: head.position, problem })
}

/// Folds one ticket, its clocks, and the configuration that they follow.
struct Folder {
    id: TicketId,
    ticket: Option<Ticket>,
    clocks: Option<guichet_sla::Ticket>,
    book: Rulebook,
    now: Picture,
    last: Timestamp,
    steps: Vec<Step>,
}

impl Folder {
    fn new(id: TicketId) -> Self {
        Self {
            id,
            ticket: None,
            clocks: None,
            book: Rulebook::default(),
            now: Picture::default(),
            last: Timestamp(i64::MIN),
            steps: Vec::new(),
        }
    }

    fn take(&mut self, head: &Head<'_>) -> Result<(), HistoryError> {
        self.last = self.last.max(Timestamp(head.recorded_at));
        if head.stream_kind == StreamKind::Config.to_wire() {
            self.published(decoded(head)?);
        } else if ticket_of(head) == Some(self.id) {
            self.happened(decoded(head)?);
        }
        Ok(())
    }

    fn published(&mut self, record: Record) {
        let Some(publication) = Publication::of(&record.event) else { return };
        self.passed(record.recorded_at);
        self.book.take(record.recorded_at, &publication);
        self.advance(record.recorded_at);
        let after = self.picture(record.recorded_at);
        self.step(Cause::Configuration(Box::new(record)), after, false);
    }

    fn happened(&mut self, record: Record) {
        self.passed(record.occurred_at);
        self.ticket = Some(evolve(self.ticket.take(), &record.event, record.occurred_at));
        let mut facts = Vec::new();
        self.clocks = Some(guichet_sla::Ticket::fold(self.clocks.take(), &record, &self.book, &mut facts));
        let after = self.picture(record.occurred_at);
        self.step(Cause::Event(Box::new(record)), after, true);
    }

    /// Takes over the effects of time alone since the last step.
    fn passed(&mut self, until: Timestamp) {
        self.advance(until);
        let after = self.picture(until);
        self.step(Cause::Time(until), after, false);
    }

    fn advance(&mut self, until: Timestamp) {
        if let Some(clocks) = &mut self.clocks
            && clocks.time() < until
        {
            clocks.advance(until, &self.book, &mut Vec::new());
        }
    }

    fn picture(&self, at: Timestamp) -> Picture {
        let due = self.clocks.as_ref().and_then(|clocks| clocks.next_due(&self.book, at));
        self.ticket.as_ref().map_or_else(Picture::default, |ticket| Picture::of(ticket, due))
    }

    /// Notes a step; one that changes nothing only where it is an event.
    fn step(&mut self, cause: Cause, after: Picture, always: bool) {
        if always || after != self.now {
            let before = std::mem::replace(&mut self.now, after.clone());
            self.steps.push(Step { cause, before, after });
        }
    }

    fn end(mut self) -> Option<Story> {
        self.passed(self.last);
        let ticket = self.ticket?;
        Some(Story { id: self.id, number: ticket.number, steps: self.steps, now: self.now })
    }
}
