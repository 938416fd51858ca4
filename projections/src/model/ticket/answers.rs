//! The queries of the ticket model.

mod events;
mod incidents;
mod merged;
mod past;
mod ticket;
mod tickets;
mod timeline;

use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use crate::projection::Answers;
use crate::queries::ask::Question;
use crate::queries::reader::{Found, Reader, Refusal};

#[cfg(test)]
mod external_ref_tests;
#[cfg(test)]
mod merged_tests;

/// Answers from the rows of tickets, and from their records.
pub(super) struct TicketAnswers;

impl Answers for TicketAnswers {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        match &reader.ask.question {
            Question::Ticket(which) => ticket::answer(reader, which),
            Question::Timeline(history) => timeline::answer(reader, history),
            Question::Tickets(filter) => tickets::answer(reader, filter),
            Question::Events(filter) => events::answer(reader, filter),
            Question::Queues(_)
            | Question::Queue(_)
            | Question::Report(..)
            | Question::SlaClocks(_)
            | Question::SlaDue(_)
            | Question::SlaBreaches(_)
            | Question::Figures
            | Question::Article(_)
            | Question::Articles(_)
            | Question::SuggestedArticles(..)
            | Question::KnowledgeGaps(_)
            | Question::Projections => Err(Rejection::Unsupported("this query here".to_owned()).into()),
        }
    }

    fn recorded_at(&self, reader: &Reader<'_>, until: LogPosition) -> Result<Option<Timestamp>, Refusal> {
        match reader.view.last_record_until(reader.tenant(), until)? {
            Some(bytes) => Ok(Some(Timestamp(past::wire_record(&bytes)?.recorded_at))),
            None => Ok(None),
        }
    }
}
