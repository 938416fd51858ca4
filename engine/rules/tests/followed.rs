//! What was said to a ticket that is over is never lost: it goes on in another one.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{ClosedMessage, Life, Ticket};
use guichet_schemas::command::{
    AddComment, Cancel, ChangeTags, Close, Command, Create, CreateFollowUp, Entity, Link, Order, Requester,
    Unlink,
};
use guichet_schemas::event::{Event, FieldValue, Personal, Relations, TicketEvent};
use guichet_schemas::ids::TicketId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{
    ActorKind, CancelReason, LinkKind, Origin, Priority, StatusCause, TicketState, Visibility,
};
use support::{Desk, House, OWN, assign, by, command, create, given, label, line, resolve, text};
use uuid::Uuid;

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

fn words() -> AddComment {
    AddComment {
        visibility: Visibility::Public,
        kind: None,
        body: text("It drops again."),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    }
}

fn message() -> Command {
    by(ActorKind::Requester, "r-1", Order::AddComment(words()))
}

fn follow(of: TicketId) -> Order {
    Order::CreateFollowUp(CreateFollowUp {
        of,
        subject: None,
        description: None,
        group: None,
        assignee: None,
    })
}

fn of(entity: Entity, command: Command) -> Command {
    Command { entity, ..command }
}

/// A closed ticket about which much is known.
fn closed() -> Desk {
    let mut desk = Desk::default();
    let ticket = Create {
        requester: Requester { name: Some(label("Ada")), ..create().requester },
        category: Some(line("technical/network")),
        priority: Some(Priority::Urgent),
        group: Some(label("network")),
        product: Some(label("router")),
        fields: [("floor".to_owned(), FieldValue::Number(3.0))].into(),
        synthetic: true,
        ..create()
    };
    desk.tell(&command(Order::Create(ticket))).unwrap();
    for order in [assign("bob"), tags(&["vpn"]), resolve(), Order::Close(Close)] {
        desk.tell(&command(order)).unwrap();
    }
    desk
}

fn tags(add: &[&str]) -> Order {
    Order::ChangeTags(ChangeTags { add: add.iter().map(|tag| line(tag)).collect(), remove: Vec::new() })
}

#[test]
fn a_message_to_a_closed_ticket_begins_one_that_follows_and_stands_there() {
    let mut desk = closed();
    let events = desk.tell(&message()).unwrap();
    assert_eq!(types(&events), ["FollowUpCreated", "TicketCreated", "TicketsLinked", "CommentAdded"]);
    let Event::Ticket(TicketEvent::Relations(Relations::FollowUpCreated(told))) = &events[0] else {
        panic!()
    };
    let (new, ticket, _) = &desk.others[0];
    assert_eq!((told.of, told.new_ticket, told.new_number), (OWN, *new, 2));
    assert_eq!(told.cause, StatusCause::RequesterComment);
    let Event::Ticket(TicketEvent::Relations(Relations::TicketsLinked(link))) = &events[2] else { panic!() };
    assert_eq!((link.other, link.other_number, link.kind), (OWN, 1, LinkKind::FollowUp));

    let created = events[1].created().unwrap();
    assert_eq!(created.subject, Personal::Plain("VPN drops".to_owned()));
    assert_eq!(created.description, Personal::Plain("Every ten minutes.".to_owned()));
    assert_eq!(created.requester_name, Some(Personal::Plain("Ada".to_owned())));
    assert_eq!((created.requester.as_str(), created.origin), ("r-1", Origin::Requester));
    assert_eq!(created.tags, ["vpn"]);
    assert_eq!(created.fields.get("floor"), Some(&FieldValue::Number(3.0)));
    assert_eq!(
        (created.category.as_deref(), created.group.as_deref()),
        (Some("technical/network"), Some("network"))
    );
    assert!(created.synthetic, "what is practice stays practice");
    // How urgent it is, by when and who does it are said again.
    assert_eq!(
        (created.priority, created.assignee.as_deref(), created.due_at),
        (Priority::Normal, None, None)
    );
    assert_eq!((ticket.state(), ticket.number.0), (TicketState::New, 2));
    assert_eq!(desk.ticket.as_ref().unwrap().state(), TicketState::Closed);
}

#[test]
fn further_messages_go_to_the_follow_up_as_long_as_it_is_not_over() {
    let mut desk = closed();
    desk.tell(&message()).unwrap();
    let new = Entity::Ticket(desk.others[0].0);
    assert_eq!(types(&desk.tell(&message()).unwrap()), ["CommentAdded"]);
    assert_eq!(desk.others[0].2.len(), 4, "it stands in the ticket that goes on");

    desk.tell(&of(new, command(resolve()))).unwrap();
    assert_eq!(types(&desk.tell(&message()).unwrap()), ["CommentAdded", "TicketReopened"]);
    desk.tell(&of(new, command(resolve()))).unwrap();
    desk.tell(&of(new, command(Order::Close(Close)))).unwrap();
    let events = desk.tell(&message()).unwrap();
    assert_eq!(types(&events), ["FollowUpCreated", "TicketCreated", "TicketsLinked", "CommentAdded"]);
    let Event::Ticket(TicketEvent::Relations(Relations::FollowUpCreated(told))) = &events[0] else {
        panic!()
    };
    assert_eq!(told.of, desk.others[0].0, "each follows the one before it");
    assert_eq!(desk.others.len(), 2);
}

