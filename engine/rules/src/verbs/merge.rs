//! The verb `merge`.

use guichet_schemas::command::{Command, Merge, limits};
use guichet_schemas::event::{
    ClaimReleased, CommentAdded, CommentCopied, Conversation, Event, MergeReceived, Personal, Relations,
    TaskCancelled, TicketClosed, TicketCreated, TicketEvent, TicketMerged,
};
use guichet_schemas::ids::{CommentId, TicketId, TicketNumber};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{AuthorKind, CloseReason, CommentKind, CommentMode, ReleaseReason, Visibility};

use super::link::own;
use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::beside::Other;
use crate::decide::Context;
use crate::draft::Draft;
use crate::recognise::Past;
use crate::state::{Merged, REDACTED, TaskState, Ticket};
use crate::transition::require;

impl Decide for Merge {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let own = own(command).ok_or_else(|| Rejection::NotFound { what: "the ticket".to_owned() })?;
        let mut sources = found("sources", &self.sources, own, context)?;
        sources.retain(|source| source.ticket.merged().is_none_or(|merged| merged.into != own));
        if sources.is_empty() {
            return Ok(Vec::new());
        }
        sources.iter().try_for_each(|source| is_of_its_own(&source.ticket))?;
        require(ticket, &command.order)?;
        sources.iter().try_for_each(|source| require(&source.ticket, &command.order))?;
        sources.iter().try_for_each(|source| may_go(source, ticket, command, context))?;
        sources.iter().try_for_each(|source| is_seen_by_the_same(source, ticket))?;
        has_room(ticket, sources.len())?;
        let mode = self.comment_mode.unwrap_or(CommentMode::Copy);
        let copies = match mode {
            CommentMode::Copy => copies(&sources)?,
            CommentMode::Reference => sources.iter().map(|_| Vec::new()).collect(),
        };
        let into = Merged { into: own, number: ticket.number };
        let mut drafts = Vec::new();
        for source in &sources {
            drafts.extend(goes(source, into, mode, context));
        }
        for (source, copies) in sources.iter().zip(copies) {
            drafts.push(Draft::of(MergeReceived {
                from: source.id,
                from_number: source.ticket.number.0,
                comment_mode: mode,
                comment_count: source.ticket.said.to_copy(),
                comments: copies.iter().map(|copy| copy.comment_id).collect(),
            }));
            drafts.extend(copies.into_iter().map(Draft::of));
        }
        Ok(drafts)
    }
}

/// What was said to few is not copied to where others read it.
fn is_seen_by_the_same(source: &Other, target: &Ticket) -> Result<(), Rejection> {
    if source.ticket.restricted_to == target.restricted_to {
        return Ok(());
    }
    let message = format!(
        "ticket {} and ticket {} are restricted to different groups; send set_restriction to one of them first",
        source.ticket.number, target.number
    );
    Err(Rejection::GuardFailed { guard: "restricted", message })
}

/// The tickets that a command names, none of which may be its own.
pub(super) fn found<'a>(
    field: &str,
    named: &[TicketId],
    own: TicketId,
    context: &Context<'a>,
) -> Result<Vec<&'a Other>, Rejection> {
    if let Some(n) = named.iter().position(|id| *id == own) {
        return Err(FieldError::new(format!("data.{field}[{n}]"), "must be another ticket").into());
    }
    let find = |id: &TicketId| context.others.iter().find(|other| other.id == *id);
    let missing = |id: &TicketId| Rejection::NotFound { what: format!("ticket {id}") };
    named.iter().map(|id| find(id).ok_or_else(|| missing(id))).collect()
}

pub(super) fn is_of_its_own(source: &Ticket) -> Result<(), Rejection> {
    source.merged().map_or(Ok(()), |Merged { into, number }| {
        Err(Rejection::AlreadyMerged { number: source.number, into, into_number: number })
    })
}

/// Of another requester, a ticket goes into this one only where somebody may show one what the other wrote.
fn may_go(
    source: &Other,
    ticket: &Ticket,
    command: &Command,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    if source.ticket.requester == ticket.requester || context.desk.may_merge_any(command) {
        return Ok(());
    }
    Err(Rejection::Forbidden(format!(
        "ticket {} is of another requester than {}; an actor of kind supervisor merges them, or a caller with merge_any = true",
        source.ticket.number, ticket.number
    )))
}

fn has_room(ticket: &Ticket, more: usize) -> Result<(), Rejection> {
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    if ticket.merges.saturating_add(more) <= limits::MERGED {
        return Ok(());
    }
    let (number, had, most) = (ticket.number, ticket.merges, limits::MERGED);
    let message = format!("{had} tickets went into {number} already; at most {most} do");
    Err(Rejection::GuardFailed { guard: "merged", message })
}

/// What was said in each of the tickets.
fn copies(sources: &[&Other]) -> Result<Vec<Vec<CommentCopied>>, Rejection> {
    let copies: Vec<Vec<_>> = sources.iter().map(|source| said(source).collect()).collect();
    bounded(sources, &copies)?;
    Ok(copies)
}

