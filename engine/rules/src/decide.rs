//! What happens, or why not: one function per verb.

use guichet_schemas::command::{
    AddComment, Assign, Cancel, ChangeTags, Close, Command, Create, Deescalate, Escalate, Order, Reopen,
    Resolve, SetCategory, SetPriority, SetStatus, Unassign, limits,
};
use guichet_schemas::event::{
    Actor, CategoryChanged, CommentAdded, Event, Personal, PriorityChanged, StatusChanged, TagsChanged,
    TicketAssigned, TicketCancelled, TicketClosed, TicketCreated, TicketDeescalated, TicketEscalated,
    TicketReopened, TicketResolved, TicketRouted, TicketUnassigned,
};
use guichet_schemas::ids::{CommentId, TicketId, TicketNumber};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::Tag;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, AuthorKind, CloseReason, CommentKind, ConfirmedBy, EscalationKind, Origin, Priority,
    StatusCause, Strategy, TicketState, TicketType, Visibility,
};

use crate::desk::{Desk, PendingGuard};
use crate::permission::is_human_agent;
use crate::state::Ticket;
use crate::transition::require;
use crate::{clocks, import};

/// What a decision needs beside the ticket and the command. All of it comes in as values.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The engine's clock.
    pub now: Timestamp,
    /// The number that a new ticket gets.
    pub next_number: TicketNumber,
    /// The ticket that already has the external reference of a create.
    pub external_ref_of: Option<TicketId>,
    /// What is configured now.
    pub desk: &'a dyn Desk,
    /// Version of that; 0: nothing was ever configured.
    pub config_version: u64,
}

/// An event as decided; the log adds the place, the ids and the hashes.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What happened.
    pub event: Event,
    /// When; none: as it is recorded.
    pub occurred_at: Option<Timestamp>,
    /// The source's own time where an imported fact was lifted.
    pub source_time: Option<Timestamp>,
    /// Who did it; none: the actor of the command.
    pub actor: Option<Actor>,
}

impl From<Event> for Draft {
    fn from(event: Event) -> Self {
        Self { event, occurred_at: None, source_time: None, actor: None }
    }
}

/// Decides one command on a ticket; `None`: there is no such ticket yet.
///
/// An empty list means that the effect already holds.
///
/// # Errors
/// The reason to refuse.
pub fn decide(
    ticket: Option<&Ticket>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    context.desk.may(command)?;
    may_write_internally(command)?;
    context.desk.knows(&command.order).map_err(|e| e.in_field("data"))?;
    let events = match (&command.order, ticket) {
        (Order::Import(order), ticket) => return import::decide(ticket, order, command, context),
        (Order::Create(_), Some(_)) => return Err(exists(command)),
        (Order::Create(order), None) => create(order, command, context)?,
        (Order::PublishConfig(_) | Order::RetireConfig(_), None) => return Err(no_ticket(command)),
        (_, None) => return Err(Rejection::NotFound { what: "the ticket".to_owned() }),
        (Order::Assign(order), Some(t)) => assign(t, order, command)?,
        (Order::Unassign(order), Some(t)) => unassign(t, order)?,
        (Order::Escalate(order), Some(t)) => escalate(t, order, command, context)?,
        (Order::Deescalate(order), Some(t)) => deescalate(t, order)?,
        (Order::SetStatus(order), Some(t)) => set_status(t, order, command, context)?,
        (Order::AddComment(order), Some(t)) => add_comment(t, order, command, context)?,
        (Order::Resolve(order), Some(t)) => resolve(t, order, command, context)?,
        (Order::Reopen(order), Some(t)) => reopen(t, order, command, context)?,
        (Order::Close(Close), Some(t)) => close(t)?,
        (Order::Cancel(order), Some(t)) => cancel(t, order)?,
        (Order::SetPriority(order), Some(t)) => set_priority(t, order)?,
        (Order::SetCategory(order), Some(t)) => set_category(t, order)?,
        (Order::ChangeTags(order), Some(t)) => change_tags(t, order)?,
        (Order::RecordSlaWarning(order), Some(t)) => return clocks::warned(t, order, context),
        (Order::RecordSlaBreach(order), Some(t)) => return clocks::breached(t, order, context),
        (Order::FireTimeRule(order), Some(t)) => return clocks::fired(t, order, command, context),
        (Order::VoidSlaBreach(order), Some(t)) => clocks::voided(t, order, command)?,
        (Order::PublishConfig(_) | Order::RetireConfig(_), Some(_)) => return Err(no_ticket(command)),
    };
    Ok(events.into_iter().map(Draft::from).collect())
}

