//! The life of a ticket by examples, one sentence each.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

mod support;

use guichet_schemas::command::{
    AddComment, Cancel, ChangeTags, Close, Create, Escalate, Order, RequestInformation, SetDueDate,
    SetPriority, SetStatus, SetType, Unassign,
};
use guichet_schemas::event::{
    Conversation, DueDateSet, Event, LifeCycle, Ownership, TicketEvent, TypeChanged,
};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{
    ActorKind, CancelReason, EscalationKind, EscalationReason, HoldReason, Priority, TicketState, TicketType,
    Visibility,
};
use support::{HOUR, assign, at, by, command, create, given, label, line, reopen, resolve, text};

fn set_status(to: TicketState, hold_reason: Option<HoldReason>) -> Order {
    Order::SetStatus(SetStatus { to, custom_status: None, hold_reason, expected_until: None, comment: None })
}

fn comment(visibility: Visibility) -> Order {
    Order::AddComment(words(visibility))
}

fn words(visibility: Visibility) -> AddComment {
    AddComment {
        visibility,
        kind: None,
        body: text("Any news?"),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    }
}

fn cancel() -> Order {
    Order::Cancel(Cancel { reason: CancelReason::Spam })
}

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

#[test]
fn a_ticket_created_with_an_assignee_starts_open() {
    let mut desk = support::Desk::default();
    desk.tell(&command(Order::Create(Create { assignee: Some(label("bob")), ..create() }))).unwrap();
    assert_eq!(desk.ticket.unwrap().state(), TicketState::Open);
}

#[test]
fn the_first_assignment_opens_a_new_ticket() {
    let mut desk = given([]);
    assert_eq!(types(&desk.tell(&command(assign("bob"))).unwrap()), ["TicketAssigned", "StatusChanged"]);
    assert_eq!(desk.ticket.unwrap().state(), TicketState::Open);
}

#[test]
fn assigning_the_present_owner_again_changes_nothing() {
    let mut desk = given([assign("bob")]);
    assert_eq!(desk.tell(&command(assign("bob"))).unwrap(), []);
}

#[test]
fn a_resolver_without_an_assignee_becomes_it() {
    let mut desk = given([]);
    assert_eq!(types(&desk.tell(&command(resolve())).unwrap()), ["TicketAssigned", "TicketResolved"]);
    let ticket = desk.ticket.unwrap();
    assert_eq!((ticket.assignee.as_deref(), ticket.state()), (Some("alice"), TicketState::Resolved));
}

#[test]
fn a_reopen_names_the_resolution_that_did_not_hold_and_its_resolver() {
    let mut desk = given([assign("bob"), resolve()]);
    let events = desk.tell(&by(ActorKind::Requester, "r-1", reopen())).unwrap();
    let [Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(e)))] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (e.resolution_no, e.resolver_of_last.as_deref(), e.since_resolved_ms),
        (1, Some("alice"), HOUR as u64)
    );
    assert_eq!(e.by_kind, ActorKind::Requester);
}

#[test]
fn a_comment_of_the_requester_reopens_a_resolved_ticket_unless_it_is_a_thank_you() {
    let mut desk = given([assign("bob"), resolve()]);
    let thanks = Order::AddComment(AddComment { no_reopen: true, ..words(Visibility::Public) });
    assert_eq!(types(&desk.tell(&by(ActorKind::Requester, "r-1", thanks)).unwrap()), ["CommentAdded"]);
    assert_eq!(
        types(&desk.tell(&by(ActorKind::Requester, "r-1", comment(Visibility::Public))).unwrap()),
        ["CommentAdded", "TicketReopened"]
    );
}

/// A closing note, answered by a program: it opens the ticket, somebody resolves it, the note is answered again.
#[test]
fn two_programs_that_answer_each_other_are_stopped_and_nothing_that_they_say_is_lost() {
    let mut desk = given([assign("bob")]);
    let automatic = || by(ActorKind::Requester, "r-1", comment(Visibility::Public));
    for _ in 0..3 {
        desk.tell(&command(resolve())).unwrap();
        assert_eq!(types(&desk.tell(&automatic()).unwrap()), ["CommentAdded", "TicketReopened"]);
    }
    desk.tell(&command(resolve())).unwrap();
    let events = desk.tell(&automatic()).unwrap();
    assert_eq!(types(&events), ["CommentAdded", "ReopenHeld"]);
    let Event::Ticket(TicketEvent::Conversation(Conversation::ReopenHeld(held))) = &events[1] else {
        panic!("{events:?}")
    };
    assert_eq!((held.reopenings, held.within_ms), (3, 86_400_000));
    let ticket = desk.ticket.as_ref().unwrap();
    assert!(ticket.reopen_held && ticket.state() == TicketState::Resolved);
    let by_button = desk.clone().tell(&by(ActorKind::Requester, "r-1", reopen())).unwrap();
    assert_eq!(types(&by_button), ["TicketReopened"], "who asks for it is no program that answers");

    // A person decides; a day later a message opens it again.
    let mut looked_at = desk.clone();
    assert_eq!(types(&looked_at.tell(&command(reopen())).unwrap()), ["TicketReopened"]);
    assert!(!looked_at.ticket.unwrap().reopen_held);
    desk.hour += 24;
    assert_eq!(types(&desk.tell(&automatic()).unwrap()), ["CommentAdded", "TicketReopened"]);
}

