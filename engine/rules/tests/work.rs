//! Claims as leases, tasks, approvals, time and follow-ups, by examples.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_schemas::command::{
    AddTask, CancelTask, Claim, Close, Command, CompleteTask, DecideApproval, LogCall, LogTime, Order,
    RecordFollowUp, ReleaseClaim, RenewClaim, RequestApproval, Resolve, ScheduleFollowUp, SetParticipants,
    SwitchChannel, UseArticle, limits,
};
use guichet_schemas::event::{ClaimReleased, Event, TicketClaimed};
use guichet_schemas::ids::{ApprovalId, CommandId, TaskId};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{
    ActorKind, CallOutcome, Channel, Direction, ReleaseReason, ResolutionCode, TimeKind, Verdict,
};
use support::{Desk, at, by, command, create, given, label, line, resolve, text};
use uuid::Uuid;

fn agent(id: &str, order: Order) -> Command {
    by(ActorKind::Agent, id, order)
}

fn supervisor(order: Order) -> Command {
    by(ActorKind::Supervisor, "sue", order)
}

/// For an hour, which is how long a desk of the tests takes for a command.
fn claim(force: bool) -> Order {
    Order::Claim(Claim { ttl_s: 3_600, force })
}

fn claimed(who: &str, until: i64) -> Event {
    Event::from(TicketClaimed { by: who.to_owned(), until: at(until) })
}

fn released(who: &str, reason: ReleaseReason) -> Event {
    Event::from(ClaimReleased { by: who.to_owned(), reason })
}

/// Decides at the hour of the last command.
fn now(desk: &mut Desk, command: &Command) -> Result<Vec<Event>, Rejection> {
    desk.hour -= 1;
    desk.tell(command)
}

