//! What a configured desk allows, and what its clocks and rules do to a ticket, by examples.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

mod support;

use guichet_rules::{Action, FiredRule, Life, PendingGuard};
use guichet_schemas::command::{
    AddComment, ChangeTags, Close, Command, FireTimeRule, Order, RecordSlaBreach, RecordSlaWarning,
    SetStatus, VoidSlaBreach,
};
use guichet_schemas::event::{Event, LifeCycle, Ownership, SlaEvent, TicketEvent};
use guichet_schemas::ids::CallerId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, EscalationReason, Priority, SlaMetric, TicketState, Visibility};
use support::{Desk, House, VERSION, at, by, command, given, label, reopen, resolve, text};

fn pending(comment: Option<&str>) -> Order {
    let comment = comment.map(text);
    Order::SetStatus(SetStatus {
        to: TicketState::Pending,
        custom_status: None,
        hold_reason: None,
        expected_until: None,
        comment,
    })
}

fn says(visibility: Visibility) -> Order {
    Order::AddComment(AddComment {
        visibility,
        kind: None,
        body: text("Any news?"),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    })
}

fn with(life: Life, orders: impl IntoIterator<Item = Order>) -> Desk {
    Desk { house: Some(House { life, ..House::default() }), ..given(orders) }
}

fn guard(outcome: Result<Vec<Event>, Rejection>) -> &'static str {
    let refused = outcome.unwrap_err();
    let Rejection::GuardFailed { guard, .. } = refused else { panic!("{refused}") };
    guard
}

/// The SLA worker.
fn sla(order: Order) -> Command {
    Command { caller: CallerId::parse("sla").unwrap(), ..by(ActorKind::System, "sla", order) }
}

fn breach(hour: i64, config_version: u64) -> Command {
    sla(Order::RecordSlaBreach(RecordSlaBreach {
        metric: SlaMetric::FirstReply,
        instance: 1,
        at: at(hour),
        policy: label("gold"),
        policy_version: 3,
        due_at: at(hour),
        consumed_s: Some(3600),
        immediate: false,
        config_version: Some(config_version),
    }))
}

fn fire(rule: &str, hour: i64, holds: bool) -> Command {
    let order = FireTimeRule {
        rule: label(rule),
        instance: 1,
        due_at: at(hour),
        config_version: Some(VERSION),
        holds,
        skipped: None,
    };
    // The engine has compared it.
    Command { expected_version: Some(1), ..sla(Order::FireTimeRule(order)) }
}

fn types(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

#[test]
fn a_ticket_waits_for_its_requester_only_once_they_have_an_answer() {
    let life = Life { pending_guard: PendingGuard::Enforce, ..Life::default() };
    let mut desk = with(life, []);
    assert_eq!(guard(desk.tell(&command(pending(None)))), "pending");
    desk.tell(&command(says(Visibility::Internal))).unwrap();
    assert_eq!(guard(desk.tell(&command(pending(None)))), "pending", "a note is no answer");
    desk.tell(&command(says(Visibility::Public))).unwrap();
    desk.tell(&by(ActorKind::Requester, "r-1", says(Visibility::Public))).unwrap();
    assert_eq!(guard(desk.tell(&command(pending(None)))), "pending", "they wrote again");
    assert_eq!(
        types(&desk.tell(&command(pending(Some("Which floor?")))).unwrap()),
        ["CommentAdded", "StatusChanged"]
    );
    assert!(given([]).tell(&command(pending(None))).is_ok(), "without configuration there is no such guard");
}

#[test]
fn a_guard_that_warns_lets_it_wait_and_says_in_the_event_that_nobody_had_answered() {
    let unanswered = |mut desk: Desk, comment: Option<&str>| {
        let events = desk.tell(&command(pending(comment))).unwrap();
        let Some(Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(change)))) = events.last()
        else {
            panic!("{events:?}")
        };
        change.unanswered
    };
    let life = Life { pending_guard: PendingGuard::Warn, ..Life::default() };
    assert!(unanswered(with(life, []), None));
    assert!(!unanswered(with(life, []), Some("Which floor?")));
    assert!(!unanswered(with(life, [says(Visibility::Public)]), None));
    assert!(!unanswered(given([]), None), "nobody warns");
}

