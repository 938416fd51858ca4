//! Who reads personal texts outside of answers: recorded in a stream of the tenant, before anything is given.

use std::sync::Arc;

use guichet_config::body::Role;
use guichet_config::{Configuration, InForce};
use guichet_rules::{DeskRules, Draft, Ticket, Unconfigured, sees};
use guichet_schemas::command::{Command, Order, RecordAccess};
use guichet_schemas::event::{AccessRecorded, Event};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TenantId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::{FieldError, Rejection};
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
    /// The ticket that somebody wants to look at, if it is there.
    ticket: Option<Ticket>,
}

impl Accessing {
    /// What is configured, as the rules ask for it.
    fn desk<'a>(&self, in_force: &'a InForce<'_>) -> &'a dyn DeskRules {
        if self.config_version == 0 { &Unconfigured } else { in_force }
    }

    /// Whether the actor sees the restricted tickets that they want to look at; an auditor reads everything.
    fn shows(&self, order: &RecordAccess, command: &Command) -> Result<(), Rejection> {
        let in_force = self.configuration.at(self.now);
        let desk = self.desk(&in_force);
        let actor = &command.actor;
        if order.viewer.as_ref().is_some_and(|viewer| viewer.as_str() != actor.id) {
            let rule = "must be the actor: nobody looks at a restricted ticket for somebody else";
            return Err(FieldError::new("data.viewer", rule).into());
        }
        let roles =
            self.configuration.callers(self.now).map(|callers| callers.roles(command.caller.as_str()));
        if roles.is_some_and(|roles| roles.contains(&Role::Auditor)) {
            return Ok(());
        }
        if order.ticket_id.is_some() && !self.ticket.as_ref().is_some_and(|ticket| sees(ticket, actor, desk))
        {
            return Err(Rejection::NotFound { what: "the ticket".to_owned() });
        }
        let own = desk.groups_of(&actor.id).unwrap_or_default();
        let foreign = order.groups.iter().find(|group| !own.iter().any(|own| own == group.as_str()));
        foreign.map_or(Ok(()), |group| {
            let (id, group) = (&actor.id, group.as_str());
            Err(Rejection::Forbidden(format!("{id} is not known to be in group {group}")))
        })
    }
}

impl<D: Disk> Decider<D> {
    pub(super) fn meet_access(&mut self, command: &Command, now: Timestamp) -> Result<Met, StoreFault> {
        let tenant = command.tenant.clone();
        let configured = self.configured(&tenant)?;
        let (configuration, config_version) = (Arc::clone(&configured.configuration), configured.version());
        let end = self.last_access(&tenant)?;
        let asked = if let Order::RecordAccess(order) = &command.order { order.ticket_id } else { None };
        let ticket = match asked {
            Some(id) => self.peek(&(tenant.clone(), id))?.map(|entry| entry.ticket.clone()),
            None => None,
        };
        Ok(Met::Access(Box::new(Accessing { tenant, end, now, configuration, config_version, ticket })))
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
            || self.desk(&self.configuration.at(self.now)).may(command).is_err()
    }

    fn decide(&self, _: &mut Decider<D>, command: &Command) -> Result<Decided<()>, StoreFault> {
        let Order::RecordAccess(order) = &command.order else {
            let message = format!("{} is not about a desk", command.order.verb());
            return Ok(Err(Rejection::BadSubject(message)));
        };
        let in_force = self.configuration.at(self.now);
        let allowed = self.desk(&in_force).may(command);
        if let Err(rejection) =
            allowed.and_then(|()| if order.is_look() { self.shows(order, command) } else { Ok(()) })
        {
            return Ok(Err(rejection));
        }
        let viewer = order.viewer.as_ref().map_or(command.actor.id.as_str(), |viewer| viewer.as_str());
        let event = Event::from(AccessRecorded {
            viewer: viewer.to_owned(),
            scope: order.scope.as_str().to_owned(),
            purpose: order.purpose.as_str().to_owned(),
            ticket_id: order.ticket_id,
            groups: order.groups.iter().map(|group| group.as_str().to_owned()).collect(),
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
