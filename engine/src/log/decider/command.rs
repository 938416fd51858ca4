//! One command: what it leads to, and how that gets into the batch.

use std::sync::Arc;

use guichet_rules::{Context, Desk, Draft, Unconfigured, decide, evolve};
use guichet_schemas::codec::Request;
use guichet_schemas::command::{Command, Entity, Order};
use guichet_schemas::event::{Event, ExternalRef};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::personal;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;

use super::{Decider, TicketKey};
use crate::log::batch::{Answer, Recorded, Told};
use crate::log::derived::Derived;
use crate::log::disk::Disk;
use crate::log::sealer::Fresh;
use crate::log::stage::{Place, Staged, stage};
use crate::log::tickets::{self, Entry, SNAPSHOT_EVERY};
use crate::log::{StoreFault, keys, outcome};

impl<D: Disk> Decider<D> {
    pub(super) fn decide(&mut self, request: &Request) -> Result<Answer, StoreFault> {
        let command = &request.command;
        if !self.is_there(&command.tenant)? {
            return self.found(request);
        }
        if let Some((hash, mut accepted)) = self.outcome(command)? {
            if hash != request.request_hash {
                return Ok(refused(Rejection::CommandIdReused));
            }
            accepted.replayed = true;
            return Ok(Answer::Ready(Ok(accepted)));
        }
        let now = self.clock.now();
        if command.entity == Entity::Config {
            return self.configure(request, now);
        }
        let external_ref = external_ref_of(command);
        let external_ref_of = match &external_ref {
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
        let in_force = configuration.at(now);
        let desk: &dyn Desk = if config_version == 0 { &Unconfigured } else { &in_force };
        let context = Context { now, next_number, external_ref_of, desk, config_version };
        let key = (command.tenant.clone(), id);
        // The ticket is ours while we decide: it is folded where it lies, never copied.
        let mut entry = self.take_entry(&key)?;
        let answer = self.decide_on(request, &key, &mut entry, &context);
        if let Some(entry) = entry {
            self.tickets.put(key, entry);
        }
        answer
    }

    fn decide_on(
        &mut self,
        request: &Request,
        key: &TicketKey,
        entry: &mut Option<Entry>,
        context: &Context<'_>,
    ) -> Result<Answer, StoreFault> {
        let command = &request.command;
        let version = entry.as_ref().map(|e| e.version);
        if (entry.is_some() && !command.expects(version))
            || (entry.is_none() && command.expected_version.is_some_and(|v| v > 0) && creates(command))
        {
            return self.conflict(key, command.expected_version.unwrap_or(0), version).map(refused);
        }
        match decide(entry.as_ref().map(|e| &e.ticket), command, context) {
            Ok(drafts) if drafts.is_empty() => Ok(self.nothing_to_do(request, key, entry.as_ref())),
            Ok(drafts) => self.append(request, key, entry, drafts, context),
            Err(Rejection::VersionConflict { expected, .. }) => {
                self.conflict(key, expected, version).map(refused)
            }
            Err(rejection) => Ok(refused(rejection)),
        }
    }

    /// The effect already holds: nothing to record but the answer.
    fn nothing_to_do(&mut self, request: &Request, key: &TicketKey, entry: Option<&Entry>) -> Answer {
        let Some(entry) = entry else {
            return refused(Rejection::NotFound { what: "the ticket".to_owned() });
        };
        let told = Told {
            partition: self.partition,
            ticket: key.1,
            number: entry.ticket.number,
            version: entry.version,
            position: self.last,
            events: (0, 0),
        };
        if !request.command.dry_run {
            let row = outcome::row_without_events(request.request_hash, &outcome::accepted(&told, &[]));
            let at = keys::command(key.0.as_str(), request.command.command_id);
            self.batch.bytes += row.len();
            D::put(&mut self.batch.synced, &self.store.cf(keys::COMMANDS), at, row);
            self.remember(request, told);
        }
        Answer::Told(told)
    }

    fn append(
        &mut self,
        request: &Request,
        key: &TicketKey,
        entry: &mut Option<Entry>,
        mut drafts: Vec<Draft>,
        context: &Context<'_>,
    ) -> Result<Answer, StoreFault> {
        let fresh = self.seal(request, key, entry.as_ref(), &mut drafts)?;
        let place = Place {
            partition: self.partition,
            epoch: self.epoch,
            ticket: key.1,
            entry: entry.as_ref(),
            last: self.last,
            now: context.now,
            config_version: context.config_version,
        };
        let (created, staged) = match stage(request, drafts, fresh.as_ref(), &place, &mut self.ids) {
            Ok(staged) => staged,
            Err(rejection) => return Ok(refused(rejection)),
        };
        let Some(newest) = staged.last().map(|s| s.recorded) else {
            return Ok(self.nothing_to_do(request, key, entry.as_ref()));
        };
        let number = staged.iter().find_map(|s| s.derived.number).map(TicketNumber);
        let mut told = Told {
            partition: self.partition,
            ticket: key.1,
            number: number.or_else(|| entry.as_ref().map(|e| e.ticket.number)).unwrap_or(TicketNumber(0)),
            version: newest.version,
            position: Some(newest.position),
            events: (0, staged.len()),
        };
        if request.command.dry_run {
            let events: Vec<Recorded> = staged.iter().map(|s| s.recorded).collect();
            return Ok(Answer::Ready(Ok(outcome::accepted(&told, &events))));
        }
        if let (Some(created), Some(fresh)) = (created, fresh) {
            self.put(created.bytes, created.hash, created.recorded.position, created.derived);
            self.batch.keys = self.sealer.keep(&key.0, fresh);
        }
        told.events.0 = self.overlay().recorded.len();
        let before = StreamVersion::or_zero(entry.as_ref().map(|e| e.version));
        for one in staged {
            *entry = Some(self.write(key, entry.take(), one));
        }
        if let Some(entry) =
            entry.as_ref().filter(|e| before / SNAPSHOT_EVERY != e.version.get() / SNAPSHOT_EVERY)
        {
            self.batch.snapshots.push((keys::ticket(key.0.as_str(), key.1), tickets::to_snapshot(entry)));
        }
        if let Some(reference) = external_ref_of(&request.command) {
            self.overlay().external_refs.insert((key.0.clone(), reference), key.1);
        }
        self.remember(request, told);
        Ok(Answer::Told(told))
    }

    /// Seals the personal texts of a command under the key of the ticket's requester, whoever wrote them. Gives the
    /// key where it is a new one.
    fn seal(
        &mut self,
        request: &Request,
        key: &TicketKey,
        entry: Option<&Entry>,
        drafts: &mut [Draft],
    ) -> Result<Option<Fresh>, StoreFault> {
        if !drafts.iter().any(|draft| personal::holds(&draft.event)) {
            return Ok(None);
        }
        let requester =
            entry.map(|e| e.ticket.requester.as_str()).or_else(|| drafts.iter().find_map(requester));
        let under = self.sealer.key_of(&self.store, &key.0, requester.unwrap_or_default())?;
        for draft in drafts {
            self.sealer.seal(&mut draft.event, &under, &key.0, key.1, request.command.command_id)?;
        }
        Ok(under.fresh())
    }

    /// Puts a record into the batch.
    pub(super) fn put(&mut self, bytes: Vec<u8>, hash: Hash, position: LogPosition, derived: Derived) {
        self.batch.bytes += bytes.len();
        D::put(&mut self.batch.synced, &self.store.cf(keys::EVENTS), keys::event(position), &bytes);
        self.batch.leaves.push(hash);
        self.batch.derived.push(derived);
        self.batch.head = Some(position);
        self.last = Some(position);
    }

    /// Puts a record of a ticket into the batch and folds it.
    fn write(&mut self, key: &TicketKey, entry: Option<Entry>, one: Staged) -> Entry {
        let Staged { bytes, hash, event, occurred_at, recorded, derived } = one;
        if let Some(number) = derived.number {
            self.numbers.insert(key.0.clone(), number);
        }
        self.put(bytes, hash, recorded.position, derived);
        self.overlay().recorded.push(recorded);
        Entry {
            ticket: evolve(entry.map(|e| e.ticket), &event, occurred_at),
            version: recorded.version,
            position: recorded.position,
            last_hash: hash,
        }
    }

    fn remember(&mut self, request: &Request, told: Told) {
        let key = (request.command.tenant.clone(), request.command.command_id);
        self.overlay().outcomes.insert(key, (request.request_hash, told));
    }
}

pub(super) fn refused(rejection: Rejection) -> Answer {
    Answer::Ready(Err(rejection))
}

/// Whom a ticket is for, where it comes into being.
fn requester(draft: &Draft) -> Option<&str> {
    if let Event::TicketCreated(e) = &draft.event { Some(&e.requester) } else { None }
}

fn creates(command: &Command) -> bool {
    matches!(command.order, Order::Create(_) | Order::Import(_))
}

/// The identity elsewhere that a command claims.
fn external_ref_of(command: &Command) -> Option<ExternalRef> {
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