#[test]
fn one_holds_a_claim_and_the_other_is_told_who_and_until_when() {
    let mut desk = given([]);
    assert_eq!(desk.tell(&agent("ann", claim(false))).unwrap(), [claimed("ann", 3)]);
    let refused = now(&mut desk, &agent("bob", claim(false))).unwrap_err();
    let Rejection::ClaimHeld { by, until, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!((by.as_str(), *until, refused.number()), ("ann", at(3), 409));
    for order in [Order::RenewClaim(RenewClaim), Order::ReleaseClaim(ReleaseClaim)] {
        assert_eq!(now(&mut desk, &agent("bob", order)).unwrap_err().code(), "claim_held");
    }
    // Nobody is kept from anything else.
    assert!(now(&mut desk, &agent("bob", support::assign("bob"))).is_ok());
    assert_eq!(
        now(&mut desk, &agent("ann", Order::ReleaseClaim(ReleaseClaim))).unwrap(),
        [released("ann", ReleaseReason::Released)]
    );
    assert_eq!(now(&mut desk, &agent("bob", claim(false))).unwrap(), [claimed("bob", 3)]);
}

#[test]
fn a_claim_ends_by_itself_at_its_instant() {
    let mut desk = given([]);
    desk.tell(&agent("ann", claim(false))).unwrap();
    // An hour later, to the millisecond.
    let release = Order::ReleaseClaim(ReleaseClaim);
    assert_eq!(desk.clone().tell(&agent("bob", release)).unwrap(), [], "nobody holds it");
    let renewed = desk.clone().tell(&agent("ann", Order::RenewClaim(RenewClaim))).unwrap_err();
    assert_eq!(renewed.code(), "guard_failed");
    assert_eq!(
        desk.tell(&agent("bob", claim(false))).unwrap(),
        [released("ann", ReleaseReason::Expired), claimed("bob", 4)]
    );
}

#[test]
fn a_claim_is_renewed_for_as_long_as_it_was_taken_for() {
    let mut desk = given([]);
    let short = Order::Claim(Claim { ttl_s: 60, force: false });
    desk.tell(&agent("ann", short)).unwrap();
    assert_eq!(
        now(&mut desk, &agent("ann", Order::RenewClaim(RenewClaim))).unwrap(),
        [],
        "at the same instant"
    );
    desk.tell(&agent("ann", claim(false))).unwrap();
    let half =
        Command { command_id: CommandId(Uuid::from_u128(9)), ..agent("ann", Order::RenewClaim(RenewClaim)) };
    assert_eq!(now(&mut desk, &half).unwrap(), []);
    assert_eq!(desk.ticket.as_ref().unwrap().lease(at(3)).unwrap().ttl_ms, 3_600_000);
    // Whoever holds it may hold it for less, too.
    let less = Order::Claim(Claim { ttl_s: 60, force: false });
    assert_eq!(now(&mut desk, &agent("ann", less)).unwrap().len(), 1);
    assert_eq!(desk.ticket.as_ref().unwrap().lease(at(3)).unwrap().ttl_ms, 60_000);
}

#[test]
fn a_supervisor_takes_a_claim_and_ends_one_and_nobody_else_does() {
    let mut desk = given([]);
    desk.tell(&agent("ann", claim(false))).unwrap();
    assert_eq!(now(&mut desk, &agent("bob", claim(true))).unwrap_err().code(), "forbidden");
    assert_eq!(
        now(&mut desk, &supervisor(claim(true))).unwrap(),
        [released("ann", ReleaseReason::Forced), claimed("sue", 3)]
    );
    let mut other = given([]);
    other.tell(&agent("ann", claim(false))).unwrap();
    let ended = now(&mut other, &supervisor(Order::ReleaseClaim(ReleaseClaim))).unwrap();
    assert_eq!(ended, [released("ann", ReleaseReason::Forced)]);
    let requester = by(ActorKind::Requester, "r-1", claim(false));
    assert_eq!(other.ask(&requester).unwrap_err().code(), "forbidden");
}

#[test]
fn a_closed_ticket_is_not_claimed() {
    let mut desk = given([resolve()]);
    desk.tell(&supervisor(Order::Close(Close))).unwrap();
    for order in [claim(false), Order::RenewClaim(RenewClaim), Order::ReleaseClaim(ReleaseClaim)] {
        assert_eq!(desk.ask(&command(order)).unwrap_err().code(), "terminal_state");
    }
}

fn task(blocks_resolve: bool) -> Order {
    Order::AddTask(AddTask { title: line("Order a drum"), owner: None, due: None, blocks_resolve })
}

fn numbered(n: u128, order: Order) -> Command {
    Command { command_id: CommandId(Uuid::from_u128(n)), ..command(order) }
}

fn task_id(n: u128) -> TaskId {
    TaskId(CommandId(Uuid::from_u128(n)).derive("task"))
}

fn guard(result: Result<Vec<Event>, Rejection>) -> &'static str {
    let rejection = result.unwrap_err();
    let Rejection::GuardFailed { guard, .. } = rejection else { panic!("{rejection:?}") };
    guard
}

#[test]
fn a_task_that_blocks_keeps_a_ticket_from_being_resolved() {
    let mut desk = given([]);
    desk.tell(&numbered(1, task(true))).unwrap();
    desk.tell(&numbered(2, task(true))).unwrap();
    desk.tell(&numbered(3, task(false))).unwrap();
    assert_eq!(guard(desk.clone().tell(&command(resolve()))), "tasks");
    let done = Order::CompleteTask(CompleteTask { task_id: task_id(1) });
    assert_eq!(desk.tell(&command(done.clone())).unwrap().len(), 1);
    assert_eq!(desk.tell(&command(done)).unwrap(), [], "it is done");
    assert_eq!(guard(desk.clone().tell(&command(resolve()))), "tasks");
    desk.tell(&command(Order::CancelTask(CancelTask { task_id: task_id(2), reason: None }))).unwrap();
    assert!(desk.tell(&command(resolve())).is_ok(), "the third blocks nothing");
}

