//! The read model at one instant. One view per answer, so that the data and `as_of_position` agree.

use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::wire;
use prost::Message as _;
use rocksdb::{DB, Direction, IteratorMode, Snapshot};

use super::{Checkpoint, StoreError, damaged_key, family, id_of_value};
use crate::keys;

/// Key and value.
type Entry = (Box<[u8]>, Box<[u8]>);

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

    /// The bytes of a record of the tenant.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn record(&self, tenant: &str, position: LogPosition) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(keys::RECORDS, &keys::record(tenant, position))
    }

    /// A ticket's row.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn ticket(&self, tenant: &str, id: TicketId) -> Result<Option<wire::TicketView>, StoreError> {
        let Some(bytes) = self.get(keys::TICKETS, &keys::ticket(tenant, id))? else { return Ok(None) };
        wire::TicketView::decode(bytes.as_slice())
            .map(Some)
            .map_err(|_| StoreError::Damaged { what: "a ticket's row" })
    }

    /// The ticket with a number.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn ticket_by_number(
        &self,
        tenant: &str,
        number: TicketNumber,
    ) -> Result<Option<TicketId>, StoreError> {
        self.get(keys::NUMBERS, &keys::number(tenant, number))?.map(|value| id_of_value(&value)).transpose()
    }

    /// Where the events of a ticket stand, from a version on, oldest first.
    pub fn events_of(
        &self,
        tenant: &str,
        id: TicketId,
        from: StreamVersion,
    ) -> impl Iterator<Item = Result<(StreamVersion, LogPosition), StoreError>> + use<'_> {
        let start = keys::ticket_event(tenant, id, from);
        self.scan(keys::TICKET_EVENTS, keys::ticket(tenant, id), &start, Direction::Forward).map(|entry| {
            let (key, value) = entry?;
            let version =
                keys::trailing_counter(&key).and_then(StreamVersion::new).ok_or_else(damaged_key)?;
            let position =
                keys::trailing_counter(&value).and_then(LogPosition::new).ok_or_else(damaged_key)?;
            Ok((version, position))
        })
    }

    /// The tenant's numbers from `last` downwards.
    pub fn numbers_down_from(
        &self,
        tenant: &str,
        last: u64,
    ) -> impl Iterator<Item = Result<(TicketNumber, TicketId), StoreError>> + use<'_> {
        let start = keys::number(tenant, TicketNumber(last));
        self.scan(keys::NUMBERS, keys::tenant(tenant), &start, Direction::Reverse).map(|entry| {
            let (key, value) = entry?;
            Ok((TicketNumber(keys::trailing_counter(&key).ok_or_else(damaged_key)?), id_of_value(&value)?))
        })
    }

    /// The tenant's records from a position on, oldest first.
    pub fn records_from(
        &self,
        tenant: &str,
        from: LogPosition,
    ) -> impl Iterator<Item = Result<(LogPosition, Box<[u8]>), StoreError>> + use<'_> {
        self.records(tenant, from, Direction::Forward)
    }

    /// The tenant's last record at or before a position.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn last_record_until(
        &self,
        tenant: &str,
        until: LogPosition,
    ) -> Result<Option<Box<[u8]>>, StoreError> {
        Ok(self.records(tenant, until, Direction::Reverse).next().transpose()?.map(|(_, bytes)| bytes))
    }

    /// The quarantined tickets of a tenant, or of all.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn quarantined(&self, tenant: Option<&str>) -> Result<Vec<wire::QuarantinedTicket>, StoreError> {
        let prefix = tenant.map(keys::tenant).unwrap_or_default();
        let start = prefix.clone();
        self.scan(keys::QUARANTINE, prefix, &start, Direction::Forward)
            .map(|entry| {
                wire::QuarantinedTicket::decode(&*entry?.1)
                    .map_err(|_| StoreError::Damaged { what: "a quarantined ticket" })
            })
            .collect()
    }

    fn records(
        &self,
        tenant: &str,
        from: LogPosition,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(LogPosition, Box<[u8]>), StoreError>> + use<'_> {
        let start = keys::record(tenant, from);
        self.scan(keys::RECORDS, keys::tenant(tenant), &start, direction).map(|entry| {
            let (key, value) = entry?;
            Ok((keys::trailing_counter(&key).and_then(LogPosition::new).ok_or_else(damaged_key)?, value))
        })
    }

    pub(super) fn get(&self, name: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.snapshot.get_cf(family(self.db, name), key)?)
    }

    /// Entries under a prefix, from `start` on. An iterator that fails says so: RocksDB's status comes as an
    /// `Err` item, never as a silent end.
    pub(super) fn scan(
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
