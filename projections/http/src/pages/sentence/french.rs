//! One French sentence per event, as the read model writes one in English.

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
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, CloseReason, CommentKind, ConfirmedBy, EscalationKind, LinkKind, SlaMetric, StatusCause,
    TicketState, Visibility,
};

use super::words;
use crate::pages::form;
use crate::pages::text::Text;

/// Longest quotation, in characters.
const QUOTE_MAX: usize = 160;

pub(super) fn sentence(t: &Text, actor: &Actor, event: &Event) -> String {
    let who = who(actor);
    match event {
        Event::Ticket(event) => format!("{who} {}", of_ticket(t, event, actor)),
        Event::Log(event) => of_log(event),
        Event::Sla(event) => of_sla(t, event, &who),
        Event::Config(event) => format!("{who} {}", of_config(event)),
        Event::Desk(event) => format!("{who} {}", desk::told(event)),
    }
}

fn of_ticket(t: &Text, event: &TicketEvent, actor: &Actor) -> String {
    match event {
        TicketEvent::LifeCycle(event) => of_life_cycle(t, event, actor),
        TicketEvent::Ownership(event) => of_ownership(event, actor),
        TicketEvent::Conversation(Conversation::CommentAdded(e)) => {
            moderation::released(e, actor).unwrap_or_else(|| commented(e))
        }
        TicketEvent::Conversation(Conversation::ReopenHeld(e)) => reopen_held(t, e),
        TicketEvent::Relations(event) => of_relations(event),
        TicketEvent::Confirmation(event) => of_confirmation(event),
        TicketEvent::Classification(Classification::PriorityChanged(e)) => priority_changed(t, e),
        TicketEvent::Classification(_) => of_changes(t, event),
        TicketEvent::Conversation(Conversation::CallLogged(e)) => work::called(t, e),
        TicketEvent::Conversation(Conversation::ChannelSwitched(e)) => {
            format!("a poursuivi par {} au lieu de {}", words::channel(e.to), words::channel(e.from))
        }
        TicketEvent::Satisfaction(event) => satisfaction::told(event),
        TicketEvent::Work(event) => work::told(t, event),
        TicketEvent::Moderation(event) => moderation::told(event),
        TicketEvent::Assistance(event) => assistance::told(event, actor),
        TicketEvent::Attachments(event) => attachments::told(event),
    }
}

fn of_life_cycle(t: &Text, event: &LifeCycle, actor: &Actor) -> String {
    match event {
        LifeCycle::TicketCreated(e) => created(t, e),
        LifeCycle::TicketImported(e) => imported(e),
        LifeCycle::StatusChanged(e) => status_changed(t, e),
        LifeCycle::TicketResolved(e) => resolved(e, actor),
        LifeCycle::TicketReopened(e) => reopened(t, e),
        LifeCycle::TicketClosed(e) => closed(e),
        LifeCycle::TicketCancelled(e) => format!("a annulé le ticket ({})", words::cancellation(e.reason)),
    }
}

fn of_ownership(event: &Ownership, actor: &Actor) -> String {
    match event {
        Ownership::TicketRouted(e) => routed(e),
        Ownership::TicketAssigned(e) => assigned(e, actor),
        Ownership::TicketUnassigned(e) => {
            format!("a retiré le ticket à {}{}", e.from, because(e.reason.as_deref()))
        }
        Ownership::TicketEscalated(e) => escalated(e),
        Ownership::TicketClaimed(e) => work::claimed(e, actor),
        Ownership::ClaimReleased(e) => work::released(e, actor),
        Ownership::ParticipantsChanged(e) => work::participants(&e.added, &e.removed),
        Ownership::TicketDeescalated(e) => format!(
            "a rendu le ticket du niveau {} au niveau {}{}",
            e.from_tier,
            e.to_tier,
            because(e.reason.as_deref())
        ),
    }
}

fn of_confirmation(event: &Confirmation) -> String {
    match event {
        Confirmation::ResolutionProposed(e) => {
            format!("a proposé une solution : {} ({})", quote(&e.summary), words::resolution(e.code))
        }
        Confirmation::ResolutionConfirmed(_) => "a confirmé que c’est résolu".to_owned(),
        Confirmation::ResolutionRejected(e) => {
            format!("a dit que ce n’est pas résolu : {}", quote(&e.reason))
        }
    }
}