#[test]
fn a_task_ends_once_and_is_of_its_ticket() {
    let mut desk = given([]);
    desk.tell(&numbered(1, task(false))).unwrap();
    desk.tell(&command(Order::CancelTask(CancelTask { task_id: task_id(1), reason: None }))).unwrap();
    assert_eq!(guard(desk.tell(&command(Order::CompleteTask(CompleteTask { task_id: task_id(1) })))), "task");
    let other = Order::CompleteTask(CompleteTask { task_id: task_id(2) });
    assert_eq!(desk.ask(&command(other)).unwrap_err().code(), "not_found");
    for n in 2..=limits::TASKS {
        desk.tell(&numbered(n as u128, task(false))).unwrap();
    }
    assert_eq!(guard(desk.tell(&numbered(999, task(false)))), "tasks");
}

#[test]
fn a_supervisor_resolves_past_a_guard_with_a_reason_and_nobody_else_does() {
    let mut desk = given([task(true)]);
    let order = |reason: bool| {
        Order::Resolve(Resolve {
            code: ResolutionCode::Other,
            summary: text("done"),
            steps: Vec::new(),
            root_cause: None,
            override_reason: reason.then(|| text("the part comes next week")),
        })
    };
    assert_eq!(guard(desk.clone().tell(&supervisor(order(false)))), "tasks");
    assert_eq!(guard(desk.clone().tell(&command(order(true)))), "tasks");
    assert!(desk.tell(&supervisor(order(true))).is_ok());
}

fn ask_three(quorum: u32) -> Order {
    let approvers = ["sue", "tom", "uma"].map(label).to_vec();
    Order::RequestApproval(RequestApproval { approvers, quorum })
}

fn says(who: &str, verdict: Verdict) -> Command {
    let approval_id = ApprovalId(CommandId(Uuid::from_u128(7)).derive("approval"));
    agent(who, Order::DecideApproval(DecideApproval { approval_id, verdict, reason: None }))
}

#[test]
fn an_approval_blocks_until_its_quorum_agrees() {
    let mut desk = given([ask_three(2)]);
    assert_eq!(guard(desk.clone().tell(&command(resolve()))), "approvals");
    assert_eq!(desk.tell(&says("sue", Verdict::Approved)).unwrap().len(), 1);
    assert_eq!(desk.tell(&says("sue", Verdict::Approved)).unwrap(), [], "she said so");
    assert_eq!(guard(desk.clone().tell(&command(resolve()))), "approvals");
    // One who thinks it over, before it is decided.
    desk.tell(&says("sue", Verdict::Rejected)).unwrap();
    desk.tell(&says("sue", Verdict::Approved)).unwrap();
    desk.tell(&says("tom", Verdict::Approved)).unwrap();
    assert_eq!(guard(desk.tell(&says("uma", Verdict::Rejected))), "approval");
    assert!(desk.tell(&command(resolve())).is_ok());
}

#[test]
fn an_approval_is_refused_as_soon_as_the_quorum_is_out_of_reach() {
    let mut desk = given([ask_three(2)]);
    desk.tell(&says("sue", Verdict::Rejected)).unwrap();
    assert_eq!(guard(desk.clone().tell(&command(resolve()))), "approvals");
    desk.tell(&says("tom", Verdict::Rejected)).unwrap();
    assert_eq!(guard(desk.tell(&says("uma", Verdict::Approved))), "approval", "it is decided");
    assert!(desk.tell(&command(resolve())).is_ok(), "what was refused blocks nothing");
}

#[test]
fn only_those_who_were_asked_approve() {
    let desk = given([ask_three(1)]);
    assert_eq!(desk.ask(&says("ann", Verdict::Approved)).unwrap_err().code(), "forbidden");
    let other = ApprovalId(Uuid::from_u128(99));
    let order = DecideApproval { approval_id: other, verdict: Verdict::Approved, reason: None };
    assert_eq!(desk.ask(&agent("sue", Order::DecideApproval(order))).unwrap_err().code(), "not_found");
}

