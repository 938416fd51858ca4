//! Clocks from outside: promises are broken by time alone, once, with their instant, whoever is killed meanwhile.

mod slow;
mod stories;
mod years;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::iter;
use guichet_schemas::codec::decode_record;
use guichet_schemas::event::{Event, LifeCycle, SlaEvent, TicketEvent};
use guichet_schemas::record::Record;
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::desk::{Desk, id, new_ticket};
use crate::harness::{Serve, Settings, Trio, clocks, long, seed, until};

const SOON: Duration = Duration::from_secs(60);
/// While processes are killed.
const ENDS_WITHIN: Duration = Duration::from_secs(300);
/// Commands on their way at once.
const WINDOW: usize = 64;

/// Publishes as the command line does.
async fn publish(desk: &Desk, n: usize, kind: &str, body: Value) -> Value {
    let data = json!({"kind": kind, "body": body});
    let command =
        json!({"command_id": id("publish", n), "actor": {"kind": "admin", "id": "ana"}, "data": data});
    let subject = "guichet.v1.cmd.default.cli.config.publish_config".to_owned();
    let reply = desk.request(subject, &command).await.expect("an answer");
    assert!(reply.is_ok(), "{}", reply.body);
    reply.body
}

fn policies(targets: &[(&str, u64)]) -> Value {
    let targets: Vec<_> = (targets.iter())
        .map(|(metric, seconds)| {
            json!({"metric": metric, "seconds": seconds, "hours": "calendar", "warn_pct": [50]})
        })
        .collect();
    json!({"policies": [{"id": "all", "targets": targets}]})
}

/// A ticket that a requester waits for; one that an agent opens is outbound.
fn asked(n: usize) -> Value {
    let mut ticket = new_ticket(n);
    ticket["origin"] = "requester".into();
    ticket
}

async fn records(desk: &Desk) -> Vec<Record> {
    desk.log().await.iter().map(|bytes| decode_record(bytes).expect("a record")).collect()
}

