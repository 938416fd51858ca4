//! A restricted ticket in the answers of every model: for nobody, for whoever looks at it, and for whoever looks at the lists
//! of its groups.

use std::collections::BTreeSet;

use guichet_schemas::event::{AccessRecorded, Event, RestrictionChanged, TicketCreated};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire;
use guichet_schemas::wire::query::Data as Asked;
use guichet_schemas::wire::query_reply::Data;

use crate::history::{self, History, START, ticket_id};
use crate::model::queues::QUEUES;
use crate::model::rig::Rig;
use crate::model::ticket::TICKET;
use crate::projection::ReadModel;
use crate::queries::{LIMITS, Refusal};

const MINUTE: i64 = 60_000;
const NOW: i64 = START + MINUTE;

/// T-1 is everybody's, T-2 is of group hr from the start, T-3 was of hr and is everybody's again, T-4 became hr's.
struct Desk {
    history: History,
    /// Who looks at T-2, at the lists of hr, and at T-2 through another caller.
    ticket: u64,
    lists: u64,
    foreign: u64,
}

fn restriction(from: &[&str], to: &[&str]) -> Event {
    let groups = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Event::from(RestrictionChanged { from: groups(from), to: groups(to), reason: "hr".to_owned() })
}

fn look(ticket: Option<u64>, groups: &[&str]) -> AccessRecorded {
    AccessRecorded {
        viewer: "rita".to_owned(),
        scope: "a complaint".to_owned(),
        purpose: "to answer it".to_owned(),
        ticket_id: ticket.map(ticket_id),
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn desk() -> Desk {
    let mut history = History::new();
    for number in 1..=4 {
        let restricted_to = if [2, 3].contains(&number) { vec!["hr".to_owned()] } else { Vec::new() };
        let event = TicketCreated { restricted_to, ..history::created(number) };
        history.push(ticket_id(number), "alice", Event::from(event));
    }
    history.push(ticket_id(3), "rita", restriction(&["hr"], &[]));
    history.push(ticket_id(4), "rita", restriction(&[], &["hr"]));
    history.push(ticket_id(1), "alice", history::assigned("bob", Some("network")));
    history.caller = "test".to_owned();
    let ticket = history.access(look(Some(2), &[]));
    let lists = history.access(look(None, &["hr", "network"]));
    history.caller = "other".to_owned();
    let foreign = history.access(look(Some(2), &[]));
    Desk { history, ticket, lists, foreign }
}

fn rig(desk: &Desk, model: &'static ReadModel) -> Rig {
    let mut rig = Rig::new(model);
    rig.fold(&desk.history.entries);
    // What is known of it stands on the disk.
    rig.restart()
}

fn asked(rig: &Rig, name: &str, data: Asked, access: Option<u64>, now: i64) -> Result<Data, Rejection> {
    let query = wire::Query { data: Some(data), access, ..Default::default() };
    match rig.ask_within(LIMITS, name, query, now) {
        Ok((data, _)) => Ok(data),
        Err(Refusal::Rejected(rejection)) => Err(rejection),
        Err(other) => panic!("{other:?}"),
    }
}

fn numbers(data: Data) -> Vec<String> {
    match data {
        Data::Tickets(view) => view.tickets.into_iter().map(|ticket| ticket.number).collect(),
        Data::Queue(view) => view.tickets.into_iter().map(|ticket| ticket.number).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restricted_ticket_is_told_from_an_absent_one_by_nobody_who_does_not_see_it() {
    let desk = desk();
    let rig = rig(&desk, &TICKET);
    let ticket = |number: &str, access| {
        let about = wire::TicketQuery { number: Some(number.to_owned()), ..Default::default() };
        asked(&rig, "ticket", Asked::Ticket(about), access, NOW)
    };
    let timeline = |number: &str, access| {
        let about = wire::TimelineQuery { number: Some(number.to_owned()), ..Default::default() };
        asked(&rig, "timeline", Asked::Timeline(about), access, NOW)
    };
    let absent = ticket("T-9", None).unwrap_err().to_string();
    for number in ["T-2", "T-4"] {
        assert_eq!(ticket(number, None).unwrap_err().to_string(), absent.replace("T-9", number));
        assert_eq!(timeline(number, None).unwrap_err().to_string(), absent.replace("T-9", number));
        // A look at lists opens no ticket: each look at one is recorded.
        assert!(ticket(number, Some(desk.lists)).is_err(), "{number}");
    }
    for number in ["T-1", "T-3"] {
        assert!(ticket(number, None).is_ok() && timeline(number, None).is_ok(), "{number}");
    }
    let Ok(Data::Ticket(view)) = ticket("T-2", Some(desk.ticket)) else { panic!("it is not shown") };
    assert_eq!(view.restricted_to, ["hr"]);
    assert!(timeline("T-2", Some(desk.ticket)).is_ok());
    assert!(ticket("T-4", Some(desk.ticket)).is_err(), "it is another ticket");
}

#[test]
fn a_look_is_of_one_caller_and_lasts_five_minutes() {
    let desk = desk();
    let rig = rig(&desk, &TICKET);
    let said = |access, now| {
        let about = wire::TicketQuery { number: Some("T-2".to_owned()), ..Default::default() };
        asked(&rig, "ticket", Asked::Ticket(about), Some(access), now).map(drop).map_err(|no| no.to_string())
    };
    assert_eq!(said(desk.ticket, NOW), Ok(()));
    assert!(said(desk.foreign, NOW).unwrap_err().contains("another one recorded it"));
    assert!(said(1, NOW).unwrap_err().contains("must be the position of a record_access"));
    let recorded = START + 1_000 * i64::try_from(desk.ticket).unwrap();
    assert_eq!(said(desk.ticket, recorded + 5 * MINUTE), Ok(()));
    assert!(said(desk.ticket, recorded + 5 * MINUTE + 1).unwrap_err().contains("five minutes ago"));
}

#[test]
fn lists_leave_out_what_is_not_seen_and_the_next_page_goes_on_behind_it() {
    let desk = desk();
    let tickets = rig(&desk, &TICKET);
    let listed = |access| {
        numbers(
            asked(&tickets, "tickets", Asked::Tickets(wire::TicketsQuery::default()), access, NOW).unwrap(),
        )
    };
    assert_eq!(listed(None), ["T-3", "T-1"]);
    assert_eq!(listed(Some(desk.lists)), ["T-4", "T-3", "T-2", "T-1"]);
    assert_eq!(listed(Some(desk.ticket)), ["T-3", "T-2", "T-1"]);
    let events = |ticket: Option<u64>, access| {
        let query = wire::EventsQuery {
            ticket_id: ticket.map(|n| ticket_id(n).0.as_bytes().to_vec()),
            ..Default::default()
        };
        let Ok(Data::Events(view)) = asked(&tickets, "events", Asked::Events(query), access, NOW) else {
            panic!("no list")
        };
        view.events
            .into_iter()
            .filter_map(|event| event.record)
            .map(|record| record.stream_id)
            .collect::<Vec<_>>()
    };
    let of = |number: u64| ticket_id(number).to_string();
    assert!(!events(None, None).contains(&of(2)) && !events(None, None).contains(&of(4)));
    assert!(events(None, None).contains(&of(3)) && events(None, Some(desk.lists)).contains(&of(2)));
    assert!(events(Some(2), None).is_empty() && !events(Some(2), Some(desk.ticket)).is_empty());

    let board = rig(&desk, &QUEUES);
    let waiting = |order: wire::QueueOrder, access| {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let data =
                Some(Asked::Queue(wire::QueueQuery { order: Some(order as i32), ..Default::default() }));
            let query = wire::Query { data, access, limit: Some(1), cursor, ..Default::default() };
            let (page, next) = board.ask("queue", query, NOW);
            all.extend(numbers(page));
            cursor = next;
            if cursor.is_none() {
                return all;
            }
        }
    };
    for order in [wire::QueueOrder::Fifo, wire::QueueOrder::Due, wire::QueueOrder::Priority] {
        assert_eq!(waiting(order, None), ["T-1", "T-3"], "{order:?}");
        assert_eq!(waiting(order, Some(desk.lists)), ["T-1", "T-2", "T-3", "T-4"], "{order:?}");
    }
    // The board counts them, and names none.
    let Ok(Data::Queues(view)) =
        asked(&board, "queues", Asked::Queues(wire::QueuesQuery::default()), None, NOW)
    else {
        panic!("no board")
    };
    assert_eq!(view.queues.iter().map(|row| row.tickets).sum::<u64>(), 4);
    let named: BTreeSet<_> =
        view.queues.into_iter().filter_map(|row| row.oldest).map(|head| head.number).collect();
    assert_eq!(named, BTreeSet::from(["T-1".to_owned(), "T-3".to_owned()]));
}