#[test]
fn participants_come_and_go_once() {
    let people = |add: &[&str], remove: &[&str]| {
        let list = |ids: &[&str]| ids.iter().map(|id| label(id)).collect();
        command(Order::SetParticipants(SetParticipants { add: list(add), remove: list(remove) }))
    };
    let mut desk = given([]);
    assert_eq!(desk.tell(&people(&["r-2", "r-2"], &["r-3"])).unwrap().len(), 1);
    assert_eq!(desk.tell(&people(&["r-2"], &["r-3"])).unwrap(), []);
    let many: Vec<String> = (10..10 + limits::PARTICIPANTS).map(|n| format!("r-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(desk.ask(&people(&many, &[])).unwrap_err().code(), "validation_failed");
    assert!(desk.tell(&people(&many, &["r-2"])).is_ok(), "one goes, and there is room");
}

#[test]
fn a_call_is_noted_with_what_was_said_and_lies_in_the_past() {
    let mut desk = given([]);
    let call = |hour: i64, note: bool| {
        command(Order::LogCall(LogCall {
            direction: Direction::Inbound,
            started_at: at(hour),
            duration_s: 60,
            outcome: CallOutcome::Answered,
            note: note.then(|| text("They call back.")),
        }))
    };
    let types: Vec<_> = desk.tell(&call(1, true)).unwrap().iter().map(Event::type_name).collect();
    assert_eq!(types, ["CommentAdded", "CallLogged"]);
    assert_eq!(desk.tell(&call(1, false)).unwrap().len(), 1);
    assert_eq!(desk.ask(&call(90, false)).unwrap_err().code(), "validation_failed");
    let Order::LogCall(order) = call(1, true).order else { panic!() };
    let requester = by(ActorKind::Requester, "r-1", Order::LogCall(order));
    assert_eq!(desk.ask(&requester).unwrap_err().code(), "forbidden", "the note is internal");
}

#[test]
fn a_channel_an_article_and_logged_time() {
    let mut desk = given([]);
    let switch = |to| command(Order::SwitchChannel(SwitchChannel { to }));
    assert_eq!(desk.tell(&switch(create().channel)).unwrap(), [], "it is there");
    assert_eq!(desk.tell(&switch(Channel::Phone)).unwrap().len(), 1);
    assert_eq!(desk.tell(&switch(Channel::Phone)).unwrap(), []);
    let article = |version| command(Order::UseArticle(UseArticle { article: label("kb-1"), version }));
    assert_eq!(desk.tell(&article(1)).unwrap().len(), 1);
    assert_eq!(desk.tell(&article(1)).unwrap(), [], "it helped");
    assert_eq!(desk.tell(&article(2)).unwrap().len(), 1);
    let time = || Order::LogTime(LogTime { seconds: 60, kind: Some(TimeKind::Travel) });
    assert_eq!(desk.tell(&command(time())).unwrap().len(), 1);
    assert_eq!(desk.tell(&command(time())).unwrap().len(), 1, "that is another minute");
    assert_eq!(desk.ask(&by(ActorKind::Requester, "r-1", time())).unwrap_err().code(), "forbidden");
}

#[test]
fn a_follow_up_lies_ahead_and_looks_at_a_solution() {
    let schedule = |hour| command(Order::ScheduleFollowUp(ScheduleFollowUp { at: at(hour) }));
    let record = |effective| command(Order::RecordFollowUp(RecordFollowUp { effective }));
    let mut desk = given([]);
    assert_eq!(guard(desk.clone().tell(&record(true))), "resolution");
    assert_eq!(desk.ask(&schedule(1)).unwrap_err().code(), "validation_failed");
    assert_eq!(desk.tell(&schedule(90)).unwrap().len(), 1);
    assert_eq!(desk.tell(&schedule(90)).unwrap(), []);
    desk.tell(&command(resolve())).unwrap();
    assert_eq!(desk.tell(&record(false)).unwrap().len(), 1);
    assert_eq!(desk.tell(&schedule(90)).unwrap().len(), 1, "the other was done");
}