#[test]
fn a_comment_of_the_requester_ends_the_waiting() {
    let mut desk = given([assign("bob"), set_status(TicketState::Pending, None)]);
    assert_eq!(
        types(&desk.tell(&by(ActorKind::Requester, "r-1", comment(Visibility::Public))).unwrap()),
        ["CommentAdded", "StatusChanged"]
    );
    assert_eq!(desk.ticket.unwrap().state(), TicketState::Open);
}

#[test]
fn who_asks_for_information_has_answered_and_waits() {
    let ask = || {
        let comment = text("Which router?");
        command(Order::RequestInformation(RequestInformation { comment, expected_until: Some(at(40)) }))
    };
    let mut desk = given([assign("bob")]);
    let events = desk.tell(&ask()).unwrap();
    assert_eq!(types(&events), ["CommentAdded", "StatusChanged"]);
    let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(c))) = &events[0] else {
        panic!("{events:?}")
    };
    assert!(c.counts_as_reply && c.visibility == Visibility::Public);
    assert_eq!(desk.ticket.as_ref().unwrap().state(), TicketState::Pending);
    assert_eq!(types(&desk.tell(&ask()).unwrap()), ["CommentAdded"], "it waits already");
    let mut over = given([cancel()]);
    assert_eq!(over.tell(&ask()).unwrap_err().code(), "terminal_state");
}

#[test]
fn an_internal_note_neither_opens_nor_counts_as_a_reply() {
    let mut desk = given([]);
    let events = desk.tell(&command(comment(Visibility::Internal))).unwrap();
    let [Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(c)))] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(!c.counts_as_reply);
    assert_eq!(desk.ticket.unwrap().state(), TicketState::New);
}

#[test]
fn the_words_of_a_bot_are_no_reply_even_if_it_says_so() {
    let mut desk = given([]);
    let order = Order::AddComment(AddComment { counts_as_reply: Some(true), ..words(Visibility::Public) });
    let events = desk.tell(&by(ActorKind::Bot, "helper", order)).unwrap();
    let [Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(c)))] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(!c.counts_as_reply);
}

#[test]
fn an_escalation_keeps_assignee_and_group_and_the_tags_of_that_time() {
    let mut desk = given([assign("bob")]);
    let order = Order::Escalate(Escalate {
        kind: EscalationKind::Functional,
        to_tier: Some(2),
        to_manager: None,
        reason: EscalationReason::Expertise,
        note: Some(text("Needs a network engineer.")),
        tags: vec![line("vpn")],
    });
    let events = desk.tell(&command(order.clone())).unwrap();
    assert_eq!(types(&events), ["TagsChanged", "CommentAdded", "TicketEscalated"]);
    let Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(e))) = &events[2] else {
        panic!("{events:?}")
    };
    assert_eq!((e.from_tier, e.to_tier, e.tags_at.as_slice()), (1, 2, ["vpn".to_owned()].as_slice()));
    assert_eq!(desk.ticket.as_ref().unwrap().assignee.as_deref(), Some("bob"));
    assert!(
        matches!(desk.tell(&command(order)), Err(Rejection::ValidationFailed(e)) if e.field == "data.to_tier")
    );
}

#[test]
fn a_change_of_the_hold_reason_is_a_change() {
    let mut desk = given([set_status(TicketState::Hold, Some(HoldReason::Vendor))]);
    assert_eq!(desk.tell(&command(set_status(TicketState::Hold, Some(HoldReason::Vendor)))).unwrap(), []);
    assert_eq!(
        types(&desk.tell(&command(set_status(TicketState::Hold, Some(HoldReason::Change)))).unwrap()),
        ["StatusChanged"]
    );
}

#[test]
fn unassigning_can_clear_the_group_too() {
    let mut desk = support::Desk::default();
    desk.tell(&command(Order::Create(Create {
        assignee: Some(label("bob")),
        group: Some(label("network")),
        ..create()
    })))
    .unwrap();
    let events =
        desk.tell(&command(Order::Unassign(Unassign { reason: text("on leave"), group: true }))).unwrap();
    assert_eq!(types(&events), ["TicketUnassigned", "TicketRouted"]);
    let ticket = desk.ticket.unwrap();
    assert_eq!((ticket.assignee, ticket.group), (None, None));
}