/// Refuses to copy more than one command does.
pub(super) fn bounded(sources: &[&Other], copies: &[Vec<CommentCopied>]) -> Result<(), Rejection> {
    let comments = sources.iter().map(|source| source.ticket.said.to_copy()).fold(0, u32::saturating_add);
    if comments as usize > limits::COPIED_COMMENTS {
        let numbers: Vec<String> = sources.iter().map(|source| source.ticket.number.to_string()).collect();
        let message = format!(
            "{} has {comments} comments, and one command copies at most {}; merge by comment_mode reference, or fewer sources",
            numbers.join(" with "),
            limits::COPIED_COMMENTS
        );
        return Err(Rejection::GuardFailed { guard: "comments", message });
    }
    let bytes = copies.iter().flatten().map(|copy| weight(&copy.body)).fold(0, usize::saturating_add);
    if bytes > limits::COPIED_BYTES {
        return Err(Rejection::PayloadTooLarge {
            what: "the text of the comments to copy (a merge by comment_mode reference copies none)",
            max: limits::COPIED_BYTES as u64,
        });
    }
    Ok(())
}

/// Bytes that an event would add to what a merge copies.
#[must_use]
pub const fn copied_bytes(event: &Event) -> usize {
    if let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = event {
        weight(&e.body)
    } else if let Event::Ticket(TicketEvent::Relations(Relations::CommentCopied(e))) = event {
        weight(&e.body)
    } else {
        0
    }
}

const fn weight(text: &Personal) -> usize {
    match text {
        Personal::Plain(text) => text.len(),
        Personal::Sealed(sealed) => sealed.ciphertext.len(),
    }
}

/// What was said in a ticket, its first words among it.
pub(super) fn said(source: &Other) -> impl Iterator<Item = CommentCopied> {
    source.said.iter().filter_map(|past| copied(source, past)).map(|copy| as_it_is_now(source, copy))
}

/// What was taken back of a comment is not told again elsewhere.
fn as_it_is_now(source: &Other, copy: CommentCopied) -> CommentCopied {
    let moderation = &source.ticket.moderation;
    let is_private = moderation.private.contains(&copy.comment_id);
    let visibility = if is_private { Visibility::Internal } else { copy.visibility };
    let body = match (moderation.redacted.get(&copy.comment_id), copy.body) {
        (None, body) => body,
        (Some(redacted), Personal::Plain(text)) => Personal::Plain(redacted.cut(&text)),
        (Some(_), Personal::Sealed(_)) => Personal::Plain(REDACTED.to_owned()),
    };
    CommentCopied { visibility, body, ..copy }
}

fn copied(source: &Other, past: &Past) -> Option<CommentCopied> {
    let Event::Ticket(event) = &past.event else { return None };
    if let TicketEvent::Conversation(Conversation::CommentAdded(e)) = event {
        return Some(repeated(source, e, past.source_time.unwrap_or(past.occurred_at)));
    }
    // It came with a ticket that went into that one.
    if let TicketEvent::Relations(Relations::CommentCopied(e)) = event {
        return Some(e.clone());
    }
    past.event.created().map(|e| first_words(source, e, past.source_time.unwrap_or(past.occurred_at)))
}

fn repeated(source: &Other, e: &CommentAdded, written_at: Timestamp) -> CommentCopied {
    let e = e.clone();
    CommentCopied {
        comment_id: e.comment_id,
        visibility: e.visibility,
        kind: e.kind,
        author: e.author,
        author_kind: e.author_kind,
        channel: e.channel,
        body: e.body,
        attachments: e.attachments,
        in_reply_to: e.in_reply_to,
        written_at,
        from: source.id,
        from_number: source.ticket.number.0,
        requester: source.ticket.requester.clone(),
    }
}

fn first_words(source: &Other, e: &TicketCreated, written_at: Timestamp) -> CommentCopied {
    CommentCopied {
        comment_id: CommentId(source.id.0),
        visibility: Visibility::Public,
        kind: CommentKind::Message,
        author: e.requester.clone(),
        author_kind: AuthorKind::Requester,
        channel: Some(e.channel),
        body: e.description.clone(),
        attachments: Vec::new(),
        in_reply_to: None,
        written_at,
        from: source.id,
        from_number: source.ticket.number.0,
        requester: source.ticket.requester.clone(),
    }
}

/// A ticket ends: nobody holds it, and nothing is left to do for it.
fn goes(source: &Other, into: Merged, mode: CommentMode, context: &Context<'_>) -> Vec<Draft> {
    let t = &source.ticket;
    let at = |event: Event| Draft::at(source.id, event);
    let lease = t.lease(context.now);
    let released =
        lease.map(|lease| ClaimReleased { by: lease.by.clone(), reason: ReleaseReason::Superseded });
    let open = t.work.tasks.iter().filter(|(_, task)| task.state == TaskState::Open);
    let reason = Some(format!("merged into {}", into.number));
    let cancelled = open.map(|(id, _)| Event::from(TaskCancelled { task_id: *id, reason: reason.clone() }));
    let merged = TicketMerged {
        into: into.into,
        into_number: into.number.0,
        comment_mode: mode,
        comment_count: t.said.to_copy(),
    };
    let closed = TicketClosed { reason: CloseReason::Merged, auto: false };
    let ends = [Event::from(merged), Event::from(closed)];
    released.map(Event::from).into_iter().chain(cancelled).chain(ends).map(at).collect()
}

impl Fold for TicketMerged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.merged_into = Some(Merged { into: self.into, number: TicketNumber(self.into_number) });
    }
}

impl Fold for MergeReceived {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.merges = ticket.merges.saturating_add(1);
    }
}

impl Fold for CommentCopied {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.said.note(ticket.version);
    }
}
