//! What a publication does to a ticket, and what it must not do. Each of these once went wrong.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::collections::BTreeMap;

use guichet_config::{Apply, Attributes, Policy, TimeRule};
use guichet_rules::calendar::Definition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;
use guichet_sla::{Fact, Happening, Recorded, Rulebook, Ticket, order};
use serde_json::json;

const HOUR: i64 = 3_600_000;
/// Monday.
const MONDAY: &str = "2026-03-09T00:00:00Z";

fn at(hour: i64) -> Timestamp {
    Timestamp(Timestamp::parse(MONDAY).unwrap().0 + hour * HOUR)
}

fn policy(seconds: u32, hours: &str, warn: &[u32]) -> Policy {
    let target = json!({
        "metric": "resolution", "seconds": seconds, "hours": hours, "calendar": "desk", "warn_pct": warn,
    });
    serde_json::from_value(json!({"id": "all", "targets": [target]})).unwrap()
}

fn rule(id: &str, states: &[&str]) -> TimeRule {
    let rule = json!({"id": id, "states": states, "seconds": 7200, "hours": "calendar"});
    serde_json::from_value(rule).unwrap()
}

fn open_all_day(holidays: &[&str]) -> Definition {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = || vec![("00:00".to_owned(), "24:00".to_owned())];
    Definition {
        effective_from: None,
        tz: "UTC".to_owned(),
        weekly: days.iter().map(|name| ((*name).to_owned(), day())).collect(),
        holidays: holidays.iter().map(|day| (*day).to_owned()).collect(),
        special: BTreeMap::new(),
    }
}

fn created(book: &Rulebook) -> (Ticket, Vec<Fact>) {
    let mut ticket = Ticket::new(Attributes::new(), 1, book);
    let mut facts = Vec::new();
    ticket.apply(at(9), &Happening::Created { outbound: false, assigned: true }, book, &mut facts);
    (ticket, facts)
}

/// Hours since Monday and names of what others must know.
fn alarms(facts: &mut [Fact]) -> Vec<(i64, &'static str)> {
    order(facts);
    let alarms = facts.iter().filter(|fact| fact.kind.is_alarm());
    alarms.map(|fact| ((fact.at.0 - at(0).0) / HOUR, fact.kind.name())).collect()
}

#[test]
fn a_rule_that_fired_does_not_fire_again_because_another_one_is_published() {
    let mut book = Rulebook::default();
    book.publish_time_rules(at(0), at(0), vec![rule("waiting", &["pending", "hold"])]);
    let (mut ticket, mut facts) = created(&book);
    ticket.apply(at(10), &Happening::Status(TicketState::Pending), &book, &mut facts);
    book.publish_time_rules(
        at(20),
        at(20),
        vec![rule("waiting", &["pending", "hold"]), rule("other", &["new"])],
    );
    // From one of its states into another: the condition has not been false.
    ticket.apply(at(30), &Happening::Status(TicketState::Hold), &book, &mut facts);
    ticket.advance(at(40), &book, &mut facts);
    assert_eq!(alarms(&mut facts), [(12, "TimeRuleFired")]);
    ticket.apply(at(40), &Happening::Status(TicketState::Open), &book, &mut facts);
    ticket.apply(at(50), &Happening::Status(TicketState::Pending), &book, &mut facts);
    ticket.advance(at(60), &book, &mut facts);
    assert_eq!(
        alarms(&mut facts),
        [(12, "TimeRuleFired"), (52, "TimeRuleFired")],
        "it was, so it begins again"
    );
}

#[test]
fn hours_that_are_there_after_all_warn_and_fire_when_that_is_published() {
    let mut book = Rulebook::default();
    book.publish_calendar(at(0), at(0), "desk", open_all_day(&["2026-03-10"]).hours().unwrap());
    book.publish_policies(at(0), at(0), Apply::OpenClocks, vec![policy(4 * 3600, "business", &[150, 200])]);
    let mut timed = rule("open", &["new"]);
    (timed.seconds, timed.hours, timed.calendar) =
        (20 * 3600, guichet_config::HoursKind::Business, Some("desk".to_owned()));
    book.publish_time_rules(at(0), at(0), vec![timed]);
    let (mut ticket, mut facts) = created(&book);
    // Monday 9:00 to midnight are 15 hours; Tuesday was no holiday, as everybody hears on Wednesday at 2.
    book.publish_calendar(at(50), at(0), "desk", open_all_day(&[]).hours().unwrap());
    ticket.advance(at(51), &book, &mut facts);
    let expected = [(13, "SlaBreached"), (15, "SlaWarned"), (17, "SlaWarned"), (50, "TimeRuleFired")];
    assert_eq!(alarms(&mut facts)[..3], expected[..3]);
    ticket.advance(at(52), &book, &mut facts);
    assert_eq!(alarms(&mut facts), expected, "no rule acts before it could be known");
}

#[test]
fn a_publication_in_the_millisecond_of_an_event_is_not_lost_by_a_fact_that_is_recorded_late() {
    let mut book = Rulebook::default();
    book.publish_policies(at(0), at(0), Apply::OpenClocks, vec![policy(3600, "calendar", &[])]);
    let (mut ticket, mut facts) = created(&book);
    ticket.apply(at(12), &Happening::Assigned, &book, &mut facts);
    book.publish_time_rules(at(12), at(12), vec![rule("new", &["new"])]);
    // The breach of ten o'clock is recorded now: that is in the past of the ticket.
    ticket.advance(Timestamp(at(10).0 + 1), &book, &mut facts);
    ticket.advance(at(20), &book, &mut facts);
    assert_eq!(alarms(&mut facts), [(10, "SlaBreached"), (14, "TimeRuleFired")]);
}

#[test]
fn what_is_planned_is_due_in_time_for_who_asks_before() {
    let mut book = Rulebook::default();
    book.publish_policies(at(0), at(0), Apply::OpenClocks, vec![policy(200 * 3600, "calendar", &[])]);
    let (ticket, _) = created(&book);
    assert_eq!(ticket.next_due(&book, at(9)), Some(at(209)));
    book.publish_policies(at(10), at(18), Apply::OpenClocks, vec![policy(24 * 3600, "calendar", &[])]);
    assert_eq!(ticket.next_due(&book, at(10)), Some(at(33)));
    assert_eq!(book.next_plan(at(10)), Some(at(18)));
    assert_eq!(ticket.next_alarm(&book, &Recorded::default()), Some(at(33)));

    // What takes hold and gives more time counts as soon as it does.
    book.publish_policies(at(11), at(19), Apply::OpenClocks, vec![policy(300 * 3600, "calendar", &[])]);
    assert_eq!([at(18), at(19)].map(|now| ticket.next_due(&book, now)), [Some(at(33)), Some(at(309))]);
    assert_eq!(book.next_plan(at(19)), None);
}
