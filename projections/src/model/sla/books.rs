//! What is published, by tenant, as the clocks need it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use guichet_config::Publication;
use guichet_schemas::codec::decode_record;
use guichet_schemas::event::{ConfigEvent, Event};
use guichet_schemas::record::Record;
use guichet_service::caught;
use guichet_sla::Rulebook;
use lru::LruCache;

use crate::keys;
use crate::store::{StoreError, View};

/// Bytes of books in memory, beside the one in use.
const BYTES_MAX: usize = 16 << 20;
/// A publication takes about so many times the memory of its record: what was read from it, with the open hours of each
/// year.
const READ_TIMES: usize = 8;
const ENTRY_BYTES: usize = 4 << 10;

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

impl Book {
    /// Takes a publication. What this build cannot read changes nothing but the version.
    pub(crate) fn publish(&mut self, record: &Record) {
        self.version = record.version.get();
        let Some(publication) = Publication::of(&record.event) else { return };
        // It is of no ticket, so there is nothing to set aside but itself: no start and no clock may end with it.
        let taken = caught("fold", || self.rules.take(record.recorded_at, &publication));
        if taken.is_err() {
            let (position, kind, id) = (record.position, publication.kind, &publication.id);
            tracing::error!(%position, %kind, id, "taking a publication panicked; no clock goes by it");
        }
    }
}

/// True for a record of configuration.
pub(crate) const fn is_publication(record: &Record) -> bool {
    matches!(record.event, Event::Config(ConfigEvent::ConfigPublished(_) | ConfigEvent::ConfigRetired(_)))
}

/// The books of the tenants that were looked at last. Each is brought up to date by what was published since.
#[derive(Debug)]
pub(crate) struct Books {
    kept: LruCache<String, Known>,
    bytes: usize,
    most: usize,
}

#[derive(Debug, Clone)]
struct Known {
    book: Arc<Book>,
    /// Key of the last publication in it.
    last: Box<[u8]>,
    bytes: usize,
}

impl Default for Books {
    fn default() -> Self {
        Self { kept: LruCache::unbounded(), bytes: 0, most: BYTES_MAX }
    }
}

impl Books {
    /// The book of a tenant as of a view.
    pub(crate) fn of(&mut self, view: &View<'_>, tenant: &str) -> Result<Arc<Book>, StoreError> {
        let prefix = keys::tenant(tenant);
        if let Some(known) = self.kept.get_mut(tenant) {
            let mut since = view.scan(keys::SLA_CONFIG, prefix.clone(), &known.last);
            // A view that is older than the book does not have its last publication.
            if since.next().transpose()?.is_some_and(|(key, _)| key == known.last) {
                let before = known.bytes;
                known.read(since)?;
                let (book, more) = (Arc::clone(&known.book), known.bytes.saturating_sub(before));
                self.bytes = self.bytes.saturating_add(more);
                self.fit();
                return Ok(book);
            }
        }
        let mut known = Known { book: Arc::default(), last: Box::default(), bytes: 0 };
        known.read(view.scan(keys::SLA_CONFIG, prefix.clone(), &prefix))?;
        let book = Arc::clone(&known.book);
        // The book of a desk that published nothing is no work.
        if known.bytes > 0 {
            self.bytes = self.bytes.saturating_add(known.bytes);
            if let Some(before) = self.kept.put(tenant.to_owned(), known) {
                self.bytes = self.bytes.saturating_sub(before.bytes);
            }
            self.fit();
        }
        Ok(book)
    }

    /// The one that was used last stays, however large it is.
    fn fit(&mut self) {
        while self.bytes > self.most && self.kept.len() > 1 {
            let Some((_, oldest)) = self.kept.pop_lru() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
        }
    }
}

impl Known {
    fn read(
        &mut self,
        publications: impl Iterator<Item = Result<(Box<[u8]>, Box<[u8]>), StoreError>>,
    ) -> Result<(), StoreError> {
        for entry in publications {
            let (key, bytes) = entry?;
            let damaged = |_| StoreError::Damaged { what: "a publication" };
            Arc::make_mut(&mut self.book).publish(&decode_record(&bytes).map_err(damaged)?);
            self.bytes = self.bytes.saturating_add(bytes.len().saturating_mul(READ_TIMES) + ENTRY_BYTES);
            self.last = key;
        }
        Ok(())
    }
}

