//! What several verbs lead to.

use std::collections::BTreeSet;

use guichet_schemas::command::{Command, limits};
use guichet_schemas::event::{
    CommentAdded, Personal, ReopenHeld, StatusChanged, TicketAssigned, TicketClaimed, TicketReopened,
};
use guichet_schemas::ids::{CommentId, TaskId};
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::{Label, Note};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, AuthorKind, CommentKind, StatusCause, Strategy, TicketState, Visibility,
};

use crate::decide::Context;
use crate::permission::{is_human_agent, oversees, supervises};
use crate::state::{Lease, Task, TaskState, Ticket};

/// The next station of the ticket.
pub(crate) fn assigned(
    t: &Ticket,
    to: &str,
    group: Option<String>,
    strategy: Strategy,
    handover_comment: Option<CommentId>,
    reason: Option<String>,
) -> TicketAssigned {
    TicketAssigned {
        from: t.assignee.clone(),
        to: to.to_owned(),
        group,
        strategy,
        handover_comment,
        station_no: t.stations.saturating_add(1),
        reason,
    }
}

/// Another state, with nothing that is special to it.
pub(crate) fn moved(t: &Ticket, to: TicketState, cause: StatusCause) -> StatusChanged {
    StatusChanged {
        from: t.state(),
        to,
        custom_status: None,
        hold_reason: None,
        expected_until: None,
        cause,
        unanswered: false,
    }
}

/// A comment for the people of the desk only.
pub(crate) fn internal_note(
    command: &Command,
    id: CommentId,
    kind: CommentKind,
    body: Personal,
) -> CommentAdded {
    comment(command, id, Visibility::Internal, kind, body)
}

/// A comment by whoever sends the command.
pub(crate) fn comment(
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

/// What the desk wants to know of every ticket that is solved.
pub(crate) fn has_required_fields(t: &Ticket, context: &Context<'_>) -> Result<(), Rejection> {
    let missing = context.desk.missing_on_resolve(t);
    if missing.is_empty() {
        return Ok(());
    }
    let (number, fields) = (t.number, missing.join(", "));
    let message =
        format!("ticket {number} is not resolved without a value of {fields}: send set_field first");
    Err(Rejection::GuardFailed { guard: "required_fields", message })
}

/// A resolved ticket is reopened as long as the desk allows it.
pub(crate) fn may_come_back(t: &Ticket, context: &Context<'_>) -> bool {
    context.desk.life().reopen_window_ms.is_none_or(|window| context.now.since(t.state_since) <= window)
}

/// Refuses what would bring a ticket back for which that is too late.
pub(crate) fn in_time(t: &Ticket, context: &Context<'_>) -> Result<(), Rejection> {
    if may_come_back(t, context) {
        return Ok(());
    }
    let message = format!("ticket {} was resolved too long ago to be reopened; create a follow-up", t.number);
    Err(Rejection::GuardFailed { guard: "reopen_window", message })
}

/// Why a requester does not bring the ticket back now: they have done so as often as the desk allows, as two programs do
/// that answer each other. A person decides.
pub(crate) fn held(t: &Ticket, command: &Command, context: &Context<'_>) -> Option<ReopenHeld> {
    let life = context.desk.life();
    let is_recent = |at: &&Timestamp| context.now.since(**at) <= life.reopen_limit_within_ms;
    let reopenings = u32::try_from(t.reopenings.iter().filter(is_recent).count()).unwrap_or(u32::MAX);
    let is_over = life.reopen_limit > 0 && reopenings >= life.reopen_limit;
    (is_over && command.actor.kind == ActorKind::Requester)
        .then_some(ReopenHeld { reopenings, within_ms: life.reopen_limit_within_ms })
}

/// It comes back, with what is known of its last resolution.
pub(crate) fn reopened(
    t: &Ticket,
    reason: Option<String>,
    command: &Command,
    context: &Context<'_>,
) -> TicketReopened {
    let last = t.last_resolution.as_ref();
    TicketReopened {
        by_kind: command.actor.kind,
        reason,
        resolution_no: t.resolutions(),
        resolver_of_last: last.map(|r| r.by.clone()),
        since_resolved_ms: last.map_or(0, |r| context.now.since(r.at)),
        follow_up: false,
    }
}

/// So much later, and never beyond what a record can hold.
pub(crate) fn later(now: Timestamp, ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_add(ms).clamp(Timestamp::FIRST.0, Timestamp::LAST.0))
}

