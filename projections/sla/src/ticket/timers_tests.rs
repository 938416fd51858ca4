//! Time that lies far back costs an evaluation, not a step for each time that a rule would have fired.

use guichet_config::Attributes;
use guichet_rules::calendar::{END, FIRST};
use guichet_schemas::time::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::Happening;

const DAY: i64 = 86_400_000;
/// 2026-03-09, a Monday.
const NOW: Timestamp = Timestamp(1_773_014_400_000);

fn book(rules: Value) -> Rulebook {
    let mut book = Rulebook::default();
    for (name, weekly, holidays) in [
        (
            "office",
            json!({"mon": [["09:00", "12:30"], ["14:00", "18:00"]], "thu": [["22:00", "30:00"]]}),
            json!([]),
        ),
        ("one-day", json!({"mon": [["09:00", "10:00"]]}), json!(["2026-03-09"])),
        ("never", json!({}), json!([])),
    ] {
        let definition = json!({"tz": "Australia/Lord_Howe", "weekly": weekly, "holidays": holidays});
        let definition: guichet_rules::calendar::Definition = serde_json::from_value(definition).unwrap();
        book.publish_calendar(FIRST, FIRST, name, definition.hours().unwrap());
    }
    let always = Timestamp(i64::MIN);
    book.publish_time_rules(always, always, serde_json::from_value(rules).unwrap());
    book
}

fn rule(id: &str, seconds: u32, calendar: Option<&str>) -> Value {
    let hours = if calendar.is_some() { "business" } else { "calendar" };
    json!({"id": id, "when": "no_update", "seconds": seconds, "hours": hours, "calendar": calendar, "repeat": true})
}

fn fired(facts: &[Fact]) -> Vec<(String, u32, u32, i64)> {
    let fired = facts.iter().filter_map(|fact| {
        let Kind::Fired { rule, skipped } = &fact.kind else { return None };
        Some((rule.clone(), fact.instance, *skipped, fact.at.0))
    });
    fired.collect()
}

#[test]
fn a_history_from_elsewhere_is_told_once_by_each_rule_that_repeats() {
    let names = [
        ("each-second", 1, None),
        ("hourly", 3600, None),
        ("open", 60, Some("office")),
        ("never", 9, Some("never")),
    ];
    let mut rules: Vec<Value> = names.iter().map(|(id, s, calendar)| rule(id, *s, *calendar)).collect();
    rules.extend((0..300).map(|n| rule(&format!("more{n}"), 1 + n, None)));
    let book = book(json!(rules));
    let (mut ticket, mut facts) = (Ticket::new(Attributes::new(), 1, &book), Vec::new());
    ticket.told_by(1, Some(NOW));
    ticket.apply(FIRST, &Happening::Created { outbound: false, assigned: false }, &book, &mut facts);
    ticket.told_by(2, None);
    // However often somebody looks.
    for look in [1, 10 * DAY, 20_000 * DAY, NOW.0] {
        ticket.advance(Timestamp(look), &book, &mut facts);
    }
    let told = fired(&facts);
    assert_eq!(told.len(), 303, "one for each rule that is ever due");
    assert!(facts.len() < 1_000, "{}", facts.len());
    let seconds = u32::try_from(NOW.0 / 1000).unwrap();
    assert!(told.contains(&("each-second".to_owned(), 1, seconds - 2, 1_000)), "{:?}", told.first());
    // From there on it repeats where it would have.
    facts.clear();
    ticket.advance(Timestamp(NOW.0 + 3_600_001), &book, &mut facts);
    let hourly: Vec<_> = fired(&facts).into_iter().filter(|(rule, ..)| rule == "hourly").collect();
    let instance = u32::try_from(NOW.0 / 3_600_000).unwrap();
    let each = |n: u32| ("hourly".to_owned(), instance + n, 0, NOW.0 + i64::from(n) * 3_600_000);
    assert_eq!(hourly, [each(0), each(1)]);
}

#[test]
fn what_nobody_looked_at_for_years_is_bounded_and_every_time_is_accounted_for() {
    let book = book(json!([rule("each-second", 1, None)]));
    let (mut ticket, mut facts) = (Ticket::new(Attributes::new(), 1, &book), Vec::new());
    ticket.apply(NOW, &Happening::Created { outbound: false, assigned: false }, &book, &mut facts);
    ticket.advance(END, &book, &mut facts);
    let told = fired(&facts);
    assert_eq!(told.len(), 5_001);
    // More than a count of 32 bits holds are as many as it holds.
    let skipped: Vec<u32> =
        told.iter().map(|(_, _, skipped, _)| *skipped).filter(|count| *count > 0).collect();
    assert_eq!(skipped, [u32::MAX]);
    assert!(facts.len() < 10_100, "{}", facts.len());

    let hourly = self::book(json!([rule("hourly", 3600, None)]));
    let (mut ticket, mut facts) = (Ticket::new(Attributes::new(), 1, &hourly), Vec::new());
    ticket.apply(NOW, &Happening::Created { outbound: false, assigned: false }, &hourly, &mut facts);
    let until = Timestamp(NOW.0 + 3650 * DAY);
    ticket.advance(until, &hourly, &mut facts);
    let times: i64 = fired(&facts).iter().map(|(_, _, skipped, _)| 1 + i64::from(*skipped)).sum();
    assert_eq!(times, 3650 * 24 - 1, "none is lost, and what is due at the very instant is not yet due");
}

#[test]
fn at_once_is_where_step_by_step_would_have_been() {
    for (seconds, calendar) in [
        (7, None),
        (900, Some("office")),
        (5_400, Some("office")),
        (3_600, Some("one-day")),
        (1_800, Some("one-day")),
    ] {
        let book = book(json!([rule("r", seconds, calendar)]));
        let rules = Rules {
            book: &book,
            in_force: InForce { time_rules: Some(3), calendars: 4, ..InForce::default() },
        };
        let rule = rules.time_rule("r").unwrap();
        let begin = NOW.0 + 3_723_000;
        for length in [1_000, DAY, 8 * DAY, 20 * DAY, 3 * DAY + 1] {
            let until = begin + length;
            let (mut stepped, mut times) = (begin, 0);
            while let Some(next) = due(rule, stepped, rules).filter(|next| *next < until) {
                (stepped, times) = (next, times + 1);
            }
            let at_once = due_again(rule, begin, until, rules);
            assert_eq!(at_once, (times, stepped), "every {seconds} s of {calendar:?} for {length} ms");
            // An instant that is exactly due is not before itself.
            if times > 0 {
                let (fewer, last) = due_again(rule, begin, stepped, rules);
                assert_eq!((fewer, last < stepped), (times - 1, true));
            }
        }
    }
}
