//! Replays facts from another system. Transitions, guards and the permissions of the actors do not apply:
//! what happened there, happened. What follows from the ticket's own history is filled in here, so that an
//! imported ticket and a live one tell their story in the same words.

use guichet_schemas::command::{Command, Fact, Import, limits};
use guichet_schemas::event::{Event, TicketImported};
use guichet_schemas::hash::Hash;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use crate::decide::Context;
use crate::draft::Draft;
use crate::evolve::{complete, evolve, repeats};
use crate::state::{ImportMark, Ticket};
use crate::verbs::Replayed;

/// How far a source's clock may run before ours.
const FUTURE_MS_MAX: i64 = 5 * 60 * 1000;

pub(crate) fn decide(
    ticket: Option<&Ticket>,
    order: &Import,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    // A ticket that was created here with this reference is not the importer's to rewrite.
    if let (true, Some(of)) = (ticket.is_none_or(|t| t.import.is_none()), context.external_ref_of) {
        return Err(Rejection::Duplicate { of });
    }
    let Some(here) = here_already(ticket, order)? else { return Ok(Vec::new()) };
    check(order, context)?;
    let new = &order.events[here..];
    let first_at = new.first().map_or(context.now, |f| f.occurred_at);
    let drafts = Vec::with_capacity(new.len().saturating_add(1));
    let mark = mark(ticket, new);
    let mut replay = Replay { ticket: ticket.cloned(), drafts, context };
    let mut copied = 0_usize;
    replay.push(
        Event::from(TicketImported {
            source: order.source.as_str().to_owned(),
            external_id: order.external_id.as_str().to_owned(),
            part: order.part,
            parts: order.parts,
            original_created_at: (order.part == 1 && here == 0).then_some(first_at),
            mapping_version: order.mapping_version.as_ref().map(|m| m.as_str().to_owned()),
            facts: mark.map(|m| m.facts),
            digest: mark.map(|m| m.digest),
            replies_complete: order.replies_complete,
        }),
        first_at,
        None,
    );
    for (i, fact) in order.events.iter().enumerate().skip(here) {
        // What a record repeats of its ticket is not in the command, so the length of the command does not bound it.
        copied = copied.saturating_add(replay.ticket.as_ref().map_or(0, |t| repeats(&fact.event, t)));
        if copied > limits::COPIED_BYTES {
            return Err(Rejection::PayloadTooLarge {
                what: "what the records of one command repeat of their ticket",
                max: limits::COPIED_BYTES as u64,
            });
        }
        let mut event = fact.event.clone();
        if let Some(ticket) = &replay.ticket {
            let replayed = Replayed { at: fact.occurred_at, index: replay.drafts.len(), command, context };
            complete(&mut event, ticket, &replayed);
        }
        let before = replay.holds();
        replay.push(event, fact.occurred_at, fact.actor.clone());
        replay.holds().may_follow(before).map_err(|e| e.in_field(&format!("data.events[{i}].data")))?;
    }
    Ok(replay.drafts)
}

/// How many of the facts are here already, from the first on; `None`: all of them, or the part was done.
fn here_already(ticket: Option<&Ticket>, order: &Import) -> Result<Option<usize>, Rejection> {
    let progress = ticket.and_then(|t| t.import);
    let done = progress.map_or(0, |i| i.done);
    let Some(begins_at) = order.begins_at.filter(|_| progress.is_none_or(|i| i.mark.is_some())) else {
        if order.part <= done {
            return if order.begins_at.is_some() { Err(unmarked()) } else { Ok(None) };
        }
        let next = done.saturating_add(1);
        if order.part != next {
            return Err(FieldError::new("data.part", format!("must be {next}: parts come in order")).into());
        }
        return Ok(Some(0));
    };
    let mark = progress.and_then(|i| i.mark);
    let have = mark.map_or(0, |m| m.facts);
    let Some(here) = have.checked_sub(begins_at) else {
        let rule = format!("must be at most {have}: parts come in order");
        return Err(FieldError::new("data.begins_at", rule).into());
    };
    let here = usize::try_from(here).unwrap_or(usize::MAX);
    let Some(known) = order.events.get(..here) else { return Ok(None) };
    let prefix = order.prefix.unwrap_or(Hash::ZERO);
    if mark.is_some_and(|m| Import::digest(prefix, known) != m.digest) {
        return Err(rewritten(have));
    }
    Ok(Some(here).filter(|here| *here < order.events.len()))
}

/// The ticket alone does not tell whether an import goes on with an older one: see [`crate::recognise()`].
fn unmarked() -> Rejection {
    Rejection::GuardFailed {
        guard: "unmarked_import",
        message: "the ticket was imported before the desk kept a mark of imported facts; whether this export says more cannot be told".to_owned(),
    }
}

