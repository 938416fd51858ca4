//! What a tenant has configured: loaded once, then kept in step with what is decided here.

use std::sync::Arc;

use guichet_config::{Configuration, Kind};
use guichet_schemas::codec::Request;
use guichet_schemas::command::Order;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TenantId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::{EventRef, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::words::StreamKind;
use guichet_service::caught;

use super::Decider;
use super::command::refused;
use crate::log::batch::Answer;
use crate::log::derived_tail::decode;
use crate::log::disk::Disk;
use crate::log::shelf::Folded;
use crate::log::stage::{Place, StagedOther, stage_of_desk};
use crate::log::{StoreFault, keys, outcome};

/// Missed events named in a version conflict.
const MISSED_MAX: usize = 20;

/// The configuration of a tenant and where its stream ends.
pub(super) struct Configured {
    /// Shared with the decision that is under way.
    pub(super) configuration: Arc<Configuration>,
    /// Its events; the last is its version.
    events: Vec<EventRef>,
    last_hash: Hash,
}

/// What a command about the configuration comes to, before anything of it is in the batch.
enum Prepared {
    /// Nothing to write.
    Answer(Answer),
    /// What it wants holds already; only the answer is kept.
    Nothing(wire::Accepted),
    /// A record, and the configuration after it.
    Record(Box<Record>),
}

struct Record {
    staged: StagedOther,
    accepted: wire::Accepted,
    next: Arc<Configuration>,
}

impl Configured {
    /// 0: nothing was ever configured.
    pub(super) fn version(&self) -> u64 {
        StreamVersion::or_zero(self.last())
    }

    fn last(&self) -> Option<StreamVersion> {
        self.events.last().map(|event| event.version)
    }
}

impl Folded for Configured {
    fn position(&self) -> Option<LogPosition> {
        self.events.last().map(|event| event.position)
    }

    fn weight(&self) -> usize {
        /// The name of its type, and what the allocator keeps.
        const NAME: usize = 40;
        let events = self.events.len().saturating_mul(size_of::<EventRef>() + NAME);
        events.saturating_add(self.configuration.weight())
    }
}

impl<D: Disk> Decider<D> {
    /// What a tenant has configured.
    pub(super) fn configured(&mut self, tenant: &TenantId) -> Result<&Configured, StoreFault> {
        if !self.configured.contains(tenant) {
            // Nothing of it can be under way: what is decided goes through here first, and stays until it is on disk.
            let loaded = self.load_configured(tenant)?;
            self.configured.put(tenant.clone(), loaded);
        }
        Ok(self.configured.get(tenant).expect("it was put there"))
    }

    /// Is there this tenant? The one of the zero-configuration start is there from the beginning.
    pub(super) fn is_there(&mut self, tenant: &TenantId) -> Result<bool, StoreFault> {
        if self.configured.contains(tenant) || *tenant == TenantId::default_tenant() {
            return Ok(true);
        }
        let loaded = self.load_configured(tenant)?;
        let is_there = loaded.last().is_some();
        if is_there {
            self.configured.put(tenant.clone(), loaded);
        }
        Ok(is_there)
    }

    /// Whether a command of a tenant that is not there makes it.
    ///
    /// # Errors
    /// It does not, or nobody may make a tenant of this name.
    pub(super) fn founds(&self, request: &Request) -> Result<(), Rejection> {
        let tenant = &request.command.tenant;
        let founds = if let Order::PublishConfig(order) = &request.command.order {
            order.kind.as_str() == Kind::Tenant.as_str()
        } else {
            false
        };
        if !founds || tenant.is_ours() {
            let what = format!("tenant {tenant} (one is made by the first publication of its kind tenant)");
            return Err(Rejection::NotFound { what });
        }
        Ok(())
    }

    fn load_configured(&self, tenant: &TenantId) -> Result<Configured, StoreFault> {
        let mut positions = Vec::new();
        let prefix = keys::config(tenant.as_str(), None);
        self.store.scan_prefix(keys::CONFIG, &prefix, &[], |_, value| {
            let position = keys::number(value).and_then(LogPosition::new);
            positions.push(position.ok_or_else(|| damaged("its index holds no position"))?);
            Ok::<_, StoreFault>(())
        })?;
        let mut configuration = Configuration::new(tenant.as_str());
        let (mut events, mut last_hash) = (Vec::with_capacity(positions.len()), Hash::ZERO);
        for position in positions {
            let (record, hash) = decode(&self.store, position)?;
            let expected = StreamVersion::after(events.last().map(|event: &EventRef| event.version));
            if record.version != expected || record.prev_hash != last_hash || record.tenant != tenant.as_str()
            {
                return Err(damaged(&format!("position {position} is not version {expected} of it")));
            }
            configuration.evolve(&record.event);
            events.push(EventRef {
                event_id: record.event_id,
                type_name: record.event.type_name().to_owned(),
                version: record.version,
                position,
            });
            last_hash = hash;
        }
        Ok(Configured { configuration: Arc::new(configuration), events, last_hash })
    }

    /// Decides a command about the configuration. As for tickets: up to the border a panic is an answer.
    pub(super) fn configure(&mut self, request: &Request, now: Timestamp) -> Result<Answer, StoreFault> {
        let tenant = &request.command.tenant;
        let prepared = match caught("configure", || self.prepare_configuration(request, now)) {
            Ok(prepared) => prepared,
            Err(internal) => Ok(Prepared::Answer(refused(internal))),
        };
        // The border.
        let answer = prepared.and_then(|prepared| match prepared {
            Prepared::Answer(answer) => Ok(answer),
            Prepared::Nothing(accepted) => {
                let row = outcome::row_without_events(request.request_hash, &accepted);
                let at = keys::command(tenant.as_str(), request.command.command_id);
                self.keep_answer(&at, &row);
                self.reply(request, &accepted);
                Ok(Answer::Ready(Ok(accepted)))
            }
            Prepared::Record(record) => {
                let Record { staged, accepted, next } = *record;
                let mut configured = match self.configured.take(tenant) {
                    Some(configured) => configured,
                    None => self.load_configured(tenant)?,
                };
                configured.configuration = next;
                configured.events.push(staged.recorded.clone());
                configured.last_hash = staged.hash;
                self.configured.put(tenant.clone(), configured);
                self.put(staged.bytes, staged.hash, staged.recorded.position, staged.derived);
                self.reply(request, &accepted);
                Ok(Answer::Ready(Ok(accepted)))
            }
        });
        // Who only tries names leaves nothing behind.
        if *tenant != TenantId::default_tenant()
            && self.configured.get(tenant).is_some_and(|configured| configured.last().is_none())
        {
            self.configured.take(tenant);
        }
        answer
    }

    fn prepare_configuration(&mut self, request: &Request, now: Timestamp) -> Result<Prepared, StoreFault> {
        let (command, partition, epoch, last) = (&request.command, self.partition, self.epoch, self.last);
        #[cfg(test)]
        super::tests::fall_over(command);
        let answered = |outcome| Ok(Prepared::Answer(Answer::Ready(outcome)));
        let configured = self.configured(&command.tenant)?;
        if !command.expects(configured.last()) {
            return answered(Err(conflict(command.expected_version.unwrap_or(0), &configured.events)));
        }
        let event = match configured.configuration.decide(command, now) {
            Ok(event) => event,
            Err(rejection) => return answered(Err(rejection)),
        };
        let (entity, entity_id) = outcome::about_config(command.tenant.as_str());
        let mut accepted = wire::Accepted {
            version: configured.version(),
            partition: partition.0,
            position: LogPosition::or_zero(last),
            entity,
            entity_id,
            ..wire::Accepted::default()
        };
        let Some(event) = event else {
            return if command.dry_run { answered(Ok(accepted)) } else { Ok(Prepared::Nothing(accepted)) };
        };
        let config_version = configured.version();
        let end = configured.last().map(|version| (version, configured.last_hash));
        let mut next = Arc::clone(&configured.configuration);
        let place = Place { partition, epoch, last, now, config_version };
        let stream = (StreamKind::Config, command.tenant.as_str());
        let staged = match stage_of_desk(request, event.clone(), stream, &place, end, &mut self.ids) {
            Ok(staged) => staged,
            Err(rejection) => return answered(Err(rejection)),
        };
        accepted.version = staged.recorded.version.get();
        accepted.position = staged.recorded.position.get();
        accepted.events.push(guichet_schemas::codec::event_ref_to_wire(&staged.recorded));
        if command.dry_run {
            return answered(Ok(accepted));
        }
        // A copy: the one in force is what it was until the record is in the batch.
        Arc::make_mut(&mut next).evolve(&event);
        Ok(Prepared::Record(Box::new(Record { staged, accepted, next })))
    }

    pub(super) fn reply(&mut self, request: &Request, accepted: &wire::Accepted) {
        let key = (request.command.tenant.clone(), request.command.command_id);
        let (hash, accepted) = (request.request_hash, accepted.clone());
        self.overlay().replies.insert(key, (hash, accepted));
    }
}

fn conflict(expected: u64, events: &[EventRef]) -> Rejection {
    let missed: Vec<EventRef> =
        events.iter().filter(|event| event.version.get() > expected).cloned().collect();
    Rejection::VersionConflict {
        expected,
        actual: StreamVersion::or_zero(events.last().map(|event| event.version)),
        missed_count: missed.len() as u64,
        missed: missed[missed.len().saturating_sub(MISSED_MAX)..].to_vec(),
    }
}

fn damaged(what: &str) -> StoreFault {
    StoreFault::found("load a configuration", what.to_owned())
}
