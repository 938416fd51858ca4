//! Nothing that a caller may send and nothing that a log may hold makes a decision panic, or what it writes grow beyond
//! its bound.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[path = "support/anything.rs"]
mod anything;

use anything::{Dice, NUMBERS};
use guichet_rules::{
    Action, ClosedMessage, Context, DeskRules, FiredRule, Found, KnownArticle, Life, Other, PendingGuard,
    ProcedureRule, Ticket, Unconfigured, decide, evolve, missed,
};
use guichet_schemas::codec::{Encoding, RequestKey, decode_command};
use guichet_schemas::command::{Command, Order, limits};
use guichet_schemas::event::{Actor, CommentAdded, Event, ReplyDrafted, ResolutionProposed, TicketCreated};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::StreamVersion;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::verb::VERBS;
use guichet_schemas::wire;
use guichet_schemas::words::{ActorKind, EscalationReason, Priority, TicketState};
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::ReflectMessage as _;
use uuid::Uuid;

/// A desk that has configured anything.
#[derive(Debug)]
struct Anyone {
    life: Life,
    rule: Option<FiredRule>,
}

impl DeskRules for Anyone {
    fn may(&self, command: &Command) -> Result<(), Rejection> {
        // The refusals are tested by examples; here everybody comes through.
        if command.dry_run { Unconfigured.may(command) } else { Ok(()) }
    }
    fn knows(&self, _: &Order) -> Result<(), FieldError> {
        Ok(())
    }
    fn life(&self) -> Life {
        self.life
    }
    fn is_supervised(&self, command: &Command) -> bool {
        command.actor.id.len().is_multiple_of(4)
    }
    fn mentor(&self, agent: &str) -> Option<String> {
        (!agent.is_empty()).then(|| "bob".to_owned())
    }
    fn authority(&self, agent: &str) -> Option<Priority> {
        agent.len().is_multiple_of(3).then_some(Priority::Normal)
    }
    fn procedure(&self, _: &str) -> Option<ProcedureRule> {
        let steps = vec![("ask".to_owned(), false), ("do".to_owned(), true)];
        self.rule.is_some().then_some(ProcedureRule { version: 1, steps })
    }
    fn time_rule(&self, _: &str) -> Option<FiredRule> {
        self.rule.clone()
    }
}

fn desk(dice: &mut Dice) -> Anyone {
    let window = |dice: &mut Dice| dice.often().then(|| dice.one(NUMBERS));
    let tags = (0..dice.below(70)).map(|n| format!("tag {}", n / 2)).collect();
    let actions = vec![
        Action::SetPriority { priority: dice.one(Priority::ALL) },
        Action::AddTags { tags },
        Action::Escalate {
            to_tier: u32::try_from(dice.below(6)).unwrap(),
            reason: EscalationReason::TimeLimit,
        },
        Action::Note { text: "nobody looked".to_owned() },
        Action::Resolve {},
        Action::Close {},
    ];
    Anyone {
        life: Life {
            pending_guard: dice.one(&[PendingGuard::Off, PendingGuard::Warn, PendingGuard::Enforce]),
            auto_assign_on_resolve: dice.often(),
            escalation_needs_tag: dice.often(),
            resolve_requires_confirmation: !dice.often(),
            reopen_window_ms: window(dice),
            reopen_closed_ms: window(dice),
            closed_message: dice.one(&[ClosedMessage::FollowUp, ClosedMessage::Keep, ClosedMessage::Refuse]),
            reopen_limit: u32::try_from(dice.below(4)).unwrap(),
            reopen_limit_within_ms: dice.one(NUMBERS),
            rating_window_ms: dice.one(NUMBERS),
            bot_replies_count: dice.often(),
        },
        rule: dice.often().then(|| FiredRule { states: TicketState::ALL.to_vec(), actions }),
    }
}

fn instant(dice: &mut Dice) -> Timestamp {
    Timestamp(dice.one(&[i64::MIN, -1, 0, 1, 36_000_000, 1_764_000_000_000, 7_258_118_400_000, i64::MAX]))
}

/// A ticket of a log that holds anything; one in eight times there is none.
fn ticket(dice: &mut Dice) -> Option<Ticket> {
    let mut ticket = None;
    for _ in 0..dice.below(8) {
        let Some(data) = dice.wire::<wire::Record>("Record").data else { continue };
        if let Ok(event) = Event::from_wire(data) {
            ticket = Some(evolve(ticket, &event, instant(dice)));
        }
    }
    ticket
}

/// A command that the codec takes, with numbers that it would not; `None`: drawn outside its rules.
fn command(dice: &mut Dice) -> Option<Command> {
    let verb = dice.one(VERBS);
    let entity = if dice.often() { "01980000-0000-7000-8000-000000000001" } else { "new" };
    let entity = match verb {
        "create" if entity == "new" => "new",
        "create_follow_up" | "import" => "new",
        "publish_config" | "retire_config" => "config",
        "record_access" => "desk",
        "publish_article" | "publish_article_from_ticket" | "retire_article" => "articles",
        _ => "01980000-0000-7000-8000-000000000001",
    };
    let subject = CommandSubject::parse(&format!("guichet.v1.cmd.default.any.{entity}.{verb}")).unwrap();
    let message: String = verb.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    let mut envelope = dice.given("Command");
    let data = envelope.descriptor().get_field_by_name(verb).unwrap();
    let payload = dice.given(&message);
    envelope.set_field(&data, prost_reflect::Value::Message(payload));
    let mut wire = wire::Command::decode(envelope.encode_to_vec().as_slice()).unwrap();
    wire.expected_version = None;
    within(&mut wire, dice);
    let body = wire.encode_to_vec();
    let request = decode_command(subject, Encoding::Protobuf, &body, None, &RequestKey([0; 32])).ok()?;
    let mut command = request.command;
    command.expected_version = dice.often().then(|| dice.one(NUMBERS));
    if let Order::RecordSlaWarning(order) = &mut command.order {
        order.config_version = Some(dice.one(NUMBERS));
    } else if let Order::RecordSlaBreach(order) = &mut command.order {
        order.consumed_s = Some(dice.one(NUMBERS));
    } else if let Order::FireTimeRule(order) = &mut command.order {
        order.config_version = Some(dice.one(NUMBERS));
    }
    Some(command)
}