/// Internal notes are words among the people of the desk: whoever asks for help neither reads nor writes them.
fn may_write_internally(command: &Command) -> Result<(), Rejection> {
    if command.actor.kind == ActorKind::Requester && command.order.is_internal() {
        return Err(Rejection::Forbidden(
            "an actor of kind requester writes public comments only; this one would be internal".to_owned(),
        ));
    }
    Ok(())
}

/// The subject does not let this happen.
fn no_ticket(command: &Command) -> Rejection {
    Rejection::BadSubject(format!("{} is about no ticket", command.order.verb()))
}

/// A second create: the engine, which knows the version, completes the numbers.
fn exists(command: &Command) -> Rejection {
    Rejection::VersionConflict {
        expected: command.expected_version.unwrap_or(0),
        actual: 0,
        missed: Vec::new(),
        missed_count: 0,
    }
}

fn create(order: &Create, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Rejection> {
    if let Some(of) = context.external_ref_of {
        return Err(Rejection::Duplicate { of });
    }
    let origin = match command.actor.kind {
        ActorKind::Requester => Origin::Requester,
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => Origin::Agent,
        ActorKind::Bot | ActorKind::Service | ActorKind::System => Origin::System,
    };
    let text = |l: &guichet_schemas::text::Label| l.as_str().to_owned();
    let mut tags: Vec<String> = Vec::new();
    for tag in &order.tags {
        if !tags.iter().any(|t| t == tag.as_str()) {
            tags.push(tag.as_str().to_owned());
        }
    }
    Ok(vec![Event::from(TicketCreated {
        number: context.next_number.0,
        subject: order.subject.clone().into(),
        description: order.description.clone().into(),
        requester: text(&order.requester.id),
        requester_kind: order.requester.kind,
        requester_name: order.requester.name.clone().map(Into::into),
        requester_email: order.requester.email.clone().map(Into::into),
        requester_phone: order.requester.phone.clone().map(Into::into),
        channel: order.channel,
        origin: order.origin.unwrap_or(origin),
        r#type: order.r#type.unwrap_or(TicketType::Incident),
        category: order.category.as_ref().map(|c| c.as_str().to_owned()),
        urgency: order.urgency,
        impact: order.impact,
        priority: order.priority.unwrap_or(Priority::Normal),
        tags,
        group: order.group.as_ref().map(text),
        assignee: order.assignee.as_ref().map(text),
        tier: 1,
        product: order.product.as_ref().map(text),
        brand: order.brand.as_ref().map(text),
        language: order.language.as_ref().map(text),
        organisation: order.organisation.as_ref().map(text),
        external_ref: order.external_ref.clone(),
        fields: order.fields.clone(),
        due_at: order.due_at,
        synthetic: order.synthetic,
    })])
}

fn assign(t: &Ticket, order: &Assign, command: &Command) -> Result<Vec<Event>, Rejection> {
    require(t, "assign")?;
    let group = order.group.as_ref().map(|g| g.as_str().to_owned()).or_else(|| t.group.clone());
    let new_assignee =
        order.assignee.as_ref().map(|a| a.as_str()).filter(|a| t.assignee.as_deref() != Some(a));
    let mut events = Vec::new();
    if new_assignee.is_none() && group == t.group {
        return Ok(events);
    }
    let handover_comment = order.handover_note.as_ref().map(|note| {
        let id = CommentId(command.command_id.derive("handover"));
        events.push(note_event(id, CommentKind::Handover, note.clone().into(), command));
        id
    });
    let reason = order.reason.as_ref().map(|r| r.as_str().to_owned());
    match new_assignee {
        Some(to) => {
            events.push(assigned(t, to, group, Strategy::Manual, handover_comment, reason));
            if t.state() == TicketState::New {
                events.push(moved(t, TicketState::Open, StatusCause::Command));
            }
        }
        None => events.push(Event::from(TicketRouted {
            from_group: t.group.clone(),
            to_group: group,
            rule: None,
            strategy: Strategy::Manual,
            reason,
        })),
    }
    Ok(events)
}

fn assigned(
    t: &Ticket,
    to: &str,
    group: Option<String>,
    strategy: Strategy,
    handover_comment: Option<CommentId>,
    reason: Option<String>,
) -> Event {
    Event::from(TicketAssigned {
        from: t.assignee.clone(),
        to: to.to_owned(),
        group,
        strategy,
        handover_comment,
        station_no: t.stations.saturating_add(1),
        reason,
    })
}

fn unassign(t: &Ticket, order: &Unassign) -> Result<Vec<Event>, Rejection> {
    require(t, "unassign")?;
    let reason = Some(order.reason.as_str().to_owned());
    let mut events = Vec::new();
    if let Some(from) = &t.assignee {
        events.push(Event::from(TicketUnassigned { from: from.clone(), reason: reason.clone() }));
    }
    if order.group && t.group.is_some() {
        events.push(Event::from(TicketRouted {
            from_group: t.group.clone(),
            to_group: None,
            rule: None,
            strategy: Strategy::Manual,
            reason,
        }));
    }
    Ok(events)
}

fn escalate(
    t: &Ticket,
    order: &Escalate,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    if order.tags.is_empty() && context.desk.life().escalation_needs_tag {
        let rule = "must hold at least one tag, so that reports can say why tickets escalate";
        return Err(FieldError::new("data.tags", rule).into());
    }
    require(t, "escalate")?;
    let to_tier = order.to_tier.unwrap_or(t.tier);
    if order.kind == EscalationKind::Functional && to_tier <= t.tier || to_tier < t.tier {
        return Err(
            FieldError::new("data.to_tier", format!("must be above the present tier {}", t.tier)).into()
        );
    }
    let mut events = Vec::new();
    let tags_at = with_tags(t, &order.tags, &mut events)?;
    let note_comment = order.note.as_ref().map(|note| {
        let id = CommentId(command.command_id.derive("note"));
        events.push(note_event(id, CommentKind::Handover, note.clone().into(), command));
        id
    });
    events.push(Event::from(TicketEscalated {
        kind: order.kind,
        from_tier: t.tier,
        to_tier,
        to_manager: order.to_manager.as_ref().map(|m| m.as_str().to_owned()),
        reason: order.reason,
        tags_at,
        category_at: t.category.clone(),
        note_comment,
    }));
    Ok(events)
}

fn deescalate(t: &Ticket, order: &Deescalate) -> Result<Vec<Event>, Rejection> {
    require(t, "deescalate")?;
    match order.to_tier.cmp(&t.tier) {
        std::cmp::Ordering::Equal => Ok(Vec::new()),
        std::cmp::Ordering::Greater => {
            Err(FieldError::new("data.to_tier", format!("must be below the present tier {}", t.tier)).into())
        }
        std::cmp::Ordering::Less => Ok(vec![Event::from(TicketDeescalated {
            from_tier: t.tier,
            to_tier: order.to_tier,
            reason: Some(order.reason.as_str().to_owned()),
        })]),
    }
}

fn set_status(
    t: &Ticket,
    order: &SetStatus,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    require(t, "set_status")?;
    let answers = order.comment.is_some() && is_human_agent(command.actor.kind);
    let begins_to_wait = order.to == TicketState::Pending && t.state() != TicketState::Pending;
    let guard = context.desk.life().pending_guard;
    let unanswered = begins_to_wait && !t.answered && !answers && guard != PendingGuard::Off;
    if unanswered && guard == PendingGuard::Enforce {
        return Err(Rejection::GuardFailed {
            guard: "pending",
            message: format!(
                "ticket {} cannot wait for its requester, who has no answer; send a public comment first, or with the change",
                t.number
            ),
        });
    }
    let mut events = Vec::new();
    if let Some(body) = &order.comment {
        let message = comment(
            command,
            CommentId(command.command_id.derive("comment")),
            Visibility::Public,
            CommentKind::Message,
            body.clone().into(),
        );
        events.push(message.into());
    }
    let custom_status = order.custom_status.as_ref().map(|c| c.as_str().to_owned());
    let holds =
        t.state() == order.to && t.hold_reason() == order.hold_reason && t.custom_status == custom_status;
    if !holds {
        events.push(Event::from(StatusChanged {
            from: t.state(),
            to: order.to,
            custom_status,
            hold_reason: order.hold_reason,
            expected_until: order.expected_until,
            cause: StatusCause::Command,
            unanswered,
        }));
    }
    Ok(events)
}

fn add_comment(
    t: &Ticket,
    order: &AddComment,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    require(t, "add_comment")?;
    let kind = order.kind.unwrap_or(CommentKind::Message);
    let id = CommentId(command.command_id.derive("comment"));
    let mut c = comment(command, id, order.visibility, kind, order.body.clone().into());
    c.attachments.clone_from(&order.attachments);
    c.in_reply_to = order.in_reply_to;
    c.no_reopen = order.no_reopen;
    c.counts_as_reply = order.counts_as_reply.map_or(c.counts_as_reply, |asked| asked && c.counts_as_reply);
    let mut events = vec![c.into()];
    let public = order.visibility == Visibility::Public;
    let from_requester = command.actor.kind == ActorKind::Requester;
    match t.state() {
        TicketState::Resolved
            if public && from_requester && !order.no_reopen && may_come_back(t, context) =>
        {
            events.push(reopened(t, None, command, context));
        }
        TicketState::Pending | TicketState::Hold if public && from_requester => {
            events.push(moved(t, TicketState::Open, StatusCause::RequesterComment));
        }
        TicketState::New if public && is_human_agent(command.actor.kind) => {
            events.push(moved(t, TicketState::Open, StatusCause::Command));
        }
        TicketState::New
        | TicketState::Open
        | TicketState::Pending
        | TicketState::Hold
        | TicketState::Resolved
        | TicketState::Closed
        | TicketState::Cancelled => {}
    }
    Ok(events)
}

fn resolve(
    t: &Ticket,
    order: &Resolve,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    if t.state() == TicketState::Resolved {
        return Ok(Vec::new());
    }
    require(t, "resolve")?;
    let by = command.actor.id.clone();
    let mut events = Vec::new();
    if t.assignee.is_none() {
        if !context.desk.life().auto_assign_on_resolve {
            let message = format!("nobody has ticket {}; assign it before it is resolved", t.number);
            return Err(Rejection::GuardFailed { guard: "assignee", message });
        }
        events.push(assigned(t, &by, t.group.clone(), Strategy::Manual, None, None));
    }
    events.push(Event::from(TicketResolved {
        by,
        code: order.code,
        summary: order.summary.clone().into(),
        steps: order.steps.iter().map(|s| s.as_str().to_owned()).collect(),
        root_cause: order.root_cause.as_ref().map(|r| r.as_str().to_owned()),
        confirmed_by: ConfirmedBy::None,
        override_reason: order.override_reason.as_ref().map(|r| r.as_str().to_owned()),
        resolution_no: t.resolutions().saturating_add(1),
    }));
    Ok(events)
}

fn reopen(
    t: &Ticket,
    order: &Reopen,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Event>, Rejection> {
    match t.state() {
        // Asking twice is not a mistake: the ticket is already where the caller wants it.
        TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => Ok(Vec::new()),
        TicketState::Resolved if !may_come_back(t, context) => Err(Rejection::GuardFailed {
            guard: "reopen_window",
            message: format!(
                "ticket {} was resolved too long ago to be reopened; create a follow-up",
                t.number
            ),
        }),
        TicketState::Resolved => {
            Ok(vec![reopened(t, Some(order.reason.as_str().to_owned()), command, context)])
        }
        TicketState::Closed if may_be_opened_again(t, command, context) => {
            Ok(vec![reopened(t, Some(order.reason.as_str().to_owned()), command, context)])
        }
        TicketState::Closed | TicketState::Cancelled => require(t, "reopen").map(|()| Vec::new()),
    }
}

fn may_come_back(t: &Ticket, context: &Context<'_>) -> bool {
    context.desk.life().reopen_window_ms.is_none_or(|window| context.now.since(t.state_since) <= window)
}

/// A closed ticket is opened again by supervisors only, and only where the desk allows it.
fn may_be_opened_again(t: &Ticket, command: &Command, context: &Context<'_>) -> bool {
    let within = context.desk.life().reopen_closed_ms;
    command.actor.kind == ActorKind::Supervisor
        && t.last_resolution.is_some()
        && within.is_some_and(|within| context.now.since(t.state_since) <= within)
}

fn reopened(t: &Ticket, reason: Option<String>, command: &Command, context: &Context<'_>) -> Event {
    let last = t.last_resolution.as_ref();
    Event::from(TicketReopened {
        by_kind: command.actor.kind,
        reason,
        resolution_no: t.resolutions(),
        resolver_of_last: last.map(|r| r.by.clone()),
        since_resolved_ms: last.map_or(0, |r| context.now.since(r.at)),
        follow_up: false,
    })
}

fn close(t: &Ticket) -> Result<Vec<Event>, Rejection> {
    if t.state() == TicketState::Closed {
        return Ok(Vec::new());
    }
    require(t, "close")?;
    Ok(vec![Event::from(TicketClosed { reason: CloseReason::Resolved, auto: false })])
}

fn cancel(t: &Ticket, order: &Cancel) -> Result<Vec<Event>, Rejection> {
    if t.state() == TicketState::Cancelled {
        return Ok(Vec::new());
    }
    require(t, "cancel")?;
    Ok(vec![Event::from(TicketCancelled { reason: order.reason })])
}

fn set_priority(t: &Ticket, order: &SetPriority) -> Result<Vec<Event>, Rejection> {
    require(t, "set_priority")?;
    let (priority, urgency, impact) =
        (order.priority.unwrap_or(t.priority), order.urgency.or(t.urgency), order.impact.or(t.impact));
    if (priority, urgency, impact) == (t.priority, t.urgency, t.impact) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::from(PriorityChanged {
        from: t.priority,
        to: priority,
        urgency,
        impact,
        cause: StatusCause::Command,
        reason: order.reason.as_ref().map(|r| r.as_str().to_owned()),
    })])
}

