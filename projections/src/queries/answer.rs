//! One answer from one view, so that the data and the position that it names agree.

use bytes::Bytes;
use guichet_schemas::codec::encode_query_reply;
use guichet_schemas::ids::{TenantId, TicketId};
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{QueryReply, query_reply};

use super::ask::{Ask, Question, Which};
use super::{Queries, events, projections, ticket, tickets, timeline};
use crate::store::{Checkpoint, StoreError, View};

/// Why there is no answer.
pub(super) enum Refusal {
    Rejected(Rejection),
    Store(StoreError),
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
pub(super) struct Reader<'a> {
    pub(super) ask: &'a Ask,
    pub(super) view: View<'a>,
    pub(super) checkpoint: Checkpoint,
    /// The last position that the answer looks at.
    pub(super) until: u64,
    /// The instant for which it holds.
    pub(super) now: Timestamp,
}

/// The data of an answer, and where the next page begins.
pub(super) type Found = (query_reply::Data, Option<String>);

impl Queries {
    /// Reads and encodes an answer. Blocks.
    pub(super) fn read(&self, ask: &Ask) -> Result<Bytes, Rejection> {
        self.try_read(ask).map(|reply| encode_query_reply(&reply, ask.encoding)).map_err(|refusal| {
            match refusal {
                Refusal::Rejected(rejection) => rejection,
                Refusal::Store(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "a question could not be answered"
                    );
                    super::unavailable("the read model cannot be read; the operator's log says why")
                }
            }
        })
    }

    fn try_read(&self, ask: &Ask) -> Result<QueryReply, Refusal> {
        let view = self.store.view();
        let checkpoint = view.checkpoint()?;
        let have = checkpoint.position_or_zero();
        let until = ask.as_of_position.map_or(have, |asked| asked.min(have));
        let mut reader = Reader { ask, view, checkpoint, until, now: Timestamp(0) };
        if ask.tenant != TenantId::default_tenant() {
            return Err(reader.unknown_tenant().into());
        }
        reader.now = self.instant(&reader)?;
        self.require_healthy(&reader)?;
        let (data, next_cursor) = match &ask.question {
            Question::Ticket(which) => ticket::answer(&reader, *which)?,
            Question::Timeline(which) => timeline::answer(&reader, *which)?,
            Question::Tickets(filter) => tickets::answer(&reader, filter)?,
            Question::Events(filter) => events::answer(&reader, filter)?,
            Question::Projections => projections::answer(&reader, &self.status)?,
        };
        Ok(QueryReply {
            as_of_position: until,
            as_of_time: reader.now.0,
            next_cursor,
            as_of: ask.as_of.map(|t| t.0),
            data: Some(data),
        })
    }

    /// The instant that was asked for; else when the last record that counts was recorded, so that a look
    /// back always gives the same answer; else now.
    fn instant(&self, reader: &Reader<'_>) -> Result<Timestamp, Refusal> {
        if let Some(as_of) = reader.ask.as_of {
            return Ok(as_of);
        }
        let last = match reader.ask.as_of_position.and_then(|_| LogPosition::new(reader.until)) {
            Some(until) => reader.view.last_record_until(reader.tenant(), until)?,
            None => None,
        };
        match last {
            Some(bytes) => Ok(Timestamp(super::past::wire_record(&bytes)?.recorded_at)),
            None => Ok((self.clock)()),
        }
    }

    /// A model that stands still because its history is in doubt answers only how it is.
    fn require_healthy(&self, reader: &Reader<'_>) -> Result<(), Refusal> {
        let halted = self.status.halted().borrow().clone();
        match (&reader.ask.question, halted) {
            (_, None) | (Question::Projections, Some(_)) => Ok(()),
            (
                Question::Ticket(_) | Question::Timeline(_) | Question::Tickets(_) | Question::Events(_),
                Some(why),
            ) => {
                let as_of_position = Some(reader.checkpoint.position_or_zero());
                Err(Rejection::Unavailable {
                    reason: format!("the read model is halted: {why}"),
                    as_of_position,
                }
                .into())
            }
        }
    }
}

impl Reader<'_> {
    pub(super) fn tenant(&self) -> &str {
        self.ask.tenant.as_str()
    }

    /// The ticket that was named.
    pub(super) fn find(&self, which: Which) -> Result<TicketId, Refusal> {
        match which {
            Which::Id(id) => Ok(id),
            Which::Number(number) => {
                self.view.ticket_by_number(self.tenant(), number)?.ok_or_else(|| absent(which).into())
            }
        }
    }

    /// Another tenant's ticket, an unknown tenant's and one that is not there look the same.
    fn unknown_tenant(&self) -> Rejection {
        match &self.ask.question {
            Question::Ticket(which) | Question::Timeline(which) => absent(*which),
            Question::Tickets(_) | Question::Events(_) | Question::Projections => {
                Rejection::NotFound { what: format!("tenant {}", self.ask.tenant) }
            }
        }
    }
}

pub(super) fn absent(which: Which) -> Rejection {
    Rejection::NotFound { what: which.to_string() }
}
