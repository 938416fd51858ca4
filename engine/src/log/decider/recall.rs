//! What the log has of a ticket, for the one decision that looks further back than the folded ticket: an import that meets
//! an older one, of which the log keeps no mark.

use std::borrow::Cow;

use guichet_rules::{Context, ImportProgress, Past, Ticket, recognise};
use guichet_schemas::codec::decode_record;
use guichet_schemas::command::{Command, Import, Order};
use guichet_schemas::position::LogPosition;
use guichet_schemas::record::Record;
use guichet_schemas::rejection::Rejection;

use super::meeting::Meeting;
use super::{Decider, TicketKey};
use crate::log::disk::Disk;
use crate::log::tickets::Entry;
use crate::log::{StoreFault, keys};

/// How long a command waits for records of its ticket that are on their way to the disk.
pub(super) const RETRY_AFTER_MS: u64 = 20;

impl<D: Disk> Decider<D> {
    /// The ticket of a command, with the mark of what was imported where the command needs one and the log has none.
    pub(super) fn recognised<'m>(
        &self,
        command: &Command,
        meeting: &'m Meeting,
        context: &Context<'_>,
    ) -> Result<Result<Option<Cow<'m, Ticket>>, Rejection>, StoreFault> {
        let Some((order, entry, progress)) = unmarked(command, meeting.entry.as_ref()) else {
            return Ok(Ok(meeting.entry.as_ref().map(|entry| Cow::Borrowed(&entry.ticket))));
        };
        let past = self.past(&meeting.key)?;
        if past.len() as u64 != entry.version.get() {
            let reason = "the ticket has records that are not on disk yet";
            return Ok(Err(Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }));
        }
        Ok(recognise(&past, order, command, context).map(|mark| {
            let import = Some(ImportProgress { mark: Some(mark), ..progress });
            Some(Cow::Owned(Ticket { import, ..entry.ticket.clone() }))
        }))
    }

    /// The events of a ticket that are on disk, from the first on.
    fn past(&self, key: &TicketKey) -> Result<Vec<Past>, StoreFault> {
        self.positions(key)?.into_iter().map(|position| self.event(key, position)).collect()
    }

    /// Where they stand.
    pub(super) fn positions(&self, key: &TicketKey) -> Result<Vec<LogPosition>, StoreFault> {
        let mut positions = Vec::new();
        let prefix = keys::ticket(key.0.as_str(), key.1);
        self.store.scan_prefix(keys::TICKETS_INDEX, &prefix, &[], |_, value| {
            let position = keys::number(value).and_then(LogPosition::new);
            positions.push(position.ok_or_else(|| damaged("its index holds no position".to_owned()))?);
            Ok::<_, StoreFault>(())
        })?;
        Ok(positions)
    }

    pub(super) fn event(&self, key: &TicketKey, position: LogPosition) -> Result<Past, StoreFault> {
        let mut record = self.record(position)?;
        self.sealer.open(&mut record.event, &key.0, key.1, record.command_id)?;
        Ok(Past {
            event: record.event,
            occurred_at: record.occurred_at,
            source_time: record.source_time,
            actor: record.actor,
            command: record.command_id,
        })
    }

    /// A record that an index names, as it stands there.
    pub(super) fn record(&self, position: LogPosition) -> Result<Record, StoreFault> {
        let missing = || damaged(format!("position {position} is in the index, not in the log"));
        let bytes = self.store.record(position)?.ok_or_else(missing)?;
        decode_record(&bytes).map_err(|e| damaged(format!("position {position} does not read: {e}")))
    }
}

/// An import that says where its facts begin, and its ticket, which cannot tell whether they go on with it.
fn unmarked<'a>(
    command: &'a Command,
    entry: Option<&'a Entry>,
) -> Option<(&'a Import, &'a Entry, ImportProgress)> {
    let Order::Import(order) = &command.order else { return None };
    let entry = entry?;
    let progress = entry.ticket.import.filter(|progress| progress.mark.is_none())?;
    order.begins_at.map(|_| (order, entry, progress))
}

fn damaged(what: String) -> StoreFault {
    StoreFault::found("recognise an import", what)
}
