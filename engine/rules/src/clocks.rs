//! What the SLA worker found, and what people say of it. The fold of the clocks is not here: it is a read model. The
//! ticket only keeps which facts it has, so that each is recorded once.

use guichet_schemas::command::{
    Command, FireTimeRule, RecordSlaBreach, RecordSlaWarning, VoidSlaBreach, limits,
};
use guichet_schemas::event::{
    Event, Personal, PriorityChanged, SlaBreachVoided, SlaBreached, SlaWarned, TagsChanged, TicketClosed,
    TicketEscalated, TimeRuleFired,
};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, CloseReason, CommentKind, EscalationKind, SlaMetric, StatusCause};

use crate::decide::{Context, Draft, note_event};
use crate::desk::Action;
use crate::evolve::evolve;
use crate::state::Ticket;
use crate::transition::allowed_verbs;

/// Names of facts, as a ticket keeps them.
pub(crate) mod key {
    use std::collections::BTreeSet;

    use super::SlaMetric;

    pub(crate) fn warning(metric: SlaMetric, instance: u32, pct: u32) -> String {
        format!("warning/{metric}/{instance}/{pct}")
    }
    pub(crate) fn breach(metric: SlaMetric, instance: u32) -> String {
        format!("breach/{metric}/{instance}")
    }
    pub(crate) fn void(metric: SlaMetric, instance: u32) -> String {
        format!("void/{metric}/{instance}")
    }
    fn rule(rule: &str, instance: u32) -> String {
        format!("rule/{instance}/{rule}")
    }

    /// The last instance of a rule that fired, as it was named.
    fn instance_of(fact: &str, rule: &str) -> Option<u32> {
        let (instance, of) = fact.strip_prefix("rule/")?.split_once('/')?;
        (of == rule).then(|| instance.parse().ok()).flatten()
    }

    /// Keeps that a rule fired. Its instances come in their order, so the last stands for all.
    pub(crate) fn note_rule(facts: &mut BTreeSet<String>, rule: &str, instance: u32) {
        if !has_rule(facts, rule, instance) {
            facts.retain(|fact| instance_of(fact, rule).is_none());
            facts.insert(self::rule(rule, instance));
        }
    }

    /// True where this instance of a rule is recorded, or a later one.
    pub(crate) fn has_rule(facts: &BTreeSet<String>, rule: &str, instance: u32) -> bool {
        facts.iter().any(|fact| instance_of(fact, rule).is_some_and(|last| last >= instance))
    }
}

pub(crate) fn warned(
    t: &Ticket,
    order: &RecordSlaWarning,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    if t.facts.contains(&key::warning(order.metric, order.instance, order.pct)) {
        return Ok(Vec::new());
    }
    found(order.at, "data.at", order.config_version, context)?;
    let event = Event::from(SlaWarned {
        metric: order.metric,
        instance: order.instance,
        pct: order.pct,
        due_at: order.due_at,
        immediate: order.immediate,
    });
    Ok(vec![at(order.at, event)])
}

pub(crate) fn breached(
    t: &Ticket,
    order: &RecordSlaBreach,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    if t.facts.contains(&key::breach(order.metric, order.instance)) {
        return Ok(Vec::new());
    }
    found(order.at, "data.at", order.config_version, context)?;
    let event = Event::from(SlaBreached {
        metric: order.metric,
        instance: order.instance,
        policy: order.policy.as_str().to_owned(),
        policy_version: order.policy_version,
        due_at: order.due_at,
        consumed_s: order.consumed_s.unwrap_or(0),
        immediate: order.immediate,
        detected_late_ms: context.now.since(order.at),
    });
    Ok(vec![at(order.at, event)])
}

pub(crate) fn voided(t: &Ticket, order: &VoidSlaBreach, command: &Command) -> Result<Vec<Event>, Rejection> {
    if !matches!(command.actor.kind, ActorKind::Supervisor | ActorKind::Admin) {
        return Err(Rejection::Forbidden(format!(
            "only a supervisor may void a breach; the actor is of kind {}",
            command.actor.kind
        )));
    }
    if !t.facts.contains(&key::breach(order.metric, order.instance)) {
        return Err(Rejection::NotFound {
            what: format!("a breach of {} {} of ticket {}", order.metric, order.instance, t.number),
        });
    }
    if t.facts.contains(&key::void(order.metric, order.instance)) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::from(SlaBreachVoided {
        metric: order.metric,
        instance: order.instance,
        reason: order.reason.as_str().to_owned(),
    })])
}