fn set_category(t: &Ticket, order: &SetCategory) -> Result<Vec<Event>, Rejection> {
    require(t, "set_category")?;
    let to = order.category.as_ref().map(|c| c.as_str().to_owned());
    if to == t.category {
        return Ok(Vec::new());
    }
    Ok(vec![Event::from(CategoryChanged { from: t.category.clone(), to })])
}

fn change_tags(t: &Ticket, order: &ChangeTags) -> Result<Vec<Event>, Rejection> {
    require(t, "change_tags")?;
    let mut added: Vec<String> = Vec::new();
    for tag in &order.add {
        if !t.tags.iter().chain(&added).any(|had| had == tag.as_str()) {
            added.push(tag.as_str().to_owned());
        }
    }
    let mut removed: Vec<String> = Vec::new();
    for tag in &order.remove {
        if t.tags.iter().any(|had| had == tag.as_str()) && !removed.iter().any(|gone| gone == tag.as_str()) {
            removed.push(tag.as_str().to_owned());
        }
    }
    if added.is_empty() && removed.is_empty() {
        return Ok(Vec::new());
    }
    // A ticket of an older log may have more than it may be given now: taking away is always possible.
    if !added.is_empty() {
        let left = t.tags.len().saturating_sub(removed.len());
        room_for_tags(left.saturating_add(added.len()), "data.add")?;
    }
    Ok(vec![Event::from(TagsChanged { added, removed })])
}

