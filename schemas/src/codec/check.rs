//! Rules between the fields of a command, limits of its lists and numbers: what a field's own type cannot say.

mod fact;

use std::collections::BTreeMap;

use crate::command::{Close, Order, limits};
use crate::event::{Actor, FieldValue};
use crate::personal;
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;
use crate::words::{EscalationKind, TicketState};

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
        Order::Import(i) if i.events.len() > limits::FACTS => {
            let rule = format!("must hold at most {} facts; send the others as another part", limits::FACTS);
            Err(FieldError::new("events", rule))
        }
        Order::Import(i) => i.events.iter().enumerate().try_for_each(|(n, fact)| {
            let checked = fact.actor.as_ref().map_or(Ok(()), actor);
            checked.map_err(|e| e.in_field("actor").at_index(n).in_field("events"))?;
            // Sealed elsewhere, or copied from a record: bound to another place, it would open for nobody.
            let sealed =
                personal::sealed_field(&fact.event).map(|name| FieldError::new(name, "must be plain"));
            let checked = sealed.map_or_else(|| fact::sizes(&fact.event), Err);
            checked.map_err(|e| e.in_field("data").at_index(n).in_field("events"))
        }),
        Order::PublishConfig(p) if p.body.len() > limits::CONFIG_BYTES => {
            Err(FieldError::new("body", format!("must be at most {} bytes", limits::CONFIG_BYTES)))
        }
        Order::PublishConfig(p) => {
            let canonical = crate::json::embedded::canonical(&p.body);
            canonical.map(|_| ()).map_err(|e| FieldError::new("body", format!("does not read: {e}")))
        }
        Order::RecordSlaWarning(w) => {
            at_least_one("instance", w.instance)?;
            at_least_one("pct", w.pct)?;
            given("at", w.at)
        }
        Order::RecordSlaBreach(b) => {
            at_least_one("instance", b.instance)?;
            at_least_one("policy_version", b.policy_version)?;
            given("at", b.at)?;
            given("due_at", b.due_at)
        }
        Order::FireTimeRule(f) => {
            at_least_one("instance", f.instance)?;
            given("due_at", f.due_at)
        }
        Order::VoidSlaBreach(v) => at_least_one("instance", v.instance),
        Order::Assign(_)
        | Order::Unassign(_)
        | Order::RetireConfig(_)
        | Order::Reopen(_)
        | Order::Close(Close)
        | Order::Cancel(_)
        | Order::SetPriority(_)
        | Order::SetCategory(_) => Ok(()),
    }
}

fn at_most(field: &str, len: usize, max: usize) -> Result<(), FieldError> {
    if len > max { Err(FieldError::new(field, format!("must hold at most {max} entries"))) } else { Ok(()) }
}

fn at_least_one(field: &str, number: u32) -> Result<(), FieldError> {
    if number == 0 { Err(FieldError::new(field, "must be at least 1")) } else { Ok(()) }
}

/// On the wire, a forgotten time is 0.
fn given(field: &str, at: Timestamp) -> Result<(), FieldError> {
    if at.0 == 0 { Err(FieldError::new(field, "is required")) } else { Ok(()) }
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
    let bytes: usize = fields.iter().map(|(name, value)| name.len().saturating_add(value.weight())).sum();
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
