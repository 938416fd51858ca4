//! What a command meets: its ticket, and all else that is needed to decide it.

use std::sync::Arc;

use guichet_config::Configuration;
use guichet_rules::{Context, Draft, Unconfigured, decide, evolve};
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Entity, Order};
use guichet_schemas::event::ExternalRef;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::personal;
use guichet_schemas::position::StreamVersion;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::command::{Stream, refused};
use super::configure::Configuring;
use super::{Decider, TicketKey};
use crate::log::batch::Answer;
use crate::log::disk::Disk;
use crate::log::sealer::Fresh;
use crate::log::stage::Staged;
use crate::log::tickets::{self, Entry, SNAPSHOT_EVERY};
use crate::log::told::About;
use crate::log::{StoreFault, keys};

/// What a command met.
pub(super) enum Met {
    /// Its answer: it was decided before, or there is no such tenant and it makes none.
    Answered(Answer),
    /// It is about the configuration.
    Config(Box<Configuring>),
    /// It is about a ticket.
    Ticket(Box<Meeting>),
}

/// A ticket and all that is needed to decide a command on it.
pub(super) struct Meeting {
    pub(super) key: TicketKey,
    /// Out of the cache while it is here.
    pub(super) entry: Option<Entry>,
    pub(super) now: Timestamp,
    pub(super) next_number: TicketNumber,
    pub(super) external_ref_of: Option<TicketId>,
    pub(super) configuration: Arc<Configuration>,
    pub(super) config_version: u64,
}

impl<D: Disk> Decider<D> {
    /// Looks up all that a decision needs.
    pub(super) fn meet(&mut self, request: &Request) -> Result<Met, StoreFault> {
        let command = &request.command;
        if !self.is_there(&command.tenant)? {
            return Ok(match self.founds(request) {
                Ok(()) => {
                    let now = self.clock.now();
                    Met::Config(Box::new(self.take_configured(&command.tenant, now)?))
                }
                Err(rejection) => Met::Answered(refused(rejection)),
            });
        }
        if let Some((hash, mut accepted)) = self.outcome(command)? {
            if hash != request.request_hash {
                return Ok(Met::Answered(refused(Rejection::CommandIdReused)));
            }
            accepted.replayed = true;
            return Ok(Met::Answered(Answer::Ready(Ok(accepted))));
        }
        let now = self.clock.now();
        if command.entity == Entity::Config {
            return Ok(Met::Config(Box::new(self.take_configured(&command.tenant, now)?)));
        }
        let external_ref_of = match &claimed_ref(command) {
            Some(reference) => self.external_ref(&command.tenant, reference)?,
            None => None,
        };
        let id = match (command.entity, &command.order, external_ref_of) {
            (Entity::Ticket(id), _, _) | (Entity::New, Order::Import(_), Some(id)) => id,
            (Entity::New | Entity::Config, _, _) => TicketId(self.ids.next(now)),
        };
        let next_number = TicketNumber(self.next_number(&command.tenant)?);
        let configured = self.configured(&command.tenant)?;
        let (configuration, config_version) = (Arc::clone(&configured.configuration), configured.version());
        let key = (command.tenant.clone(), id);
        // Last: from here on it is in nobody's cache.
        let entry = self.take_entry(&key)?;
        let meeting =
            Meeting { key, entry, now, next_number, external_ref_of, configuration, config_version };
        Ok(Met::Ticket(Box::new(meeting)))
    }
}

/// The identity elsewhere that a command claims.
fn claimed_ref(command: &Command) -> Option<ExternalRef> {
    if let Order::Import(order) = &command.order {
        Some(ExternalRef {
            source: order.source.as_str().to_owned(),
            id: order.external_id.as_str().to_owned(),
        })
    } else if let Order::Create(order) = &command.order {
        order.external_ref.clone()
    } else {
        None
    }
}

impl<D: Disk> Stream<D> for Meeting {
    /// The ticket, and its snapshot where one is due.
    type After = (Entry, Option<Vec<u8>>);

    const DECIDES: &'static str = "decide";