/// The books for those who only read.
#[derive(Debug, Default)]
pub(crate) struct BooksCache(Mutex<Books>);

impl BooksCache {
    /// The book of a tenant as of a view.
    pub(crate) fn of(&self, view: &View<'_>, tenant: &str) -> Result<Arc<Book>, StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).of(view, tenant)
    }
}

/// The books that the fold goes by. Those of the batch at hand stay, with what it publishes, until it is committed.
#[derive(Debug, Default)]
pub(super) struct BatchBooks {
    committed: Books,
    batch: BTreeMap<String, Arc<Book>>,
}

impl BatchBooks {
    /// The book of a tenant; `view` has what was committed.
    pub(super) fn of<'a>(
        &mut self,
        view: impl FnOnce() -> View<'a>,
        tenant: &str,
    ) -> Result<&mut Arc<Book>, StoreError> {
        if !self.batch.contains_key(tenant) {
            let book = self.committed.of(&view(), tenant)?;
            self.batch.insert(tenant.to_owned(), book);
        }
        Ok(self.batch.get_mut(tenant).expect("it was put there"))
    }

    /// The books that the batch at hand has asked for.
    pub(super) const fn of_batch(&self) -> &BTreeMap<String, Arc<Book>> {
        &self.batch
    }

    pub(super) fn committed(&mut self) {
        self.batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{History, START};
    use crate::model::rig::Rig;
    use crate::model::sla::SLA;

    fn publishes(history: &mut History, tenant: &str, minutes: u32) {
        tenant.clone_into(&mut history.tenant);
        let target = format!(r#"{{"metric":"first_reply","seconds":{},"hours":"calendar"}}"#, minutes * 60);
        let policies = format!(r#"{{"policies":[{{"id":"all","targets":[{target}]}}]}}"#);
        history.publish("sla_policies", &policies, START);
    }

    #[test]
    fn a_book_follows_what_is_published_and_an_older_view_has_the_older_one() {
        let mut history = History::new();
        publishes(&mut history, "acme", 1);
        publishes(&mut history, "default", 1);
        let mut rig = Rig::new(&SLA);
        rig.fold(&history.entries);
        let store = rig.folder.store();
        let (older, folded) = (store.view(), history.entries.len());
        let mut books = Books::default();
        assert_eq!(books.of(&older, "acme").unwrap().version, 1);

        publishes(&mut history, "acme", 2);
        publishes(&mut history, "acme", 3);
        rig.fold(&history.entries[folded..]);
        let newer = store.view();
        let book = books.of(&newer, "acme").unwrap();
        assert_eq!((book.version, book.rules.len()), (3, 3));
        assert_eq!(books.of(&older, "acme").unwrap().version, 1, "what came later is not in it");
        assert_eq!(books.of(&newer, "acme").unwrap().version, 3);
        assert_eq!(
            books.of(&newer, "default").unwrap().version,
            1,
            "another desk's publications are not its own"
        );
        assert_eq!(books.of(&newer, "nobody").unwrap().version, 0);
    }

    #[test]
    fn as_many_books_stay_as_there_is_room_for() {
        let mut history = History::new();
        for n in 0..50 {
            publishes(&mut history, &format!("desk-{n}"), 1);
        }
        let mut rig = Rig::new(&SLA);
        rig.fold(&history.entries);
        let store = rig.folder.store();
        let view = store.view();
        let mut books = Books { most: 10 * (ENTRY_BYTES + READ_TIMES * 1024), ..Books::default() };
        for n in 0..50 {
            assert_eq!(books.of(&view, &format!("desk-{n}")).unwrap().version, 1);
            assert!(books.bytes <= books.most, "{} bytes", books.bytes);
            assert_eq!(books.kept.iter().map(|(_, known)| known.bytes).sum::<usize>(), books.bytes);
        }
        assert!((2..50).contains(&books.kept.len()), "{} books", books.kept.len());
        // One that is larger than the room is there as long as it is the last.
        books.most = 1;
        assert_eq!(books.of(&view, "desk-0").unwrap().version, 1);
        assert_eq!(books.kept.len(), 1);
    }
}
