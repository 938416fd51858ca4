//! The read model "reports": of each ticket, the moments that the figures of the desk are made of.
//!
//! A moment is appended to its ticket's history and never changed. A report is a sum over histories: a look back
//! reads them all, cut where it must; what is asked about the present is kept, and goes on with each batch.

mod answers;
mod build;
mod published;

pub(in crate::model) use answers::{page, window, window_of};
pub(in crate::model) use build::Sum;
pub(in crate::model) use published::Cache;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guichet_config::Publication;
use guichet_reports::{Change, Cut, History, Kept, distill, encode};
use guichet_schemas::position::LogPosition;

use crate::keys;
use crate::projection::{Accepted, Opened, Projection, ReadModel, TicketKey};
use crate::store::{Batch, Family, Merge, Store, StoreError};

/// The histories from which reports are computed.
pub static REPORTS: ReadModel = ReadModel {
    name: "reports",
    version: 5,
    families: &[
        Family::ranges(keys::HISTORIES).merged(Merge::APPEND),
        Family::ranges(keys::RECORDED).merged(Merge::APPEND),
        Family::ranges(keys::REPORT_CONFIG),
    ],
    answers: guichet_reports::Kind::OF_TICKETS_AND_FIGURES,
    // The kept reports have a lock and a position of their own: a first question may take a second, and no batch
    // waits for it.
    in_memory: false,
    open,
};

fn open(store: &Arc<Store>) -> Result<Opened, StoreError> {
    let position = store.checkpoint()?.position_or_zero();
    let kept = Arc::new(Mutex::new(Kept::at(position)));
    let fold = Fold { store: Arc::clone(store), kept: Arc::clone(&kept), position, batch: BTreeMap::new() };
    let answers = answers::Reports::new(Arc::clone(store), kept);
    Ok(Opened { fold: Box::new(fold), answers: Arc::new(answers) })
}

struct Fold {
    store: Arc<Store>,
    kept: Arc<Mutex<Kept>>,
    /// Of the last record applied.
    position: u64,
    /// Tickets of the batch at hand, with the moments to append.
    batch: BTreeMap<TicketKey, Appended>,
}

struct Appended {
    tenant: String,
    moments: Vec<u8>,
}

impl Projection for Fold {
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        self.recorded(accepted, batch);
        let record = accepted.record;
        if Publication::of(&record.event).is_some_and(|publication| publication.kind.is_read_by_reports()) {
            let key = keys::record(&record.tenant, record.position);
            batch.put(keys::REPORT_CONFIG, &key, accepted.bytes);
        }
        let Some((_, key)) = accepted.ticket else { return Ok(()) };
        let moments = distill(accepted.record);
        if moments.is_empty() {
            return Ok(());
        }
        let tenant = || accepted.record.tenant.clone();
        let appended = self
            .batch
            .entry(key.clone())
            .or_insert_with(|| Appended { tenant: tenant(), moments: Vec::new() });
        moments.iter().for_each(|moment| encode(moment, &mut appended.moments));
        Ok(())
    }

    fn skipped(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) {
        self.recorded(accepted, batch);
    }

    fn seal(&mut self, batch: &mut Batch<'_>) {
        for (key, appended) in &self.batch {
            batch.merge(keys::HISTORIES, key, &appended.moments);
        }
    }

    fn committed(&mut self) {
        let touched = std::mem::take(&mut self.batch);
        let mut kept = lock(&self.kept);
        let changes = changes(&self.store, &kept, &touched, self.position);
        match changes {
            Ok(changes) => kept.advance(self.position, touched.keys(), &changes),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the kept reports are given up; they are read again when somebody asks"
                );
                kept.forget();
                kept.advance(self.position, touched.keys(), &BTreeMap::new());
            }
        }
    }
}

impl Fold {
    /// Notes when a record was recorded, for looks back to its position.
    fn recorded(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) {
        let record = accepted.record;
        self.position = record.position.get();
        let mut entry = [0; 16];
        entry[..8].copy_from_slice(&self.position.to_be_bytes());
        entry[8..].copy_from_slice(&record.recorded_at.0.to_be_bytes());
        batch.merge(keys::RECORDED, &keys::recorded(&record.tenant, record.position), &entry);
    }
}

/// How the histories of a batch went on, of the tenants that somebody asked about.
fn changes(
    store: &Store,
    kept: &Kept,
    touched: &BTreeMap<TicketKey, Appended>,
    now: u64,
) -> Result<BTreeMap<String, Vec<Change>>, StoreError> {
    let mut changes: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for (key, appended) in touched.iter().filter(|(_, appended)| kept.wants(&appended.tenant)) {
        let bytes = store.row(keys::HISTORIES, key, |bytes| Ok(bytes.to_vec()))?.unwrap_or_default();
        let at = |position| history(&bytes, Cut { position, ..Cut::NONE });
        let change = Change { before: at(kept.position())?, after: at(now)? };
        changes.entry(appended.tenant.clone()).or_default().push(change);
    }
    Ok(changes)
}

fn history(bytes: &[u8], cut: Cut) -> Result<History, StoreError> {
    History::read(bytes, cut).map_err(|_| StoreError::Damaged { what: "a ticket's history" })
}

/// When the last record of a tenant up to a position was recorded.
fn recorded_at(
    view: &crate::store::View<'_>,
    tenant: &str,
    until: LogPosition,
) -> Result<Option<i64>, StoreError> {
    let start = keys::recorded(tenant, until);
    for block in view.scan_down(keys::RECORDED, keys::tenant(tenant), &start) {
        let (_, entries) = block?;
        let of = |entry: &[u8], from: usize| {
            entry[from..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes)).unwrap_or_default()
        };
        let last = entries.chunks_exact(16).rev().find(|entry| of(entry, 0) <= until.get());
        if let Some(entry) = last {
            return Ok(Some(of(entry, 8).cast_signed()));
        }
    }
    Ok(None)
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(|poisoned| {
        // A panic in between may have left half of a change in the sums.
        let mut kept = PoisonError::into_inner(poisoned);
        kept.forget();
        kept
    })
}

#[cfg(test)]
#[path = "reports_tests.rs"]
mod tests;
