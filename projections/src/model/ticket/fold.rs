//! The read model "ticket": records, rows, numbers, ids elsewhere and where a ticket's events stand.
//!
//! A row is read and written once per batch, however many events of its ticket stand in it.

use std::sync::Arc;

use guichet_schemas::codec::decode_record;
use guichet_schemas::position::StreamVersion;
use guichet_schemas::record::Record;
use guichet_schemas::wire::TicketView;
use prost::Message as _;

use super::answers::TicketAnswers;
use super::records::put_record;
use crate::keys;
use crate::model::rows::{Row, RowCache, Rows};
use crate::projection::{Accepted, Opened, Projection, ReadModel};
use crate::store::{Batch, Family, Store, StoreError};

/// The tickets with their timelines, and the records.
pub static TICKET: ReadModel = ReadModel {
    name: "ticket",
    version: 7,
    families: &[
        Family::ranges(keys::RECORDS),
        Family::ranges(keys::TICKET_EVENTS),
        // Point reads, many of them for tickets that are not there yet.
        Family::points(keys::TICKETS),
        Family::points(keys::NUMBERS),
        Family::ranges(keys::EXTERNAL_REFS),
        Family::ranges(keys::REDACTIONS),
    ],
    answers: &["ticket", "timeline", "tickets", "events"],
    in_memory: false,
    open: |store| Ok(opened(store, super::apply)),
};

/// A row and a record make a row.
type Apply = fn(Option<TicketView>, &Record) -> TicketView;

pub(crate) fn opened(store: &Arc<Store>, apply: Apply) -> Opened {
    let fold = Fold { store: Arc::clone(store), apply, rows: Rows::default(), cache: RowCache::default() };
    Opened { fold: Box::new(fold), answers: Arc::new(TicketAnswers) }
}

impl Row for TicketView {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.encoded_len()
    }
}

struct Fold {
    store: Arc<Store>,
    apply: Apply,
    /// Of the batch at hand.
    rows: Rows<TicketView>,
    cache: RowCache<TicketView>,
}

impl Projection for Fold {
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let Some((_, key)) = put_record(accepted, batch) else { return Ok(()) };
        let store = &self.store;
        let slot = self.rows.slot(key, &mut self.cache, || match accepted.record.version {
            // Nothing stands before the first event, so there is nothing to look for.
            StreamVersion::FIRST => Ok(None),
            _ => row(store, key),
        })?;
        let before = slot.take();
        *slot = Some((self.apply)(before, accepted.record));
        Ok(())
    }

    fn skipped(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) {
        // The history of a ticket is complete, also where its row stands still.
        put_record(accepted, batch);
    }

    fn refold(&mut self, key: &[u8], batch: &mut Batch<'_>) -> Result<bool, StoreError> {
        let damaged = || StoreError::Damaged { what: "a ticket's history" };
        let (tenant, id) = keys::tenant_and_ticket(key).ok_or_else(damaged)?;
        let view = self.store.view();
        let mut row = None;
        for event in view.events_of(tenant, id, StreamVersion::FIRST) {
            let bytes = view.record(tenant, event?.1)?.ok_or_else(damaged)?;
            row = Some((self.apply)(row, &decode_record(&bytes).map_err(|_| damaged())?));
        }
        // The old row may be remembered.
        self.cache = RowCache::default();
        if let Some(row) = row {
            batch.put(keys::TICKETS, key, &row.encode_to_vec());
        }
        Ok(true)
    }

    fn seal(&mut self, batch: &mut Batch<'_>) {
        for (key, row) in self.rows.iter() {
            batch.put(keys::TICKETS, key, &row.encode_to_vec());
        }
    }

    fn committed(&mut self) {
        self.cache.keep(std::mem::take(&mut self.rows));
    }
}

fn row(store: &Store, key: &[u8]) -> Result<Option<TicketView>, StoreError> {
    store.row(keys::TICKETS, key, |bytes| {
        TicketView::decode(bytes).map_err(|_| StoreError::Damaged { what: "a ticket's row" })
    })
}
