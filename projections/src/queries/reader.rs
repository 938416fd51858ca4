//! What an answer is read from: one view, so that the data and the position that it names agree.

use std::cell::{Cell, RefCell};

use guichet_key_client::Opener;
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{Attainment, query_reply};

use super::ask::{Ask, Which};
use super::budget::{Budget, Meter, Over};
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

pub(crate) fn unavailable(reason: &str) -> Rejection {
    Rejection::Unavailable { reason: reason.to_owned(), as_of_position: None }
}
