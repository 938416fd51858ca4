//! Queries of every name, with ranges, cursors and limits that no page has.

use guichet_schemas::verb;
use serde_json::{Map, Value, json};

use crate::desks::{CALLERS, UnderAttack};
use crate::message::Message;
use crate::shapes::{self, Hand};
use crate::words::{self, Wild};
use guichet_test_support::mutate::Dice;

/// A query of any name.
pub(crate) fn query(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let name = *dice.pick(verb::QUERIES);
    let subject = format!("guichet.v1.query.{}.{}.{name}", desk.tenant, dice.pick(CALLERS));
    if dice.once_in(3) {
        return Message::new("query", subject, in_json(name, dice).to_string().into_bytes());
    }
    let wild = Wild::draw(dice);
    let body = Hand::new(desk, wild, dice).named("Query", name);
    Message::new("query", subject, shapes::encoded(&body)).protobuf()
}

/// Wide ones, as text: what a person might ask who does not know what it costs.
fn in_json(name: &str, dice: &mut Dice) -> Value {
    let wild = Wild::draw(dice);
    let mut body = Map::new();
    if name.starts_with("report_") {
        let (from, to) = *dice.pick(&[
            ("1970-01-01", "2200-01-01"),
            ("0001-01-01", "9999-12-31"),
            ("2026-01-01", "2027-01-01"),
            ("2026-11-01T00:00:00Z", "2026-11-02T12:00:00+14:00"),
            ("2027-01-01", "2026-01-01"),
        ]);
        body.extend([("from".to_owned(), from.into()), ("to".to_owned(), to.into())]);
        body.insert("period".to_owned(), (*dice.pick(&["day", "week", "month", "range"])).into());
        if dice.once_in(2) {
            let by =
                *dice.pick(&["product", "category", "agent", "group", "channel", "tier", "tag", "reason"]);
            body.insert("group_by".to_owned(), by.into());
        }
        if dice.once_in(4) {
            body.insert("zone".to_owned(), words::text("zone", wild, dice).into());
        }
    }
    for field in ["limit", "as_of", "as_of_position", "min_position", "wait_ms", "cursor", "text", "number"] {
        if !dice.once_in(5) {
            continue;
        }
        let value = match field {
            "limit" => words::short(field, wild, dice).into(),
            "as_of" => json!(*dice.pick(&[
                "2026-11-20T10:00:00.000Z",
                "1970-01-01T00:00:00.000Z",
                "9999-12-31T23:59:59.999Z",
                "0000-01-01T00:00:00.000Z"
            ])),
            "cursor" | "text" | "number" => words::text(field, wild, dice).into(),
            _ => words::unsigned(field, wild, dice).into(),
        };
        body.insert(field.to_owned(), value);
    }
    Value::Object(body)
}
