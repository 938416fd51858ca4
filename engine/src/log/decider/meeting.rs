//! What a command meets: its ticket, and all else that is needed to decide it.

use std::sync::Arc;

use guichet_config::{Configuration, InForce};
use guichet_rules::{Context, DeskRules, Draft, Ticket, Unconfigured, decide, evolve, permits};
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Entity, Order};
use guichet_schemas::event::ExternalRef;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::personal;
use guichet_schemas::position::StreamVersion;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::access::Accessing;
use super::articles::Writing;
use super::beside::Besides;
use super::command::{Decided, Stream, refused};
use super::configure::Configuring;
use super::{Decider, TicketKey};
use crate::log::batch::Answer;
use crate::log::disk::Disk;
use crate::log::sealer::{Fresh, Under};
use crate::log::stage::{Part, Staged};
use crate::log::tickets::{self, Entry, SNAPSHOT_EVERY};
use crate::log::told::About;
use crate::log::{StoreFault, keys};

pub(super) enum Met {
    /// Its answer: it was decided before, or there is no such tenant and it makes none.
    Answered(Answer),
    /// It is about the configuration.
    Config(Box<Configuring>),
    /// It is about an access to personal texts.
    Access(Box<Accessing>),
    /// It is about an article.
    Article(Box<Writing>),
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

/// A ticket as a command leaves it, and its snapshot where one is due.
pub(super) struct After {
    pub(super) ticket: TicketId,
    pub(super) entry: Entry,
    snapshot: Option<Vec<u8>>,
}

impl Meeting {
    /// What is configured, as the rules ask for it.
    pub(super) fn desk<'a>(&self, in_force: &'a InForce<'_>) -> &'a dyn DeskRules {
        if self.config_version == 0 { &Unconfigured } else { in_force }
    }

    /// Whether the command comes from somebody who may not act on the ticket, who learns nothing of its events either.
    pub(super) fn refuses(&self, ticket: &Ticket, command: &Command) -> bool {
        permits(Some(ticket), command, self.desk(&self.configuration.at(self.now))).is_err()
    }

