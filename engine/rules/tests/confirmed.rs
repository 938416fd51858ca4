//! Whether it is solved is for the requester to say: proposals, confirmations, and what stands in for them.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{Action, FiredRule, Life};
use guichet_schemas::command::{
    AddComment, Close, Command, ConfirmResolution, FireTimeRule, Order, ProposeResolution, RejectResolution,
    Resolve, SetField, SetStatus,
};
use guichet_schemas::event::{Event, FieldValue, LifeCycle, Personal, TicketEvent, TicketResolved};
use guichet_schemas::ids::CallerId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, ConfirmedBy, ResolutionCode, TicketState, Visibility};
use support::{Desk, House, VERSION, assign, at, by, command, given, label, resolve, text};

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

fn house(life: Life) -> Option<House> {
    let actions = vec![Action::Resolve {}];
    let rule = Some(FiredRule { states: TicketState::ALL.to_vec(), actions });
    Some(House { life, rule, ..House::default() })
}

/// A desk where only requesters say that it is solved.
fn strict() -> Option<House> {
    house(Life { resolve_requires_confirmation: true, ..Life::default() })
}

fn propose() -> Order {
    Order::ProposeResolution(ProposeResolution {
        code: ResolutionCode::Workaround,
        summary: text("Restart the router."),
        steps: vec![text("pull the plug")],
        root_cause: Some(text("firmware")),
    })
}

fn confirm() -> Command {
    by(ActorKind::Requester, "r-1", Order::ConfirmResolution(ConfirmResolution))
}

fn reject() -> Command {
    let reason = text("It drops again.");
    by(ActorKind::Requester, "r-1", Order::RejectResolution(RejectResolution { reason }))
}

fn message(no_reopen: bool) -> Command {
    let words = AddComment {
        visibility: Visibility::Public,
        kind: None,
        body: text("Which plug?"),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen,
    };
    by(ActorKind::Requester, "r-1", Order::AddComment(words))
}

/// The time rule fires: nobody has said anything for so long.
fn silence(desk: &Desk, instance: u32) -> Command {
    let order = FireTimeRule {
        rule: label("confirm-3d"),
        instance,
        due_at: at(desk.hour - 1),
        holds: true,
        config_version: Some(VERSION),
        skipped: None,
    };
    Command {
        caller: CallerId::parse("sla").unwrap(),
        expected_version: Some(1),
        ..by(ActorKind::System, "sla", Order::FireTimeRule(order))
    }
}

fn resolved(events: &[Event]) -> &TicketResolved {
    let found = events.iter().find_map(|event| {
        let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) = event else { return None };
        Some(e)
    });
    found.unwrap()
}

#[test]
fn what_is_confirmed_is_resolved_as_it_was_proposed() {
    let mut desk = Desk { house: strict(), ..given([assign("bob")]) };
    assert_eq!(types(&desk.tell(&command(propose())).unwrap()), ["ResolutionProposed"]);
    assert_eq!(desk.ticket.as_ref().unwrap().state(), TicketState::Open, "it waits for the requester's word");
    let events = desk.tell(&confirm()).unwrap();
    assert_eq!(types(&events), ["ResolutionConfirmed", "TicketResolved"]);
    let e = resolved(&events);
    assert_eq!(
        (e.by.as_str(), e.code, e.confirmed_by),
        ("alice", ResolutionCode::Workaround, ConfirmedBy::Requester)
    );
    assert_eq!(e.summary, Personal::Plain("Restart the router.".to_owned()));
    assert_eq!(
        (&e.steps[..], e.root_cause.as_deref()),
        (&["pull the plug".to_owned()][..], Some("firmware"))
    );
    assert_eq!((e.resolution_no, desk.ticket.as_ref().unwrap().proposal.is_none()), (1, true));
    assert_eq!(desk.tell(&confirm()).unwrap(), [], "it is known already");
}

#[test]
fn what_is_rejected_is_open_again_and_a_later_proposal_takes_the_place_of_the_first() {
    let mut desk = Desk { house: strict(), ..given([assign("bob")]) };
    let pending = SetStatus {
        to: TicketState::Pending,
        custom_status: None,
        hold_reason: None,
        expected_until: None,
        comment: None,
    };
    desk.tell(&command(propose())).unwrap();
    desk.tell(&command(Order::SetStatus(pending))).unwrap();
    assert_eq!(types(&desk.tell(&reject()).unwrap()), ["ResolutionRejected", "StatusChanged"]);
    assert_eq!(desk.ticket.as_ref().unwrap().state(), TicketState::Open);
    let nothing = desk.tell(&confirm()).unwrap_err();
    assert!(matches!(nothing, Rejection::GuardFailed { guard: "proposed", .. }), "{nothing}");
    desk.tell(&command(propose())).unwrap();
    desk.tell(&by(ActorKind::Agent, "eve", propose())).unwrap();
    assert_eq!(resolved(&desk.tell(&confirm()).unwrap()).by, "eve");
}