/// A name for what of a record matters here.
fn told(record: &Record) -> Option<String> {
    if let Event::Sla(SlaEvent::SlaWarned(e)) = &record.event {
        return Some(format!("{} {} {} %", e.metric, e.instance, e.pct));
    }
    if let Event::Sla(SlaEvent::SlaBreached(e)) = &record.event {
        return Some(format!("{} {} broken", e.metric, e.instance));
    }
    if let Event::Sla(SlaEvent::TimeRuleFired(e)) = &record.event {
        return Some(format!("{} {} fired", e.rule, e.instance));
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn time_alone_breaks_a_promise_and_everybody_sees_it() {
    let mut serve = Serve::start(Settings::default()).await;
    let desk = serve.desk().await;
    publish(&desk, 1, "sla_policies", policies(&[("first_reply", 2), ("resolution", 3_600)])).await;
    let rules = json!({"rules": [{
        "id": "forgotten", "status": "new", "seconds": 3, "hours": "calendar",
        "actions": [{"type": "set_priority", "priority": "high"}, {"type": "add_tags", "tags": ["forgotten"]}],
    }]});
    publish(&desk, 2, "time_rules", rules).await;
    let created = desk.command("new", "create", id("sla", 1), asked(1)).await;
    let ticket = created.body["ticket_id"].as_str().expect("a ticket").to_owned();

    // Before anything is due, all clocks are shown.
    let question = json!({"ticket_id": ticket, "min_position": created.position(), "wait_ms": 5000});
    let view = desk.query("ticket", question.clone()).await["data"].clone();
    let clocks = view["sla_clocks"].as_array().expect("a list");
    let metrics: Vec<_> = clocks.iter().map(|clock| &clock["metric"]).collect();
    assert_eq!(metrics, ["first_reply", "resolution"], "the first due first: {view}");
    assert_eq!(view["next_due_at"], clocks[0]["due_at"]);
    let at = json!({"order": "due", "min_position": created.position(), "wait_ms": 5000});
    let queue = desk.query("queue", at).await;
    assert_eq!(queue["data"][0]["due_at"], clocks[0]["due_at"], "the queue knows of clocks: {queue}");
    assert!(queue["sla_as_of_position"].as_u64() >= Some(created.position()), "{queue}");
    let queues = desk.query("queues", json!({})).await["data"].clone();
    assert_eq!(queues[0]["nearest_due"]["at"], clocks[0]["due_at"], "{queues}");

    let last = until("the rule fires", SOON, async || {
        let records = records(&desk).await;
        records.into_iter().rfind(|record| matches!(record.event, Event::Sla(SlaEvent::TimeRuleFired(_))))
    })
    .await;
    let records = records(&desk).await;
    let created_at = records
        .iter()
        .find(|r| matches!(r.event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(_)))))
        .expect("it is there")
        .occurred_at;
    let found: Vec<_> =
        records.iter().filter_map(|r| Some((told(r)?, r.occurred_at.since(created_at)))).collect();
    let expected =
        [("first_reply 1 50 %", 1_000), ("first_reply 1 broken", 2_000), ("forgotten 1 fired", 3_000)];
    assert_eq!(found, expected.map(|(what, at)| (what.to_owned(), at)));
    let fired = &records[last.position.get() as usize - 1..];
    let types: Vec<_> = fired.iter().map(|record| record.event.type_name()).collect();
    assert_eq!(types, ["TimeRuleFired", "PriorityChanged", "TagsChanged"]);
    for record in records.iter().filter(|record| told(record).is_some()) {
        assert_eq!((&record.caller[..], record.config_version), ("sla", 2));
    }

    // The same through every window.
    let head = desk.head().await;
    let at = json!({"min_position": head, "wait_ms": 5000});
    let breaches = desk.query("sla_breaches", at.clone()).await["data"].clone();
    assert_eq!(breaches.as_array().expect("a list").len(), 1, "{breaches}");
    assert_eq!((&breaches[0]["recorded"], &breaches[0]["metric"]), (&json!(true), &json!("first_reply")));
    let due = json!({"due_before": "2199-01-01T00:00:00.000Z", "min_position": head, "wait_ms": 5000});
    let due = desk.query("sla_clocks", due).await["data"].clone();
    let due: Vec<_> = due.as_array().expect("a list").iter().map(|clock| &clock["metric"]).collect();
    assert_eq!(due, ["first_reply", "resolution"], "late, and running");
    let report = desk.query("report_sla", at).await;
    let row = report["data"].as_array().expect("rows").last().expect("the running week").clone();
    assert_eq!(row["metrics"][0]["breached"], 1, "{row}");

    // Nothing is recorded again by whoever comes next.
    let before = sla_facts(&desk).await;
    serve.kill();
    serve.launch().await;
    let desk = serve.desk().await;
    let reply = json!({"visibility": "public", "body": "We are on it."});
    let answered = desk.command(&ticket, "add_comment", id("sla", 2), reply).await;
    let question = json!({"ticket_id": ticket, "min_position": answered.position(), "wait_ms": 8000});
    let clocks = desk.query("sla_clocks", question).await["data"].clone();
    let ended = clocks.as_array().expect("a list").iter().find(|c| c["metric"] == "first_reply").expect("it");
    assert_eq!(ended["state"], "breached", "{ended}");
    assert_eq!(sla_facts(&desk).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_resolved_is_closed_after_four_days_and_what_nobody_touches_is_told() {
    // Four days are four seconds.
    let mut serve = Serve::start(Settings { clock_rate: Some(86_400), ..Settings::default() }).await;
    let desk = serve.desk().await;
    let day = 86_400;
    let rules = json!({"rules": [
        {"id": "silent", "when": "no_update", "states": ["new"], "seconds": day, "hours": "calendar",
         "actions": [{"type": "note", "text": "Nobody looked."}]},
        {"id": "nobody", "when": "unassigned_age", "seconds": 2 * day, "hours": "calendar",
         "actions": [{"type": "set_priority", "priority": "high"}]},
    ]});
    publish(&desk, 1, "time_rules", rules).await;
    let create = async |n: usize| {
        let created = desk.command("new", "create", id("own", n), asked(n)).await;
        created.body["ticket_id"].as_str().expect("a ticket").to_owned()
    };
    let (done, left) = (create(1).await, create(2).await);
    let resolve = json!({"code": "user_education", "summary": "Shown."});
    assert!(desk.command(&done, "resolve", id("own", 3), resolve).await.is_ok());

    let of = |records: &[Record], ticket: &str| -> Vec<_> {
        let own = records.iter().filter(|record| record.stream_id == ticket);
        own.map(|record| (record.event.type_name(), record.occurred_at.0)).collect()
    };
    let records = until("closed, and told of twice", SOON, async || {
        let records = records(&desk).await;
        let closed = of(&records, &done).iter().any(|(name, _)| *name == "TicketClosed");
        (closed && of(&records, &left).len() >= 5).then_some(records)
    })
    .await;
    let at = |ticket: &str, name: &str, nth: usize| {
        let all = of(&records, ticket);
        let mut named = all.iter().filter(|(of, _)| *of == name);
        named.nth(nth).unwrap_or_else(|| panic!("{name} {nth} of {all:?}")).1
    };
    assert_eq!(at(&done, "TimeRuleFired", 0) - at(&done, "TicketResolved", 0), 4 * day * 1_000);
    let by_itself = |record: &Record| matches!(&record.event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(e))) if e.auto);
    assert!(records.iter().any(by_itself));
    let names: Vec<_> = of(&records, &left).into_iter().map(|(name, _)| name).collect();
    let expected = ["TicketCreated", "TimeRuleFired", "CommentAdded", "TimeRuleFired", "PriorityChanged"];
    assert_eq!(names, expected, "what a rule does ends no silence, so it fires once");
    let created = at(&left, "TicketCreated", 0);
    let fired = [0, 1].map(|nth| at(&left, "TimeRuleFired", nth) - created);
    assert_eq!(fired, [day * 1_000, 2 * day * 1_000]);
    assert!(serve.stop().await.success());
}

