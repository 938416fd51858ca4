//! Rows that follow from the records: where each ticket's versions stand, what each command led to, the last
//! number, the external references. Written after the fsync, without a WAL of their own; rebuilt at start.

use guichet_schemas::event::{Event, ExternalRef};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::wire::store::CommandOutcome;
use prost::Message as _;
use rocksdb::WriteBatch;

use super::{Store, keys};

/// What one record adds.
#[derive(Debug, Clone)]
pub(super) struct Derived {
    pub(super) tenant: String,
    pub(super) position: LogPosition,
    pub(super) ticket: Option<(TicketId, StreamVersion)>,
    /// Set on the last event of a command.
    pub(super) command: Option<(CommandId, Hash, LogPosition)>,
    pub(super) number: Option<u64>,
    pub(super) external_ref: Option<ExternalRef>,
    pub(super) epoch: bool,
}

impl Derived {
    pub(super) fn of(record: &Record) -> Self {
        let first = LogPosition::new(record.position.get() - u64::from(record.command_index));
        Self {
            tenant: record.tenant.clone(),
            position: record.position,
            ticket: record.ticket_id().map(|id| (id, record.version)),
            command: first
                .filter(|_| record.ends_command())
                .map(|first| (record.command_id, record.request_hash, first)),
            number: if let Event::TicketCreated(e) = &record.event { Some(e.number) } else { None },
            external_ref: external_ref(&record.event),
            epoch: matches!(record.event, Event::EpochStarted(_)),
        }
    }

    pub(super) fn put(&self, store: &Store, batch: &mut WriteBatch) {
        let position = keys::event(self.position);
        if let Some((ticket, version)) = self.ticket {
            batch.put_cf(
                &store.cf(keys::TICKETS_INDEX),
                keys::ticket_version(&self.tenant, ticket, version),
                position,
            );
            if let Some(reference) = &self.external_ref {
                batch.put_cf(
                    &store.cf(keys::EXTERNAL_REFS),
                    keys::external_ref(&self.tenant, reference),
                    ticket.0.as_bytes(),
                );
            }
        }
        if let Some((id, request_hash, first)) = self.command {
            let row = CommandOutcome {
                request_hash: request_hash.0.to_vec(),
                first_position: first.get(),
                last_position: self.position.get(),
                reply: Vec::new(),
            };
            batch.put_cf(&store.cf(keys::COMMANDS), keys::command(&self.tenant, id), row.encode_to_vec());
        }
        if let Some(number) = self.number {
            batch.put_cf(&store.cf(keys::NUMBERS), &self.tenant, number.to_be_bytes());
        }
        if self.epoch {
            batch.put_cf(&store.cf(keys::META), keys::META_EPOCH, position);
        }
    }
}

/// The identity elsewhere that an event gives its ticket.
pub(super) fn external_ref(event: &Event) -> Option<ExternalRef> {
    if let Event::TicketImported(e) = event {
        Some(ExternalRef { source: e.source.clone(), id: e.external_id.clone() })
    } else if let Event::TicketCreated(e) = event {
        e.external_ref.clone()
    } else {
        None
    }
}

/// Notes how far the derived rows reach.
pub(super) fn put_mark(store: &Store, batch: &mut WriteBatch, through: LogPosition) {
    batch.put_cf(&store.cf(keys::META), keys::META_DERIVED, keys::event(through));
}