    fn about(&self, staged: &[Staged]) -> About {
        let number = staged.iter().find_map(|s| s.derived.number).map(TicketNumber);
        let number = number.or_else(|| self.entry.as_ref().map(|e| e.ticket.number));
        About::Ticket(self.key.1, number.unwrap_or(TicketNumber(0)))
    }

    fn end(&self) -> Option<(StreamVersion, Hash)> {
        self.entry.as_ref().map(|entry| (entry.version, entry.last_hash))
    }

    fn met(&self) -> (Timestamp, u64) {
        (self.now, self.config_version)
    }

    fn is_expected(&self, command: &Command) -> bool {
        match &self.entry {
            Some(entry) => command.expects(Some(entry.version)),
            None => command.expected_version.is_none_or(|v| v == 0) || !creates(command),
        }
    }

    fn decide(
        &self,
        on: &Decider<D>,
        command: &Command,
    ) -> Result<Result<Vec<Draft>, Rejection>, StoreFault> {
        let in_force = self.configuration.at(self.now);
        let context = Context {
            now: self.now,
            next_number: self.next_number,
            external_ref_of: self.external_ref_of,
            desk: if self.config_version == 0 { &Unconfigured } else { &in_force },
            config_version: self.config_version,
        };
        let ticket = on.recognised(command, self, &context)?;
        match ticket.and_then(|ticket| decide(ticket.as_deref(), command, &context)) {
            Ok(drafts) if drafts.is_empty() && self.entry.is_none() => {
                Ok(Err(Rejection::NotFound { what: "the ticket".to_owned() }))
            }
            decided => Ok(decided),
        }
    }

    /// Under the key of the ticket's requester, whoever wrote them.
    fn seal(
        &self,
        on: &mut Decider<D>,
        request: &Request,
        drafts: &mut [Draft],
    ) -> Result<Option<Fresh>, StoreFault> {
        if !drafts.iter().any(|draft| personal::holds(&draft.event)) {
            return Ok(None);
        }
        let (tenant, id) = &self.key;
        let requester = self.entry.as_ref().map(|e| e.ticket.requester.as_str());
        let requester = requester.or_else(|| drafts.iter().find_map(requester_of));
        let under = on.sealer.key_of(&on.store, tenant, requester.unwrap_or_default())?;
        for draft in drafts {
            on.sealer.seal(&mut draft.event, &under, tenant, *id, request.command.command_id)?;
        }
        Ok(under.fresh())
    }

    fn fold(&self, staged: &[Staged]) -> Option<Self::After> {
        // A copy: where a fold falls over, the ticket that others see is untouched, and with it what is under way.
        let mut ticket = self.entry.as_ref().map(|entry| entry.ticket.clone());
        for Staged { event, occurred_at, .. } in staged {
            ticket = Some(evolve(ticket, event, *occurred_at));
        }
        let Staged { recorded, hash, .. } = staged.last()?;
        let (version, position, last_hash) = (recorded.version, recorded.position, *hash);
        let entry = Entry { ticket: ticket?, version, position, last_hash };
        let before = StreamVersion::or_zero(self.entry.as_ref().map(|entry| entry.version));
        let is_due = before / SNAPSHOT_EVERY != entry.version.get() / SNAPSHOT_EVERY;
        let snapshot = is_due.then(|| tickets::to_snapshot(&entry));
        Some((entry, snapshot))
    }

    fn becomes(&mut self, on: &mut Decider<D>, command: &Command, (entry, snapshot): Self::After) {
        let (tenant, id) = &self.key;
        if let Some(snapshot) = snapshot {
            on.batch.snapshots.push((keys::ticket(tenant.as_str(), *id), snapshot));
        }
        if let Some(reference) = claimed_ref(command) {
            on.overlay().external_refs.insert((tenant.clone(), reference), *id);
        }
        self.entry = Some(entry);
    }

    fn leave(self, on: &mut Decider<D>) {
        if let Some(entry) = self.entry {
            on.tickets.put(self.key, entry);
        }
    }
}

/// Whom a ticket is for, where it comes into being.
fn requester_of(draft: &Draft) -> Option<&str> {
    draft.event.created().map(|e| e.requester.as_str())
}

fn creates(command: &Command) -> bool {
    matches!(command.order, Order::Create(_) | Order::Import(_))
}
