//! The read model at one instant. One view per answer, so that the data and `as_of_position` agree.

use guichet_schemas::ids::{TenantId, TicketId};
use guichet_schemas::wire;
use prost::Message as _;
use rocksdb::{DB, Direction, IteratorMode, Snapshot};

use super::{Checkpoint, StoreError, family};
use crate::keys;

/// Key and value.
pub type Entry = (Box<[u8]>, Box<[u8]>);

/// A snapshot of the read model.
pub struct View<'a> {
    db: &'a DB,
    snapshot: Snapshot<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(db: &'a DB) -> Self {
        Self { db, snapshot: db.snapshot() }
    }

    /// How far this view is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        self.get(keys::META, keys::META_CHECKPOINT)?
            .map_or(Ok(Checkpoint::EMPTY), |bytes| Checkpoint::decode(&bytes))
    }

    /// Is anything of this tenant folded here? That of the zero-configuration start is there from the beginning.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let is_first = *tenant == TenantId::default_tenant();
        Ok(is_first || self.get(keys::META, &keys::meta_tenant(tenant.as_str()))?.is_some())
    }

    /// Every tenant of which anything is folded here, and that of the zero-configuration start.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let mut tenants = vec![TenantId::default_tenant()];
        for entry in self.scan(keys::META, keys::META_TENANTS.to_vec(), keys::META_TENANTS) {
            let (key, _) = entry?;
            let token =
                key.strip_prefix(keys::META_TENANTS).and_then(|token| std::str::from_utf8(token).ok());
            let tenant = token.and_then(TenantId::parse);
            tenants.push(tenant.ok_or(StoreError::Damaged { what: "the name of a tenant" })?);
        }
        Ok(tenants)
    }

    /// The quarantined tickets of a tenant, or of all.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn quarantined(&self, tenant: Option<&str>) -> Result<Vec<wire::QuarantinedTicket>, StoreError> {
        let prefix = tenant.map(keys::tenant).unwrap_or_default();
        let start = prefix.clone();
        self.scan(keys::QUARANTINE, prefix, &start)
            .map(|entry| {
                wire::QuarantinedTicket::decode(&*entry?.1)
                    .map_err(|_| StoreError::Damaged { what: "a quarantined ticket" })
            })
            .collect()
    }

    /// The position since which a ticket is quarantined, if it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn quarantined_since(&self, tenant: &str, id: TicketId) -> Result<Option<u64>, StoreError> {
        let Some(bytes) = self.get(keys::QUARANTINE, &keys::ticket(tenant, id))? else { return Ok(None) };
        wire::QuarantinedTicket::decode(bytes.as_slice())
            .map(|one| Some(one.position))
            .map_err(|_| StoreError::Damaged { what: "a quarantined ticket" })
    }

    /// One value.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn get(&self, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.snapshot.get_cf(family(self.db, name), key)?)
    }

    /// Entries under a prefix, upwards from `start`. An iterator that fails says so: RocksDB's status comes as
    /// an `Err` item, never as a silent end.
    pub fn scan(
        &self,
        name: &str,
        prefix: Vec<u8>,
        start: &[u8],
    ) -> impl Iterator<Item = Result<Entry, StoreError>> + use<'_> {
        self.entries(name, prefix, start, Direction::Forward)
    }

    /// The same downwards.
    pub fn scan_down(
        &self,
        name: &str,
        prefix: Vec<u8>,
        start: &[u8],
    ) -> impl Iterator<Item = Result<Entry, StoreError>> + use<'_> {
        self.entries(name, prefix, start, Direction::Reverse)
    }

    fn entries(
        &self,
        name: &str,
        prefix: Vec<u8>,
        start: &[u8],
        direction: Direction,
    ) -> impl Iterator<Item = Result<Entry, StoreError>> + use<'_> {
        self.snapshot
            .iterator_cf(family(self.db, name), IteratorMode::From(start, direction))
            .map(|entry| entry.map_err(StoreError::from))
            .take_while(move |entry| entry.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix)))
    }
}
