//! The made-up desk is accepted by the rules and the same every time.

use std::collections::{BTreeMap, BTreeSet};

use guichet_config::Configuration;
use guichet_rules::{Context, KnownArticle, Ticket, Unconfigured, allowed_verbs, decide, evolve};
use guichet_schemas::codec::{self, Encoding, RequestKey};
use guichet_schemas::command::{Command, Entity, Order};
use guichet_schemas::event::{
    Classification, Confirmation, Conversation, Event, LifeCycle, Ownership, TicketEvent,
};
use guichet_schemas::ids::{CallerId, TenantId, TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::verb::VERBS;
use guichet_schemas::wire;
use guichet_schemas::words::TicketState;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use guichet_config::drafts::checked;

fn until() -> Timestamp {
    Timestamp::parse("2026-11-20T16:00:00Z").unwrap()
}

/// A command as the engine reads it: every limit of the contract is checked on the way.
fn received(entity: Entity, verb: &str, command: &wire::Command) -> Command {
    let verb = VERBS.iter().find(|v| **v == verb).unwrap();
    let subject = CommandSubject {
        tenant: TenantId::default_tenant(),
        caller: CallerId::parse("cli").unwrap(),
        entity,
        verb,
    };
    codec::decode_command(subject, Encoding::Protobuf, &command.encode_to_vec(), None, &RequestKey([0; 32]))
        .unwrap()
        .command
}

fn import(import: Import) -> Command {
    let command = wire::Command {
        command_id: vec![7; 16],
        actor: cast::system("demo")
            .to_wire()
            .map(|a| wire::Actor { kind: wire::ActorKind::Service as i32, ..a }),
        data: import.to_wire().map(wire::command::Data::Import),
        ..wire::Command::default()
    };
    received(Entity::New, "import", &command)
}

fn context() -> Context<'static> {
    Context {
        now: until(),
        next_number: TicketNumber(1),
        external_ref_of: None,
        desk: &Unconfigured,
        config_version: 0,
        fresh: TicketId(uuid::Uuid::nil()),
        article: KnownArticle::Elsewhere,
        other: None,
        others: &[],
        stored: None,
    }
}

/// Every event of the demo's fortnight.
const SHOWN: &[&str] = &[
    "TicketCreated",
    "StatusChanged",
    "TicketResolved",
    "TicketReopened",
    "TicketClosed",
    "TicketCancelled",
    "TicketRouted",
    "TicketAssigned",
    "TicketEscalated",
    "TicketDeescalated",
    "CommentAdded",
    "PriorityChanged",
    "CategoryChanged",
    "TagsChanged",
];

/// The verb that would have led to an event; none: no verb of a person is needed.
fn verb_of(event: &Event) -> Option<&'static str> {
    let Event::Ticket(event) = event else { return None };
    match event {
        TicketEvent::LifeCycle(event) => match event {
            LifeCycle::TicketCreated(_) | LifeCycle::TicketImported(_) => None,
            LifeCycle::StatusChanged(_) => Some("set_status"),
            LifeCycle::TicketResolved(_) => Some("resolve"),
            LifeCycle::TicketReopened(_) => Some("reopen"),
            LifeCycle::TicketClosed(_) => Some("close"),
            LifeCycle::TicketCancelled(_) => Some("cancel"),
        },
        TicketEvent::Ownership(event) => match event {
            Ownership::TicketRouted(_) | Ownership::TicketAssigned(_) => Some("assign"),
            Ownership::TicketUnassigned(_) => Some("unassign"),
            Ownership::TicketEscalated(_) => Some("escalate"),
            Ownership::TicketDeescalated(_) => Some("deescalate"),
            Ownership::TicketClaimed(_) | Ownership::ClaimReleased(_) | Ownership::ParticipantsChanged(_) => {
                None
            }
        },
        TicketEvent::Conversation(Conversation::CommentAdded(_) | Conversation::ReopenHeld(_)) => {
            Some("add_comment")
        }
        TicketEvent::Relations(_) => None,
        TicketEvent::Confirmation(event) => Some(match event {
            Confirmation::ResolutionProposed(_) => "propose_resolution",
            Confirmation::ResolutionConfirmed(_) => "confirm_resolution",
            Confirmation::ResolutionRejected(_) => "reject_resolution",
        }),
        TicketEvent::Classification(Classification::PriorityChanged(_)) => Some("set_priority"),
        TicketEvent::Classification(Classification::TypeChanged(_)) => Some("set_type"),
        TicketEvent::Classification(Classification::DueDateSet(_)) => Some("set_due_date"),
        TicketEvent::Classification(Classification::CategoryChanged(_)) => Some("set_category"),
        TicketEvent::Classification(Classification::TagsChanged(_)) => Some("change_tags"),
        TicketEvent::Conversation(Conversation::CallLogged(_) | Conversation::ChannelSwitched(_))
        | TicketEvent::Classification(_)
        | TicketEvent::Satisfaction(_)
        | TicketEvent::Work(_)
        | TicketEvent::Moderation(_)
        | TicketEvent::Assistance(_)
        | TicketEvent::Attachments(_) => None,
    }
}

