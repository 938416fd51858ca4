//! What is published, by tenant, as the clocks need it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use guichet_config::Publication;
use guichet_schemas::codec::decode_record;
use guichet_schemas::event::{ConfigEvent, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::record::Record;
use guichet_service::caught;
use guichet_sla::Rulebook;

use crate::keys;
use crate::store::{StoreError, View};

/// The rulebook of a tenant, and the version of its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) rules: Rulebook,
    /// Of the last publication of whatever kind; 0: none.
    pub(crate) version: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self { rules: Rulebook::of_desk(), version: 0 }
    }
}

/// The rulebooks of all tenants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books(BTreeMap<String, Arc<Book>>);

impl Books {
    /// Everything that was published up to a view.
    pub(crate) fn read(view: &View<'_>) -> Result<Self, StoreError> {
        let mut books = Self::default();
        for entry in view.scan(keys::SLA_CONFIG, Vec::new(), &[]) {
            let damaged = |_| StoreError::Damaged { what: "a publication" };
            books.publish(&decode_record(&entry?.1).map_err(damaged)?);
        }
        Ok(books)
    }

    /// The book of a tenant.
    pub(crate) fn of(&self, tenant: &str) -> Arc<Book> {
        self.0.get(tenant).cloned().unwrap_or_default()
    }

    /// Takes a record; false where it publishes nothing. What this build cannot read changes nothing but the version.
    pub(crate) fn publish(&mut self, record: &Record) -> bool {
        if !is_publication(record) {
            return false;
        }
        let book = Arc::make_mut(self.0.entry(record.tenant.clone()).or_default());
        book.version = record.version.get();
        if let Some(publication) = Publication::of(&record.event) {
            // It is of no ticket, so there is nothing to set aside but itself: no start and no clock may end with it.
            let taken = caught("fold", || book.rules.take(record.recorded_at, &publication));
            if taken.is_err() {
                let (position, kind, id) = (record.position, publication.kind, &publication.id);
                tracing::error!(%position, %kind, id, "taking a publication panicked; no clock goes by it");
            }
        }
        true
    }
}

/// True for a record of configuration.
pub(crate) const fn is_publication(record: &Record) -> bool {
    matches!(record.event, Event::Config(ConfigEvent::ConfigPublished(_) | ConfigEvent::ConfigRetired(_)))
}

/// The books of the last view that somebody looked at: they change rarely, and hold the open hours of each year.
#[derive(Debug, Default)]
pub(crate) struct BooksCache(Mutex<Option<(Vec<u8>, Arc<Books>)>>);

impl BooksCache {
    /// The books of a view.
    pub(crate) fn of(&self, view: &View<'_>) -> Result<Arc<Books>, StoreError> {
        // Publications are only added, so their number tells whether there are new ones. They are few.
        let mut mark = Vec::new();
        for entry in view.scan(keys::SLA_CONFIG, Vec::new(), &[]) {
            let (key, record) = entry?;
            mark.extend_from_slice(&key);
            mark.extend_from_slice(&Hash::of_record(&record).0);
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, books)) = &*kept
            && *known == mark
        {
            return Ok(Arc::clone(books));
        }
        let books = Arc::new(Books::read(view)?);
        *kept = Some((mark, Arc::clone(&books)));
        Ok(books)
    }
}
