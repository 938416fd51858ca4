//! The limits of imported facts: those of the commands that would have led to them. Only sizes, ranges and NUL: which words
//! another system let through is not ours to judge.

use super::{at_most, check_fields, tier};
use crate::command::limits;
use crate::event::{
    Classification, Conversation, Event, FieldValue, LifeCycle, Ownership, Personal, TicketCreated,
    TicketEvent,
};
use crate::rejection::FieldError;
use crate::text::{Body, CategoryPath, Label, Note, Subject, Tag};

const LABEL: usize = Label::CHARACTERS;
const SUBJECT: usize = Subject::CHARACTERS;
const CATEGORY: usize = CategoryPath::CHARACTERS;
const TAG: usize = Tag::CHARACTERS;
const NOTE: usize = Note::BYTES;
const BODY: usize = Body::BYTES;

type Checked = Result<(), FieldError>;

/// Checks the sizes of one fact.
pub(super) fn sizes(event: &Event) -> Checked {
    match event {
        Event::Ticket(TicketEvent::LifeCycle(event)) => life_cycle(event),
        Event::Ticket(TicketEvent::Ownership(event)) => ownership(event),
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => {
            label("author", Some(&e.author))?;
            at_most("attachments", e.attachments.len(), limits::ATTACHMENTS)?;
            bytes("body", plain(&e.body), BODY)
        }
        Event::Ticket(TicketEvent::Classification(event)) => classification(event),
        // No facts that may be imported.
        Event::Log(_) | Event::Sla(_) | Event::Config(_) => Ok(()),
    }
}

fn life_cycle(event: &LifeCycle) -> Checked {
    match event {
        LifeCycle::TicketCreated(e) => created(e),
        LifeCycle::StatusChanged(e) => label("custom_status", e.custom_status.as_deref()),
        LifeCycle::TicketResolved(e) => {
            label("by", Some(&e.by))?;
            bytes("summary", plain(&e.summary), NOTE)?;
            at_most("steps", e.steps.len(), limits::STEPS)?;
            let mut steps = e.steps.iter().enumerate();
            steps.try_for_each(|(n, step)| bytes(&format!("steps[{n}]"), step, NOTE))?;
            note("root_cause", e.root_cause.as_deref())?;
            note("override_reason", e.override_reason.as_deref())
        }
        LifeCycle::TicketReopened(e) => {
            label("resolver_of_last", e.resolver_of_last.as_deref())?;
            note("reason", e.reason.as_deref())
        }
        // They carry no text of their own, or are no facts that may be imported.
        LifeCycle::TicketImported(_) | LifeCycle::TicketClosed(_) | LifeCycle::TicketCancelled(_) => Ok(()),
    }
}

fn created(e: &TicketCreated) -> Checked {
    characters("subject", plain(&e.subject), SUBJECT)?;
    bytes("description", plain(&e.description), BODY)?;
    label("requester", Some(&e.requester))?;
    label("requester_name", e.requester_name.as_ref().map(plain))?;
    label("requester_email", e.requester_email.as_ref().map(plain))?;
    label("requester_phone", e.requester_phone.as_ref().map(plain))?;
    category("category", e.category.as_deref())?;
    tags("tags", &e.tags)?;
    tier("tier", Some(e.tier))?;
    let names = [
        ("group", &e.group),
        ("assignee", &e.assignee),
        ("product", &e.product),
        ("brand", &e.brand),
        ("language", &e.language),
        ("organisation", &e.organisation),
    ];
    names.into_iter().try_for_each(|(name, text)| label(name, text.as_deref()))?;
    if let Some(reference) = &e.external_ref {
        label("external_ref.source", Some(&reference.source))?;
        label("external_ref.id", Some(&reference.id))?;
    }
    check_fields(&e.fields)
}

fn ownership(event: &Ownership) -> Checked {
    match event {
        Ownership::TicketRouted(e) => {
            label("from_group", e.from_group.as_deref())?;
            label("to_group", e.to_group.as_deref())?;
            label("rule", e.rule.as_deref())?;
            note("reason", e.reason.as_deref())
        }
        Ownership::TicketAssigned(e) => {
            label("from", e.from.as_deref())?;
            label("to", Some(&e.to))?;
            label("group", e.group.as_deref())?;
            note("reason", e.reason.as_deref())
        }
        Ownership::TicketUnassigned(e) => {
            label("from", Some(&e.from))?;
            note("reason", e.reason.as_deref())
        }
        Ownership::TicketEscalated(e) => {
            tier("from_tier", Some(e.from_tier))?;
            tier("to_tier", Some(e.to_tier))?;
            label("to_manager", e.to_manager.as_deref())?;
            tags("tags_at", &e.tags_at)?;
            category("category_at", e.category_at.as_deref())
        }
        Ownership::TicketDeescalated(e) => {
            tier("from_tier", Some(e.from_tier))?;
            tier("to_tier", Some(e.to_tier))?;
            note("reason", e.reason.as_deref())
        }
    }
}

fn classification(event: &Classification) -> Checked {
    match event {
        Classification::PriorityChanged(e) => note("reason", e.reason.as_deref()),
        Classification::CategoryChanged(e) => {
            category("from", e.from.as_deref())?;
            category("to", e.to.as_deref())
        }
        Classification::TagsChanged(e) => {
            tags("added", &e.added)?;
            tags("removed", &e.removed)
        }
        Classification::FieldChanged(e) => {
            bytes("field", &e.field, limits::FIELD_NAME_BYTES)?;
            let texts = [("from", &e.from), ("to", &e.to)];
            texts.into_iter().try_for_each(|(name, value)| match value {
                Some(FieldValue::Text(text)) => bytes(name, text, limits::FIELDS_BYTES),
                Some(FieldValue::Number(_) | FieldValue::Flag(_)) | None => Ok(()),
            })
        }
    }
}

/// A sealed one was refused before.
fn plain(text: &Personal) -> &str {
    match text {
        Personal::Plain(text) => text,
        Personal::Sealed(_) => "",
    }
}

fn characters(field: &str, text: &str, max: usize) -> Checked {
    // Bytes first: nobody counts the letters of a text that is short.
    if text.len() > max && text.chars().count() > max {
        return Err(FieldError::new(field, format!("must have at most {max} characters")));
    }
    no_nul(field, text)
}

fn bytes(field: &str, text: &str, max: usize) -> Checked {
    if text.len() > max {
        return Err(FieldError::new(field, format!("must have at most {max} bytes")));
    }
    no_nul(field, text)
}

/// The one character that no store and no reader takes as a text.
fn no_nul(field: &str, text: &str) -> Checked {
    if text.contains('\0') { Err(FieldError::new(field, "must not hold a NUL character")) } else { Ok(()) }
}

fn label(field: &str, text: Option<&str>) -> Checked {
    text.map_or(Ok(()), |text| characters(field, text, LABEL))
}

fn note(field: &str, text: Option<&str>) -> Checked {
    text.map_or(Ok(()), |text| bytes(field, text, NOTE))
}

fn category(field: &str, path: Option<&str>) -> Checked {
    path.map_or(Ok(()), |path| characters(field, path, CATEGORY))
}

fn tags(field: &str, tags: &[String]) -> Checked {
    at_most(field, tags.len(), limits::TAGS)?;
    let mut tags = tags.iter().enumerate();
    tags.try_for_each(|(n, tag)| characters(&format!("{field}[{n}]"), tag, TAG))
}
