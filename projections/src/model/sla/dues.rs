//! When tickets are due by their clocks: what the queue board has not heard yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use guichet_schemas::ids::TicketId;
use guichet_schemas::time::Timestamp;

use super::row::Armed;
use crate::keys;
use crate::projection::{Due, News};
use crate::store::{Store, StoreError, damaged_key};

/// Changes that are kept for who asks next. Beyond, all are read again.
const CHANGES_MAX: usize = 100_000;

/// Changes since somebody asked, as soon as somebody has asked.
#[derive(Debug)]
pub(super) struct Dues(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    changes: Option<Due>,
    behind: Option<u64>,
}

impl Dues {
    pub(super) const fn new(behind: Option<u64>) -> Self {
        Self(Mutex::new(Kept { changes: None, behind }))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a write has changed, and up to where all is known.
    pub(super) fn note(&self, changes: impl Iterator<Item = Change>, behind: Option<u64>) {
        let mut kept = self.kept();
        kept.behind = behind;
        let Some(known) = kept.changes.as_mut() else { return };
        for Change { tenant, id, due } in changes {
            known.entry(tenant).or_default().insert(id, due);
        }
        if known.values().map(HashMap::len).sum::<usize>() > CHANGES_MAX {
            kept.changes = None;
        }
    }

    /// Gives what changed since the last time; everything the first time, or where that is wanted.
    pub(super) fn take(&self, store: &Store, whole: bool) -> Result<News, StoreError> {
        let (changed, behind) = {
            let mut kept = self.kept();
            (kept.changes.replace(Due::new()), kept.behind)
        };
        if let Some(due) = changed.filter(|_| !whole) {
            return Ok(News { whole: false, due, behind });
        }
        // Of after the beginning of the changes: what is in both is told twice, and nothing is missed.
        let due = all(store).inspect_err(|_| self.kept().changes = None)?;
        Ok(News { whole: true, due, behind })
    }
}

fn all(store: &Store) -> Result<Due, StoreError> {
    let view = store.view();
    let mut due = Due::new();
    for entry in view.scan(keys::SLA_ARMED, Vec::new(), &[]) {
        let (key, value) = entry?;
        let (tenant, id) = keys::tenant_and_ticket(&key).ok_or_else(damaged_key)?;
        let Some(at) = Armed::read(&value)?.due() else { continue };
        if !due.contains_key(tenant) {
            due.insert(tenant.to_owned(), HashMap::new());
        }
        if let Some(tickets) = due.get_mut(tenant) {
            tickets.insert(id, Some(at));
        }
    }
    for entry in view.scan(keys::QUARANTINE, Vec::new(), &[]) {
        let (key, _) = entry?;
        let (tenant, id) = keys::tenant_and_ticket(&key).ok_or_else(damaged_key)?;
        due.get_mut(tenant).map(|tickets| tickets.remove(&id));
    }
    Ok(due)
}

/// A ticket that is due at another instant than before.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) tenant: String,
    pub(super) id: TicketId,
    pub(super) due: Option<Timestamp>,
}
