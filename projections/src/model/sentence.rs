//! One English sentence per event: who did what, and why.
//!
//! Written for a person who reads a history from top to bottom. The text of a comment or a summary is
//! shortened here; it stands in full in the entry's data. Sealed texts show as `[sealed]`.

mod assistance;
mod attachments;
mod desk;
mod moderation;
mod relations;
mod satisfaction;
mod work;

use guichet_schemas::event::{
    Actor, Change, Classification, CommentAdded, ConfigEvent, Confirmation, Conversation, Event, FieldValue,
    LifeCycle, LogEvent, Meaning as _, Ownership, Personal, PriorityChanged, Relations, ReopenHeld, SlaEvent,
    StatusChanged, TicketAssigned, TicketClosed, TicketCreated, TicketEscalated, TicketEvent, TicketImported,
    TicketReopened, TicketResolved, TicketRouted,
};
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::view::readable_text;
use guichet_schemas::words::{
    ActorKind, CloseReason, CommentKind, ConfirmedBy, EscalationKind, LinkKind, SlaMetric, StatusCause,
    Strategy, TicketState, Visibility,
};

/// Longest quotation, in characters.
const QUOTE_MAX: usize = 160;

#[must_use]
pub fn sentence(record: &Record) -> String {
    let who = who(&record.actor);
    match &record.event {
        Event::Ticket(event) => format!("{who} {}", of_ticket(event, record)),
        Event::Log(event) => of_log(event),
        Event::Sla(event) => of_sla(event, &who),
        Event::Config(event) => format!("{who} {}", of_config(event)),
        Event::Desk(event) => format!("{who} {}", desk::told(event)),
    }
}

fn of_ticket(event: &TicketEvent, record: &Record) -> String {
    match event {
        TicketEvent::LifeCycle(event) => of_life_cycle(event, &record.actor),
        TicketEvent::Ownership(event) => of_ownership(event, &record.actor),
        TicketEvent::Conversation(Conversation::CommentAdded(e)) => {
            moderation::released(e, &record.actor).unwrap_or_else(|| commented(e))
        }
        TicketEvent::Conversation(Conversation::ReopenHeld(e)) => reopen_held(e),
        TicketEvent::Relations(event) => of_relations(event),
        TicketEvent::Confirmation(event) => of_confirmation(event),
        TicketEvent::Classification(Classification::PriorityChanged(e)) => priority_changed(e),
        // What changes one thing reads by what it changes.
        TicketEvent::Classification(_) => of_changes(event, record.event.type_name()),
        TicketEvent::Conversation(Conversation::CallLogged(e)) => work::called(e),
        TicketEvent::Conversation(Conversation::ChannelSwitched(e)) => {
            format!("went on by {} instead of {}", words(e.to.as_str()), words(e.from.as_str()))
        }
        TicketEvent::Satisfaction(event) => satisfaction::told(event),
        TicketEvent::Work(event) => work::told(event),
        TicketEvent::Moderation(event) => moderation::told(event),
        TicketEvent::Assistance(event) => assistance::told(event, &record.actor),
        TicketEvent::Attachments(event) => attachments::told(event),
    }
}

fn of_life_cycle(event: &LifeCycle, actor: &Actor) -> String {
    match event {
        LifeCycle::TicketCreated(e) => created(e),
        LifeCycle::TicketImported(e) => imported(e),
        LifeCycle::StatusChanged(e) => status_changed(e),
        LifeCycle::TicketResolved(e) => resolved(e, actor),
        LifeCycle::TicketReopened(e) => reopened(e),
        LifeCycle::TicketClosed(e) => closed(e),
        LifeCycle::TicketCancelled(e) => format!("cancelled the ticket ({})", words(e.reason.as_str())),
    }
}

fn of_ownership(event: &Ownership, actor: &Actor) -> String {
    match event {
        Ownership::TicketRouted(e) => routed(e),
        Ownership::TicketAssigned(e) => assigned(e, actor),
        Ownership::TicketUnassigned(e) => {
            format!("took the ticket from {}{}", e.from, because(e.reason.as_deref()))
        }
        Ownership::TicketEscalated(e) => escalated(e),
        Ownership::TicketClaimed(e) => work::claimed(e, actor),
        Ownership::ClaimReleased(e) => work::released(e, actor),
        Ownership::ParticipantsChanged(e) => work::participants(&e.added, &e.removed),
        Ownership::TicketDeescalated(e) => format!(
            "gave the ticket back from tier {} to tier {}{}",
            e.from_tier,
            e.to_tier,
            because(e.reason.as_deref())
        ),
    }
}

