//! What the checks of several verbs have in common.

pub(crate) mod size;

use std::collections::BTreeMap;

use crate::command::limits;
use crate::event::{Actor, Event, FieldValue, Meaning as _};
use crate::rejection::FieldError;
use crate::text::Label;
use crate::time::Timestamp;

/// Whoever acts has an identifier like everybody else.
pub(crate) fn actor(actor: &Actor) -> Result<(), FieldError> {
    Label::parse(actor.id.clone()).map_err(|e| e.in_field("id"))?;
    let other = actor.on_behalf_of.clone().map(Label::parse).transpose();
    other.map(|_| ()).map_err(|e| e.in_field("on_behalf_of"))
}

/// The sizes of an imported fact.
pub(crate) fn sizes(event: &Event) -> Result<(), FieldError> {
    match event {
        Event::Ticket(event) => event.sizes(),
        // No facts that may be imported.
        Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => Ok(()),
    }
}

/// A list has its limit.
pub(crate) fn at_most(field: &str, len: usize, max: usize) -> Result<(), FieldError> {
    if len > max { Err(FieldError::new(field, format!("must hold at most {max} entries"))) } else { Ok(()) }
}

/// What is counted from 1.
pub(crate) fn at_least_one(field: &str, number: u32) -> Result<(), FieldError> {
    if number == 0 { Err(FieldError::new(field, "must be at least 1")) } else { Ok(()) }
}

/// Nobody works on something, or speaks, for longer than a day at once.
pub(crate) fn seconds(field: &str, seconds: u32) -> Result<(), FieldError> {
    if seconds > limits::SECONDS {
        return Err(FieldError::new(field, format!("must be at most {}, a day", limits::SECONDS)));
    }
    Ok(())
}

/// On the wire, a forgotten time is 0.
pub(crate) fn given(field: &str, at: Timestamp) -> Result<(), FieldError> {
    if at.0 == 0 { Err(FieldError::new(field, "is required")) } else { Ok(()) }
}

/// A tier of the contract.
pub(crate) fn tier(field: &str, tier: Option<u32>) -> Result<(), FieldError> {
    if tier.is_some_and(|t| t > limits::TIER) {
        Err(FieldError::new(field, "must be 0 to 4"))
    } else {
        Ok(())
    }
}

/// The custom fields of a ticket.
pub(crate) fn check_fields(fields: &BTreeMap<String, FieldValue>) -> Result<(), FieldError> {
    at_most("fields", fields.len(), limits::FIELDS)?;
    let bytes: usize = fields.iter().map(|(name, value)| name.len().saturating_add(value.weight())).sum();
    if bytes > limits::FIELDS_BYTES {
        return Err(FieldError::new(
            "fields",
            format!("must have at most {} bytes together", limits::FIELDS_BYTES),
        ));
    }
    if fields
        .keys()
        .any(|k| k.trim().is_empty() || k.len() > limits::FIELD_NAME_BYTES || k.chars().any(char::is_control))
    {
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