/// Adds tags that the ticket has not, and says which it has then.
fn with_tags(t: &Ticket, tags: &[Tag], events: &mut Vec<Event>) -> Result<Vec<String>, Rejection> {
    let mut all = t.tags.clone();
    for tag in tags {
        if !all.iter().any(|had| had == tag.as_str()) {
            all.push(tag.as_str().to_owned());
        }
    }
    let added = all.get(t.tags.len()..).unwrap_or_default().to_vec();
    if !added.is_empty() {
        room_for_tags(all.len(), "data.tags")?;
        events.push(Event::from(TagsChanged { added, removed: Vec::new() }));
    }
    Ok(all)
}

fn room_for_tags(count: usize, field: &str) -> Result<(), Rejection> {
    if count > limits::TAGS {
        return Err(FieldError::new(
            field,
            format!("must leave the ticket with at most {} tags", limits::TAGS),
        )
        .into());
    }
    Ok(())
}

fn moved(t: &Ticket, to: TicketState, cause: StatusCause) -> Event {
    Event::from(StatusChanged {
        from: t.state(),
        to,
        custom_status: None,
        hold_reason: None,
        expected_until: None,
        cause,
        unanswered: false,
    })
}

pub(crate) fn note_event(id: CommentId, kind: CommentKind, body: Personal, command: &Command) -> Event {
    comment(command, id, Visibility::Internal, kind, body).into()
}

fn comment(
    command: &Command,
    id: CommentId,
    visibility: Visibility,
    kind: CommentKind,
    body: Personal,
) -> CommentAdded {
    let author_kind = match command.actor.kind {
        ActorKind::Requester => AuthorKind::Requester,
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => {
            AuthorKind::Agent
        }
        ActorKind::Bot => AuthorKind::Bot,
        ActorKind::Service | ActorKind::System => AuthorKind::System,
    };
    CommentAdded {
        comment_id: id,
        visibility,
        kind,
        author: command.actor.id.clone(),
        author_kind,
        channel: command.channel,
        body,
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: visibility == Visibility::Public && is_human_agent(command.actor.kind),
        no_reopen: false,
    }
}
