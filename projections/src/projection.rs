//! What a read model is, and how to write one. A new model touches four places and no more:
//!
//! 1. It implements [`Projection`], the fold, and [`Answers`], its queries, in a folder of its own below `model/`.
//! 2. It describes itself in a `static` [`ReadModel`] and stands in `model::ALL`.
//! 3. Its column families and the layout of their keys stand in [`crate::keys`].
//! 4. Its questions get a variant of `queries::ask::Question`, with the check of their fields.
//!
//! ```text
//! open(store) ─▶ ( apply(record)… ─▶ seal ─▶ one write: rows + checkpoint ─▶ committed )…
//!                      │ panic
//!                      ▼
//!                open again, the batch again without the ticket that caused it
//! ```
//!
//! Rules of the fold. The content after position p is a function of the events 1..p: not of the batches, the
//! clock, or the order of a hash map. `apply` changes only what it keeps to itself and the batch; what answers
//! read, in memory or through [`Answers`], changes in `committed`, when the write is done. A row that `apply`
//! wrote cannot be read from the store before that: what a later event of the batch needs, the fold keeps.
//! After a failed batch the object is dropped and opened again, so nothing needs to be undone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use guichet_schemas::ids::TicketId;
use guichet_schemas::position::LogPosition;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::StepsView;

use crate::queries::reader::{Found, Reader, Refusal};
use crate::store::{Batch, Family, Layout, Store, StoreError};

/// A read model, as the catalogue lists it.
pub struct ReadModel {
    /// Its name: in folders, in the query `projections`, on the command line.
    pub name: &'static str,
    /// Version of the fold. One more whenever the same events give other rows.
    pub version: u32,
    /// Its column families, in the order in which the content hash reads them. `quarantine` and `meta` come on
    /// top by themselves.
    pub families: &'static [Family],
    /// The queries that it answers.
    pub answers: &'static [&'static str],
    /// Answers look at memory that `committed` changes. Then a batch is not written while an answer is read, so
    /// that memory, rows and position agree; answers of such a model must be quick.
    pub in_memory: bool,
    /// Loads what it keeps in memory.
    pub open: fn(&Arc<Store>) -> Result<Opened, StoreError>,
}

impl ReadModel {
    #[must_use]
    pub const fn layout(&self) -> Layout {
        Layout { name: self.name, version: self.version, families: self.families }
    }
}

/// The two halves of a model at work. They may share memory behind a lock.
pub struct Opened {
    /// Writes; owned by one folder.
    pub fold: Box<dyn Projection>,
    /// Reads; asked by many at a time.
    pub answers: Arc<dyn Answers>,
}

/// The fold of a read model.
pub trait Projection: Send {
    /// Folds a record. A panic here costs the ticket of the record its row: see [`Projection::skipped`].
    ///
    /// # Errors
    /// The store cannot be read.
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError>;

    /// In the place of `apply` for a record whose ticket is quarantined.
    fn skipped(&mut self, _accepted: &Accepted<'_>, _batch: &mut Batch<'_>) {}

    /// Folds a ticket again from nothing, where the model has all that it needs in its store; `false` where it has
    /// not: then the model is rebuilt.
    ///
    /// # Errors
    /// The store cannot be read.
    fn refold(&mut self, _key: &[u8], _batch: &mut Batch<'_>) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The last record of the batch was applied: writes what was held back, such as rows that change often.
    fn seal(&mut self, _batch: &mut Batch<'_>) {}

    /// The batch is written.
    fn committed(&mut self) {}

    /// The work that a record left for [`Projection::step`], and how much of it is done.
    fn steps(&self) -> Option<StepsView> {
        None
    }

    /// Does a portion of what one record left to do for many tickets, in derived families alone. False: there was
    /// nothing to do. Called between batches, again and again.
    ///
    /// # Errors
    /// The store cannot be read.
    fn step(&mut self, _batch: &mut Batch<'_>) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// The queries of a read model.
pub trait Answers: Send + Sync {
    /// Answers `reader.ask.question`, one of those that the model says it answers. Blocks.
    ///
    /// # Errors
    /// Why there is no answer.
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal>;

    /// The instant for which the answer holds, where that is not now: a cursor may name one.
    ///
    /// # Errors
    /// The cursor is not ours.
    fn instant(&self, _reader: &Reader<'_>) -> Result<Option<Timestamp>, Refusal> {
        Ok(None)
    }

    /// When the tenant's last record up to a position was recorded: the instant for which an answer with
    /// `as_of_position` holds. A model that cannot know refuses such questions in `answer`.
    ///
    /// # Errors
    /// The store cannot be read.
    fn recorded_at(&self, _reader: &Reader<'_>, _until: LogPosition) -> Result<Option<Timestamp>, Refusal> {
        Ok(None)
    }

    /// The changes to the instants at which clocks are due, or all of those instants; `None`: the model does not know
    /// them.
    ///
    /// # Errors
    /// The store cannot be read.
    fn dues(&self, _whole: bool) -> Result<Option<News>, StoreError> {
        Ok(None)
    }

    /// Whether the model orders tickets by what [`Answers::dues`] of another one tells, and has been told all of it.
    fn has_dues(&self) -> bool {
        false
    }

    /// Takes what another model tells; `None`: there is no such model, and nothing that it told counts any more.
    fn hear(&self, _news: Option<News>) {}
}

/// By tenant and ticket, when the first of its running clocks is due; `None`: none runs.
pub(crate) type Due = BTreeMap<String, HashMap<TicketId, Option<Timestamp>>>;

/// News of the model of the clocks about the instants at which tickets are due.
#[derive(Debug)]
pub struct News {
    /// All that are due, not only those that changed.
    pub(crate) whole: bool,
    pub(crate) due: Due,
    /// Up to which position that is known of all tickets; `None`: up to where the model is.
    pub(crate) behind: Option<u64>,
}

impl News {
    /// That nothing is due.
    pub(crate) const fn nothing() -> Self {
        Self { whole: true, due: Due::new(), behind: None }
    }
}

/// A record that continues the history.
pub struct Accepted<'a> {
    pub record: &'a Record,
    /// Its bytes, as hashed.
    pub bytes: &'a Bytes,
    /// The ticket that it is about, with the key of its row.
    pub ticket: Option<&'a (TicketId, TicketKey)>,
}

/// Tenant and ticket: the key of a ticket's row in every model.
pub type TicketKey = Vec<u8>;
