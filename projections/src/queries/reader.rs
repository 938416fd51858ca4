//! What an answer is read from: one view, so that the data and the position that it names agree.

use std::cell::{Cell, RefCell};

use guichet_key_client::Opener;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::StreamVersion;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{Attainment, query_reply};

use super::ask::{Ask, ExternalId, Which};
use super::budget::{Budget, Meter, Over};
use crate::sight::Sight;
use crate::store::{Checkpoint, StoreError, View};

/// Tickets that a refusal names.
const NAMED_MAX: usize = 10;

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

/// The source of an answer.
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
    /// Which restricted tickets it shows.
    pub(crate) sight: Sight,
    /// Opens personal texts; none where there is no key service to ask.
    pub(crate) opener: Option<&'a Opener>,
    pub(crate) budget: &'a Budget,
    /// The cost of the answer's thread.
    pub(crate) meter: RefCell<Meter<'a>>,
}

/// The data of an answer, and where the next page begins.
pub type Found = (query_reply::Data, Option<String>);

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

    /// The ticket that was named. One that the asker does not see is not there.
    pub(crate) fn find(&self, which: &Which) -> Result<TicketId, Refusal> {
        let id = match which {
            Which::Id(id) => *id,
            Which::Number(number) => {
                self.view.ticket_by_number(self.tenant(), *number)?.ok_or_else(|| absent(which))?
            }
            Which::External(external) => self.find_external(which, external)?,
        };
        if self.sight.hides(&self.view, self.tenant(), id, true)? {
            return Err(absent(which).into());
        }
        Ok(id)
    }

    /// Whether a ticket stays out of a list.
    pub(crate) fn hides(&self, id: TicketId) -> Result<bool, Refusal> {
        Ok(self.sight.hides(&self.view, self.tenant(), id, false)?)
    }

    /// An id that several tickets in sight have names none of them.
    fn find_external(&self, which: &Which, external: &ExternalId) -> Result<TicketId, Refusal> {
        let mut found = Vec::new();
        for entry in self.view.tickets_by_external_id(self.tenant(), external.id.as_str()) {
            let (source, id) = entry?;
            self.entry(source.len())?;
            let is_meant = external.source.as_ref().is_none_or(|wanted| wanted.as_str() == source);
            if is_meant && self.is_in_sight(id)? && !self.sight.hides(&self.view, self.tenant(), id, true)? {
                found.push((source, id));
            }
        }
        match found.as_slice() {
            [] => Err(absent(which).into()),
            [(_, id)] => Ok(*id),
            several => Err(self.ambiguous(which, several)?.into()),
        }
    }

    /// Whether the ticket was there at the position that is looked at.
    fn is_in_sight(&self, id: TicketId) -> Result<bool, Refusal> {
        let first = self.view.events_of(self.tenant(), id, StreamVersion::FIRST).next().transpose()?;
        Ok(first.is_some_and(|(_, position)| position.get() <= self.until))
    }

    fn ambiguous(&self, which: &Which, found: &[(String, TicketId)]) -> Result<FieldError, Refusal> {
        let mut names = Vec::new();
        for (source, id) in found.iter().take(NAMED_MAX) {
            let row = self.view.ticket(self.tenant(), *id)?;
            let number = row.map_or_else(|| id.to_string(), |row| row.number);
            names.push(format!("{number} of {source:?}"));
        }
        let left_out = found.len().saturating_sub(NAMED_MAX);
        let more = if left_out == 0 { String::new() } else { format!(" and {left_out} more") };
        let rule = format!(
            "is needed, or the number of the ticket: {} are {which}: {}{more}",
            found.len(),
            names.join(", ")
        );
        Ok(FieldError::new("external_source", rule))
    }
}

pub(crate) fn absent(which: &Which) -> Rejection {
    Rejection::NotFound { what: which.to_string() }
}

pub(crate) fn unavailable(reason: &str) -> Rejection {
    Rejection::Unavailable { reason: reason.to_owned(), as_of_position: None }
}
