//! Rows that follow from the records: where each ticket's versions stand, what each command led to, the last
//! number, the external references, the newest key of each data subject. Written after the fsync, without a WAL of their own; rebuilt at start.

use guichet_schemas::event::{Event, ExternalRef, LogEvent};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TenantId, TicketId};
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::wire::store::CommandOutcome;
use guichet_schemas::words::StreamKind;
use prost::Message as _;

use super::disk::Disk;
use super::{Store, keys};

#[derive(Debug, Clone)]
pub(super) struct Derived {
    pub(super) tenant: TenantId,
    pub(super) position: LogPosition,
    pub(super) ticket: Option<(TicketId, StreamVersion)>,
    /// Set on the last event of a command.
    pub(super) command: Option<(CommandId, Hash, LogPosition)>,
    pub(super) number: Option<u64>,
    pub(super) external_ref: Option<ExternalRef>,
    /// A data subject that has a key from here on.
    pub(super) subject: Option<String>,
    pub(super) epoch: bool,
    /// The newest access of the tenant.
    pub(super) access: bool,
    /// An article whose newest record this is.
    pub(super) article: Option<String>,
    /// Version of the tenant's configuration from here on.
    pub(super) config: Option<StreamVersion>,
}

impl Derived {
    /// Of a record as read; none where its tenant could not have been written by us.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let tenant = TenantId::parse(&record.tenant)?;
        Some(Self::as_made(record, tenant, record.ticket_id()))
    }

    /// Of a record as it is made, and the ticket that it is about.
    pub(super) fn as_made(record: &Record, tenant: TenantId, ticket: Option<TicketId>) -> Self {
        let first = LogPosition::new(record.position.get() - u64::from(record.command_index));
        Self {
            tenant,
            position: record.position,
            ticket: ticket.map(|id| (id, record.version)),
            command: first
                .filter(|_| record.ends_command())
                .map(|first| (record.command_id, record.request_hash, first)),
            number: record.event.created().map(|e| e.number),
            external_ref: record.event.external_ref(),
            subject: if let Event::Log(LogEvent::KeyCreated(e)) = &record.event {
                Some(e.subject.clone())
            } else {
                None
            },
            epoch: matches!(record.event, Event::Log(LogEvent::EpochStarted(_))),
            access: matches!(record.event, Event::Log(LogEvent::AccessRecorded(_))),
            article: (record.stream_kind == StreamKind::Article).then(|| record.stream_id.clone()),
            config: (record.stream_kind == StreamKind::Config).then_some(record.version),
        }
    }

    pub(super) fn put<D: Disk>(&self, rows: &Families<'_, D>, batch: &mut D::Rows) {
        let position = keys::event(self.position);
        let tenant = self.tenant.as_str();
        if let Some((ticket, version)) = self.ticket {
            D::put(batch, &rows.tickets_index, keys::ticket_version(tenant, ticket, version), position);
            if let Some(reference) = &self.external_ref {
                D::put(
                    batch,
                    &rows.external_refs,
                    keys::external_ref(tenant, reference),
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
            D::put(batch, &rows.commands, keys::command(tenant, id), row.encode_to_vec());
        }
        if let Some(number) = self.number {
            D::put(batch, &rows.numbers, tenant, number.to_be_bytes());
        }
        if let Some(subject) = &self.subject {
            D::put(batch, &rows.subjects, keys::subject(tenant, subject), position);
        }
        if let Some(version) = self.config {
            D::put(batch, &rows.config, keys::config(tenant, Some(version)), position);
        }
        if self.access {
            D::put(batch, &rows.meta, keys::access(tenant), position);
        }
        if let Some(article) = &self.article {
            D::put(batch, &rows.meta, keys::article(tenant, article), position);
            D::put(batch, &rows.meta, keys::articles(tenant), position);
        }
        if self.epoch {
            D::put(batch, &rows.meta, keys::META_EPOCH, position);
        }
    }
}

/// The column families of derived rows, looked up once for many rows.
pub(super) struct Families<'a, D: Disk + 'a> {
    tickets_index: D::Family<'a>,
    pub(super) snapshots: D::Family<'a>,
    commands: D::Family<'a>,
    numbers: D::Family<'a>,
    external_refs: D::Family<'a>,
    subjects: D::Family<'a>,
    config: D::Family<'a>,
    meta: D::Family<'a>,
}

impl<'a, D: Disk> Families<'a, D> {
    pub(super) fn of(store: &'a Store<D>) -> Self {
        Self {
            tickets_index: store.cf(keys::TICKETS_INDEX),
            snapshots: store.cf(keys::SNAPSHOTS),
            commands: store.cf(keys::COMMANDS),
            numbers: store.cf(keys::NUMBERS),
            external_refs: store.cf(keys::EXTERNAL_REFS),
            subjects: store.cf(keys::SUBJECTS),
            config: store.cf(keys::CONFIG),
            meta: store.cf(keys::META),
        }
    }

    /// Notes how far the derived rows reach.
    pub(super) fn put_mark(&self, batch: &mut D::Rows, through: LogPosition) {
        D::put(batch, &self.meta, keys::META_DERIVED, keys::event(through));
    }
}
