//! What time rules wait for, and what ends their waiting.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use guichet_config::{Attributes, Publication, TimeRule};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;
use guichet_sla::{Fact, Happening, Rulebook, Ticket, order};
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;

fn at(hour: i64) -> Timestamp {
    Timestamp(hour * HOUR)
}

fn book(rules: Value) -> Rulebook {
    let rules: Vec<TimeRule> = serde_json::from_value(rules).unwrap();
    let mut book = Rulebook::default();
    book.publish_time_rules(at(0), at(0), rules);
    book
}

/// Hours and names of what the rules did until an hour.
fn lived(book: &Rulebook, happenings: &[(i64, Happening)], until: i64) -> Vec<(i64, &'static str, u32)> {
    let (mut ticket, mut facts) = (Ticket::new(Attributes::new(), 1, book), Vec::new());
    for (hour, happening) in happenings {
        ticket.apply(at(*hour), happening, book, &mut facts);
        if !matches!(happening, Happening::Created { .. }) {
            ticket.apply(at(*hour), &Happening::Updated, book, &mut facts);
        }
    }
    ticket.advance(at(until), book, &mut facts);
    order(&mut facts);
    facts.iter().map(|fact: &Fact| (fact.at.0 / HOUR, fact.kind.name(), fact.instance)).collect()
}

const CREATED: Happening = Happening::Created { outbound: false, assigned: false };

#[test]
fn a_silence_ends_with_whatever_somebody_does_and_begins_anew() {
    let book = book(json!([{"id": "silent", "when": "no_update", "seconds": 4 * 3600, "hours": "calendar"}]));
    let lives = [
        (1, CREATED),
        (4, Happening::RequesterComment),
        (20, Happening::PublicReply),
        (21, Happening::Status(TicketState::Resolved)),
    ];
    assert_eq!(
        lived(&book, &lives, 99),
        [
            (1, "TimeRuleArmed", 1),
            (4, "TimeRuleDisarmed", 1),
            (4, "TimeRuleArmed", 2),
            (8, "TimeRuleFired", 2),
            (20, "TimeRuleArmed", 3),
            (21, "TimeRuleDisarmed", 3),
        ],
        "once for a silence, and what is done is silent for good"
    );
}

#[test]
fn nobody_has_it_until_somebody_does() {
    let rule = json!([{
        "id": "nobody", "when": "unassigned_age", "states": ["new", "open"], "seconds": 4 * 3600,
        "hours": "calendar", "repeat": true,
    }]);
    let lives = [
        (1, CREATED),
        // Other things happen, and nobody has it all the same.
        (2, Happening::RequesterComment),
        (3, Happening::Status(TicketState::Open)),
        (10, Happening::Assigned),
        (30, Happening::Unassigned),
        (31, Happening::Status(TicketState::Pending)),
    ];
    assert_eq!(
        lived(&book(rule), &lives, 99),
        [
            (1, "TimeRuleArmed", 1),
            (5, "TimeRuleFired", 1),
            (5, "TimeRuleArmed", 2),
            (9, "TimeRuleFired", 2),
            (9, "TimeRuleArmed", 3),
            (10, "TimeRuleDisarmed", 3),
            (30, "TimeRuleArmed", 4),
            (31, "TimeRuleDisarmed", 4),
        ]
    );
}

#[test]
fn what_is_resolved_is_closed_after_four_days_or_as_is_published() {
    let resolved = [(1, CREATED), (2, Happening::Status(TicketState::Resolved))];
    let mut book = Rulebook::of_desk();
    let closes = |book: &Rulebook| {
        let facts = lived(book, &resolved, 24 * 9);
        let fired = facts.into_iter().find(|(_, name, _)| *name == "TimeRuleFired");
        fired.map(|(hour, ..)| hour)
    };
    assert_eq!(closes(&book), Some(2 + 4 * 24));
    let publication = |hour, retired, body: &str| Publication {
        kind: guichet_config::Kind::Lifecycle,
        id: guichet_config::THE_ONE.to_owned(),
        version: 1,
        effective_from: at(hour),
        apply: guichet_config::Apply::OpenClocks,
        retired,
        body: body.into(),
    };
    book.take(at(27), &publication(30, false, r#"{"auto_close_after_s":86400}"#));
    assert_eq!(closes(&book), Some(30), "it would be over, and is over when that is said: not before");
    book.take(at(28), &publication(28, true, ""));
    assert_eq!(closes(&book), Some(2 + 4 * 24), "retired before it was effective");
    assert_eq!(lived(&Rulebook::default(), &resolved, 999), []);
}

#[test]
fn a_rule_acts_while_what_it_waited_for_lasts() {
    let rules = json!([
        {"id": "waiting", "states": ["pending", "hold"], "seconds": 2 * 3600, "hours": "calendar", "repeat": true},
        {"id": "nobody", "when": "unassigned_age", "states": ["open"], "seconds": 4 * 3600, "hours": "calendar"},
    ]);
    let book = book(rules);
    let (mut ticket, mut facts) = (Ticket::new(Attributes::new(), 1, &book), Vec::new());
    let mut tell = |hour: i64, happening: Happening| {
        ticket.apply(at(hour), &happening, &book, &mut facts);
        let fired = facts.iter().filter(|fact| fact.kind.name() == "TimeRuleFired");
        fired.map(|fact| (fact.of.to_string(), fact.instance, ticket.still_holds(fact))).collect::<Vec<_>>()
    };
    tell(1, CREATED);
    tell(2, Happening::Status(TicketState::Pending));
    let waiting = |instance, holds| ("rule:waiting".to_owned(), instance, holds);
    let both = vec![waiting(1, true), waiting(2, true)];
    assert_eq!(tell(7, Happening::Status(TicketState::Hold)), both, "from one of its states into another");
    let over = vec![waiting(1, false), waiting(2, false)];
    assert_eq!(tell(7, Happening::Status(TicketState::Open)), over);
    assert_eq!(tell(8, Happening::Status(TicketState::Pending)), over, "another stay");
    tell(8, Happening::Status(TicketState::Open));
    let nobody = |instance, holds| ("rule:nobody".to_owned(), instance, holds);
    assert_eq!(tell(13, Happening::RequesterComment).last(), Some(&nobody(2, true)));
    tell(14, Happening::Status(TicketState::Pending));
    let left_and_came_back = tell(15, Happening::Status(TicketState::Open));
    assert_eq!(left_and_came_back.iter().rfind(|(name, ..)| name == "rule:nobody"), Some(&nobody(2, false)));
}
