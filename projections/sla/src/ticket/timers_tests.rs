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
    ticket.told_by(1, Some((NOW, false)));
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

/// The facts of a first reply within an hour, promised to a ticket that was created ten days before it was imported at
/// [`NOW`] and of which the import tells this; then a year passes.
fn first_reply(created: i64, told: &[(i64, Happening)]) -> Vec<(i64, String)> {
    let (mut book, always) = (Rulebook::default(), Timestamp(i64::MIN));
    let policies = json!([{"id": "all", "targets": [
        {"metric": "first_reply", "seconds": 3600, "hours": "calendar", "warn_pct": [50]}
    ]}]);
    book.publish_policies(always, always, Apply::NewOnly, serde_json::from_value(policies).unwrap());
    let (mut ticket, mut facts) = (Ticket::new(Attributes::new(), 1, &book), Vec::new());
    ticket.told_by(1, Some((NOW, false)));
    let created = NOW.0 + created;
    let begin = Happening::Created { outbound: false, assigned: false };
    ticket.apply(Timestamp(created), &begin, &book, &mut facts);
    for (after, happening) in told {
        ticket.apply(Timestamp(created + after), happening, &book, &mut facts);
    }
    ticket.told_by(2, None);
    ticket.advance(Timestamp(NOW.0 + 365 * DAY), &book, &mut facts);
    ticket.apply(ticket.time(), &Happening::Changed(Attributes::new()), &book, &mut facts);
    let named = facts.iter().map(|fact| {
        let what = if let Kind::Fulfilled { outcome, .. } = &fact.kind {
            outcome.as_str().to_owned()
        } else if let Kind::Cancelled { reason, .. } = &fact.kind {
            format!("cancelled: {reason}")
        } else {
            fact.kind.name().to_owned()
        };
        (fact.at.0 - created, what)
    });
    named.collect()
}

#[test]
fn a_first_reply_that_no_import_tells_of_was_neither_kept_nor_broken() {
    const HOUR: i64 = 3_600_000;
    let old = -10 * DAY;
    let told = |created, told: &[(i64, Happening)]| {
        let facts = first_reply(created, told);
        facts.into_iter().skip(1).collect::<Vec<_>>()
    };
    let resolved = || Happening::Status(TicketState::Resolved);
    let named = |facts: &[(i64, &str)]| -> Vec<(i64, String)> {
        facts.iter().map(|(at, what)| (*at, (*what).to_owned())).collect()
    };
    // Nobody knows: resolved later than the reply was due, or still open when it was imported.
    assert_eq!(told(old, &[(7 * HOUR, resolved())]), named(&[(7 * HOUR, "cancelled: not_imported")]));
    assert_eq!(told(old, &[]), named(&[(10 * DAY, "cancelled: not_imported")]));
    // The import tells it: kept, kept by the resolution, or broken when it was due.
    assert_eq!(told(old, &[(HOUR / 4, Happening::PublicReply)]), named(&[(HOUR / 4, "met")]));
    assert_eq!(told(old, &[(HOUR / 4, resolved())]), named(&[(HOUR / 4, "met")]));
    assert_eq!(
        told(old, &[(7 * HOUR, Happening::PublicReply)]),
        named(&[(HOUR / 2, "SlaWarned"), (HOUR, "SlaBreached"), (7 * HOUR, "breached")])
    );
    // Due after the import: the desk is there, and sees that nobody answers.
    assert_eq!(told(-HOUR / 4, &[]), named(&[(HOUR / 2, "SlaWarned"), (HOUR, "SlaBreached")]));
    assert_eq!(told(-HOUR, &[]), named(&[(HOUR, "cancelled: not_imported")]));
}
