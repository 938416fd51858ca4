//! One batch: the effect of some records and the checkpoint behind them, atomically.

use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::wire;
use prost::Message as _;
use rocksdb::{ColumnFamily, DB, WriteBatch};

use super::{Checkpoint, StoreError, family};
use crate::keys;

pub(crate) struct Batch<'a> {
    db: &'a DB,
    writes: WriteBatch,
    records: &'a ColumnFamily,
    ticket_events: &'a ColumnFamily,
    tickets: &'a ColumnFamily,
}

impl<'a> Batch<'a> {
    pub(super) fn new(db: &'a DB) -> Self {
        Self {
            db,
            writes: WriteBatch::default(),
            records: family(db, keys::RECORDS),
            ticket_events: family(db, keys::TICKET_EVENTS),
            tickets: family(db, keys::TICKETS),
        }
    }

    pub(crate) fn put_record(&mut self, tenant: &str, position: LogPosition, bytes: &[u8]) {
        self.writes.put_cf(self.records, keys::record(tenant, position), bytes);
    }

    pub(crate) fn put_ticket_event(
        &mut self,
        tenant: &str,
        ticket: TicketId,
        version: StreamVersion,
        position: LogPosition,
    ) {
        self.writes.put_cf(
            self.ticket_events,
            keys::ticket_event(tenant, ticket, version),
            position.get().to_be_bytes(),
        );
    }

    pub(crate) fn put_ticket(&mut self, key: &[u8], row: &wire::TicketView) {
        self.writes.put_cf(self.tickets, key, row.encode_to_vec());
    }

    pub(crate) fn put_number(&mut self, tenant: &str, number: TicketNumber, ticket: TicketId) {
        self.writes.put_cf(family(self.db, keys::NUMBERS), keys::number(tenant, number), ticket.0.as_bytes());
    }

    pub(crate) fn put_quarantined(&mut self, key: &[u8], row: &wire::QuarantinedTicket) {
        self.writes.put_cf(family(self.db, keys::QUARANTINE), key, row.encode_to_vec());
    }

    /// Writes everything, and that it has been folded up to `checkpoint`.
    pub(crate) fn commit(mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.writes.put_cf(family(self.db, keys::META), keys::META_CHECKPOINT, checkpoint.encode());
        Ok(self.db.write_without_wal(self.writes)?)
    }
}
