//! Rules between fields, limits of lists and of numbers: what a field's own type cannot say.

use std::collections::BTreeMap;

use crate::command::{Order, limits};
use crate::event::{Actor, FieldValue};
use crate::ids::TicketId;
use crate::mirror::Wire as _;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::wire::{self, query::Data};
use crate::words::{Channel, EscalationKind, Priority, TicketState};

/// Most entries of an answer.
const PAGE_MAX: u32 = 1000;
/// Longest wait for a read model, in milliseconds.
const WAIT_MS_MAX: u64 = 30_000;

/// Whoever acts has an identifier like everybody else.
pub(super) fn actor(actor: &Actor) -> Result<(), FieldError> {
    Label::parse(actor.id.clone()).map_err(|e| e.in_field("id"))?;
    let other = actor.on_behalf_of.clone().map(Label::parse).transpose();
    other.map(|_| ()).map_err(|e| e.in_field("on_behalf_of"))
}

/// The rules of each verb.
pub(super) fn order(order: &Order) -> Result<(), FieldError> {
    match order {
        Order::Create(c) => {
            at_most("tags", c.tags.len(), limits::TAGS)?;
            check_fields(&c.fields)?;
            c.external_ref.as_ref().map_or(Ok(()), |r| {
                Label::parse(r.source.clone()).map_err(|e| e.in_field("external_ref.source"))?;
                Label::parse(r.id.clone()).map_err(|e| e.in_field("external_ref.id")).map(|_| ())
            })
        }
        Order::Assign(a) if a.assignee.is_none() && a.group.is_none() => {
            Err(FieldError::new("assignee", "or group is required"))
        }
        Order::Escalate(e) => {
            at_most("tags", e.tags.len(), limits::TAGS)?;
            match e.kind {
                _ if e.tags.is_empty() => Err(FieldError::new(
                    "tags",
                    "must hold at least one tag, so that reports can say why tickets escalate",
                )),
                EscalationKind::Functional if e.to_tier.is_none() => {
                    Err(FieldError::new("to_tier", "is required for a functional escalation"))
                }
                EscalationKind::Hierarchical if e.to_manager.is_none() => {
                    Err(FieldError::new("to_manager", "is required for a hierarchical escalation"))
                }
                EscalationKind::Functional | EscalationKind::Hierarchical => tier("to_tier", e.to_tier),
            }
        }
        Order::Deescalate(d) => tier("to_tier", Some(d.to_tier)),
        Order::SetStatus(s) => match s.to {
            TicketState::Hold if s.hold_reason.is_none() => {
                Err(FieldError::new("hold_reason", "is required for hold"))
            }
            TicketState::Hold => Ok(()),
            TicketState::Open | TicketState::Pending if s.hold_reason.is_some() => {
                Err(FieldError::new("hold_reason", "is only for hold"))
            }
            TicketState::Open | TicketState::Pending => Ok(()),
            TicketState::New => {
                Err(FieldError::new("to", "must be open, pending or hold; no ticket goes back to new"))
            }
            TicketState::Resolved => {
                Err(FieldError::new("to", "must be open, pending or hold; to resolve, use the verb resolve"))
            }
            TicketState::Closed => {
                Err(FieldError::new("to", "must be open, pending or hold; to close, use the verb close"))
            }
            TicketState::Cancelled => {
                Err(FieldError::new("to", "must be open, pending or hold; to cancel, use the verb cancel"))
            }
        },
        Order::AddComment(c) => at_most("attachments", c.attachments.len(), limits::ATTACHMENTS),
        Order::Resolve(r) => at_most("steps", r.steps.len(), 100),
        Order::SetPriority(p) if p.priority.is_none() && p.urgency.is_none() && p.impact.is_none() => {
            Err(FieldError::new("priority", "or urgency or impact is required"))
        }
        Order::ChangeTags(t) if t.add.is_empty() && t.remove.is_empty() => {
            Err(FieldError::new("add", "or remove must hold a tag"))
        }
        Order::ChangeTags(t) => {
            at_most("add", t.add.len(), limits::TAGS)?;
            at_most("remove", t.remove.len(), limits::TAGS)?;
            match t.add.iter().position(|tag| t.remove.contains(tag)) {
                Some(i) => Err(FieldError::new(format!("add[{i}]"), "must not stand in remove too")),
                None => Ok(()),
            }
        }
        Order::Import(i) if i.part == 0 || i.part > i.parts => {
            Err(FieldError::new("part", "must be from 1 to parts"))
        }
        Order::Import(i) if i.events.is_empty() => {
            Err(FieldError::new("events", "must hold at least one fact"))
        }
        Order::Import(i) => i.events.iter().enumerate().try_for_each(|(n, fact)| {
            let checked = fact.actor.as_ref().map_or(Ok(()), actor);
            checked.map_err(|e| e.in_field("actor").at_index(n).in_field("events"))
        }),
        Order::Assign(_)
        | Order::Unassign(_)
        | Order::Reopen(_)
        | Order::Close
        | Order::Cancel(_)
        | Order::SetPriority(_)
        | Order::SetCategory(_) => Ok(()),
    }
}

