//! What a tenant has configured: loaded once, then kept in step with what is decided here.

use std::sync::Arc;

use guichet_config::{Configuration, Kind};
use guichet_rules::Draft;
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Order};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TenantId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::Decider;
use super::command::{Decided, Stream};
use crate::log::derived_tail::decode;
use crate::log::disk::Disk;
use crate::log::shelf::Folded;
use crate::log::stage::Staged;
use crate::log::told::About;
use crate::log::{StoreFault, keys};

/// The configuration of a tenant and where its stream ends.
pub(super) struct Configured {
    /// Shared with the decision that is under way.
    pub(super) configuration: Arc<Configuration>,
    /// Version, position and hash of the last record; `None`: nothing was ever configured.
    end: Option<(StreamVersion, LogPosition, Hash)>,
}

/// The configuration that a command has met.
pub(super) struct Configuring {
    tenant: TenantId,
    /// Out of the shelf while it is here.
    configured: Configured,
    now: Timestamp,
}

impl Configured {
    /// 0: nothing was ever configured.
    pub(super) fn version(&self) -> u64 {
        StreamVersion::or_zero(self.end.map(|(version, ..)| version))
    }
}

impl Folded for Configured {
    fn position(&self) -> Option<LogPosition> {
        self.end.map(|(_, position, _)| position)
    }

    fn weight(&self) -> usize {
        self.configuration.weight()
    }
}

impl<D: Disk> Decider<D> {
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
        let is_there = loaded.end.is_some();
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
        let mut end = None;
        for position in positions {
            let (record, hash) = decode(&self.store, position)?;
            let (last, last_hash) =
                end.map_or((None, Hash::ZERO), |(version, _, hash)| (Some(version), hash));
            let expected = StreamVersion::after(last);
            if record.version != expected || record.prev_hash != last_hash || record.tenant != tenant.as_str()
            {
                return Err(damaged(&format!("position {position} is not version {expected} of it")));
            }
            configuration.evolve(&record.event);
            end = Some((record.version, position, hash));
        }
        Ok(Configured { configuration: Arc::new(configuration), end })
    }

    /// Takes the configuration of a tenant for a command; whoever takes it puts it back.
    pub(super) fn take_configured(
        &mut self,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<Configuring, StoreFault> {
        let configured = match self.configured.take(tenant) {
            Some(configured) => configured,
            None => self.load_configured(tenant)?,
        };
        Ok(Configuring { tenant: tenant.clone(), configured, now })
    }
}

impl<D: Disk> Stream<D> for Configuring {
    type Beside = ();
    type After = Configured;

    const DECIDES: &'static str = "configure";

    fn about(&self) -> About {
        About::Config(self.tenant.clone())
    }

    fn end(&self) -> Option<(StreamVersion, Hash)> {
        self.configured.end.map(|(version, _, hash)| (version, hash))
    }

    fn met(&self) -> (Timestamp, u64) {
        (self.now, self.configured.version())
    }

    fn decide(&self, _: &mut Decider<D>, command: &Command) -> Result<Decided<()>, StoreFault> {
        let decided = self.configured.configuration.decide(command, self.now);
        Ok(decided.map(|event| (event.into_iter().map(Draft::from).collect(), ())))
    }

    fn fold(&self, (): &(), staged: &[Staged]) -> Option<Configured> {
        // A copy: the one in force is what it was until the record is in the batch.
        let mut configuration = Arc::clone(&self.configured.configuration);
        for Staged { event, .. } in staged {
            Arc::make_mut(&mut configuration).evolve(event);
        }
        let Staged { recorded, hash, .. } = staged.last()?;
        Some(Configured { configuration, end: Some((recorded.version, recorded.position, *hash)) })
    }

    fn becomes(&mut self, _: &mut Decider<D>, _: &Command, after: Configured) {
        self.configured = after;
    }

    fn leave(self, on: &mut Decider<D>) {
        // Who only tries names leaves nothing behind.
        if self.tenant == TenantId::default_tenant() || self.configured.end.is_some() {
            on.configured.put(self.tenant, self.configured);
        }
    }
}

fn damaged(what: &str) -> StoreFault {
    StoreFault::found("load a configuration", what.to_owned())
}
