//! Who sees what: a restricted ticket is in no answer but for whoever has recorded that they look at it.
//!
//! Every model keeps which tickets are restricted, and the looks, so that each answers for itself. The engine has decided
//! whether the viewer sees the ticket before it recorded the look; here only the record counts.

use guichet_schemas::codec::decode_record;
use guichet_schemas::event::{AccessRecorded, Change, Event, LogEvent, Meaning as _};
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use crate::keys;
use crate::projection::Accepted;
use crate::queries::{Ask, Refusal};
use crate::store::{Batch, StoreError, View};

/// So long after it was recorded a look shows what it is about: a page asks several questions.
const LOOK_MS: u64 = 5 * 60_000;

/// Keeps what a record says about who sees a ticket.
pub(crate) fn note(accepted: &Accepted<'_>, batch: &mut Batch<'_>) {
    let record = accepted.record;
    match (&record.event, accepted.ticket) {
        (Event::Log(LogEvent::AccessRecorded(access)), _) if access.is_look() => {
            let key = keys::meta_look(&record.tenant, record.position.get());
            batch.put(keys::META, &key, accepted.bytes);
        }
        (Event::Ticket(event), Some((_, ticket))) => {
            if let Some(created) = record.event.created().filter(|created| !created.restricted_to.is_empty())
            {
                restrict(ticket, &created.restricted_to, batch);
            }
            event.changes(|change| {
                if let Change::Restriction { to, .. } = change {
                    restrict(ticket, to, batch);
                }
            });
        }
        (Event::Ticket(_) | Event::Log(_) | Event::Sla(_) | Event::Config(_), _) => {}
    }
}

fn restrict(ticket: &[u8], to: &[String], batch: &mut Batch<'_>) {
    let key = keys::meta_restricted_ticket(ticket);
    if to.is_empty() {
        batch.delete(keys::META, &key);
    } else {
        let groups: Vec<u8> = to.iter().flat_map(|group| group.bytes().chain([0])).collect();
        batch.put(keys::META, &key, &groups);
    }
}

/// What an asker sees of the restricted tickets of a tenant.
pub(crate) struct Sight {
    /// None of the tenant's tickets is restricted: nothing need be looked up.
    all: bool,
    look: Option<AccessRecorded>,
}

impl Sight {
    /// The sight of whoever asks.
    ///
    /// # Errors
    /// The look that the question names is none of this caller's, or too old.
    pub(crate) fn of(view: &View<'_>, ask: &Ask, now: Timestamp) -> Result<Self, Refusal> {
        let prefix = keys::meta_restricted(ask.tenant.as_str());
        let first = view.scan(keys::META, prefix.clone(), &prefix).next().transpose()?;
        let look = ask.access.map(|position| look(view, ask, position, now)).transpose()?;
        Ok(Self { all: first.is_none(), look })
    }

    /// Whether a ticket stays out of the answer. `alone`: the answer is about this ticket.
    pub(crate) fn hides(
        &self,
        view: &View<'_>,
        tenant: &str,
        id: TicketId,
        alone: bool,
    ) -> Result<bool, StoreError> {
        if self.all {
            return Ok(false);
        }
        let key = keys::meta_restricted_ticket(&keys::ticket(tenant, id));
        let Some(groups) = view.get(keys::META, &key)? else { return Ok(false) };
        Ok(!self.look.as_ref().is_some_and(|look| {
            let of_group = |group: &[u8]| look.groups.iter().any(|own| own.as_bytes() == group);
            look.ticket_id == Some(id) || !alone && groups.split(|byte| *byte == 0).any(of_group)
        }))
    }
}

fn look(view: &View<'_>, ask: &Ask, position: u64, now: Timestamp) -> Result<AccessRecorded, Refusal> {
    let no = |rule: &str| Refusal::Rejected(Rejection::from(FieldError::new("access", rule)));
    let bytes = view.get(keys::META, &keys::meta_look(ask.tenant.as_str(), position))?;
    let Some(bytes) = bytes else {
        return Err(no(
            "must be the position of a record_access with ticket_id or groups; ask with it as min_position",
        ));
    };
    let record =
        decode_record(&bytes).map_err(|_| StoreError::Damaged { what: "a look at restricted tickets" })?;
    let Event::Log(LogEvent::AccessRecorded(access)) = record.event else {
        return Err(StoreError::Damaged { what: "a look at restricted tickets" }.into());
    };
    if record.caller != ask.caller.as_str() {
        return Err(no("must be of this caller: another one recorded it"));
    }
    if now.since(record.recorded_at) > LOOK_MS {
        return Err(no("was recorded more than five minutes ago; send record_access again"));
    }
    Ok(access)
}

#[cfg(test)]
#[path = "sight_tests.rs"]
mod tests;
