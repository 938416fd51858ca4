//! A second import of the same ticket: what is here is recognised, what follows is added, another past is refused.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the other examples")]
mod support;

use guichet_schemas::command::{Fact, Import, Order};
use guichet_schemas::event::{Event, TagsChanged};
use guichet_schemas::hash::Hash;
use guichet_schemas::rejection::Rejection;
use support::{Desk, at, command, create, label};

fn fact(hour: i64, event: Event) -> Fact {
    Fact { occurred_at: at(hour), actor: None, event }
}

/// So many facts: a creation, and a tag every hour.
fn history(facts: usize) -> Vec<Fact> {
    let created = Desk::default().tell(&command(Order::Create(create()))).unwrap().remove(0);
    let tagged = |n: usize| Event::from(TagsChanged { added: vec![format!("t{n}")], removed: Vec::new() });
    let later = (1..facts).map(|n| fact(i64::try_from(n).unwrap(), tagged(n)));
    std::iter::once(fact(0, created)).chain(later).collect()
}

/// The commands of a history, so many facts each.
fn parts(facts: &[Fact], each: usize) -> Vec<Import> {
    let parts = u32::try_from(facts.len().div_ceil(each)).unwrap();
    (1..)
        .zip(facts.chunks(each))
        .map(|(part, events)| {
            let begins_at = (part as usize - 1) * each;
            Import {
                source: label("old"),
                external_id: label("1"),
                part,
                parts,
                events: events.to_vec(),
                mapping_version: None,
                begins_at: Some(begins_at as u64),
                prefix: (begins_at > 0).then(|| Import::digest(Hash::ZERO, &facts[..begins_at])),
                replies_complete: false,
            }
        })
        .collect()
}

fn send(desk: &mut Desk, facts: &[Fact], each: usize) -> Vec<usize> {
    parts(facts, each).into_iter().map(|p| desk.tell(&command(Order::Import(p))).unwrap().len()).collect()
}

fn desk() -> Desk {
    Desk { hour: 1_000, ..Desk::default() }
}

#[test]
fn the_same_again_writes_nothing_and_a_longer_one_writes_what_is_new() {
    let facts = history(10);
    for each in [1, 3, 4, 20] {
        let mut desk = desk();
        send(&mut desk, &facts[..7], each);
        assert_eq!(send(&mut desk, &facts[..7], each).iter().sum::<usize>(), 0, "{each}");
        assert_eq!(send(&mut desk, &facts[..5], each).iter().sum::<usize>(), 0, "an older export, {each}");
        let before = desk.events.len();
        send(&mut desk, &facts, each);
        let tags: Vec<String> = (1..10).map(|n| format!("t{n}")).collect();
        assert_eq!(desk.ticket.as_ref().unwrap().tags, tags, "{each}");
        let added = desk.events[before..].iter().filter(|(e, _)| e.imported().is_none()).count();
        assert_eq!(added, 3, "{each}");
        assert_eq!(send(&mut desk, &facts, each).iter().sum::<usize>(), 0, "{each}");
    }
}

#[test]
fn another_past_is_refused_by_name_and_writes_nothing() {
    let facts = history(10);
    for changed in [1, 4, 6] {
        for each in [3, 20] {
            let mut desk = desk();
            send(&mut desk, &facts[..7], each);
            let mut other = facts.clone();
            other[changed].occurred_at = at(99);
            let before = desk.events.len();
            let answers: Vec<_> =
                parts(&other, each).into_iter().map(|p| desk.tell(&command(Order::Import(p)))).collect();
            let refused = answers.iter().find_map(|answer| answer.as_ref().err());
            assert!(
                matches!(refused, Some(Rejection::GuardFailed { guard: "rewritten_past", .. })),
                "{changed} {each}: {answers:?}"
            );
            let first = answers.iter().position(Result::is_err).unwrap();
            assert!(answers[..first].iter().all(|answer| answer.as_ref().unwrap().is_empty()));
            assert_eq!(desk.events.len(), before, "{changed} {each}");
        }
    }
}

#[test]
fn a_gap_is_refused_and_a_history_without_a_mark_cannot_be_told_to_go_on() {
    let facts = history(10);
    let mut desk = desk();
    send(&mut desk, &facts[..3], 3);
    let last = parts(&facts, 3).pop().unwrap();
    let error = desk.tell(&command(Order::Import(last))).unwrap_err();
    assert!(matches!(&error, Rejection::ValidationFailed(e) if e.field == "data.begins_at"), "{error:?}");

    // As an older version wrote it.
    let mut old = desk.clone();
    let ticket = old.ticket.as_mut().unwrap();
    ticket.import.as_mut().unwrap().mark = None;
    let error = old.tell(&command(Order::Import(parts(&facts, 20).remove(0)))).unwrap_err();
    assert!(matches!(error, Rejection::GuardFailed { guard: "unmarked_import", .. }), "{error:?}");
}

#[test]
fn without_the_number_of_facts_before_it_a_part_that_was_done_changes_nothing() {
    let facts = history(10);
    let mut desk = desk();
    send(&mut desk, &facts[..3], 20);
    let mut order = parts(&facts, 20).remove(0);
    order.begins_at = None;
    assert_eq!(desk.tell(&command(Order::Import(order))).unwrap(), vec![]);
}