#[test]
fn somebody_must_have_a_ticket_where_the_resolver_does_not_become_its_assignee() {
    let life = Life { auto_assign_on_resolve: false, ..Life::default() };
    assert_eq!(guard(with(life, []).tell(&command(resolve()))), "assignee");
    let mut had = with(life, [support::assign("bob")]);
    assert_eq!(types(&had.tell(&command(resolve())).unwrap()), ["TicketResolved"]);
}

#[test]
fn a_reopen_comes_within_its_window_or_not_at_all() {
    let life = Life { reopen_window_ms: Some(5 * 3_600_000), ..Life::default() };
    let mut desk = with(life, [resolve()]);
    let resolved = desk.hour;
    desk.hour = resolved + 5;
    let mut late = desk.clone();
    desk.hour -= 1;
    assert_eq!(types(&desk.tell(&command(reopen())).unwrap()), ["TicketReopened"]);
    assert_eq!(guard(late.tell(&command(reopen()))), "reopen_window");
    let said = late.tell(&by(ActorKind::Requester, "r-1", says(Visibility::Public))).unwrap();
    assert_eq!(types(&said), ["CommentAdded"], "what is said is kept, the ticket stays resolved");
}

#[test]
fn a_desk_says_how_often_requesters_reopen_a_ticket() {
    let events_of = |life: Life, times: usize| {
        let mut desk = with(life, []);
        let mut last = Vec::new();
        for _ in 0..times {
            desk.tell(&command(resolve())).unwrap();
            last = desk.tell(&by(ActorKind::Requester, "r-1", says(Visibility::Public))).unwrap();
        }
        types(&last)[1]
    };
    let life = Life { reopen_limit: 1, ..Life::default() };
    assert_eq!((events_of(life, 1), events_of(life, 2)), ("TicketReopened", "ReopenHeld"));
    // The first reopening was two hours before the second.
    let short = Life { reopen_limit_within_ms: 7_199_999, ..life };
    assert_eq!(events_of(short, 2), "TicketReopened");
    let without = Life { reopen_limit: 0, ..life };
    assert_eq!(events_of(without, 12), "TicketReopened");
}

#[test]
fn a_ticket_at_which_a_message_waits_does_not_close_by_itself() {
    let life = Life { reopen_limit: 1, ..Life::default() };
    let mut desk = with(life, []);
    desk.house = Some(House { life, rule: Some(FiredRule::auto_close()), ..House::default() });
    for _ in 0..2 {
        desk.tell(&command(resolve())).unwrap();
        desk.tell(&by(ActorKind::Requester, "r-1", says(Visibility::Public))).unwrap();
    }
    desk.hour = 200;
    let mut seen = desk.clone();
    let events = desk.tell(&fire("auto_close", 100, true)).unwrap();
    assert!(
        matches!(&events[..], [Event::Sla(SlaEvent::TimeRuleFired(e))] if e.suppressed && e.actions.is_empty()),
        "{events:?}"
    );
    for order in [reopen(), resolve()] {
        seen.tell(&command(order)).unwrap();
    }
    let events = seen.tell(&fire("auto_close", 202, true)).unwrap();
    assert_eq!(types(&events), ["TimeRuleFired", "TicketClosed"]);
}

#[test]
fn a_closed_ticket_is_opened_again_by_a_supervisor_and_only_for_a_while() {
    let life = Life { reopen_closed_ms: Some(3_600_000), ..Life::default() };
    let mut desk = with(life, [resolve(), Order::Close(Close)]);
    assert_eq!(desk.clone().tell(&command(reopen())).unwrap_err().code(), "terminal_state");
    let supervisor = by(ActorKind::Supervisor, "sue", reopen());
    assert_eq!(types(&desk.clone().tell(&supervisor).unwrap()), ["TicketReopened"]);
    desk.hour += 1;
    assert_eq!(desk.tell(&supervisor).unwrap_err().code(), "terminal_state");
}