#[test]
fn a_terminal_ticket_takes_only_tags() {
    for end in [vec![cancel()], vec![resolve(), Order::Close(Close)]] {
        let mut desk = given(end);
        for order in [assign("bob"), comment(Visibility::Public), resolve(), reopen()] {
            assert_eq!(desk.tell(&command(order)).unwrap_err().code(), "terminal_state");
        }
        let tags = Order::ChangeTags(ChangeTags { add: vec![line("vpn")], remove: Vec::new() });
        assert_eq!(types(&desk.tell(&command(tags)).unwrap()), ["TagsChanged"]);
    }
}

#[test]
fn what_the_state_does_not_allow_is_an_invalid_transition() {
    let resolved = given([resolve()]);
    for order in [set_status(TicketState::Open, None), cancel()] {
        assert_eq!(resolved.ask(&command(order)).unwrap_err().code(), "invalid_transition");
    }
    assert_eq!(given([]).ask(&command(Order::Close(Close))).unwrap_err().code(), "invalid_transition");
}

#[test]
fn asking_twice_is_not_a_mistake() {
    for orders in [vec![resolve()], vec![cancel()], vec![resolve(), Order::Close(Close)]] {
        let again = orders.last().unwrap().clone();
        assert_eq!(given(orders).tell(&command(again)).unwrap(), []);
    }
    assert_eq!(given([assign("bob")]).tell(&command(reopen())).unwrap(), []);
    let same = Order::SetPriority(SetPriority {
        urgency: None,
        impact: None,
        priority: Some(Priority::Normal),
        reason: None,
    });
    assert_eq!(given([]).tell(&command(same)).unwrap(), []);
}

#[test]
fn a_ticket_turns_out_to_be_of_another_type() {
    let set = |to| Order::SetType(SetType { r#type: to });
    let mut desk = given([]);
    assert_eq!(desk.tell(&command(set(TicketType::Incident))).unwrap(), [], "the default of create");
    let changed = TypeChanged { from: TicketType::Incident, to: TicketType::Problem };
    assert_eq!(desk.tell(&command(set(TicketType::Problem))).unwrap(), [Event::from(changed)]);
    assert_eq!(desk.tell(&command(set(TicketType::Problem))).unwrap(), []);
    desk.tell(&command(resolve())).unwrap();
    let changed = TypeChanged { from: TicketType::Problem, to: TicketType::Question };
    assert_eq!(desk.tell(&command(set(TicketType::Question))).unwrap(), [Event::from(changed)]);
    desk.tell(&command(Order::Close(Close))).unwrap();
    assert_eq!(desk.ask(&command(set(TicketType::Task))).unwrap_err().code(), "terminal_state");
}

#[test]
fn a_due_date_is_set_and_cleared() {
    let reason = || text("promised on the phone");
    let set =
        |hour: Option<i64>| Order::SetDueDate(SetDueDate { at: hour.map(support::at), reason: reason() });
    let due = |hour: Option<i64>| {
        Event::from(DueDateSet { at: hour.map(support::at), reason: Some(reason().as_str().to_owned()) })
    };
    let mut desk = given([]);
    assert_eq!(desk.tell(&command(set(None))).unwrap(), [], "none was set");
    assert_eq!(desk.tell(&command(set(Some(40)))).unwrap(), [due(Some(40))]);
    assert_eq!(desk.tell(&command(set(Some(40)))).unwrap(), []);
    assert_eq!(desk.tell(&command(set(None))).unwrap(), [due(None)]);
    let mut created = support::Desk::default();
    let order = Order::Create(Create { due_at: Some(support::at(40)), ..create() });
    created.tell(&command(order)).unwrap();
    assert_eq!(created.tell(&command(set(Some(40)))).unwrap(), [], "as it was created");
    assert_eq!(created.tell(&command(set(Some(41)))).unwrap(), [due(Some(41))]);
    created.tell(&command(cancel())).unwrap();
    assert_eq!(created.ask(&command(set(None))).unwrap_err().code(), "terminal_state");
}

#[test]
fn nobody_speaks_for_an_admin_or_the_system_without_configuration() {
    for kind in [ActorKind::Admin, ActorKind::System] {
        assert_eq!(given([]).ask(&by(kind, "root", resolve())).unwrap_err().code(), "forbidden");
    }
}

#[test]
fn a_ticket_that_is_not_there_is_not_found() {
    assert_eq!(support::Desk::default().ask(&command(resolve())).unwrap_err().code(), "not_found");
}

#[test]
fn a_ticket_keeps_at_most_64_tags() {
    let tags = |from: usize, to: usize| {
        Order::ChangeTags(ChangeTags {
            add: (from..to).map(|i| line(&format!("t{i}"))).collect(),
            remove: Vec::new(),
        })
    };
    let mut desk = given([tags(0, 64)]);
    assert!(
        matches!(desk.tell(&command(tags(64, 65))), Err(Rejection::ValidationFailed(e)) if e.field == "data.add")
    );
}