fn of_confirmation(event: &Confirmation) -> String {
    match event {
        Confirmation::ResolutionProposed(e) => {
            format!("proposed a resolution: {} ({})", quote(&e.summary), words(e.code.as_str()))
        }
        Confirmation::ResolutionConfirmed(_) => "confirmed that it is solved".to_owned(),
        Confirmation::ResolutionRejected(e) => format!("said that it is not solved: {}", quote(&e.reason)),
    }
}

fn of_relations(event: &Relations) -> String {
    match event {
        Relations::FollowUpCreated(e) => {
            let number = TicketNumber(e.new_number);
            match e.cause {
                StatusCause::RequesterComment => {
                    format!("wrote to the closed ticket, and the message stands in its follow-up {number}")
                }
                StatusCause::Command | StatusCause::Rule | StatusCause::Timer => {
                    format!("created {number} as a follow-up")
                }
            }
        }
        Relations::TicketsLinked(e) => linked(TicketNumber(e.other_number), e.kind, e.from_other),
        Relations::TicketsUnlinked(e) => unlinked(TicketNumber(e.other_number), e.kind),
        Relations::TicketMerged(e) => relations::merged(e),
        Relations::MergeReceived(e) => relations::received(e),
        Relations::CommentCopied(e) => relations::copied(e),
        Relations::TicketSplit(e) => relations::split(e),
        Relations::ProblemDeclared(e) => relations::declared(e),
        Relations::WorkaroundPublished(e) => format!("published a workaround: {}", quote(&e.text)),
        Relations::BroadcastSent(e) => relations::sent(e),
        Relations::ExternalLinked(e) => format!("linked {} of {} with the ticket", e.r#ref, e.system),
        Relations::AssetLinked(e) => {
            let what =
                e.label.as_ref().or(e.kind.as_ref()).map_or(String::new(), |what| format!(" ({what})"));
            format!("linked the asset {} of {}{what} with the ticket", e.asset, e.system)
        }
    }
}

/// How a ticket is tied to another, as a sentence about it goes on.
fn linked(other: TicketNumber, kind: LinkKind, from_other: bool) -> String {
    match (kind, from_other) {
        (LinkKind::Relates, _) => format!("linked the ticket with {other}"),
        (LinkKind::Duplicates, false) => format!("marked the ticket as a duplicate of {other}"),
        (LinkKind::Duplicates, true) => format!("marked {other} as a duplicate of the ticket"),
        (LinkKind::Blocks, false) => format!("said that the ticket blocks {other}"),
        (LinkKind::Blocks, true) => format!("said that {other} blocks the ticket"),
        (LinkKind::Parent, false) => format!("made {other} the parent of the ticket"),
        (LinkKind::Parent, true) => format!("made the ticket the parent of {other}"),
        (LinkKind::CausedBy, false) => format!("named {other} as the problem behind the ticket"),
        (LinkKind::CausedBy, true) => format!("named the ticket as the problem behind {other}"),
        (LinkKind::FollowUp, false) => format!("linked the ticket as a follow-up of {other}"),
        (LinkKind::FollowUp, true) => format!("linked {other} as a follow-up of the ticket"),
    }
}

fn unlinked(other: TicketNumber, kind: LinkKind) -> String {
    format!("removed the link with {other} ({})", words(kind.as_str()))
}

/// The sentence of an event that has none of its own: what becomes another, and why.
fn of_changes(event: &TicketEvent, type_name: &str) -> String {
    let mut all = Vec::new();
    event.changes(|change| all.push(of_change(change)));
    let text = if all.is_empty() { format!("recorded {type_name}") } else { all.join(", ") };
    text + &because(event.reason())
}

fn of_change(change: Change<'_>) -> String {
    let word = |word: &str| Some(words(word));
    let tier = |tier: u32| Some(tier.to_string());
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (what, from, to) = match change {
        Change::Group(to) => ("the group", None, text(to)),
        Change::Assignee { from, to } => ("the assignee", text(from), text(to)),
        Change::Tier { from, to } => ("the tier", tier(from), tier(to)),
        Change::Priority { from, to } => ("the priority", word(from.as_str()), word(to.as_str())),
        Change::Urgency(to) => ("the urgency", None, to.and_then(|to| word(to.as_str()))),
        Change::Impact(to) => ("the impact", None, to.and_then(|to| word(to.as_str()))),
        Change::Type { from, to } => ("the type", word(from.as_str()), word(to.as_str())),
        Change::Category { from, to } => ("the category", text(from), text(to)),
        Change::Tags { added, removed } => return tags_changed(added, removed),
        Change::Field { name, from, to } => {
            return changed(&format!("field {name}"), from.map(value).as_deref(), to.map(value).as_deref());
        }
        Change::DueAt(to) => ("the due date", None, to.map(|to| to.to_string())),
        Change::Claim(to) => ("the claim", None, to.map(|(by, until)| format!("{by} until {until}"))),
        Change::Participants { added, removed } => return work::participants(added, removed),
        Change::Restriction { to: [], .. } => return "let everybody see the ticket again".to_owned(),
        Change::Restriction { to, .. } => return format!("let only {} see the ticket", to.join(", ")),
        Change::Channel { from, to } => ("the channel", word(from.as_str()), word(to.as_str())),
        Change::Link { number, kind, comes: false, .. } => return unlinked(TicketNumber(number), kind),
        Change::Link { number, kind, from_other, .. } => {
            return linked(TicketNumber(number), kind, from_other);
        }
    };
    changed(what, from.as_deref(), to.as_deref())
}

fn of_log(event: &LogEvent) -> String {
    match event {
        LogEvent::EpochStarted(e) => {
            format!("engine {} took the log over (epoch {}, generation {})", e.program, e.epoch, e.generation)
        }
        LogEvent::KeyCreated(e) => format!("requester {} has a key of their own from here on", e.subject),
        LogEvent::AccessRecorded(e) if e.is_look() => {
            format!("{} looked at restricted tickets: {}; for {}", e.viewer, e.scope, e.purpose)
        }
        LogEvent::AccessRecorded(e) => {
            format!("personal texts were given to {}: {}; for {}", e.viewer, e.scope, e.purpose)
        }
    }
}

/// Clocks and rules act by themselves: only a person who voids a breach is named.
fn of_sla(event: &SlaEvent, who: &str) -> String {
    match event {
        SlaEvent::SlaWarned(e) => {
            let clock = clock(e.metric, e.instance);
            format!("{} % of the target for {clock} were used up{}", e.pct, due(e.due_at))
        }
        SlaEvent::SlaBreached(e) => {
            let clock = clock(e.metric, e.instance);
            format!("the target for {clock} of policy {} was missed{}", e.policy, due(Some(e.due_at)))
        }
        SlaEvent::SlaBreachVoided(e) => {
            format!("{who} voided the breach of {}{}", clock(e.metric, e.instance), because(Some(&e.reason)))
        }
        SlaEvent::TimeRuleFired(e) if e.suppressed => {
            let times = e.skipped.map_or_else(String::new, |n| format!(" and {n} times after it"));
            format!("rule {} was due at {}{times}, but the ticket had gone on", e.rule, e.due_at)
        }
        SlaEvent::TimeRuleFired(e) => format!("rule {} acted: {}", e.rule, e.actions.join(", ")),
    }
}

fn of_config(event: &ConfigEvent) -> String {
    match event {
        ConfigEvent::ConfigPublished(e) => {
            let kind = words(&e.kind);
            format!("published {kind} {}, version {}, from {} on", e.id, e.version, e.effective_from)
        }
        ConfigEvent::ConfigRetired(e) => {
            format!("retired {} {} from {} on", words(&e.kind), e.id, e.effective_from)
        }
    }
}

fn clock(metric: SlaMetric, instance: u32) -> String {
    format!("{} {instance}", words(metric.as_str()))
}

fn due(at: Option<Timestamp>) -> String {
    at.map_or(String::new(), |at| format!(", due at {at}"))
}

fn who(actor: &Actor) -> String {
    let id = &actor.id;
    let name = match actor.kind {
        ActorKind::System => format!("the system ({id})"),
        ActorKind::Bot => format!("bot {id}"),
        ActorKind::Service => format!("service {id}"),
        ActorKind::Requester => format!("requester {id}"),
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => id.clone(),
    };
    match &actor.on_behalf_of {
        Some(other) => format!("{name}, for {other},"),
        None => name,
    }
}

/// True for the people of the desk.
const fn is_person(kind: ActorKind) -> bool {
    matches!(kind, ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin)
}

fn created(e: &TicketCreated) -> String {
    let mut notes = vec![format!("priority {}", e.priority)];
    notes.extend(e.category.as_ref().map(|c| format!("category {c}")));
    notes.extend(e.group.as_ref().map(|g| format!("in group {g}")));
    notes.extend(e.assignee.as_ref().map(|a| format!("assigned to {a}")));
    notes.extend(e.external_ref.as_ref().map(|r| format!("{} {}", r.source, r.id)));
    let (number, channel) = (TicketNumber(e.number), words(e.channel.as_str()));
    format!(
        "opened {number} for requester {} by {channel}: {} ({})",
        e.requester,
        quote(&e.subject),
        notes.join(", ")
    )
}

fn imported(e: &TicketImported) -> String {
    let part = if e.parts > 1 { format!(", part {} of {}", e.part, e.parts) } else { String::new() };
    format!("imported the facts that follow from {} ({}{part})", e.source, e.external_id)
}

fn status_changed(e: &StatusChanged) -> String {
    let mut text = match e.to {
        TicketState::Hold => "put the ticket on hold".to_owned(),
        to @ (TicketState::New
        | TicketState::Open
        | TicketState::Pending
        | TicketState::Resolved
        | TicketState::Closed
        | TicketState::Cancelled) => {
            format!("moved the ticket from {} to {to}", e.from)
        }
    };
    if let Some(custom) = &e.custom_status {
        text.push_str(&format!(", status {custom}"));
    }
    if let Some(until) = e.expected_until {
        text.push_str(&format!(", expected until {until}"));
    }
    text + &because(e.hold_reason.map(|r| words(r.as_str())).as_deref())
}

fn resolved(e: &TicketResolved, actor: &Actor) -> String {
    let by = if e.by == actor.id { String::new() } else { format!(", resolver {}", e.by) };
    let again = if e.resolution_no > 1 { format!(", resolution {}", e.resolution_no) } else { String::new() };
    let how = match e.confirmed_by {
        ConfirmedBy::Timeout => ", as proposed: the requester said nothing against it".to_owned(),
        ConfirmedBy::Override => {
            format!(", without the requester{}", because(e.override_reason.as_deref()))
        }
        ConfirmedBy::Requester | ConfirmedBy::None => String::new(),
    };
    format!("resolved the ticket{by}{how}: {} ({}{again})", quote(&e.summary), words(e.code.as_str()))
}

fn reopened(e: &TicketReopened) -> String {
    let by = e.resolver_of_last.as_ref().map_or(String::new(), |r| format!(" by {r}"));
    format!(
        "reopened the ticket {} after it was resolved{by}{}",
        span(e.since_resolved_ms),
        because(e.reason.as_deref())
    )
}

fn closed(e: &TicketClosed) -> String {
    let how = if e.auto { " automatically" } else { "" };
    match e.reason {
        CloseReason::Resolved => format!("closed the ticket{how}"),
        CloseReason::Merged => format!("closed the ticket{how}, it was merged into another"),
    }
}

fn routed(e: &TicketRouted) -> String {
    let rule = e.rule.as_ref().map_or(String::new(), |r| format!(" by rule {r}"));
    let text = match (&e.from_group, &e.to_group) {
        (Some(from), Some(to)) => format!("moved the ticket from group {from} to group {to}"),
        (None, Some(to)) => format!("moved the ticket to group {to}"),
        (Some(from), None) => format!("took the ticket out of group {from}"),
        (None, None) => "left the ticket without a group".to_owned(),
    };
    format!("{text}{rule}{}{}", strategy(e.strategy), because(e.reason.as_deref()))
}

fn assigned(e: &TicketAssigned, actor: &Actor) -> String {
    let group = e.group.as_ref().map_or(String::new(), |g| format!(" in group {g}"));
    let text = match &e.from {
        _ if e.to == actor.id => "took the ticket".to_owned(),
        Some(from) if *from != e.to => format!("reassigned the ticket from {from} to {}", e.to),
        Some(_) | None => format!("assigned the ticket to {}", e.to),
    };
    format!("{text}{group}{}{}", strategy(e.strategy), because(e.reason.as_deref()))
}

fn escalated(e: &TicketEscalated) -> String {
    let to = match (e.kind, &e.to_manager) {
        (EscalationKind::Functional, _) => format!("from tier {} to tier {}", e.from_tier, e.to_tier),
        (EscalationKind::Hierarchical, Some(manager)) => format!("to manager {manager}"),
        (EscalationKind::Hierarchical, None) => "to a manager".to_owned(),
    };
    let tags = if e.tags_at.is_empty() { String::new() } else { format!("; tags {}", e.tags_at.join(", ")) };
    format!("escalated the ticket {to} ({}{tags})", words(e.reason.as_str()))
}

fn commented(e: &CommentAdded) -> String {
    let what = match (e.visibility, e.kind) {
        (_, CommentKind::Handover) => "left a handover note",
        (Visibility::Public, CommentKind::Message) => "wrote a public message",
        (Visibility::Public, CommentKind::Troubleshooting) => "wrote a public troubleshooting note",
        (Visibility::Internal, CommentKind::Message) => "wrote an internal note",
        (Visibility::Internal, CommentKind::Troubleshooting) => "wrote an internal troubleshooting note",
    };
    let files = match e.attachments.len() {
        0 => String::new(),
        1 => " with 1 attachment".to_owned(),
        n => format!(" with {n} attachments"),
    };
    format!("{what}{files}: {}", quote(&e.body))
}

fn reopen_held(e: &ReopenHeld) -> String {
    format!(
        "would have reopened the ticket, and a person decides: requesters had reopened it {} times within {}",
        e.reopenings,
        span(e.within_ms)
    )
}

fn priority_changed(e: &PriorityChanged) -> String {
    let mut notes = Vec::new();
    notes.extend(e.urgency.map(|u| format!("urgency {u}")));
    notes.extend(e.impact.map(|i| format!("impact {i}")));
    notes.extend(e.reason.clone());
    let text = if e.from == e.to {
        format!("weighed the ticket again, the priority stays {}", e.to)
    } else {
        format!("changed the priority from {} to {}", e.from, e.to)
    };
    text + &because(Some(notes.join(", ")).filter(|n| !n.is_empty()).as_deref())
}

fn tags_changed(added: &[String], removed: &[String]) -> String {
    match (added.is_empty(), removed.is_empty()) {
        (false, false) => format!("added the tags {} and removed {}", added.join(", "), removed.join(", ")),
        (false, true) => format!("added the tags {}", added.join(", ")),
        (true, _) => format!("removed the tags {}", removed.join(", ")),
    }
}

fn changed(what: &str, from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("changed {what} from {from} to {to}"),
        (None, Some(to)) => format!("set {what} to {to}"),
        (Some(from), None) => format!("cleared {what}, it was {from}"),
        (None, None) => format!("cleared {what}"),
    }
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => shortened(text),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
    }
}

fn strategy(strategy: Strategy) -> String {
    match strategy {
        Strategy::Manual | Strategy::Rule => String::new(),
        other @ (Strategy::RoundRobin
        | Strategy::LeastLoaded
        | Strategy::Skill
        | Strategy::Sticky
        | Strategy::Pull) => {
            format!(", by {}", words(other.as_str()))
        }
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map_or(String::new(), |r| format!(" ({})", shortened(r)))
}

fn quote(text: &Personal) -> String {
    match text {
        Personal::Plain(plain) => format!("“{}”", shortened(plain)),
        Personal::Sealed(_) => readable_text(text).to_owned(),
    }
}

/// One line of at most [`QUOTE_MAX`] characters.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}

/// A span of time in its two largest units.
fn span(ms: u64) -> String {
    let minutes = ms / 60_000;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, m) => format!("{m} min"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
#[path = "sentence_tests.rs"]
mod tests;