fn at_most(field: &str, len: usize, max: usize) -> Result<(), FieldError> {
    if len > max { Err(FieldError::new(field, format!("must hold at most {max} entries"))) } else { Ok(()) }
}

fn tier(field: &str, tier: Option<u32>) -> Result<(), FieldError> {
    if tier.is_some_and(|t| t > limits::TIER) {
        Err(FieldError::new(field, "must be 0 to 4"))
    } else {
        Ok(())
    }
}

fn check_fields(fields: &BTreeMap<String, FieldValue>) -> Result<(), FieldError> {
    at_most("fields", fields.len(), limits::FIELDS)?;
    let bytes: usize = fields
        .iter()
        .map(|(name, value)| {
            name.len()
                + match value {
                    FieldValue::Text(t) => t.len(),
                    FieldValue::Number(_) => 8,
                    FieldValue::Flag(_) => 1,
                }
        })
        .sum();
    if bytes > limits::FIELDS_BYTES {
        return Err(FieldError::new(
            "fields",
            format!("must have at most {} bytes together", limits::FIELDS_BYTES),
        ));
    }
    if fields.keys().any(|k| k.trim().is_empty() || k.len() > 64 || k.chars().any(char::is_control)) {
        return Err(FieldError::new(
            "fields",
            "must have names of 1 to 64 bytes, without control characters",
        ));
    }
    match fields.iter().find(|(_, v)| matches!(v, FieldValue::Text(t) if t.contains('\0'))) {
        Some((name, _)) => Err(FieldError::new(format!("fields.{name}"), "must not hold a NUL character")),
        None => Ok(()),
    }
}

/// The limits of every query, and the filters that protobuf knows only as numbers or bytes.
pub(super) fn query(query: &wire::Query, data: &Data) -> Result<(), FieldError> {
    if query.limit.is_some_and(|l| l == 0 || l > PAGE_MAX) {
        return Err(FieldError::new("limit", format!("must be 1 to {PAGE_MAX}")));
    }
    if query.wait_ms.is_some_and(|w| w > WAIT_MS_MAX) {
        return Err(FieldError::new("wait_ms", format!("must be at most {WAIT_MS_MAX}")));
    }
    match data {
        Data::Ticket(wire::TicketQuery { ticket_id, number })
        | Data::Timeline(wire::TimelineQuery { ticket_id, number }) => {
            if ticket_id.is_none() && number.is_none() {
                return Err(FieldError::new("ticket_id", "or number is required"));
            }
            uuid(ticket_id.as_ref())
        }
        Data::Tickets(filter) => {
            Option::<TicketState>::from_wire(filter.status).map_err(|e| e.in_field("status"))?;
            Option::<Priority>::from_wire(filter.priority).map_err(|e| e.in_field("priority"))?;
            Option::<Channel>::from_wire(filter.channel).map_err(|e| e.in_field("channel"))?;
            Ok(())
        }
        Data::Events(filter) => uuid(filter.ticket_id.as_ref()),
        Data::Projections(_) => Ok(()),
    }
}

fn uuid(ticket_id: Option<&Vec<u8>>) -> Result<(), FieldError> {
    Option::<TicketId>::from_wire(ticket_id.cloned()).map(|_| ()).map_err(|e| e.in_field("ticket_id"))
}
