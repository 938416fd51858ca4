//! A ticket is found by the id that another system gave it.

use guichet_schemas::event::{Event, ExternalRef, TicketCreated, TicketImported};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::query::Data as Asked;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{self, TicketQuery, TicketsQuery, TimelineQuery};

use crate::history::{self, History, ticket_id};
use crate::model::rig::Rig;
use crate::model::ticket::TICKET;
use crate::queries::{LIMITS, Refusal};

fn created(history: &mut History, number: u64, source: &str, id: &str) -> u64 {
    let external_ref = Some(ExternalRef { source: source.to_owned(), id: id.to_owned() });
    let event = TicketCreated { external_ref, ..history::created(number) };
    history.push(ticket_id(number), "alice", Event::from(event))
}

/// An import by somebody who does not repeat in the creation where it is from.
fn imported(history: &mut History, number: u64, source: &str, id: &str, parts: u32) {
    for part in 1..=parts {
        let event = TicketImported {
            source: source.to_owned(),
            external_id: id.to_owned(),
            part,
            parts,
            original_created_at: None,
            mapping_version: None,
            facts: None,
            digest: None,
            replies_complete: false,
        };
        history.push(ticket_id(number), "cli", Event::from(event));
        if part == 1 {
            history.push(ticket_id(number), "alice", Event::from(history::created(number)));
        }
    }
}

/// Two desks gave the id 7: T-1 is of "zammad", T-2 of "old"; T-3 has the id 70, T-4 has none. The position of T-2.
fn desk() -> (Rig, u64) {
    let mut history = History::new();
    created(&mut history, 1, "zammad", "7");
    imported(&mut history, 2, "old", "7", 2);
    let second = history.head();
    created(&mut history, 3, "old", "70");
    history.open(4);
    history.tenant = "acme".to_owned();
    created(&mut history, 5, "acme-desk", "8");
    let mut rig = Rig::new(&TICKET);
    rig.fold(&history.entries);
    // The index is read from the disk, not from what was folded a moment ago.
    (rig.restart(), second)
}

fn ticket(id: &str, source: Option<&str>) -> wire::Query {
    let external_source = source.map(str::to_owned);
    let about = TicketQuery { external_id: Some(id.to_owned()), external_source, ..Default::default() };
    wire::Query { data: Some(Asked::Ticket(about)), ..Default::default() }
}

fn number(rig: &Rig, query: wire::Query) -> Result<String, Rejection> {
    match rig.ask_within(LIMITS, "ticket", query, 0) {
        Ok((Data::Ticket(view), _)) => Ok(view.number),
        Ok(other) => panic!("{other:?}"),
        Err(Refusal::Rejected(rejection)) => Err(rejection),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn it_is_the_one_of_its_source() {
    let (rig, _) = desk();
    assert_eq!(number(&rig, ticket("7", Some("zammad"))), Ok("T-1".to_owned()));
    assert_eq!(number(&rig, ticket("7", Some("old"))), Ok("T-2".to_owned()));
    assert_eq!(number(&rig, ticket("70", None)), Ok("T-3".to_owned()));
    for (id, source) in [("7", Some("other")), ("700", None), ("8", None), ("8", Some("acme-desk"))] {
        let refused = number(&rig, ticket(id, source));
        assert!(matches!(refused, Err(Rejection::NotFound { .. })), "{id} {source:?}: {refused:?}");
    }
}

#[test]
fn an_id_of_two_sources_names_neither() {
    let (rig, second) = desk();
    let Err(Rejection::ValidationFailed(error)) = number(&rig, ticket("7", None)) else {
        panic!("it is ambiguous")
    };
    let said = error.to_string();
    for part in ["external_source", "T-1 of \"zammad\"", "T-2 of \"old\""] {
        assert!(said.contains(part), "{said}");
    }
    // Before the second was there, the id named the first.
    let before = wire::Query { as_of_position: Some(second - 3), ..ticket("7", None) };
    assert_eq!(number(&rig, before), Ok("T-1".to_owned()));
}

#[test]
fn its_history_and_its_place_in_the_list_are_found_too() {
    let (rig, _) = desk();
    let about = TimelineQuery {
        external_id: Some("7".to_owned()),
        external_source: Some("old".to_owned()),
        ..Default::default()
    };
    let asked = wire::Query { data: Some(Asked::Timeline(about)), ..Default::default() };
    let (Data::Timeline(history), _) = rig.ask("timeline", asked, 0) else { panic!("no timeline") };
    assert_eq!(history.entries.len(), 3);

    let listed = |id: Option<&str>, source: Option<&str>| -> Vec<(String, String)> {
        let (external_id, external_source) = (id.map(str::to_owned), source.map(str::to_owned));
        let filter = TicketsQuery { external_id, external_source, ..Default::default() };
        let mut asked =
            wire::Query { data: Some(Asked::Tickets(filter)), limit: Some(1), ..Default::default() };
        let mut all = Vec::new();
        loop {
            let (Data::Tickets(page), next) = rig.ask("tickets", asked.clone(), 0) else { panic!("no list") };
            let named = |view: wire::TicketView| (view.number, view.external_ref.unwrap_or_default().source);
            all.extend(page.tickets.into_iter().map(named));
            asked.cursor = next;
            if asked.cursor.is_none() {
                return all;
            }
        }
    };
    let named = |number: &str, source: &str| (number.to_owned(), source.to_owned());
    assert_eq!(listed(Some("7"), None), [named("T-2", "old"), named("T-1", "zammad")]);
    assert_eq!(listed(Some("7"), Some("zammad")), [named("T-1", "zammad")]);
    assert_eq!(listed(None, Some("old")), [named("T-3", "old"), named("T-2", "old")]);
    assert!(listed(Some("8"), None).is_empty(), "it is of another tenant");
}