/// Decides and folds an import as the engine does; every fact must be one that the ticket allowed then.
fn lived(history: Import) -> Ticket {
    let name = history.external_id.clone();
    let facts = history.events.clone();
    let drafts = decide(None, &import(history), &context()).unwrap_or_else(|r| panic!("{name}: {r}"));
    let mut ticket: Option<Ticket> = None;
    for draft in &drafts {
        if let (Some(verb), Some(t)) = (verb_of(&draft.event), &ticket) {
            assert!(
                allowed_verbs(t.state()).contains(&verb),
                "{name}: {verb} on a ticket that is {}",
                t.state()
            );
        }
        assert_eq!(draft.source_time, None, "{name}: a fact steps back in time");
        ticket = Some(evolve(ticket, &draft.event, draft.occurred_at.unwrap()));
    }
    // What the engine fills in, the facts said already.
    for (draft, fact) in drafts[1..].iter().zip(&facts).filter(|(d, _)| d.event.created().is_none()) {
        assert_eq!(draft.event, fact.event, "{name}");
    }
    ticket.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_engine_takes_every_history_and_each_fact_was_possible_then(seed: u64, days in 0_u32..30, tickets in 0_u32..60) {
        let histories: Vec<Import> = history(Plan { seed, until: until(), days, tickets }).collect();
        prop_assert_eq!(histories.len(), tickets as usize);
        for history in histories {
            prop_assert!(history.events.iter().all(|f| f.occurred_at <= until()));
            lived(history);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes(seed: u64) {
        let bytes = |seed| -> Vec<Vec<u8>> {
            history(Plan { seed, until: until(), days: 5, tickets: 8 }).map(import_bytes).collect()
        };
        prop_assert_eq!(bytes(seed), bytes(seed));
        prop_assert_ne!(bytes(seed), bytes(seed.wrapping_add(1)));
        let live_bytes = |seed| -> Vec<Vec<u8>> { live(seed).iter().map(|c| c.command.encode_to_vec()).collect() };
        prop_assert_eq!(live_bytes(seed), live_bytes(seed));
    }
}

fn import_bytes(import: Import) -> Vec<u8> {
    import.to_wire().unwrap().encode_to_vec()
}

#[test]
fn a_fortnight_shows_everything_that_a_desk_knows() {
    let histories: Vec<Import> = history(Plan::fortnight(42, until())).collect();
    let mut states: BTreeMap<TicketState, u32> = BTreeMap::new();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut unassigned, mut created) = (0, Vec::new());
    let (mut channels, mut categories, mut languages) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for history in histories {
        for fact in &history.events {
            *seen.entry(fact.event.type_name()).or_default() += 1;
            if let Some(e) = fact.event.created() {
                created.push(fact.occurred_at);
                channels.insert(e.channel);
                categories.insert(e.category.clone());
                languages.insert(e.language.clone());
            }
        }
        let ticket = lived(history);
        *states.entry(ticket.state()).or_default() += 1;
        unassigned += u32::from(ticket.assignee.is_none() && ticket.state() == TicketState::New);
    }
    println!("{states:?}\n{seen:?}\nunassigned {unassigned}");
    assert!(created.is_sorted(), "tickets come in the order of their numbers");
    assert_eq!(states.values().sum::<u32>(), 400);
    for state in TicketState::ALL {
        assert!(states.get(state).is_some_and(|n| *n > 0), "no ticket is {state}: {states:?}");
    }
    for name in SHOWN {
        assert!(seen.contains_key(name), "no {name}: {seen:?}");
    }
    assert!(seen.keys().all(|name| SHOWN.contains(name)), "the demo shows more: {seen:?}");
    assert!(unassigned > 0);
    assert!(
        channels.len() >= 4 && categories.len() >= 15 && languages.len() == 2,
        "{channels:?} {categories:?}"
    );
    // An outage: at least five tickets within 20 minutes.
    assert!(created.windows(5).any(|w| w[4].since(w[0]) < 20 * 60_000), "no burst");
}

fn configured() -> Configuration {
    checked(&configure::drafts(), until())
        .unwrap_or_else(|(draft, fault)| panic!("{} {}: {fault}", draft.kind, draft.id))
}

#[test]
fn everybody_in_the_history_works_in_a_group_that_is_configured() {
    let configuration = configured();
    let groups = configuration.groups(until()).unwrap();
    let mut seen = BTreeSet::new();
    for fact in history(Plan::fortnight(42, until())).flat_map(|import| import.events) {
        let Event::Ticket(TicketEvent::Ownership(event)) = fact.event else { continue };
        seen.extend(match event {
            Ownership::TicketRouted(e) => e.to_group,
            Ownership::TicketAssigned(e) => e.group,
            Ownership::TicketUnassigned(_)
            | Ownership::TicketEscalated(_)
            | Ownership::TicketDeescalated(_)
            | Ownership::TicketClaimed(_)
            | Ownership::ClaimReleased(_)
            | Ownership::ParticipantsChanged(_) => None,
        });
    }
    assert!(seen.len() > 5, "{seen:?}");
    let unknown: Vec<_> = seen.iter().filter(|group| groups.get(group).is_none()).collect();
    assert!(unknown.is_empty(), "not configured: {unknown:?}");
    // It is an example too. Only its promises are old: every ticket of a history of any length is judged by them.
    let advice = guichet_config::lint(&configuration, until());
    let advice: Vec<_> = advice.iter().map(|fault| (fault.path.as_str(), &fault.rule[..22])).collect();
    assert_eq!(advice, [("sla_policies", "nobody has changed it ")]);
}

#[test]
fn the_desk_takes_every_live_command() {
    let configuration = configured();
    let desk = configuration.at(until());
    let mut tickets: BTreeMap<String, (Ticket, u64)> = BTreeMap::new();
    let commands = live(42);
    assert!((45..=60).contains(&commands.len()), "{}", commands.len());
    let mut verbs = BTreeSet::new();
    for (n, sent) in commands.iter().enumerate() {
        verbs.insert(sent.verb);
        let command = received(sent.entity, sent.verb, &sent.command);
        let Entity::Ticket(id) = sent.entity else { panic!("live commands name their ticket") };
        let ticket = tickets.remove(&id.to_string());
        let number = tickets.len() as u64 + 1;
        let context = Context { next_number: TicketNumber(number), desk: &desk, ..context() };
        let drafts = decide(ticket.as_ref().map(|(t, _)| t), &command, &context)
            .unwrap_or_else(|r| panic!("command {n}, {}: {r}", sent.verb));
        assert!(!drafts.is_empty(), "command {n}, {}: nothing to do", sent.verb);
        assert!(matches!(command.order, Order::Create(_)) == ticket.is_none(), "command {n}");
        let mut ticket = ticket;
        for draft in drafts {
            let at = Timestamp(until().0 + n as i64);
            ticket = Some((evolve(ticket.map(|(t, _)| t), &draft.event, at), number));
        }
        tickets.insert(id.to_string(), ticket.unwrap());
    }
    // The history is imported; what is configured, and what clocks find in it, is not part of it. Commands are the same
    // whenever the demo starts, so none can name an instant to come.
    let others = [
        "import",
        "create_follow_up",
        "request_information",
        "propose_resolution",
        "confirm_resolution",
        "reject_resolution",
        "set_field",
        "link",
        "unlink",
        "merge",
        "split",
        "declare_problem",
        "broadcast_to_linked",
        "link_external",
        "link_asset",
        "set_due_date",
        "record_access",
        "attach_procedure",
        "complete_step",
        "publish_article",
        "publish_article_from_ticket",
        "retire_article",
        "publish_config",
        "retire_config",
        "void_sla_breach",
        "fire_time_rule",
        "log_call",
        "schedule_follow_up",
        "set_restriction",
        // They name bytes, which a command does not bring.
        "add_attachment",
        "report_scan",
        "redact_attachment",
        // They name what another command made, and a claim that is renewed at once stays as it is.
        "rate",
        "complete_task",
        "cancel_task",
        "decide_approval",
        "renew_claim",
        "make_comment_private",
        "redact_comment",
        "approve_reply",
        "reject_reply",
        "review_decision",
        "add_side_message",
        "close_side_conversation",
        "accept_suggestion",
    ];
    let is_shown = |verb: &&&str| !others.contains(*verb) && !verb.starts_with("record_sla");
    let missing: Vec<_> = VERBS.iter().filter(is_shown).filter(|v| !verbs.contains(**v)).collect();
    assert!(missing.is_empty(), "not shown: {missing:?}");
    let states: BTreeSet<TicketState> = tickets.values().map(|(t, _)| t.state()).collect();
    assert!(states.len() >= 5, "{states:?}");
}