/// So many tags are not too many.
pub(crate) fn room_for_tags(count: usize, field: &str) -> Result<(), Rejection> {
    if count > limits::TAGS {
        return Err(FieldError::new(
            field,
            format!("must leave the ticket with at most {} tags", limits::TAGS),
        )
        .into());
    }
    Ok(())
}

/// Whoever was asked answers, or a program for them; nobody of the desk does.
pub(crate) fn asked(command: &Command, whom: Option<&str>) -> Result<(), Rejection> {
    let kind = command.actor.kind;
    if is_human_agent(kind) {
        return Err(Rejection::Forbidden(format!(
            "whoever was asked says how it was; the actor is of kind {kind}, send requester or service"
        )));
    }
    if kind == ActorKind::Requester && whom.is_some_and(|whom| whom != command.actor.id) {
        return Err(Rejection::Forbidden(format!(
            "another requester was asked, and {} was not",
            command.actor.id
        )));
    }
    Ok(())
}

/// Requesters ask the desk; they do not work at it.
pub(crate) fn of_the_desk(command: &Command) -> Result<(), Rejection> {
    if command.actor.kind == ActorKind::Requester {
        return Err(Rejection::Forbidden(format!(
            "an actor of kind requester does not {}: that is work of the desk",
            command.order.verb()
        )));
    }
    Ok(())
}

/// The actor holds it until then.
pub(crate) fn claimed(command: &Command, until: Timestamp) -> TicketClaimed {
    TicketClaimed { by: command.actor.id.clone(), until }
}

pub(crate) fn held_by_another(t: &Ticket, lease: &Lease) -> Rejection {
    Rejection::ClaimHeld { number: t.number, by: lease.by.clone(), until: lease.until }
}