pub(crate) fn fired(
    t: &Ticket,
    order: &FireTimeRule,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Draft>, Rejection> {
    let id = order.rule.as_str();
    if key::has_rule(&t.facts, id, order.instance) {
        return Ok(Vec::new());
    }
    found(order.due_at, "data.due_at", order.config_version, context)?;
    if order.holds && command.expected_version.is_none() {
        let rule = "is required: it says of which version data.holds is true";
        return Err(FieldError::new("expected_version", rule).into());
    }
    // Found late, the ticket may have gone on. Only who folds its clocks knows what has lasted.
    let rule = context.desk.time_rule(id);
    let rule = rule.filter(|rule| order.holds && rule.states.contains(&t.state()));
    let actions = rule.as_ref().map_or(&[][..], |rule| &rule.actions);
    let event = Event::from(TimeRuleFired {
        rule: id.to_owned(),
        version: context.config_version,
        instance: order.instance,
        due_at: order.due_at,
        actions: actions.iter().map(|action| action.name().to_owned()).collect(),
        suppressed: rule.is_none(),
        skipped: order.skipped.filter(|count| *count > 0),
    });
    let mut drafts = vec![at(order.due_at, event)];
    let mut now = t.clone();
    for (n, action) in actions.iter().enumerate() {
        if let Some(event) = done(&now, action, n, command) {
            now = evolve(Some(now), &event, context.now);
            drafts.push(event.into());
        }
    }
    Ok(drafts)
}

/// What an action does to a ticket; nothing where that holds already, or cannot be.
fn done(t: &Ticket, action: &Action, n: usize, command: &Command) -> Option<Event> {
    // The event says which rule acted: whoever sends messages follows the events.
    let verb = action.verb()?;
    if !allowed_verbs(t.state()).contains(&verb) {
        return None;
    }
    match action {
        Action::Close => Some(Event::from(TicketClosed { reason: CloseReason::Resolved, auto: true })),
        Action::SetPriority(priority) => (t.priority != *priority).then_some(Event::from(PriorityChanged {
            from: t.priority,
            to: *priority,
            urgency: t.urgency,
            impact: t.impact,
            cause: StatusCause::Timer,
            reason: None,
        })),
        Action::AddTags(tags) => {
            let mut added: Vec<String> = Vec::new();
            for tag in tags {
                if !t.tags.contains(tag) && !added.contains(tag) {
                    added.push(tag.clone());
                }
            }
            let fits = t.tags.len().saturating_add(added.len()) <= limits::TAGS;
            (fits && !added.is_empty()).then(|| Event::from(TagsChanged { added, removed: Vec::new() }))
        }
        Action::Escalate { to_tier, reason } => (t.tier < *to_tier).then(|| {
            Event::from(TicketEscalated {
                kind: EscalationKind::Functional,
                from_tier: t.tier,
                to_tier: *to_tier,
                to_manager: None,
                reason: *reason,
                tags_at: t.tags.clone(),
                category_at: t.category.clone(),
                note_comment: None,
            })
        }),
        Action::Note(text) => {
            let id = CommentId(command.command_id.derive(&format!("action {n}")));
            Some(note_event(id, CommentKind::Message, Personal::Plain(text.clone()), command))
        }
        Action::Notify(_) => None,
    }
}

/// What was found must be over, and found under what holds now: nothing that is recorded later can come before it.
fn found(
    at: Timestamp,
    field: &str,
    config_version: Option<u64>,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    if let Some(based_on) = config_version.filter(|version| *version != context.config_version) {
        return Err(Rejection::ConfigStale { based_on, actual: context.config_version });
    }
    if at < context.now {
        return Ok(());
    }
    Err(FieldError::new(field, "must lie before the clock of the engine: it may yet come otherwise").into())
}

fn at(instant: Timestamp, event: Event) -> Draft {
    Draft { event, occurred_at: Some(instant), source_time: None, actor: None }
}
