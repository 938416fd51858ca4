//! What a command meets: its ticket, and all else that is needed to decide it.

use std::sync::Arc;

use guichet_config::{Configuration, InForce};
use guichet_rules::{DeskRules, Unconfigured};
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Entity, Order};
use guichet_schemas::event::ExternalRef;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::command::refused;
use super::{Decider, TicketKey};
use crate::log::StoreFault;
use crate::log::batch::Answer;
use crate::log::disk::Disk;
use crate::log::tickets::Entry;

/// What a command met.
pub(super) enum Met {
    /// Its answer: it was decided before, or there is no such tenant and it makes none.
    Answered(Answer),
    /// It is about the configuration, at this instant.
    Config(Timestamp),
    /// It is about an access to personal texts, at this instant.
    Access(Timestamp),
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
    /// The command was sent to a closed ticket, at the version that it expected, and this is the one that goes on.
    pub(super) went_on: bool,
}

impl Meeting {
    /// What is configured, as the rules ask for it.
    pub(super) fn desk<'a>(&self, in_force: &'a InForce<'_>) -> &'a dyn DeskRules {
        if self.config_version == 0 { &Unconfigured } else { in_force }
    }
}

impl<D: Disk> Decider<D> {
    /// Looks up all that a decision needs.
    pub(super) fn meet(&mut self, request: &Request) -> Result<Met, StoreFault> {
        let command = &request.command;
        if !self.is_there(&command.tenant)? {
            return Ok(match self.founds(request) {
                Ok(()) => Met::Config(self.clock.now()),
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
            return Ok(Met::Config(now));
        }
        if command.entity == Entity::Desk {
            return Ok(Met::Access(now));
        }
        let external_ref_of = match &claimed_ref(command) {
            Some(reference) => self.external_ref(&command.tenant, reference)?,
            None => None,
        };
        let id = match (command.entity, &command.order, external_ref_of) {
            (Entity::Ticket(id), _, _) | (Entity::New, Order::Import(_), Some(id)) => id,
            (Entity::New | Entity::Config | Entity::Desk, _, _) => TicketId(self.ids.next(now)),
        };
        let next_number = TicketNumber(self.next_number(&command.tenant)?);
        let configured = self.configured(&command.tenant)?;
        let (configuration, config_version) = (Arc::clone(&configured.configuration), configured.version());
        let key = (command.tenant.clone(), id);
        let mut meeting = Meeting {
            key,
            entry: None,
            now,
            next_number,
            external_ref_of,
            configuration,
            config_version,
            went_on: false,
        };
        if let Some(conflict) = self.goes_on(command, &mut meeting)? {
            return Ok(Met::Answered(refused(conflict)));
        }
        // Last: from here on it is in nobody's cache.
        meeting.entry = self.take_entry(&meeting.key)?;
        Ok(Met::Ticket(Box::new(meeting)))
    }
}

/// The identity elsewhere that a command claims.
pub(super) fn claimed_ref(command: &Command) -> Option<ExternalRef> {
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