/// Whoever gets a ticket works in its group and in its tier, where somebody has said so. A supervisor who gives a reason
/// gives it to anybody.
pub(crate) fn may_get(
    agent: &str,
    (group, tier): (Option<&str>, u32),
    command: &Command,
    reason: Option<&Note>,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    if reason.is_some() && oversees(command, context.desk) {
        return Ok(());
    }
    let refused = |guard: &'static str, why: String| Rejection::GuardFailed {
        guard,
        message: format!("{why}; name another agent, or let a supervisor assign it with a reason"),
    };
    if let (Some(group), Some(groups)) = (group, context.desk.groups_of(agent))
        && !groups.iter().any(|own| own == group)
    {
        return Err(refused("assignee_group", format!("{agent} is not in group {group}")));
    }
    match context.desk.tier_of(agent) {
        Some(highest) if highest < tier => Err(refused(
            "assignee_tier",
            format!("{agent} works up to tier {highest}, and the ticket is in tier {tier}"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Somebody is known to be in each of these groups, or nobody could read what is restricted to them.
pub(crate) fn have_members(groups: &[Label], context: &Context<'_>) -> Result<(), Rejection> {
    let empty = groups.iter().enumerate().find(|(_, group)| !context.desk.has_members(group.as_str()));
    empty.map_or(Ok(()), |(n, group)| {
        let rule = format!(
            "nobody is known to be in group {:?}, so nobody could read the ticket: the configuration kind agents says who is",
            group.as_str()
        );
        Err(FieldError::new(format!("data.restricted_to[{n}]"), rule).into())
    })
}

/// Whoever has a restricted ticket is in one of the groups that see it.
pub(crate) fn sees_it(
    agent: &str,
    restricted_to: &BTreeSet<String>,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let groups = context.desk.groups_of(agent).unwrap_or_default();
    if restricted_to.is_empty() || groups.iter().any(|group| restricted_to.contains(group)) {
        return Ok(());
    }
    let seen_by: Vec<&str> = restricted_to.iter().map(String::as_str).collect();
    Err(Rejection::GuardFailed {
        guard: "restricted",
        message: format!(
            "only {} may see the ticket, and {agent}, who is to have it, is not in there; assign it to somebody who is",
            seen_by.join(", ")
        ),
    })
}

/// So many of something are not too many.
pub(crate) fn room_for(t: &Ticket, what: &'static str, count: usize, max: usize) -> Result<(), Rejection> {
    if count < max {
        return Ok(());
    }
    Err(Rejection::GuardFailed {
        guard: what,
        message: format!("ticket {} has {max} {what}, the most", t.number),
    })
}

pub(crate) fn task_of(t: &Ticket, id: TaskId) -> Result<Task, Rejection> {
    t.work
        .tasks
        .get(&id)
        .copied()
        .ok_or_else(|| Rejection::NotFound { what: format!("a task of ticket {} with this id", t.number) })
}

/// Whether a task ends by it; one that ended otherwise stays as it is.
pub(crate) fn ends_task(t: &Ticket, task: Task, to: TaskState) -> Result<bool, Rejection> {
    match task.state {
        TaskState::Open => Ok(true),
        state if state == to => Ok(false),
        TaskState::Completed => Err(ended(t, "completed")),
        TaskState::Cancelled => Err(ended(t, "cancelled")),
    }
}

fn ended(t: &Ticket, how: &str) -> Rejection {
    let message = format!("the task of ticket {} is {how} already; add another", t.number);
    Rejection::GuardFailed { guard: "task", message }
}

/// Tasks and steps that must be done and approvals that are open keep a ticket from being resolved; a supervisor overrides them with
/// a reason.
pub(crate) fn unblocked(
    t: &Ticket,
    command: &Command,
    override_reason: Option<&Note>,
) -> Result<(), Rejection> {
    if override_reason.is_some() && supervises(command.actor.kind) {
        return Ok(());
    }
    let blocked = |guard: &'static str, count: usize, what: &str| Rejection::GuardFailed {
        guard,
        message: format!(
            "ticket {} has {what} ({count}); end them first, or let a supervisor give an override_reason",
            t.number
        ),
    };
    match (t.blocking_tasks(), t.open_approvals(), t.open_steps()) {
        (0, 0, 0) => Ok(()),
        (0, 0, steps) => Err(blocked("procedure", steps, "mandatory steps of a procedure that are not done")),
        (0, approvals, _) => Err(blocked("approvals", approvals, "approvals without a decision")),
        (tasks, ..) => Err(blocked("tasks", tasks, "open tasks that block resolving")),
    }
}

/// A trainee writes to requesters in drafts alone: here, the text would go out with something else.
pub(crate) fn speaks_freely(t: &Ticket, command: &Command, context: &Context<'_>) -> Result<(), Rejection> {
    if !context.desk.is_supervised(command) {
        return Ok(());
    }
    let message = format!(
        "{} is a trainee, and what they write to the requester of ticket {} waits for approval: send draft_reply, and {} \
         without a text once it is approved",
        command.actor.id,
        t.number,
        command.order.verb()
    );
    Err(Rejection::GuardFailed { guard: "trainee", message })
}

/// Some agents say of tickets up to a priority only that they are solved.
pub(crate) fn has_authority(t: &Ticket, command: &Command, context: &Context<'_>) -> Result<(), Rejection> {
    let actor = &command.actor;
    let cap = context.desk.authority(&actor.id).filter(|_| !supervises(actor.kind));
    let Some(cap) = cap.filter(|cap| t.priority > *cap) else { return Ok(()) };
    let message = format!(
        "the authority of {} ends at priority {cap}, and ticket {} is {}: escalate it, or let a supervisor do it",
        actor.id, t.number, t.priority
    );
    Err(Rejection::GuardFailed { guard: "authority", message })
}

/// What somebody wrote or did is judged by their mentor or by a supervisor, and never by themselves.
pub(crate) fn judges(command: &Command, whose: &str, context: &Context<'_>) -> Result<(), Rejection> {
    let (actor, verb) = (&command.actor, command.order.verb());
    if actor.id == whose {
        return Err(Rejection::Forbidden(format!(
            "{whose} does not {verb} of their own: somebody else must"
        )));
    }
    let mentor = context.desk.mentor(whose);
    let is_mentor = mentor.as_deref() == Some(&actor.id) && is_human_agent(actor.kind);
    if supervises(actor.kind) || is_mentor && !context.desk.is_supervised(command) {
        return Ok(());
    }
    let mentor =
        mentor.map_or_else(|| "their mentor (there is none)".to_owned(), |m| format!("their mentor {m}"));
    Err(Rejection::Forbidden(format!(
        "{actor} may not {verb} of {whose}: {mentor} or a supervisor may",
        actor = actor.id
    )))
}