#[test]
fn the_life_cycle_may_keep_or_refuse_what_is_said_to_a_closed_ticket() {
    let house =
        |closed_message| Some(House { life: Life { closed_message, ..Life::default() }, ..House::default() });
    let mut keeps = Desk { house: house(ClosedMessage::Keep), ..closed() };
    assert_eq!(types(&keeps.tell(&message()).unwrap()), ["CommentAdded"]);
    assert_eq!(keeps.ticket.as_ref().unwrap().state(), TicketState::Closed);
    let mut refuses = Desk { house: house(ClosedMessage::Refuse), ..closed() };
    assert_eq!(refuses.tell(&message()).unwrap_err().code(), "terminal_state");
}

#[test]
fn a_thank_you_an_agent_and_a_given_up_ticket_begin_nothing() {
    let mut desk = closed();
    let thanks =
        by(ActorKind::Requester, "r-1", Order::AddComment(AddComment { no_reopen: true, ..words() }));
    assert_eq!(types(&desk.tell(&thanks).unwrap()), ["CommentAdded"], "kept where it was said");
    assert_eq!(desk.tell(&command(Order::AddComment(words()))).unwrap_err().code(), "terminal_state");
    let mut spam = given([Order::Cancel(Cancel { reason: CancelReason::Spam })]);
    assert_eq!(spam.tell(&message()).unwrap_err().code(), "terminal_state");
    assert!(desk.others.is_empty() && spam.others.is_empty());
}

#[test]
fn both_tickets_show_a_link_and_neither_shows_it_twice() {
    let mut desk = closed();
    desk.tell(&message()).unwrap();
    let (new, link) = (desk.others[0].0, |other, kind| command(Order::Link(Link { other, kind })));
    let events = desk.tell(&link(new, LinkKind::CausedBy)).unwrap();
    assert_eq!(types(&events), ["TicketsLinked", "TicketsLinked"], "a closed ticket takes it too");
    assert!(desk.ticket.as_ref().unwrap().links.contains(&(new, LinkKind::CausedBy, false)));
    assert!(desk.others[0].1.links.contains(&(OWN, LinkKind::CausedBy, true)));
    assert_eq!(desk.tell(&link(new, LinkKind::CausedBy)).unwrap(), [], "it is so already");
    let back = of(Entity::Ticket(new), link(OWN, LinkKind::CausedBy));
    assert_eq!(desk.tell(&back).unwrap_err().code(), "cycle_detected");
    assert_eq!(desk.tell(&link(OWN, LinkKind::Relates)).unwrap_err().code(), "validation_failed");
    let nobody = TicketId(Uuid::from_u128(77));
    assert_eq!(desk.tell(&link(nobody, LinkKind::Relates)).unwrap_err().code(), "not_found");

    desk.tell(&link(new, LinkKind::Relates)).unwrap();
    let unlink = |other, kind| command(Order::Unlink(Unlink { other, kind }));
    let from_there = of(Entity::Ticket(new), unlink(OWN, LinkKind::Relates));
    assert_eq!(types(&desk.tell(&from_there).unwrap()), ["TicketsUnlinked", "TicketsUnlinked"]);
    assert_eq!(
        types(&desk.tell(&unlink(new, LinkKind::CausedBy)).unwrap()),
        ["TicketsUnlinked", "TicketsUnlinked"]
    );
    assert_eq!(desk.tell(&unlink(new, LinkKind::CausedBy)).unwrap(), []);
    let left = |ticket: &Ticket| ticket.links.iter().map(|(_, kind, _)| *kind).collect::<Vec<_>>();
    assert_eq!(left(desk.ticket.as_ref().unwrap()), [LinkKind::FollowUp]);
    assert_eq!(left(&desk.others[0].1), [LinkKind::FollowUp]);
}

#[test]
fn somebody_creates_a_follow_up_of_a_closed_ticket_only() {
    let mut desk = closed();
    let new = |order| of(Entity::New, by(ActorKind::Agent, "alice", order));
    let Order::CreateFollowUp(order) = follow(OWN) else { panic!() };
    let order = CreateFollowUp { subject: Some(line("Again")), assignee: Some(label("bob")), ..order };
    let events = desk.tell(&new(Order::CreateFollowUp(order))).unwrap();
    assert_eq!(types(&events), ["FollowUpCreated", "TicketCreated", "TicketsLinked"]);
    let created = events[1].created().unwrap();
    assert_eq!((&created.subject, created.origin), (&Personal::Plain("Again".to_owned()), Origin::Agent));
    assert_eq!(created.assignee.as_deref(), Some("bob"));
    assert_eq!(desk.others[0].1.state(), TicketState::Open);

    let refused = |desk: &mut Desk, of| desk.tell(&new(follow(of))).unwrap_err();
    let nobody = TicketId(Uuid::from_u128(77));
    assert!(matches!(refused(&mut desk, nobody), Rejection::NotFound { .. }));
    assert_eq!(refused(&mut given([assign("bob")]), OWN).code(), "invalid_transition");
    let mut spam = given([Order::Cancel(Cancel { reason: CancelReason::Spam })]);
    assert_eq!(refused(&mut spam, OWN).code(), "terminal_state");
}