/// Refuses an import that would change imported facts.
pub(crate) fn rewritten(have: u64) -> Rejection {
    Rejection::GuardFailed {
        guard: "rewritten_past",
        message: format!(
            "the first {have} facts of the ticket are others than those that were imported before; its past is not rewritten"
        ),
    }
}

/// The mark after these facts. A history that began without one goes on without one.
fn mark(ticket: Option<&Ticket>, new: &[Fact]) -> Option<ImportMark> {
    let before = match ticket.and_then(|t| t.import) {
        None => ImportMark { facts: 0, digest: Hash::ZERO },
        Some(progress) => progress.mark?,
    };
    let facts = before.facts.saturating_add(new.len() as u64);
    Some(ImportMark { facts, digest: Import::digest(before.digest, new) })
}

fn check(order: &Import, context: &Context<'_>) -> Result<(), Rejection> {
    for (i, fact) in order.events.iter().enumerate() {
        let first = order.part == 1 && i == 0;
        if fact.event.created().is_some() != first || fact.event.imported().is_some() {
            let rule = if first {
                "must be TicketCreated: a history begins with it"
            } else {
                "is not possible here"
            };
            return Err(FieldError::new(format!("data.events[{i}].type"), rule).into());
        }
        if fact.occurred_at.0 > context.now.0.saturating_add(FUTURE_MS_MAX) {
            return Err(FieldError::new(
                format!("data.events[{i}].occurred_at"),
                "must not lie in the future",
            )
            .into());
        }
    }
    Ok(())
}

struct Replay<'a> {
    ticket: Option<Ticket>,
    drafts: Vec<Draft>,
    context: &'a Context<'a>,
}

/// How much a ticket holds of what is bounded for all of its history together.
#[derive(Debug, Clone, Copy, Default)]
struct Holds {
    tags: usize,
    fields: usize,
    field_bytes: usize,
    participants: usize,
    tasks: usize,
    approvals: usize,
    articles: usize,
    drafts: usize,
    sides: usize,
    suggestions: usize,
    attachments: usize,
    procedures: usize,
}

impl Holds {
    /// A ticket of an older log may have more than the limits: it keeps that, and gets nothing beside.
    fn may_follow(self, before: Self) -> Result<(), FieldError> {
        let rules = [
            ("added", self.tags, before.tags, limits::TAGS, "tags"),
            ("field", self.fields, before.fields, limits::FIELDS, "fields"),
            ("added", self.participants, before.participants, limits::PARTICIPANTS, "participants"),
            ("task_id", self.tasks, before.tasks, limits::TASKS, "tasks"),
            ("approval_id", self.approvals, before.approvals, limits::APPROVALS, "approvals"),
            ("article", self.articles, before.articles, limits::ARTICLES, "articles"),
            ("draft_id", self.drafts, before.drafts, limits::DRAFTS, "drafts"),
            ("side_id", self.sides, before.sides, limits::SIDES, "side conversations"),
            ("suggestion_id", self.suggestions, before.suggestions, limits::SUGGESTIONS, "suggestions"),
            ("sha256", self.attachments, before.attachments, limits::ATTACHMENTS_OF_TICKET, "attachments"),
            ("procedure", self.procedures, before.procedures, limits::PROCEDURES, "procedures"),
            ("to", self.field_bytes, before.field_bytes, limits::FIELDS_BYTES, "bytes of fields"),
        ];
        let broken = rules.into_iter().find(|(_, now, before, most, _)| now > before.max(most));
        broken.map_or(Ok(()), |(field, _, _, most, of)| {
            Err(FieldError::new(field, format!("must leave the ticket with at most {most} {of}")))
        })
    }
}

impl Replay<'_> {
    fn holds(&self) -> Holds {
        self.ticket.as_ref().map_or_else(Holds::default, |t| Holds {
            tags: t.tags.len(),
            fields: t.fields.len(),
            field_bytes: t.field_bytes(),
            participants: t.participants.len(),
            tasks: t.work.tasks.len(),
            approvals: t.work.approvals.len(),
            articles: t.work.articles.len(),
            drafts: t.moderation.drafts.len(),
            sides: t.assistance.sides.len(),
            suggestions: t.assistance.suggestions.len(),
            attachments: t.attachments.len(),
            procedures: t.work.procedures.len(),
        })
    }

    /// An event that steps back in time is lifted to its predecessor; its own time is kept beside it.
    fn push(&mut self, event: Event, at: Timestamp, actor: Option<guichet_schemas::event::Actor>) {
        let floor = self.ticket.as_ref().map_or(at, |t| t.last_occurred_at);
        let occurred_at = at.max(floor).min(Timestamp(self.context.now.0.max(floor.0)));
        self.ticket = Some(evolve(self.ticket.take(), &event, occurred_at));
        let source_time = (occurred_at != at).then_some(at);
        self.drafts.push(Draft { occurred_at: Some(occurred_at), source_time, actor, ..Draft::of(event) });
    }
}