#[test]
fn what_a_clock_found_is_recorded_once_and_stamped_with_its_instant() {
    let mut desk = with(Life::default(), []);
    let created = desk.ticket.as_ref().unwrap().last_occurred_at;
    desk.hour = 10;
    assert_eq!(desk.clone().tell(&breach(5, VERSION + 1)).unwrap_err().code(), "config_stale");
    assert_eq!(
        desk.clone().tell(&breach(11, VERSION)).unwrap_err().code(),
        "validation_failed",
        "not over yet"
    );
    let Event::Sla(SlaEvent::SlaBreached(fact)) = desk.tell(&breach(5, VERSION)).unwrap().remove(0) else {
        panic!("another")
    };
    assert_eq!((fact.due_at, fact.detected_late_ms), (at(5), 6 * 3_600_000));
    assert_eq!(desk.events.last().unwrap().1, at(5));
    assert_eq!(desk.ticket.as_ref().unwrap().last_occurred_at, created, "time found it, nobody did it");
    assert_eq!(desk.tell(&breach(5, VERSION)).unwrap(), []);
    let warning = |pct| {
        sla(Order::RecordSlaWarning(RecordSlaWarning {
            metric: SlaMetric::FirstReply,
            instance: 1,
            pct,
            at: at(4),
            due_at: Some(at(5)),
            immediate: false,
            config_version: None,
        }))
    };
    assert_eq!(types(&desk.tell(&warning(50)).unwrap()), ["SlaWarned"]);
    assert_eq!(types(&desk.tell(&warning(75)).unwrap()), ["SlaWarned"]);
    assert_eq!(desk.tell(&warning(75)).unwrap(), []);
}

#[test]
fn a_breach_is_voided_by_a_supervisor_and_stays() {
    let mut desk = with(Life::default(), []);
    let order = Order::VoidSlaBreach(VoidSlaBreach {
        metric: SlaMetric::FirstReply,
        instance: 1,
        reason: text("our line"),
    });
    let supervisor = by(ActorKind::Supervisor, "sue", order.clone());
    assert_eq!(desk.tell(&supervisor).unwrap_err().code(), "not_found");
    desk.hour = 10;
    desk.tell(&breach(5, VERSION)).unwrap();
    assert_eq!(desk.tell(&command(order)).unwrap_err().code(), "forbidden");
    assert_eq!(types(&desk.tell(&supervisor).unwrap()), ["SlaBreachVoided"]);
    assert_eq!(desk.tell(&supervisor).unwrap(), []);
    assert_eq!(desk.tell(&breach(5, VERSION)).unwrap(), [], "its name stays used");
}

#[test]
fn a_rule_acts_where_its_condition_still_holds() {
    let rule = FiredRule {
        states: vec![TicketState::Pending],
        actions: vec![
            Action::SetPriority { priority: Priority::High },
            Action::AddTags { tags: vec!["forgotten".to_owned()] },
            Action::Escalate { to_tier: 2, reason: EscalationReason::TimeLimit },
            Action::Note { text: "nobody looked".to_owned() },
            Action::Notify { to: "assignee".to_owned() },
            Action::Close {},
        ],
    };
    let mut desk = given([support::assign("bob"), pending(None)]);
    desk.house = Some(House { rule: Some(rule), ..House::default() });
    let since = desk.hour;
    desk.hour = 80;
    let (mut over, mut moved) = (desk.clone(), desk.clone());
    let events = desk.tell(&fire("forgotten", since + 72, true)).unwrap();
    assert_eq!(
        types(&events),
        ["TimeRuleFired", "PriorityChanged", "TagsChanged", "TicketEscalated", "CommentAdded"],
        "only a resolved ticket closes"
    );
    assert!(
        matches!(&events[0], Event::Sla(SlaEvent::TimeRuleFired(e)) if !e.suppressed && e.actions.len() == 6)
    );
    assert!(
        matches!(&events[3], Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(e))) if e.tags_at == ["forgotten"]),
        "one sees the other"
    );
    assert_eq!(desk.tell(&fire("forgotten", since + 72, true)).unwrap(), []);

    // It was left and came back, as only the worker knows: what fell due before is of another stay.
    let suppressed = |events: &[Event]| matches!(events, [Event::Sla(SlaEvent::TimeRuleFired(e))] if e.suppressed && e.actions.is_empty());
    assert!(suppressed(&over.tell(&fire("forgotten", since + 72, false)).unwrap()));
    moved.tell(&by(ActorKind::Requester, "r-1", says(Visibility::Public))).unwrap();
    assert!(
        suppressed(&moved.tell(&fire("forgotten", since + 72, true)).unwrap()),
        "this the engine sees, too"
    );
    let unbound = Command { expected_version: None, ..fire("forgotten", since + 72, true) };
    assert!(matches!(over.tell(&unbound), Ok(events) if events.is_empty()), "recorded is recorded");
    let unbound = Command { expected_version: None, ..fire("another", since + 72, true) };
    let refused = over.tell(&unbound).unwrap_err();
    assert!(matches!(&refused, Rejection::ValidationFailed(e) if e.field == "expected_version"), "{refused}");
}

