//! Commands of every verb: drawn field by field, and imports whose facts fit together, or nearly.

use guichet_schemas::{json, verb, wire};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};

use crate::desks::{CALLERS, UnderAttack};
use crate::message::Message;
use crate::shapes::{self, Hand};
use crate::words::Wild;
use guichet_test_support::mutate::Dice;

/// A command of any verb but those of other files.
pub(crate) fn command(desk: &UnderAttack, dice: &mut Dice) -> Message {
    loop {
        let verb = *dice.pick(verb::VERBS);
        if !matches!(verb, "import" | "publish_config") {
            return of_verb(verb, desk, dice);
        }
    }
}

fn of_verb(verb: &str, desk: &UnderAttack, dice: &mut Dice) -> Message {
    let wild = Wild::draw(dice);
    let entity = match verb {
        _ if wild.now(dice) => {
            (*dice.pick(&["new", "config", "desk", "0", "01980000-0000-7000-8000-00000000000G"])).to_owned()
        }
        "create" if dice.once_in(2) => "new".to_owned(),
        "create_follow_up" => "new".to_owned(),
        "retire_config" => "config".to_owned(),
        "record_access" => "desk".to_owned(),
        "publish_article" | "publish_article_from_ticket" | "retire_article" => "articles".to_owned(),
        _ => desk.ticket(dice).to_string(),
    };
    let caller = if ["retire_config", "record_access"].contains(&verb) { "cli" } else { *dice.pick(CALLERS) };
    let body = Hand::new(desk, wild, dice).named("Command", verb);
    sent("command", subject(desk, caller, &entity, verb), body, dice)
}

pub(crate) fn subject(desk: &UnderAttack, caller: &str, entity: &str, verb: &str) -> String {
    format!("guichet.v1.cmd.{}.{caller}.{entity}.{verb}", desk.tenant)
}

/// In one of the two encodings.
pub(crate) fn sent(kind: &'static str, subject: String, body: DynamicMessage, dice: &mut Dice) -> Message {
    let bytes = shapes::encoded(&body);
    if dice.once_in(2) {
        return Message::new(kind, subject, bytes).protobuf();
    }
    let command = wire::Command::decode(bytes.as_slice()).expect("drawn from its descriptor");
    Message::new(kind, subject, json::to_vec(&command))
}

/// A ticket of the desk under an id that we know: the first of a desk's messages.
pub(crate) fn creation(desk: &UnderAttack, n: usize, dice: &mut Dice) -> Message {
    let body = serde_json::json!({
        "command_id": dice.uuid(), "actor": {"kind": "agent", "id": "alice"},
        "data": {"subject": format!("Printer {n}"), "description": "It hums.", "channel": "email",
            "requester": {"id": format!("r-{n}")}, "tags": ["tag-1"], "product": format!("product-{n}")},
    });
    let entity = desk.known(n).to_string();
    Message::new("command", subject(desk, "shop", &entity, "create"), body.to_string().into_bytes())
}

/// What makes a desk.
pub(crate) fn tenant(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let body = serde_json::json!({
        "command_id": dice.uuid(), "actor": {"kind": "admin", "id": "root"},
        "data": {"kind": "tenant", "body": {"name": desk.tenant}},
    });
    Message::new(
        "configuration",
        subject(desk, "cli", "config", "publish_config"),
        body.to_string().into_bytes(),
    )
}

/// A history from elsewhere.
pub(crate) fn import(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let wild = Wild::draw(dice);
    let mut hand = Hand::new(desk, wild, dice);
    let mut body = hand.named("Command", "import");
    let facts = facts(&mut hand);
    let import = body.get_field_by_name_mut("import").and_then(Value::as_message_mut).expect("its own case");
    import.set_field_by_name("events", Value::List(facts));
    sent("import", subject(desk, "shop", "new", "import"), body, dice)
}

fn facts(hand: &mut Hand<'_>) -> Vec<Value> {
    let fact = shapes::of("Fact");
    let cases: Vec<_> = fact.fields().filter(|f| f.number() >= 100).collect();
    let first = cases.iter().find(|c| c.name() == "ticket_created").expect("a creation");
    let many = if hand.dice.once_in(30) { 400 } else { 1 + hand.dice.below(12) };
    // Some histories are one event again and again: what grows with each grows most there.
    let monotone = hand.dice.once_in(4).then(|| hand.dice.pick(&cases).clone());
    (0..many)
        .map(|n| {
            let case = match &monotone {
                _ if n == 0 && !hand.wild.now(hand.dice) => first.clone(),
                Some(case) => case.clone(),
                None => hand.dice.pick(&cases).clone(),
            };
            let mut drawn = hand.message(&fact, 1);
            for other in &cases {
                drawn.clear_field(other);
            }
            let value = hand.value(&case, 4);
            drawn.set_field(&case, value);
            if !hand.wild.now(hand.dice) {
                drawn.set_field_by_name("type", Value::String(camel(case.name())));
            }
            Value::Message(drawn)
        })
        .collect()
}

/// `ticket_created` as the type of an event has it.
fn camel(word: &str) -> String {
    word.split('_')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}
