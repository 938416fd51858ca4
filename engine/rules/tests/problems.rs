//! A problem and the incidents that it causes.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_schemas::command::{
    BroadcastToLinked, Cancel, Command, Create, DeclareProblem, Entity, Link, Merge, Order, Requester, limits,
};
use guichet_schemas::event::{
    BroadcastSent, CommentAdded, Conversation, Event, Personal, Relations, TicketEvent,
};
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{
    ActorKind, AuthorKind, CancelReason, LinkKind, TicketState, TicketType, Visibility,
};
use support::{Desk, OWN, by, command, create, given, label, text};
use uuid::Uuid;

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

fn another(desk: &mut Desk, requester: &str) -> TicketId {
    let requester = Requester { id: label(requester), ..create().requester };
    let order = Order::Create(Create { requester, ..create() });
    desk.tell(&Command { entity: Entity::New, ..command(order) }).unwrap();
    desk.others.last().unwrap().0
}

fn declare(tickets: &[TicketId], workaround: Option<&str>) -> Command {
    let workaround = workaround.map(text);
    command(Order::DeclareProblem(DeclareProblem { tickets: tickets.to_vec(), workaround }))
}

fn broadcast(template: &str) -> Command {
    command(Order::BroadcastToLinked(BroadcastToLinked { template: text(template) }))
}

fn comments(events: &[Event]) -> Vec<&CommentAdded> {
    let mut all = Vec::new();
    for event in events {
        if let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = event {
            all.push(e);
        }
    }
    all
}

fn sent(events: &[Event]) -> &BroadcastSent {
    let Some(Event::Ticket(TicketEvent::Relations(Relations::BroadcastSent(e)))) = events.last() else {
        panic!("{events:?}")
    };
    e
}

#[test]
fn a_problem_ties_its_incidents_and_says_how_to_live_with_it() {
    let mut desk = given([]);
    let (first, second) = (another(&mut desk, "r-1"), another(&mut desk, "r-2"));
    let events = desk.tell(&declare(&[second, first], Some("Use the other gateway."))).unwrap();
    assert_eq!(
        types(&events),
        [
            "TicketsLinked",
            "TicketsLinked",
            "TypeChanged",
            "ProblemDeclared",
            "TicketsLinked",
            "TicketsLinked",
            "WorkaroundPublished"
        ]
    );
    let problem = desk.ticket.as_ref().unwrap();
    assert_eq!(problem.r#type, TicketType::Problem);
    for (n, id) in [first, second].into_iter().enumerate() {
        assert!(problem.links.contains(&(id, LinkKind::CausedBy, true)));
        assert!(desk.others[n].1.links.contains(&(OWN, LinkKind::CausedBy, false)));
    }
    // Once more it changes nothing; another incident and another workaround come to it.
    assert_eq!(desk.tell(&declare(&[first, second], None)).unwrap(), []);
    let third = another(&mut desk, "r-3");
    let events = desk.tell(&declare(&[first, third], Some("Restart it."))).unwrap();
    assert_eq!(types(&events), ["TicketsLinked", "ProblemDeclared", "TicketsLinked", "WorkaroundPublished"]);
}

#[test]
fn what_cannot_be_an_incident_of_it_is_refused() {
    let mut desk = given([]);
    let (first, second) = (another(&mut desk, "r-1"), another(&mut desk, "r-1"));
    let own = desk.tell(&declare(&[first, OWN], None)).unwrap_err();
    assert_eq!(own.to_string(), "data.tickets[1] must be another ticket");
    let absent = TicketId(Uuid::from_u128(999));
    assert_eq!(desk.tell(&declare(&[first, absent], None)).unwrap_err().code(), "not_found");
    desk.tell(&command(Order::Link(Link { other: first, kind: LinkKind::CausedBy }))).unwrap();
    assert_eq!(desk.tell(&declare(&[first], None)).unwrap_err().code(), "cycle_detected");
    let third = another(&mut desk, "r-1");
    let merge = command(Order::Merge(Merge { sources: vec![third], comment_mode: None }));
    desk.tell(&Command { entity: Entity::Ticket(second), ..merge }).unwrap();
    let merged = desk.tell(&declare(&[third], None)).unwrap_err();
    assert!(matches!(merged, Rejection::AlreadyMerged { into, .. } if into == second), "{merged}");
    let asked =
        Command { actor: by(ActorKind::Requester, "r-1", create_order()).actor, ..declare(&[second], None) };
    assert_eq!(desk.tell(&asked).unwrap_err().code(), "forbidden");
}

fn create_order() -> Order {
    Order::Create(create())
}

#[test]
fn a_broadcast_tells_everybody_who_waits_and_answers_nobody() {
    let mut desk = given([]);
    let incidents: Vec<TicketId> = (0..3).map(|n| another(&mut desk, &format!("r-{n}"))).collect();
    desk.tell(&declare(&incidents, None)).unwrap();
    let cancel = command(Order::Cancel(Cancel { reason: CancelReason::Withdrawn }));
    desk.tell(&Command { entity: Entity::Ticket(incidents[2]), ..cancel }).unwrap();
    let events = desk.tell(&broadcast("{number}: we work on {problem}.")).unwrap();
    assert_eq!(types(&events), ["CommentAdded", "CommentAdded", "BroadcastSent"]);
    let told = comments(&events);
    assert_eq!(told[0].body, Personal::Plain("T-2: we work on T-1.".to_owned()));
    for comment in &told {
        assert_eq!((comment.visibility, comment.author_kind), (Visibility::Public, AuthorKind::System));
        assert!(!comment.counts_as_reply, "nobody has looked at the incident");
    }
    assert_ne!(told[0].comment_id, told[1].comment_id);
    assert_eq!((sent(&events).reached, sent(&events).over), (2, 1), "whom it did not reach is counted");
    for (_, incident, _) in &desk.others[..2] {
        assert!(!incident.answered && incident.state() == TicketState::New, "it moves nothing");
    }
}

#[test]
fn a_broadcast_to_nobody_and_one_that_is_too_long_are_refused() {
    let mut desk = given([]);
    let Rejection::GuardFailed { guard: "incidents", .. } = desk.tell(&broadcast("Hello")).unwrap_err()
    else {
        panic!("nobody is there")
    };
    let incidents: Vec<TicketId> = (0..300).map(|n| another(&mut desk, &format!("r-{n}"))).collect();
    desk.tell(&declare(&incidents, None)).unwrap();
    let long = "x".repeat(4_000);
    assert_eq!(desk.tell(&broadcast(&long)).unwrap_err().code(), "payload_too_large");
    assert_eq!(
        sent(&desk.tell(&broadcast("Soon.")).unwrap()).reached,
        300,
        "more than a ticket has other links"
    );
    // Its incidents leave it room for other ties.
    let other = another(&mut desk, "r-1");
    desk.tell(&command(Order::Link(Link { other, kind: LinkKind::Relates }))).unwrap();
    let more: Vec<TicketId> =
        (0..limits::INCIDENTS as u128).map(|n| TicketId(Uuid::from_u128(n + 5_000))).collect();
    assert_eq!(desk.tell(&declare(&more, None)).unwrap_err().code(), "not_found", "none of them is there");
}