/// Brings what is drawn nearer to the rules between fields, so that most of it is decided.
fn within(wire: &mut wire::Command, dice: &mut Dice) {
    use wire::command::Data;
    match wire.data.as_mut() {
        Some(Data::ChangeTags(order)) => {
            order.add.truncate(limits::TAGS);
            order.remove.truncate(limits::TAGS);
            let add = order.add.clone();
            order.remove.retain(|tag| !add.contains(tag));
        }
        Some(Data::Import(order)) => {
            order.part = dice.one(&[1, 1, 2, u32::MAX]);
            order.parts = order.parts.max(order.part);
            order.events.retain(|fact| !matches!(fact.r#type.as_str(), "TicketCreated" | "TicketImported"));
            if order.part == 1 {
                let created =
                    wire::TicketCreated::decode(dice.given("TicketCreated").encode_to_vec().as_slice())
                        .unwrap();
                let data = Some(wire::fact::Data::TicketCreated(created));
                order.events.insert(
                    0,
                    wire::Fact { r#type: "TicketCreated".to_owned(), occurred_at: 1, actor: None, data },
                );
            }
            for fact in &mut order.events {
                fact.occurred_at = fact.occurred_at.max(1);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn decide_never_panics(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let desk = desk(&mut dice);
        let mut ticket = ticket(&mut dice);
        let mut version = ticket.is_some().then(|| StreamVersion::new(dice.one(&NUMBERS[1..])).unwrap());
        for _ in 0..12 {
            let created = wire::TicketCreated::decode(dice.given("TicketCreated").encode_to_vec().as_slice());
            let created = TicketCreated::from_wire(created.ok()).ok();
            let proposed =
                wire::ResolutionProposed::decode(dice.given("ResolutionProposed").encode_to_vec().as_slice());
            let proposed = ResolutionProposed::from_wire(proposed.ok()).ok();
let said = wire::CommentAdded::decode(dice.given("CommentAdded").encode_to_vec().as_slice()); let drafted = wire::ReplyDrafted::decode(dice.given("ReplyDrafted").encode_to_vec().as_slice()); let event = match dice.one(&[0, 1, 2, 3]) { 0 => created.map(Event::from), 1 => CommentAdded::from_wire(said.ok()).ok().map(Event::from), 2 => ReplyDrafted::from_wire(drafted.ok()).ok().map(Event::from), _ => proposed.map(Event::from), }; let by = Actor { kind: ActorKind::Agent, id: "bob".to_owned(), on_behalf_of: None }; let found = (!dice.often()).then(|| Found { version: dice.one(NUMBERS), by }); let other = ticket.clone().map(|ticket| Other { id: TicketId(Uuid::nil()), ticket, event, said: Vec::new(), found });
            let context = Context {
                now: instant(&mut dice),
                next_number: TicketNumber(dice.one(NUMBERS)),
                external_ref_of: (!dice.often()).then_some(TicketId(Uuid::nil())),
                desk: &desk,
                config_version: dice.one(NUMBERS),
                fresh: TicketId(Uuid::from_u128(1)),
                article: dice.one(&[KnownArticle::Elsewhere, KnownArticle::Unknown]),
                other: other.as_ref(),
                others: other.as_slice(),
                stored: None,
            };
            let Some(command) = command(&mut dice) else { continue };
            if !command.expects(version) {
                let missed = missed(command.expected_version.unwrap_or(0), version, 20);
                prop_assert!(missed.count == 0 || missed.from <= StreamVersion::or_zero(version));
            }
            let Ok(drafts) = decide(ticket.as_ref(), &command, &context) else { continue };
            let bytes: usize = drafts.iter().map(|draft| {
                let data = Some(draft.event.clone().to_wire());
                wire::Record { data, ..wire::Record::default() }.encoded_len()
            }).sum();
            prop_assert!(bytes <= limits::RECORDS_BYTES, "{bytes} bytes of records by one {}", command.order.verb());
            for draft in drafts {
                ticket = Some(evolve(ticket, &draft.event, draft.occurred_at.unwrap_or(context.now)));
                version = Some(StreamVersion::after(version));
            }
        }
    }
}

#[test]
fn what_is_drawn_is_mostly_taken_and_of_every_verb() {
    let mut dice = Dice::new(1);
    let mut taken = std::collections::BTreeMap::new();
    for _ in 0..4_000 {
        if let Some(command) = command(&mut dice) {
            *taken.entry(command.order.verb()).or_insert(0) += 1;
        }
    }
    let missing: Vec<_> = VERBS.iter().filter(|verb| taken.get(*verb).is_none_or(|n| *n < 5)).collect();
    assert!(missing.is_empty(), "never drawn as the codec takes it: {missing:?} of {taken:?}");
}
