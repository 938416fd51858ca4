//! Small histories, worked by hand: under another calendar, and under another routing.

use clap::Parser;
use guichet_config::read_toml;
use guichet_schemas::ids::TicketId;
use guichet_test_support::history::{History, START, created, reopened, resolved, routed, ticket_id};
use serde_json::{Value, json};

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    whatif: WhatifArgs,
}

fn args(words: &[&str]) -> WhatifArgs {
    Cli::parse_from(["whatif"].iter().chain(words)).whatif
}

fn answer(history: &History, words: &[&str], drafts: &str, routing: Option<&str>) -> Value {
    let mut drafts = read_toml(drafts).unwrap();
    drafts.iter_mut().for_each(|draft| draft.effective_from = None);
    let routing = routing.map(|text| draft::parse::<Routing>(text).unwrap());
    assert!(routing.as_ref().is_none_or(|routing| routing.fault().is_none()));
    let mut replay = Replay::new(&drafts, routing);
    history.entries.iter().for_each(|entry| replay.take(&entry.record));
    serde_json::to_value(replay.end(&args(words), history.head(), None)).unwrap()
}

/// Always open: a clock of so many business seconds runs through.
const ALWAYS: &str = r#"{"tz":"UTC","weekly":{"mon":[["00:00","24:00"]],"tue":[["00:00","24:00"]],"wed":[["00:00","24:00"]]}}"#;
const PROMISE: &str = r#"{"policies":[{"id":"all","targets":[{"metric":"resolution","seconds":2,"hours":"business","calendar":"default"}]}]}"#;

#[test]
fn a_drafted_calendar_holds_all_along_and_moves_what_was_broken() {
    let mut history = History::new();
    history.publish("calendar", ALWAYS, START);
    history.publish("sla_policies", PROMISE, START);
    let ticket = history.open(1);
    let other = history.open(2);
    // A second apart: the first took five seconds and the second one.
    history.push(other, "bob", resolved(1));
    for number in 3..6 {
        history.open(number);
    }
    history.push(ticket, "bob", resolved(1));
    let to = Timestamp(START + 60_000).to_string();
    let words = ["--config", "draft.toml", "--to", &to];
    let broken = |answer: &Value| {
        let rows = answer["rows"].as_array().unwrap().clone();
        let sum = |of: &str| rows.iter().map(|row| row[of].as_u64().unwrap()).sum::<u64>();
        (sum("before"), sum("after"))
    };
    // Broken: the first ticket, and the three that nobody resolved.
    let same = answer(&history, &words, "", None);
    assert_eq!(broken(&same), (4, 4));
    // Closed on Tuesdays, and everything happened on one: no second counts.
    let closed = "[calendar.default]\ntz = 'UTC'\nweekly.wed = [['00:00', '24:00']]";
    let drafted = answer(&history, &words, closed, None);
    assert_eq!(broken(&drafted), (4, 0), "{drafted}");
    assert_eq!(drafted["no_longer_broken"].as_array().unwrap().len(), 4);
    // Of the two that ended under the draft, both took no open second.
    let feasible = &drafted["feasible"][0];
    assert_eq!(
        (&feasible["ended"], &feasible["kept"], &feasible["feasible_s"]),
        (&json!(2), &json!(2), &json!(0))
    );
}

fn open(history: &mut History, number: u64, category: &str, group: Option<&str>) -> TicketId {
    let mut event = created(number);
    event.category = Some(category.to_owned());
    event.group = group.map(str::to_owned);
    let ticket = ticket_id(number);
    history.push(ticket, "alice", Event::from(event));
    ticket
}

#[test]
fn a_drafted_routing_says_which_tickets_would_have_gone_elsewhere() {
    let mut history = History::new();
    open(&mut history, 1, "network/wifi", Some("desk"));
    open(&mut history, 2, "network", Some("network"));
    // Nobody had it at first; then the desk did, and it came back once.
    let late = open(&mut history, 3, "network/vpn", None);
    open(&mut history, 4, "hardware", Some("desk"));
    history.push(late, "bob", routed(Some("desk")));
    history.push(late, "bob", resolved(1));
    history.push(late, "bob", reopened(1));
    history.push(late, "bob", routed(Some("second")));
    let mut training = created(5);
    training.synthetic = true;
    history.push(ticket_id(5), "alice", Event::from(training));

    let routing = "[[rules]]\ngroup = 'network'\nmatch = { category = 'network' }";
    let words = ["--routing", "routing.toml", "--to", "2026-03-11T00:00:00Z"];
    let answer = answer(&history, &words, "", Some(routing));
    let routed = &answer["routing"];
    assert_eq!(
        (&routed["tickets"], &routed["moved"], &routed["unmatched"]),
        (&json!(4), &json!(2), &json!(1))
    );
    assert_eq!(
        routed["rows"],
        json!([
            {"period": "2026-W11", "from": "desk", "to": null, "tickets": 1},
            {"period": "2026-W11", "from": "desk", "to": "network", "tickets": 2},
        ])
    );

    // The reopening is work of the group that the draft says, and not of the one that had it by then.
    let mut replay = Replay::new(&[], Some(draft::parse(routing).unwrap()));
    history.entries.iter().for_each(|entry| replay.take(&entry.record));
    let to = Timestamp::parse("2026-03-11T00:00:00Z").unwrap();
    let work = replay.arrivals.work((None, to));
    let of = |group: &str| work.iter().filter(|work| work.group == Some(group)).count();
    assert_eq!((work.len(), of("network"), of("desk"), of("second")), (5, 4, 1, 0));
    let again: Vec<_> = work.iter().filter(|work| work.again).collect();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].group, Some("network"));
}

#[test]
fn a_draft_of_something_is_needed_and_attributes_are_known_ones() {
    assert!(Cli::try_parse_from(["whatif"]).is_err());
    assert!(Cli::try_parse_from(["whatif", "--staffing", "shifts.toml"]).is_ok());
    let wrong = draft::parse::<Routing>("[[rules]]\ngroup = 'a'\nmatch = { colour = 'red' }").unwrap();
    let fault = wrong.fault().unwrap().to_string();
    assert!(fault.starts_with("rules[0].match: there is no attribute \"colour\""), "{fault}");
}
