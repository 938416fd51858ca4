//! The life of a ticket against a second telling of it: the table of the state machine, written down here as plainly as it
//! goes, by states as words and without a line of the rules. Random lists of commands must lead both to the same events,
//! the same refusals and the same states; and what they leave must keep the invariants of a stream.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with the examples")]
mod support;

mod paper;
mod steps;

use std::collections::BTreeSet;

use guichet_schemas::command::Order;
use guichet_schemas::event::{Event, LifeCycle, Moderation, Relations, TicketEvent};
use guichet_schemas::ids::TicketId;
use proptest::prelude::*;

use crate::paper::{Book, Paper};
use crate::steps::{Step, house, order, rules, steps};
use crate::support::{Desk, OWN, command, create};

fn tickets(desk: &Desk) -> Vec<(TicketId, &guichet_rules::Ticket, Vec<&Event>)> {
    let own = desk
        .ticket
        .as_ref()
        .map(|ticket| (OWN, ticket, desk.events.iter().map(|(event, _)| event).collect()));
    let others = desk.others.iter().map(|(id, ticket, events)| (*id, ticket, events.iter().collect()));
    own.into_iter().chain(others).collect()
}

/// What must hold of every stream, whatever was asked for.
fn invariants(events: &[&Event], ticket: &guichet_rules::Ticket) -> Result<(), String> {
    let mut last = 0;
    let mut over = None;
    for (n, event) in events.iter().enumerate() {
        if (n == 0) != event.created().is_some() {
            return Err(format!("event {n} is {}", event.type_name()));
        }
        let Event::Ticket(event) = event else { continue };
        let taken_back = matches!(event, TicketEvent::Moderation(Moderation::CommentMadePrivate(_)));
        let may_follow = taken_back
            || matches!(event, TicketEvent::Relations(_) | TicketEvent::Conversation(_))
            || matches!(event, TicketEvent::LifeCycle(LifeCycle::TicketReopened(_)));
        if let Some(state) = over
            && !may_follow
        {
            return Err(format!("{event:?} follows {state}"));
        }
        if let TicketEvent::LifeCycle(LifeCycle::TicketResolved(e)) = event {
            if e.resolution_no != last + 1 {
                return Err(format!("resolution {} follows {last}", e.resolution_no));
            }
            last = e.resolution_no;
        } else if let TicketEvent::LifeCycle(LifeCycle::TicketReopened(e)) = event {
            over = None;
            if e.resolution_no != last {
                return Err(format!("resolution {last} did not hold, not {}", e.resolution_no));
            }
        } else if let TicketEvent::LifeCycle(LifeCycle::TicketClosed(_)) = event {
            over = Some("closed");
        } else if let TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_)) = event {
            over = Some("cancelled");
        }
    }
    if ticket.version != events.len() as u64 {
        return Err(format!("version {} after {} events", ticket.version, events.len()));
    }
    Ok(())
}

/// So many lists are tried; the long run tries more.
fn cases() -> u32 {
    if std::env::var_os("GUICHET_LONG").is_some_and(|long| long == "1") { 10_000 } else { 400 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_rules_and_the_table_tell_the_same(rules in rules(), list in prop::collection::vec((steps(), 0usize..4), 0..60)) {
        let mut desk = Desk { house: Some(house(rules)), hour: 1, ..Desk::default() };
        desk.tell(&command(Order::Create(create()))).unwrap();
        let mut book = Book { tickets: vec![Paper::new(false, desk.hour)], rules };
        for (n, (step, pick)) in (1..).zip(list) {
            let at = pick % book.tickets.len();
            let id = tickets(&desk)[at].0;
            let of = if let Step::Merge { of } = step { of % book.tickets.len() } else { at };
            let asked = order(step, id, tickets(&desk)[of].0, n);
            let told = desk.tell(&asked).map_err(|refused| refused.code());
            let told = told.map(|events| events.iter().map(Event::type_name).collect::<Vec<_>>());
            let expected = book.tell(at, step, desk.hour);
            prop_assert_eq!(&told, &expected, "{:?} on ticket {}: {:?}", step, at, book.tickets[at]);
            for ((id, ticket, _), paper) in tickets(&desk).iter().zip(&book.tickets) {
                prop_assert_eq!(ticket.state().as_str(), paper.state, "{} after {:?}", id, step);
                prop_assert_eq!(ticket.assignee.is_some(), paper.assigned);
                prop_assert_eq!(ticket.proposal.is_some(), paper.proposed.is_some());
                prop_assert_eq!((ticket.resolutions(), ticket.reopen_held), (paper.resolutions, paper.held));
                prop_assert_eq!(ticket.merged().is_some(), paper.into.is_some(), "{} after {:?}", id, step);
            }
            prop_assert_eq!(desk.others.len() + 1, book.tickets.len());
        }
        let mut followed = BTreeSet::new();
        for (id, ticket, events) in tickets(&desk) {
            prop_assert_eq!(invariants(&events, ticket), Ok(()), "{}", id);
            for event in events {
                if let Event::Ticket(TicketEvent::Relations(Relations::FollowUpCreated(e))) = event {
                    prop_assert!(e.of == id && followed.insert(e.new_ticket), "a ticket follows one other");
                }
            }
        }
        prop_assert_eq!(followed.len(), desk.others.len());
        for (id, ticket, _) in tickets(&desk) {
            let next = |ticket: &guichet_rules::Ticket| ticket.merged().map(|merged| merged.into);
            let mut at = next(ticket);
            for _ in 0..book.tickets.len() {
                at = at.and_then(|at| tickets(&desk).into_iter().find(|(id, ..)| *id == at).and_then(|(_, ticket, _)| next(ticket)));
            }
            prop_assert_eq!(at, None, "merges are a forest, and {} is in a circle", id);
        }
    }
}