/// What clocks found, by ticket: how often each, and when.
async fn sla_facts(desk: &Desk) -> BTreeMap<(String, String), Vec<i64>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records(desk).await {
        if let Some(what) = told(&record) {
            found.entry((record.stream_id, what)).or_default().push(record.occurred_at.0);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_that_fall_due_under_kills_are_recorded_once_and_at_their_instants() {
    let tickets = if long() { 10_000 } else { 600 };
    let seed = seed().unwrap_or(20_261_122);
    let mut dice = StdRng::seed_from_u64(seed);
    let mut trio = Trio::start().await;
    let mut worker = clocks(&trio.url(), trio.dir());
    let desk = trio.desk().await;
    let target = if long() { 20 } else { 4 };
    publish(&desk, 1, "sla_policies", policies(&[("first_reply", target)])).await;
    iter(0..tickets)
        .map(|n| {
            let desk = &desk;
            async move { desk.command("new", "create", id("due", n), asked(n)).await }
        })
        .buffer_unordered(WINDOW)
        .collect::<Vec<_>>()
        .await;
    // From the first alarm on.
    let mut kills = 0;
    let all = until("every fact is recorded", ENDS_WITHIN, async || {
        trio.supervise();
        if worker.ended().is_some() {
            worker = clocks(&trio.url(), trio.dir());
        }
        let head = desk.try_head().await?;
        // One created, one warned, one broken each, and what is not of tickets.
        let facts = if head > tickets as u64 { sla_facts(&desk).await } else { BTreeMap::new() };
        if facts.len() >= 2 * tickets {
            return Some(facts);
        }
        if !facts.is_empty() && kills < 12 {
            kills += 1;
            tokio::time::sleep(Duration::from_millis(dice.random_range(0..150))).await;
            if dice.random_bool(0.4) { trio.kill_engine() } else { worker.signal(Signal::SIGKILL) }
        }
        None
    })
    .await;
    assert!(kills >= 3, "seed {seed}: {kills} kills only");
    let created: BTreeMap<_, _> = (records(&desk).await.into_iter())
        .filter(|record| {
            matches!(record.event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(_))))
        })
        .map(|record| (record.stream_id, record.occurred_at.0))
        .collect();
    assert_eq!(created.len(), tickets);
    let target = i64::try_from(target).expect("small") * 1_000;
    for ((ticket, what), at) in &all {
        let share = if what.ends_with("broken") { target } else { target / 2 };
        assert_eq!(at, &[created[ticket] + share], "seed {seed}: {what} of {ticket}");
    }

    // A model that is rebuilt finds the same and records nothing.
    assert!(worker.terminate().await.success());
    std::fs::remove_dir_all(trio.dir().join("clocks")).expect("its folder");
    let worker = clocks(&trio.url(), trio.dir());
    let answered = desk.command("new", "create", id("due", tickets), asked(tickets)).await;
    desk.answers("sla_breaches", json!({"limit": 1}), answered.position()).await;
    assert_eq!(sla_facts(&desk).await, all, "seed {seed}");
    assert!(worker.terminate().await.success());
}
