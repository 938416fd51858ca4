//! What is explained and compared of a made-up desk, beside a replay that folds every prefix from nothing.

use clap::ValueEnum as _;
use guichet_client::which::Which;
use guichet_config::{Kind, THE_ONE};
use guichet_history::blame::Blame;
use guichet_history::diff::Difference;
use guichet_history::filter::Filter;
use guichet_history::picture::{Field, Picture};
use guichet_history::story::{Cause, Story};
use guichet_replay_tools::clocks::Broken;
use guichet_rules::{Ticket, evolve};
use guichet_schemas::ids::TicketId;
use guichet_schemas::words::Visibility;

use crate::exports::history;
use crate::past::{History as Past, START, comment, resolved, ticket_id};

const TENANT: &str = "default";

/// The ticket after the first `until` records, folded from nothing.
fn folded(past: &Past, id: TicketId, until: u64) -> Option<Ticket> {
    let records = past.entries.iter().map(|entry| &entry.record);
    let of_it = records.filter(|record| record.position.get() <= until && record.ticket_id() == Some(id));
    of_it.fold(None, |ticket, record| Some(evolve(ticket, &record.event, record.occurred_at)))
}

fn value(past: &Past, id: TicketId, field: Field, until: u64) -> Option<String> {
    let ticket = folded(past, id, until)?;
    Picture::of(&ticket, None).get(field).map(str::to_owned)
}

/// The positions at which a field got another value: the value at each position against the one before.
fn changes(past: &Past, id: TicketId, field: Field) -> Vec<u64> {
    let positions = 1..=past.head();
    positions.filter(|at| value(past, id, field, *at) != value(past, id, field, at - 1)).collect()
}

#[test]
fn what_is_explained_is_what_a_naive_replay_finds() {
    for seed in 1..=4 {
        let past = Past::busy(seed, 6, 120);
        let read = history(&past, 0);
        for number in 1..=6 {
            let id = ticket_id(number);
            let Some(story) = Story::read(&read, TENANT, Which::Id(id), past.head(), None).unwrap() else {
                assert!(folded(&past, id, past.head()).is_none(), "ticket {number} of seed {seed}");
                continue;
            };
            for field in Field::value_variants().iter().filter(|field| **field != Field::Due) {
                let explained = &story.explain(&[*field], true)[0];
                assert_eq!(explained.value.map(str::to_owned), value(&past, id, *field, past.head()));
                let found: Vec<u64> = explained
                    .changes
                    .iter()
                    .map(|step| match &step.cause {
                        Cause::Event(record) => record.position.get(),
                        Cause::Configuration(_) | Cause::Time(_) => panic!("{field:?}: {step:?}"),
                    })
                    .collect();
                assert_eq!(found, changes(&past, id, *field), "{field:?} of ticket {number} of seed {seed}");
                let last = story.explain(&[*field], false)[0].changes.len();
                assert_eq!(last, found.len().min(1));
            }
        }
    }
}

#[test]
fn a_ticket_is_found_by_its_number_and_one_that_is_not_there_is_none() {
    let past = Past::busy(7, 3, 40);
    let read = history(&past, 0);
    let number = folded(&past, ticket_id(2), past.head()).unwrap().number;
    let story = Story::read(&read, TENANT, Which::Number(number), past.head(), None).unwrap();
    assert_eq!(story.map(|story| story.id), Some(ticket_id(2)));
    let other = Story::read(&read, "another", Which::Id(ticket_id(2)), past.head(), None).unwrap();
    assert!(other.is_none(), "another tenant's ticket");
}

#[test]
fn two_places_differ_as_two_folds_do() {
    let past = Past::busy(11, 8, 160);
    let read = history(&past, 0);
    for (from, to) in [(1, past.head()), (40, 90), (90, 90)] {
        let found = Difference::read(&read, TENANT, (from, to), &Filter::default(), None).unwrap();
        let mut expected = Vec::new();
        for number in 1..=8 {
            let id = ticket_id(number);
            let picture = |at| folded(&past, id, at).map(|ticket| Picture::of(&ticket, None));
            if picture(from) != picture(to) {
                expected.push((id, picture(from), picture(to).unwrap()));
            }
        }
        expected.sort_unstable_by_key(|(id, ..)| folded(&past, *id, to).unwrap().number);
        let changed = found.changed.into_iter().map(|ticket| (ticket.id, ticket.before, ticket.after));
        assert_eq!(changed.collect::<Vec<_>>(), expected, "{from} to {to}");
        let counted: (u64, u64) =
            found.states.values().fold((0, 0), |(a, b), (before, after)| (a + before, b + after));
        let there = |at| (1..=8).filter(|n| folded(&past, ticket_id(*n), at).is_some()).count() as u64;
        assert_eq!(counted, (there(from), there(to)));
    }
}

fn resolved_within(seconds: u32) -> String {
    format!(
        r#"{{"policies":[{{"id":"all","targets":[{{"metric":"resolution","seconds":{seconds},"hours":"calendar"}}]}}]}}"#
    )
}

#[test]
fn a_version_answers_for_what_it_broke_and_for_what_it_kept() {
    let mut past = Past::new();
    // Each event is a second later than the one before.
    let wait = |past: &mut Past, ticket| {
        for _ in 0..12 {
            past.push(ticket, "bob", comment(Visibility::Internal, "We look at it."));
        }
    };
    let first = past.publish("sla_policies", &resolved_within(10), START);
    let kept = past.open(1);
    let second = past.publish("sla_policies", &resolved_within(1_000), START);
    wait(&mut past, kept);
    past.push(kept, "bob", resolved(1));
    let third = past.publish("sla_policies", &resolved_within(3), START);
    let broken = past.open(2);
    wait(&mut past, broken);
    let read = history(&past, 0);
    let blame = Blame::read(&read, TENANT, (Kind::SlaPolicies, THE_ONE), None).unwrap();
    let tickets = |promises: &Broken| promises.keys().map(|(id, ..)| *id).collect::<Vec<_>>();
    let found: Vec<_> = blame
        .versions
        .iter()
        .map(|v| (v.record.position.get(), v.decisions, tickets(&v.made), tickets(&v.avoided)))
        .collect();
    let none = Vec::new;
    assert_eq!(
        found,
        [(first, 1, none(), none()), (second, 13, none(), vec![kept]), (third, 13, vec![broken], none())]
    );
    let other = Blame::read(&read, TENANT, (Kind::Calendar, "office"), None).unwrap();
    assert!(other.versions.is_empty());
}