#[test]
fn a_resolved_ticket_is_confirmed_or_comes_back() {
    let mut desk = given([assign("bob"), resolve()]);
    let mut sure = desk.clone();
    assert_eq!(types(&sure.tell(&confirm()).unwrap()), ["ResolutionConfirmed"]);
    assert_eq!(sure.tell(&confirm()).unwrap(), []);
    assert_eq!(types(&desk.tell(&reject()).unwrap()), ["ResolutionRejected", "TicketReopened"]);
    let mut closed = given([assign("bob"), resolve(), Order::Close(Close)]);
    assert_eq!(closed.tell(&confirm()).unwrap_err().code(), "terminal_state");
}

#[test]
fn nobody_speaks_for_the_requester() {
    let mut desk = Desk { house: strict(), ..given([assign("bob")]) };
    desk.tell(&command(propose())).unwrap();
    for (kind, id) in
        [(ActorKind::Agent, "alice"), (ActorKind::Requester, "r-2"), (ActorKind::Supervisor, "r-1")]
    {
        let order = Order::ConfirmResolution(ConfirmResolution);
        assert_eq!(desk.tell(&by(kind, id, order)).unwrap_err().code(), "forbidden", "{kind} {id}");
    }
}

#[test]
fn where_requesters_confirm_only_a_supervisor_with_a_reason_resolves_without_them() {
    let mut desk = Desk { house: strict(), ..given([assign("bob")]) };
    let order = |why: Option<&str>| {
        Order::Resolve(Resolve {
            code: ResolutionCode::Other,
            summary: text("done"),
            steps: Vec::new(),
            root_cause: None,
            override_reason: why.map(text),
        })
    };
    for refused in
        [by(ActorKind::Agent, "bob", order(Some("on leave"))), by(ActorKind::Supervisor, "sue", order(None))]
    {
        let refused = desk.tell(&refused).unwrap_err();
        assert!(matches!(refused, Rejection::GuardFailed { guard: "confirmation", .. }), "{refused}");
    }
    let events = desk.tell(&by(ActorKind::Supervisor, "sue", order(Some("on leave")))).unwrap();
    let e = resolved(&events);
    assert_eq!((e.confirmed_by, e.override_reason.as_deref()), (ConfirmedBy::Override, Some("on leave")));
}

#[test]
fn silence_confirms_where_a_rule_says_so_and_a_word_of_the_requester_breaks_it() {
    let mut desk = Desk { house: strict(), ..given([assign("bob")]) };
    desk.tell(&by(ActorKind::Bot, "helper", propose())).unwrap();
    let mut answered = desk.clone();
    let events = desk.tell(&silence(&desk, 1)).unwrap();
    assert_eq!(types(&events), ["TimeRuleFired", "TicketResolved"]);
    assert_eq!(
        (resolved(&events).confirmed_by, resolved(&events).by.as_str()),
        (ConfirmedBy::Timeout, "helper")
    );

    answered.tell(&message(true)).unwrap();
    let mut thanked = answered.clone();
    assert_eq!(types(&thanked.tell(&silence(&thanked, 1)).unwrap()), ["TimeRuleFired", "TicketResolved"]);
    answered.tell(&message(false)).unwrap();
    assert_eq!(types(&answered.tell(&silence(&answered, 1)).unwrap()), ["TimeRuleFired"]);
    assert!(answered.ticket.as_ref().unwrap().proposal.is_some(), "what was proposed can still be confirmed");
}

#[test]
fn what_a_desk_wants_to_know_of_a_solved_ticket_is_asked_before_it_is_solved() {
    let required = || Some(House { required: vec!["cause"], ..House::default() });
    let mut desk = Desk { house: required(), ..given([assign("bob")]) };
    for order in [resolve(), propose()] {
        let refused = desk.tell(&command(order)).unwrap_err();
        assert!(matches!(refused, Rejection::GuardFailed { guard: "required_fields", .. }), "{refused}");
        assert!(refused.to_string().contains("cause"), "{refused}");
    }
    let set =
        |value: Option<FieldValue>| command(Order::SetField(SetField { field: "cause".to_owned(), value }));
    let value = FieldValue::Text("firmware".to_owned());
    assert_eq!(types(&desk.tell(&set(Some(value.clone()))).unwrap()), ["FieldChanged"]);
    assert_eq!(desk.tell(&set(Some(value))).unwrap(), [], "it is so already");
    assert_eq!(types(&desk.tell(&command(resolve())).unwrap()), ["TicketResolved"]);
    assert_eq!(types(&desk.tell(&set(None)).unwrap()), ["FieldChanged"]);
}
