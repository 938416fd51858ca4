//! Reading the log beside its writers: whole records, up to what is on disk.

use std::sync::Arc;

use bytes::Bytes;
use guichet_rules::Ticket;
use guichet_schemas::ids::{KeyId, TenantId, TicketId};
use guichet_schemas::position::{Epoch, Generation, LogPosition};
use tokio::sync::watch;

use super::disk::Disk;
use super::sealer::newest_key;
use super::store::Db;
use super::{Store, StoreFault, keys, tickets};

/// A reader that never sees further than the last fsync.
#[derive(Debug)]
pub struct LogReader<D = Db> {
    store: Arc<Store<D>>,
    head: watch::Receiver<u64>,
    epoch: Epoch,
    generation: Generation,
}

impl<D> Clone for LogReader<D> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), head: self.head.clone(), ..*self }
    }
}

impl<D: Disk> LogReader<D> {
    pub(super) fn new(
        store: Arc<Store<D>>,
        head: watch::Receiver<u64>,
        epoch: Epoch,
        generation: Generation,
    ) -> Self {
        Self { store, head, epoch, generation }
    }

    /// The newest position on disk.
    #[must_use]
    pub fn head(&self) -> Option<LogPosition> {
        LogPosition::new(*self.head.borrow())
    }

    /// Changes with the head; 0 before the first record.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// This start of the engine.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Lineage of the log.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Records from a position on: at least one if there is one, at most `events_max`, about `bytes_max` together.
    ///
    /// # Errors
    /// The disk, damage, or a missing position.
    pub fn read(
        &self,
        from: LogPosition,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, StoreFault> {
        let mut out = Vec::new();
        let mut bytes = 0;
        let Some(head) = self.head().filter(|h| *h >= from) else { return Ok(out) };
        self.store.scan(from, |position, record| {
            if position > head
                || out.len() >= events_max
                || (!out.is_empty() && bytes + record.len() > bytes_max)
            {
                return false;
            }
            bytes += record.len();
            out.push(Bytes::copy_from_slice(record));
            true
        })?;
        Ok(out)
    }

    /// A ticket, and the newest key of its requester, as the derived rows have them: they follow the records at a small
    /// distance, which [`LogReader::is_derived`] tells.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn ticket(
        &self,
        tenant: &TenantId,
        id: TicketId,
    ) -> Result<Option<(Ticket, Option<KeyId>)>, StoreFault> {
        let Some(entry) = tickets::load(&self.store, tenant.as_str(), id)? else { return Ok(None) };
        let key = newest_key(&self.store, tenant, &entry.ticket.requester)?;
        Ok(Some((entry.ticket, key)))
    }

    /// Whether the derived rows cover the log up to a position.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn is_derived(&self, through: LogPosition) -> Result<bool, StoreFault> {
        Ok(self.store.number(keys::META, keys::META_DERIVED)?.is_some_and(|derived| derived >= through.get()))
    }

    /// The bytes of one record on disk.
    ///
    /// # Errors
    /// The disk, or damage.
    pub fn record(&self, position: LogPosition) -> Result<Option<Vec<u8>>, StoreFault> {
        if self.head().is_some_and(|h| position <= h) { self.store.record(position) } else { Ok(None) }
    }
}
