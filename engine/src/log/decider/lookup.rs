//! What a command meets: in the batches under way first, for the disk does not know them yet, then on disk.

use std::error::Error;

use guichet_crash::{Sabotage, sabotaged};
use guichet_rules::{Missed, missed};
use guichet_schemas::codec::decode_record;
use guichet_schemas::command::Command;
use guichet_schemas::event::ExternalRef;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TenantId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::{EventRef, Rejection};
use guichet_schemas::wire;

use super::{Decider, TicketKey};
use crate::log::disk::Disk;
use crate::log::tickets::{self, Entry};
use crate::log::told::{About, Recorded};
use crate::log::{StoreFault, keys, outcome};

/// Missed events named in a version conflict.
const MISSED_MAX: u64 = 20;

impl<D: Disk> Decider<D> {
    pub(super) fn outcome(&self, command: &Command) -> Result<Option<(Hash, wire::Accepted)>, StoreFault> {
        let key = (command.tenant.clone(), command.command_id);
        for overlay in &self.overlays {
            if let Some((hash, told)) = overlay.outcomes.get(&key) {
                return Ok(Some((*hash, outcome::accepted(told, told.events_of(&overlay.recorded)))));
            }
        }
        if sabotaged(Sabotage::NoDedup) {
            return Ok(None);
        }
        outcome::load(&self.store, &command.tenant, command.command_id)
    }

    pub(super) fn external_ref(
        &self,
        tenant: &TenantId,
        reference: &ExternalRef,
    ) -> Result<Option<TicketId>, StoreFault> {
        let key = (tenant.clone(), reference.clone());
        if let Some(id) = self.overlays.iter().find_map(|o| o.external_refs.get(&key)) {
            return Ok(Some(*id));
        }
        let row = self.store.get(keys::EXTERNAL_REFS, &keys::external_ref(tenant.as_str(), reference))?;
        row.map(|bytes| {
            TicketId::from_wire(bytes).map_err(|e| StoreFault::found("read an external reference", e))
        })
        .transpose()
    }

    /// A ticket out of the cache; whoever takes it puts it back.
    pub(super) fn take_entry(&mut self, key: &TicketKey) -> Result<Option<Entry>, StoreFault> {
        match self.tickets.take(key) {
            Some(entry) => Ok(Some(entry)),
            None => tickets::load(&self.store, key.0.as_str(), key.1),
        }
    }

    pub(super) fn next_number(&mut self, tenant: &TenantId) -> Result<u64, StoreFault> {
        if let Some(last) = self.numbers.get(tenant) {
            return Ok(last.saturating_add(1));
        }
        let last = self.store.number(keys::NUMBERS, tenant.as_str().as_bytes())?.unwrap_or(0);
        self.numbers.insert(tenant.clone(), last);
        Ok(last.saturating_add(1))
    }

    pub(super) fn conflict(
        &self,
        tenant: &TenantId,
        about: &About,
        expected: u64,
        actual: Option<StreamVersion>,
    ) -> Result<Rejection, StoreFault> {
        let Missed { from, count: missed_count } = missed(expected, actual, MISSED_MAX);
        let actual = StreamVersion::or_zero(actual);
        let mut named = Vec::new();
        if missed_count > 0 {
            let index = match about {
                About::Ticket(id, _) => Some((keys::TICKETS_INDEX, keys::ticket(tenant.as_str(), *id))),
                About::Config(tenant) => Some((keys::CONFIG, keys::config(tenant.as_str(), None))),
                // Who has read what is not for everybody who may guess a version.
                About::Access(_) => None,
                // Of an article only the newest record is looked up.
                About::Article(_) => None,
            };
            let Some((index, prefix)) = index else {
                return Ok(Rejection::VersionConflict { expected, actual, missed: named, missed_count });
            };
            let mut positions = Vec::new();
            self.store.scan_prefix(index, &prefix, &from.to_be_bytes(), |_, value| {
                let position = keys::number(value).and_then(LogPosition::new);
                positions.push(position.ok_or_else(|| damaged("its index holds no position"))?);
                Ok::<_, StoreFault>(())
            })?;
            for position in positions {
                let missing = || damaged(format!("position {position} is in the index, not in the log"));
                named.push(event_ref(&self.store.record(position)?.ok_or_else(missing)?)?);
            }
            for overlay in &self.overlays {
                // By tenant too: another one may have a ticket of this id.
                let of_tenant = overlay.outcomes.iter().filter(|((of, _), _)| of == tenant);
                // A command on one ticket may write to another, so its records say which they are of.
                let told = of_tenant.map(|(_, (_, told))| told);
                let told =
                    told.filter(|told| about.ticket().is_some() || told.about.stream() == about.stream());
                let under_way = told.flat_map(|told| told.events_of(&overlay.recorded));
                let of_it = under_way.filter(|r| r.ticket == about.ticket() && r.version.get() >= from);
                named.extend(of_it.map(Recorded::event_ref));
            }
            // A batch that is just being indexed stands in both.
            named.sort_by_key(|r| r.version);
            named.dedup_by_key(|r| r.version);
        }
        Ok(Rejection::VersionConflict { expected, actual, missed: named, missed_count })
    }
}

fn damaged(why: impl Into<Box<dyn Error + Send + Sync>>) -> StoreFault {
    StoreFault::found("name the events that a command missed", why)
}

fn event_ref(bytes: &[u8]) -> Result<EventRef, StoreFault> {
    let record = decode_record(bytes).map_err(damaged)?;
    Ok(EventRef {
        event_id: record.event_id,
        type_name: record.event.type_name().to_owned(),
        version: record.version,
        position: record.position,
    })
}
