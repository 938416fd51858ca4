//! Whoever asks for a ticket that went into another one is told where it is by now.

use guichet_schemas::event::{Event, ExternalRef, MergeReceived, TicketClosed, TicketCreated, TicketMerged};
use guichet_schemas::wire::query::Data as Asked;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{self, TicketQuery, TicketsQuery, TimelineQuery};
use guichet_schemas::words::{CloseReason, CommentMode};

use crate::history::{self, History, ticket_id};
use crate::model::rig::Rig;
use crate::model::ticket::TICKET;

/// T-1 went into T-2, which went into T-3; between, at the position that is given, only the first had.
fn desk() -> (Rig, u64) {
    let mut history = History::new();
    for number in 1..=3 {
        let external_ref = Some(ExternalRef { source: "old".to_owned(), id: format!("INC{number}") });
        let event = TicketCreated { external_ref, ..history::created(number) };
        history.push(ticket_id(number), "alice", Event::from(event));
    }
    merge(&mut history, 1, 2);
    let between = history.head();
    merge(&mut history, 2, 3);
    let mut rig = Rig::new(&TICKET);
    rig.fold(&history.entries);
    (rig, between)
}

fn merge(history: &mut History, from: u64, into: u64) {
    let (comment_mode, comment_count) = (CommentMode::Reference, 1);
    let merged = TicketMerged { into: ticket_id(into), into_number: into, comment_mode, comment_count };
    history.push(ticket_id(from), "alice", Event::from(merged));
    history.push(
        ticket_id(from),
        "alice",
        Event::from(TicketClosed { reason: CloseReason::Merged, auto: false }),
    );
    let received = MergeReceived {
        from: ticket_id(from),
        from_number: from,
        comment_mode,
        comment_count,
        comments: Vec::new(),
    };
    history.push(ticket_id(into), "alice", Event::from(received));
}

fn numbers(tickets: &[wire::MergedTicket]) -> Vec<&str> {
    tickets.iter().map(|ticket| ticket.number.as_str()).collect()
}

fn ticket(rig: &Rig, about: TicketQuery, as_of_position: Option<u64>) -> wire::TicketView {
    let asked = wire::Query { data: Some(Asked::Ticket(about)), as_of_position, ..wire::Query::default() };
    let (Data::Ticket(view), _) = rig.ask("ticket", asked, 0) else { panic!("no ticket") };
    view
}

#[test]
fn a_chain_is_told_by_number_and_by_the_id_elsewhere() {
    let (rig, between) = desk();
    let by_number = TicketQuery { number: Some("T-1".to_owned()), ..TicketQuery::default() };
    let elsewhere = TicketQuery { external_id: Some("INC1".to_owned()), ..TicketQuery::default() };
    for about in [by_number, elsewhere] {
        let view = ticket(&rig, about.clone(), None);
        assert_eq!((view.number.as_str(), numbers(&view.merged_into)), ("T-1", vec!["T-2", "T-3"]));
        assert_eq!(
            view.allowed_verbs,
            ["unlink", "make_comment_private", "redact_comment", "report_scan", "redact_attachment"]
        );
        assert_eq!(numbers(&ticket(&rig, about, Some(between)).merged_into), ["T-2"], "as it was");
    }
    let last = TicketQuery { number: Some("T-3".to_owned()), ..TicketQuery::default() };
    let last = ticket(&rig, last, None);
    assert_eq!((numbers(&last.merged_from), numbers(&last.merged_into)), (vec!["T-2"], vec![]));
}

#[test]
fn the_history_and_the_list_tell_it_too() {
    let (rig, _) = desk();
    let about = TimelineQuery { number: Some("T-1".to_owned()), ..TimelineQuery::default() };
    let asked = wire::Query { data: Some(Asked::Timeline(about)), ..wire::Query::default() };
    let (Data::Timeline(history), _) = rig.ask("timeline", asked, 0) else { panic!("no timeline") };
    assert_eq!(numbers(&history.merged_into), ["T-2", "T-3"]);
    let told: Vec<&str> = history.entries.iter().map(|entry| entry.sentence.as_str()).collect();
    assert_eq!(
        told[1..],
        [
            "alice merged the ticket into T-2 (1 comment left here)",
            "alice closed the ticket, it was merged into another"
        ]
    );

    let asked = wire::Query { data: Some(Asked::Tickets(TicketsQuery::default())), ..wire::Query::default() };
    let (Data::Tickets(list), _) = rig.ask("tickets", asked, 0) else { panic!("no list") };
    let listed: Vec<_> =
        list.tickets.iter().map(|view| (view.number.as_str(), numbers(&view.merged_into))).collect();
    assert_eq!(listed, [("T-3", vec![]), ("T-2", vec!["T-3"]), ("T-1", vec!["T-2", "T-3"])]);
}