    /// A ticket that the command writes to, as it is; `None`: the command creates it.
    fn entry_of<'a>(&'a self, ticket: TicketId, beside: &'a Besides) -> Option<&'a Entry> {
        if ticket == self.key.1 { self.entry.as_ref() } else { beside.entry(ticket) }
    }
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
        if command.entity == Entity::Desk {
            return self.meet_access(command, now);
        }
        if command.entity == Entity::Articles {
            return self.meet_article(command, now);
        }
        let external_ref_of = match &claimed_ref(command) {
            Some(reference) => self.external_ref(&command.tenant, reference)?,
            None => None,
        };
        let id = match (command.entity, &command.order, external_ref_of) {
            (Entity::Ticket(id), _, _) | (Entity::New, Order::Import(_), Some(id)) => id,
            (Entity::New | Entity::Config | Entity::Desk | Entity::Articles, _, _) => {
                TicketId(self.ids.next(now))
            }
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
    type Beside = Besides;
    type After = Vec<After>;

    const DECIDES: &'static str = "decide";

    fn about(&self) -> About {
        let number = self.entry.as_ref().map(|entry| entry.ticket.number);
        About::Ticket(self.key.1, number.unwrap_or(TicketNumber(0)))
    }

    /// The last ticket: a message to one that is over tells where it stands now.
    fn about_after(&self, beside: &Besides, staged: &[Staged]) -> About {
        let last = staged.last().and_then(|one| one.recorded.ticket).unwrap_or(self.key.1);
        let known = self.entry_of(last, beside).map(|entry| entry.ticket.number);
        let number = || staged.iter().find_map(|one| one.derived.number).map(TicketNumber);
        About::Ticket(last, known.or_else(number).unwrap_or(TicketNumber(0)))
    }

    fn end(&self) -> Option<(StreamVersion, Hash)> {
        self.entry.as_ref().map(|entry| (entry.version, entry.last_hash))
    }

    fn met(&self) -> (Timestamp, u64) {
        (self.now, self.config_version)
    }

    fn is_expected(&self, command: &Command) -> bool {
        match &self.entry {
            Some(entry) => {
                self.went_on || command.expects(Some(entry.version)) || self.refuses(&entry.ticket, command)
            }
            None => command.expected_version.is_none_or(|v| v == 0) || !creates(command),
        }
    }

    fn decide(&self, on: &mut Decider<D>, command: &Command) -> Result<Decided<Besides>, StoreFault> {
        let beside = match on.besides(command, self)? {
            Ok(beside) => beside,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let stored = match on.stored(command, self)? {
            Ok(stored) => stored,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let in_force = self.configuration.at(self.now);
        let context = Context {
            now: self.now,
            next_number: self.next_number,
            external_ref_of: self.external_ref_of,
            desk: self.desk(&in_force),
            config_version: self.config_version,
            fresh: if self.entry.is_some() && !beside.is_empty() {
                TicketId(on.ids.next(self.now))
            } else {
                self.key.1
            },
            article: on.known_article(command)?,
            other: beside.one.as_ref().map(|one| &one.other),
            others: &beside.others,
            stored,
        };
        let ticket = on.recognised(command, self, &context)?;
        let decided = match ticket.and_then(|ticket| decide(ticket.as_deref(), command, &context)) {
            Ok(drafts) if drafts.is_empty() && self.entry.is_none() => {
                Err(Rejection::NotFound { what: "the ticket".to_owned() })
            }
            decided => decided,
        };
        Ok(decided.map(|drafts| (drafts, beside)))
    }

    fn parts(&self, beside: &Besides, drafts: Vec<Draft>) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::with_capacity(1);
        for draft in drafts {
            let ticket = draft.of.unwrap_or(self.key.1);
            match parts.last_mut() {
                Some(part) if part.about.ticket() == Some(ticket) => part.drafts.push(draft),
                Some(_) | None => {
                    let entry = self.entry_of(ticket, beside);
                    let number = entry.map_or(TicketNumber(0), |entry| entry.ticket.number);
                    parts.push(Part {
                        about: About::Ticket(ticket, number),
                        end: entry.map(|entry| (entry.version, entry.last_hash)),
                        drafts: vec![draft],
                    });
                }
            }
        }
        parts
    }

    /// Under the key of the ticket's requester, whoever wrote them; a text of another ticket, under the key of that one's.
    fn seal(
        &self,
        on: &mut Decider<D>,
        request: &Request,
        beside: &Besides,
        parts: &mut [Part],
    ) -> Result<Vec<Fresh>, StoreFault> {
        let (tenant, command) = (&request.command.tenant, request.command.command_id);
        let mut keys: Vec<(String, Under)> = Vec::new();
        for Part { about, drafts, .. } in parts {
            let ticket = about.ticket().unwrap_or(self.key.1);
            let known = self.entry_of(ticket, beside).map(|entry| entry.ticket.requester.as_str());
            let own = known.or_else(|| drafts.iter().find_map(requester_of)).unwrap_or_default().to_owned();
            for draft in drafts.iter_mut().filter(|draft| personal::holds(&draft.event)) {
                let whose = draft.event.whose_text().unwrap_or(&own);
                let at = match keys.iter().position(|(subject, _)| subject == whose) {
                    Some(at) => at,
                    None => {
                        keys.push((whose.to_owned(), on.sealer.key_of(&on.store, tenant, whose)?));
                        keys.len() - 1
                    }
                };
                on.sealer.seal(&mut draft.event, &keys[at].1, tenant, ticket, command)?;
            }
        }
        Ok(keys.into_iter().filter_map(|(_, under)| under.fresh()).collect())
    }

    fn fold(&self, beside: &Besides, staged: &[Staged]) -> Option<Self::After> {
        staged
            .chunk_by(|one, next| one.recorded.ticket == next.recorded.ticket)
            .map(|of_one| {
                let id = of_one.first()?.recorded.ticket?;
                let before = self.entry_of(id, beside);
                // A copy: where a fold falls over, the ticket that others see is untouched, and with it what is under way.
                let mut ticket = before.map(|entry| entry.ticket.clone());
                for Staged { event, occurred_at, .. } in of_one {
                    ticket = Some(evolve(ticket, event, *occurred_at));
                }
                let Staged { recorded, hash, .. } = of_one.last()?;
                let (version, position, last_hash) = (recorded.version, recorded.position, *hash);
                let entry = Entry { ticket: ticket?, version, position, last_hash };
                let before = StreamVersion::or_zero(before.map(|entry| entry.version));
                let is_due = before / SNAPSHOT_EVERY != version.get() / SNAPSHOT_EVERY;
                let snapshot = is_due.then(|| tickets::to_snapshot(&entry));
                Some(After { ticket: id, entry, snapshot })
            })
            .collect()
    }

    fn becomes(&mut self, on: &mut Decider<D>, command: &Command, after: Self::After) {
        let (tenant, own) = (self.key.0.clone(), self.key.1);
        on.redacts(command, &tenant, &after);
        for After { ticket, entry, snapshot } in after {
            if let Some(snapshot) = snapshot {
                on.batch.snapshots.push((keys::ticket(tenant.as_str(), ticket), snapshot));
            }
            if ticket == own {
                self.entry = Some(entry);
            } else {
                on.tickets.put((tenant.clone(), ticket), entry);
            }
        }
        if let Some(reference) = claimed_ref(command) {
            on.overlay().external_refs.insert((tenant, reference), own);
        }
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
    matches!(command.order, Order::Create(_) | Order::CreateFollowUp(_) | Order::Import(_))
}