#[test]
fn every_desk_closes_what_has_been_resolved_for_long() {
    let mut desk = given([resolve()]);
    desk.hour = 200;
    let mut order = fire("auto_close", 100, true);
    let Order::FireTimeRule(rule) = &mut order.order else { panic!("{order:?}") };
    rule.config_version = None;
    let events = desk.tell(&order).unwrap();
    assert_eq!(types(&events), ["TimeRuleFired", "TicketClosed"]);
    assert!(
        matches!(&events[1], Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(e))) if e.auto)
    );
}

#[test]
fn a_rule_adds_no_tag_that_a_person_could_not_add() {
    let full: Vec<String> = (0..64).map(|n| format!("tag-{n}")).collect();
    let tags = full.iter().map(|tag| support::line(tag)).collect();
    let mut desk = given([Order::ChangeTags(ChangeTags { add: tags, remove: Vec::new() })]);
    let actions = vec![Action::AddTags { tags: vec!["one more".to_owned()] }];
    let rule = FiredRule { states: vec![TicketState::New], actions };
    desk.house = Some(House { rule: Some(rule), ..House::default() });
    desk.hour = 80;
    assert_eq!(types(&desk.tell(&fire("forgotten", 72, true)).unwrap()), ["TimeRuleFired"]);
}

#[test]
fn only_the_worker_of_the_clocks_records_what_they_find() {
    let mut desk = with(Life::default(), []);
    desk.hour = 10;
    let order = breach(5, VERSION).order;
    assert_eq!(desk.tell(&command(order.clone())).unwrap_err().code(), "forbidden");
    assert_eq!(
        desk.tell(&by(ActorKind::System, "sla", order)).unwrap_err().code(),
        "forbidden",
        "another caller"
    );
    assert_eq!(desk.tell(&sla(resolve())).unwrap_err().code(), "forbidden", "and it does nothing else");
}

#[test]
fn a_rule_that_repeats_for_years_is_known_by_its_last_time() {
    let mut desk = with(Life::default(), []);
    desk.hour = 100_000;
    let nth = |instance: u32, hour: i64| {
        let mut one = fire("hourly", hour, false);
        let Order::FireTimeRule(order) = &mut one.order else { panic!("{one:?}") };
        (order.instance, order.skipped) = (instance, Some(instance / 2));
        one
    };
    for hour in 1..300 {
        let events = desk.tell(&nth(u32::try_from(hour).unwrap(), hour)).unwrap();
        let counted = matches!(&events[..], [Event::Sla(SlaEvent::TimeRuleFired(e))] if e.skipped.unwrap_or(0) == e.instance / 2);
        assert!(counted, "{events:?}");
    }
    desk.tell(&{
        let mut other = nth(7, 7);
        let Order::FireTimeRule(order) = &mut other.order else { panic!("{other:?}") };
        order.rule = label("7/hourly");
        other
    })
    .unwrap();
    assert_eq!(desk.ticket.as_ref().unwrap().facts.len(), 2, "one for each rule, whatever its name");
    assert!(desk.tell(&nth(200, 200)).unwrap().is_empty(), "recorded, or stood for by a later one");
}