fn of_relations(event: &Relations) -> String {
    match event {
        Relations::FollowUpCreated(e) => {
            let number = TicketNumber(e.new_number);
            match e.cause {
                StatusCause::RequesterComment => {
                    format!("a écrit au ticket clos, et le message se trouve dans sa suite {number}")
                }
                StatusCause::Command | StatusCause::Rule | StatusCause::Timer => {
                    format!("a créé {number} comme suite")
                }
            }
        }
        Relations::TicketsLinked(e) => linked(TicketNumber(e.other_number), e.kind, e.from_other),
        Relations::TicketsUnlinked(e) => unlinked(TicketNumber(e.other_number)),
        Relations::TicketMerged(e) => relations::merged(e),
        Relations::MergeReceived(e) => relations::received(e),
        Relations::CommentCopied(e) => relations::copied(e),
        Relations::TicketSplit(e) => relations::split(e),
        Relations::ProblemDeclared(e) => relations::declared(e),
        Relations::WorkaroundPublished(e) => format!("a publié un contournement : {}", quote(&e.text)),
        Relations::BroadcastSent(e) => relations::sent(e),
        Relations::ExternalLinked(e) => format!("a lié {} de {} au ticket", e.r#ref, e.system),
        Relations::AssetLinked(e) => {
            let what =
                e.label.as_ref().or(e.kind.as_ref()).map_or(String::new(), |what| format!(" ({what})"));
            format!("a lié l’équipement {} de {}{what} au ticket", e.asset, e.system)
        }
    }
}

/// How a ticket is tied to another, as a sentence about it goes on.
fn linked(other: TicketNumber, kind: LinkKind, from_other: bool) -> String {
    match (kind, from_other) {
        (LinkKind::Relates, _) => format!("a lié le ticket à {other}"),
        (LinkKind::Duplicates, false) => format!("a signalé le ticket comme doublon de {other}"),
        (LinkKind::Duplicates, true) => format!("a signalé {other} comme doublon du ticket"),
        (LinkKind::Blocks, false) => format!("a indiqué que le ticket bloque {other}"),
        (LinkKind::Blocks, true) => format!("a indiqué que {other} bloque le ticket"),
        (LinkKind::Parent, false) => format!("a fait de {other} le parent du ticket"),
        (LinkKind::Parent, true) => format!("a fait du ticket le parent de {other}"),
        (LinkKind::CausedBy, false) => format!("a désigné {other} comme le problème à l’origine du ticket"),
        (LinkKind::CausedBy, true) => format!("a désigné le ticket comme le problème à l’origine de {other}"),
        (LinkKind::FollowUp, false) => format!("a lié le ticket comme suite de {other}"),
        (LinkKind::FollowUp, true) => format!("a lié {other} comme suite du ticket"),
    }
}

fn unlinked(other: TicketNumber) -> String {
    format!("a supprimé le lien avec {other}")
}

/// The sentence of an event that has none of its own: what becomes another, and why.
fn of_changes(t: &Text, event: &TicketEvent) -> String {
    let mut all = Vec::new();
    event.changes(|change| all.push(of_change(t, change)));
    let text = if all.is_empty() { "a modifié le ticket".to_owned() } else { all.join(", ") };
    text + &because(event.reason())
}

fn of_change(t: &Text, change: Change<'_>) -> String {
    let priority = |priority| Some(form::priority(t, priority).to_lowercase());
    let tier = |tier: u32| Some(tier.to_string());
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (what, from, to) = match change {
        Change::Group(to) => ("le groupe", None, text(to)),
        Change::Assignee { from, to } => ("l’agent", text(from), text(to)),
        Change::Tier { from, to } => ("le niveau", tier(from), tier(to)),
        Change::Priority { from, to } => ("la priorité", priority(from), priority(to)),
        Change::Urgency(to) => ("l’urgence", None, to.map(|to| words::urgency(to).replace("urgence ", ""))),
        Change::Impact(to) => ("l’impact", None, to.map(|to| words::impact(to).replace("impact ", ""))),
        Change::Type { from, to } => {
            ("le type", text(Some(words::ticket_type(from))), text(Some(words::ticket_type(to))))
        }
        Change::Category { from, to } => ("la catégorie", text(from), text(to)),
        Change::Tags { added, removed } => return tags_changed(added, removed),
        Change::Field { name, from, to } => {
            let (from, to) = (from.map(value), to.map(value));
            return changed(&format!("le champ {name}"), from.as_deref(), to.as_deref());
        }
        Change::DueAt(to) => ("l’échéance", None, to.map(instant)),
        Change::Claim(to) => {
            ("la réservation", None, to.map(|(by, until)| format!("{by} jusqu’au {}", instant(until))))
        }
        Change::Participants { added, removed } => return work::participants(added, removed),
        Change::Restriction { to: [], .. } => return "a rendu le ticket visible à tous".to_owned(),
        Change::Restriction { to, .. } => {
            return format!("a réservé le ticket aux groupes : {}", to.join(", "));
        }
        Change::Channel { from, to } => {
            ("le canal", text(Some(words::channel(from))), text(Some(words::channel(to))))
        }
        Change::Link { number, comes: false, .. } => return unlinked(TicketNumber(number)),
        Change::Link { number, kind, from_other, .. } => {
            return linked(TicketNumber(number), kind, from_other);
        }
    };
    changed(what, from.as_deref(), to.as_deref())
}

fn of_log(event: &LogEvent) -> String {
    match event {
        LogEvent::EpochStarted(e) => format!(
            "le moteur {} a repris le journal (époque {}, génération {})",
            e.program, e.epoch, e.generation
        ),
        LogEvent::KeyCreated(e) => format!("le demandeur {} a désormais sa propre clé", e.subject),
        LogEvent::AccessRecorded(e) if e.is_look() => {
            format!(
                "{} a consulté des tickets à accès restreint : {} ; motif : {}",
                e.viewer, e.scope, e.purpose
            )
        }
        LogEvent::AccessRecorded(e) => {
            format!(
                "des textes personnels ont été remis à {} : {} ; motif : {}",
                e.viewer, e.scope, e.purpose
            )
        }
    }
}

/// Clocks and rules act by themselves: only a person who voids a breach is named.
fn of_sla(t: &Text, event: &SlaEvent, who: &str) -> String {
    match event {
        SlaEvent::SlaWarned(e) => {
            let due = e.due_at.map_or(String::new(), |at| format!(", échéance {}", instant(at)));
            format!("{} % du délai de « {} » étaient consommés{due}", e.pct, clock(t, e.metric, e.instance))
        }
        SlaEvent::SlaBreached(e) => format!(
            "l’engagement « {} » de la règle {} a été manqué, échéance {}",
            clock(t, e.metric, e.instance),
            e.policy,
            instant(e.due_at)
        ),
        SlaEvent::SlaBreachVoided(e) => format!(
            "{who} a annulé le manquement de « {} »{}",
            clock(t, e.metric, e.instance),
            because(Some(&e.reason))
        ),
        SlaEvent::TimeRuleFired(e) if e.suppressed => {
            let times = e.skipped.map_or_else(String::new, |n| format!(" et {n} fois ensuite"));
            format!(
                "la règle {} était due le {}{times}, mais le ticket avait avancé",
                e.rule,
                instant(e.due_at)
            )
        }
        SlaEvent::TimeRuleFired(e) => format!("la règle {} a agi : {}", e.rule, e.actions.join(", ")),
    }
}

fn of_config(event: &ConfigEvent) -> String {
    match event {
        ConfigEvent::ConfigPublished(e) => format!(
            "a publié {} {}, version {}, à partir du {}",
            e.kind,
            e.id,
            e.version,
            instant(e.effective_from)
        ),
        ConfigEvent::ConfigRetired(e) => {
            format!("a retiré {} {} à partir du {}", e.kind, e.id, instant(e.effective_from))
        }
    }
}

fn clock(t: &Text, metric: SlaMetric, instance: u32) -> String {
    format!("{} {instance}", t.metric(metric))
}

fn instant(at: Timestamp) -> String {
    form::minute(at.0)
}

fn who(actor: &Actor) -> String {
    let id = &actor.id;
    let name = match actor.kind {
        ActorKind::System => format!("le système ({id})"),
        ActorKind::Bot => format!("le robot {id}"),
        ActorKind::Service => format!("le service {id}"),
        ActorKind::Requester => format!("le demandeur {id}"),
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => id.clone(),
    };
    match &actor.on_behalf_of {
        Some(other) => format!("{name}, pour {other},"),
        None => name,
    }
}

fn created(t: &Text, e: &TicketCreated) -> String {
    let mut notes = vec![format!("priorité {}", form::priority(t, e.priority).to_lowercase())];
    notes.extend(e.category.as_ref().map(|c| format!("catégorie {c}")));
    notes.extend(e.group.as_ref().map(|g| format!("groupe {g}")));
    notes.extend(e.assignee.as_ref().map(|a| format!("attribué à {a}")));
    notes.extend(e.external_ref.as_ref().map(|r| format!("{} {}", r.source, r.id)));
    format!(
        "a ouvert {} pour le demandeur {} par {} : {} ({})",
        TicketNumber(e.number),
        e.requester,
        words::channel(e.channel),
        quote(&e.subject),
        notes.join(", ")
    )
}

fn imported(e: &TicketImported) -> String {
    let part = if e.parts > 1 { format!(", partie {} sur {}", e.part, e.parts) } else { String::new() };
    format!("a importé les faits qui suivent depuis {} ({}{part})", e.source, e.external_id)
}

fn status_changed(t: &Text, e: &StatusChanged) -> String {
    let name = |state| form::state(t, state).to_lowercase();
    let mut text = match e.to {
        TicketState::Hold => "a suspendu le ticket".to_owned(),
        to @ (TicketState::New
        | TicketState::Open
        | TicketState::Pending
        | TicketState::Resolved
        | TicketState::Closed
        | TicketState::Cancelled) => {
            format!("a fait passer le ticket de « {} » à « {} »", name(e.from), name(to))
        }
    };
    if let Some(custom) = &e.custom_status {
        text.push_str(&format!(", statut {custom}"));
    }
    if let Some(until) = e.expected_until {
        text.push_str(&format!(", attendu jusqu’au {}", instant(until)));
    }
    text + &because(e.hold_reason.map(|reason| format!("attend {}", words::hold(reason))).as_deref())
}

fn resolved(e: &TicketResolved, actor: &Actor) -> String {
    let by =
        if e.by == actor.id { String::new() } else { format!(", sur une solution trouvée par {}", e.by) };
    let again =
        if e.resolution_no > 1 { format!(", résolution {}", e.resolution_no) } else { String::new() };
    let how = match e.confirmed_by {
        ConfirmedBy::Timeout => ", comme proposé : le demandeur n’a rien objecté".to_owned(),
        ConfirmedBy::Override => {
            format!(", sans le demandeur{}", because(e.override_reason.as_deref()))
        }
        ConfirmedBy::Requester | ConfirmedBy::None => String::new(),
    };
    format!("a résolu le ticket{by}{how} : {} ({}{again})", quote(&e.summary), words::resolution(e.code))
}

fn reopened(t: &Text, e: &TicketReopened) -> String {
    let by = e.resolver_of_last.as_ref().map_or(String::new(), |r| format!(" par {r}"));
    let since = form::span(t, e.since_resolved_ms);
    format!("a rouvert le ticket, résolu{by} {since} plus tôt{}", because(e.reason.as_deref()))
}

fn closed(e: &TicketClosed) -> String {
    let how = if e.auto { " automatiquement" } else { "" };
    match e.reason {
        CloseReason::Resolved => format!("a clos le ticket{how}"),
        CloseReason::Merged => format!("a clos le ticket{how}, fusionné avec un autre"),
    }
}

fn routed(e: &TicketRouted) -> String {
    let rule = e.rule.as_ref().map_or(String::new(), |r| format!(", règle {r}"));
    let text = match (&e.from_group, &e.to_group) {
        (Some(from), Some(to)) => format!("a transféré le ticket du groupe {from} au groupe {to}"),
        (None, Some(to)) => format!("a transféré le ticket au groupe {to}"),
        (Some(from), None) => format!("a sorti le ticket du groupe {from}"),
        (None, None) => "a laissé le ticket sans groupe".to_owned(),
    };
    format!("{text}{rule}{}{}", words::strategy(e.strategy), because(e.reason.as_deref()))
}

fn assigned(e: &TicketAssigned, actor: &Actor) -> String {
    let group = e.group.as_ref().map_or(String::new(), |g| format!(", groupe {g}"));
    let text = match &e.from {
        _ if e.to == actor.id => "a pris le ticket".to_owned(),
        Some(from) if *from != e.to => format!("a réattribué le ticket à {}, après {from}", e.to),
        Some(_) | None => format!("a attribué le ticket à {}", e.to),
    };
    format!("{text}{group}{}{}", words::strategy(e.strategy), because(e.reason.as_deref()))
}

fn escalated(e: &TicketEscalated) -> String {
    let to = match (e.kind, &e.to_manager) {
        (EscalationKind::Functional, _) => format!("du niveau {} au niveau {}", e.from_tier, e.to_tier),
        (EscalationKind::Hierarchical, Some(manager)) => format!("au responsable {manager}"),
        (EscalationKind::Hierarchical, None) => "à un responsable".to_owned(),
    };
    let tags = match e.tags_at.as_slice() {
        [] => String::new(),
        [one] => format!(" ; étiquette {one}"),
        more => format!(" ; étiquettes {}", more.join(", ")),
    };
    format!("a escaladé le ticket {to} ({}{tags})", words::escalation(e.reason))
}

fn commented(e: &CommentAdded) -> String {
    let what = match (e.visibility, e.kind) {
        (_, CommentKind::Handover) => "a laissé une note de passation",
        (Visibility::Public, CommentKind::Message) => "a écrit un message public",
        (Visibility::Public, CommentKind::Troubleshooting) => "a écrit une note de diagnostic publique",
        (Visibility::Internal, CommentKind::Message) => "a écrit une note interne",
        (Visibility::Internal, CommentKind::Troubleshooting) => "a écrit une note de diagnostic interne",
    };
    let files = match e.attachments.len() {
        0 => String::new(),
        1 => " avec 1 pièce jointe".to_owned(),
        n => format!(" avec {n} pièces jointes"),
    };
    format!("{what}{files}")
}

fn reopen_held(t: &Text, e: &ReopenHeld) -> String {
    format!(
        "aurait rouvert le ticket, et une personne décide : les demandeurs l’avaient rouvert {} fois en {}",
        e.reopenings,
        form::span(t, e.within_ms)
    )
}

fn priority_changed(t: &Text, e: &PriorityChanged) -> String {
    let name = |priority| form::priority(t, priority).to_lowercase();
    let mut notes = Vec::new();
    notes.extend(e.urgency.map(|urgency| words::urgency(urgency).to_owned()));
    notes.extend(e.impact.map(|impact| words::impact(impact).to_owned()));
    notes.extend(e.reason.clone());
    let text = if e.from == e.to {
        format!("a réévalué le ticket, la priorité reste {}", name(e.to))
    } else {
        format!("a changé la priorité de {} à {}", name(e.from), name(e.to))
    };
    text + &because(Some(notes.join(", ")).filter(|n| !n.is_empty()).as_deref())
}

fn tags_changed(added: &[String], removed: &[String]) -> String {
    match (added.is_empty(), removed.is_empty()) {
        (false, false) => format!("a ajouté {} et retiré {}", tags(added), tags(removed)),
        (false, true) => format!("a ajouté {}", tags(added)),
        (true, _) => format!("a retiré {}", tags(removed)),
    }
}

fn tags(tags: &[String]) -> String {
    let article = if tags.len() == 1 { "l’étiquette" } else { "les étiquettes" };
    format!("{article} {}", tags.join(", "))
}

fn changed(what: &str, from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("a changé {what} de {from} à {to}"),
        (None, Some(to)) => format!("a fixé {what} à {to}"),
        (Some(from), None) => format!("a vidé {what}, qui valait {from}"),
        (None, None) => format!("a vidé {what}"),
    }
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => shortened(text),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Flag(flag) => if *flag { "oui" } else { "non" }.to_owned(),
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map_or(String::new(), |r| format!(" ({})", shortened(r)))
}

fn quote(text: &Personal) -> String {
    match text {
        Personal::Plain(plain) => format!("« {} »", shortened(plain)),
        Personal::Sealed(_) => "[scellé]".to_owned(),
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
