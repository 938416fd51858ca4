//! Who reads personal texts outside of answers: recorded in a stream of the tenant, before anything is given.

use std::sync::Arc;

use guichet_config::Configuration;
use guichet_rules::{DeskRules as _, Draft};
use guichet_schemas::command::{Command, Order};
use guichet_schemas::event::{AccessRecorded, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TenantId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::Decider;
use super::command::{Decided, Stream};
use super::meeting::Met;
use crate::log::derived_tail::decode;
use crate::log::disk::Disk;
use crate::log::stage::Staged;
use crate::log::told::About;
use crate::log::{StoreFault, keys};

type End = (StreamVersion, Hash);

/// The accesses of a tenant, as a command meets them.
pub(super) struct Accessing {
    tenant: TenantId,
    end: Option<End>,
    now: Timestamp,
    configuration: Arc<Configuration>,
    config_version: u64,
}

impl<D: Disk> Decider<D> {
    pub(super) fn meet_access(&mut self, command: &Command, now: Timestamp) -> Result<Met, StoreFault> {
        let tenant = command.tenant.clone();
        let configured = self.configured(&tenant)?;
        let (configuration, config_version) = (Arc::clone(&configured.configuration), configured.version());
        let end = self.last_access(&tenant)?;
        Ok(Met::Access(Box::new(Accessing { tenant, end, now, configuration, config_version })))
    }

    /// Where the stream of a tenant's accesses ends; what is under way is remembered, so the disk is asked once.
    fn last_access(&mut self, tenant: &TenantId) -> Result<Option<End>, StoreFault> {
        if let Some(end) = self.accesses.get(tenant) {
            return Ok(Some(*end));
        }
        let position =
            self.store.number(keys::META, &keys::access(tenant.as_str()))?.and_then(LogPosition::new);
        let Some(position) = position else { return Ok(None) };
        let (record, hash) = decode(&self.store, position)?;
        self.accesses.insert(tenant.clone(), (record.version, hash));
        Ok(Some((record.version, hash)))
    }
}

impl<D: Disk> Stream<D> for Accessing {
    type Beside = ();
    type After = End;

    const DECIDES: &'static str = "record_access";

    fn about(&self) -> About {
        About::Access(self.tenant.clone())
    }

    fn end(&self) -> Option<End> {
        self.end
    }

    fn met(&self) -> (Timestamp, u64) {
        (self.now, self.config_version)
    }

    /// The permission comes first: whoever may not read learns nothing of who did.
    fn is_expected(&self, command: &Command) -> bool {
        command.expects(self.end.map(|(version, _)| version))
            || self.configuration.at(self.now).may(command).is_err()
    }

    fn decide(&self, _: &mut Decider<D>, command: &Command) -> Result<Decided<()>, StoreFault> {
        let Order::RecordAccess(order) = &command.order else {
            let message = format!("{} is not about a desk", command.order.verb());
            return Ok(Err(Rejection::BadSubject(message)));
        };
        if let Err(rejection) = self.configuration.at(self.now).may(command) {
            return Ok(Err(rejection));
        }
        let viewer = order.viewer.as_ref().map_or(command.actor.id.as_str(), |viewer| viewer.as_str());
        let event = Event::from(AccessRecorded {
            viewer: viewer.to_owned(),
            scope: order.scope.as_str().to_owned(),
            purpose: order.purpose.as_str().to_owned(),
        });
        Ok(Ok((vec![Draft::from(event)], ())))
    }

    fn fold(&self, (): &(), staged: &[Staged]) -> Option<End> {
        staged.last().map(|last| (last.recorded.version, last.hash))
    }

    fn becomes(&mut self, on: &mut Decider<D>, _: &Command, after: End) {
        on.accesses.insert(self.tenant.clone(), after);
    }

    /// It was never away.
    fn leave(self, _: &mut Decider<D>) {}
}
