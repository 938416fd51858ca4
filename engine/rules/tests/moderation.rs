//! Comments that are taken back, replies that wait for approval, and reviews, by examples.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{Life, PendingGuard};
use guichet_schemas::command::{
    AddComment, ApproveReply, Cancel, Command, DraftReply, MakeCommentPrivate, Order, RedactComment,
    RejectReply, RequestInformation, ReviewDecision, SetPriority, SetStatus,
};
use guichet_schemas::event::{Conversation, Event, Moderation, Personal, TextSpan, TicketEvent};
use guichet_schemas::ids::{CommandId, CommentId, DraftId, EventId};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::{ActorKind, CancelReason, Priority, TicketState, Verdict, Visibility};
use support::{Desk, House, by, command, create, resolve, text};
use uuid::Uuid;

/// A desk with a ticket, where tina learns from bob.
fn desk() -> Desk {
    let life = Life { pending_guard: PendingGuard::Enforce, ..Life::default() };
    let house = House { life, trainees: vec![("tina", "bob"), ("theo", "bob")], ..House::default() };
    let mut desk = Desk { house: Some(house), ..Desk::default() };
    desk.tell(&command(Order::Create(create()))).unwrap();
    desk
}

/// The `n`-th command of somebody.
fn nth(n: u128, kind: ActorKind, id: &str, order: Order) -> Command {
    Command { command_id: CommandId(Uuid::from_u128(n)), ..by(kind, id, order) }
}

fn says(n: u128, kind: ActorKind, id: &str, visibility: Visibility, body: &str) -> Command {
    let order = AddComment {
        visibility,
        kind: None,
        body: text(body),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: None,
        no_reopen: false,
    };
    nth(n, kind, id, Order::AddComment(order))
}

/// The comment that the `n`-th command adds.
fn comment(n: u128) -> CommentId {
    CommentId(CommandId(Uuid::from_u128(n)).derive("comment"))
}

fn hides(n: u128) -> Order {
    Order::MakeCommentPrivate(MakeCommentPrivate { comment_id: comment(n), reason: text("too much") })
}

fn redacts(n: u128, spans: &[(u32, u32)]) -> Order {
    let spans: Vec<_> = spans.iter().map(|(from, to)| TextSpan { from: *from, length: to - from }).collect();
    Order::RedactComment(RedactComment { comment_id: comment(n), spans, reason: text("a password") })
}

fn waits() -> Order {
    Order::SetStatus(SetStatus {
        to: TicketState::Pending,
        custom_status: None,
        hold_reason: None,
        expected_until: None,
        comment: None,
    })
}

fn approves(n: u128, edits: Option<&str>) -> Order {
    let edits = edits.map(text);
    Order::ApproveReply(ApproveReply { draft_id: DraftId(comment(n).0), edits })
}

fn rejects(n: u128) -> Order {
    Order::RejectReply(RejectReply { draft_id: DraftId(comment(n).0), reason: text("ask first") })
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::type_name).collect()
}

fn agent(id: &str, order: Order) -> Command {
    by(ActorKind::Agent, id, order)
}

fn refusal(told: Result<Vec<Event>, Rejection>) -> (&'static str, Option<&'static str>) {
    let refused = told.unwrap_err();
    let guard = if let Rejection::GuardFailed { guard, .. } = &refused { Some(*guard) } else { None };
    (refused.code(), guard)
}

#[test]
fn an_answer_that_is_made_private_is_none_for_whoever_waits() {
    let mut desk = desk();
    desk.tell(&says(10, ActorKind::Requester, "r-1", Visibility::Public, "Help.")).unwrap();
    desk.tell(&says(11, ActorKind::Agent, "alice", Visibility::Public, "Of another customer.")).unwrap();
    let made = desk.tell(&agent("alice", hides(11))).unwrap();
    let [Event::Ticket(TicketEvent::Moderation(Moderation::CommentMadePrivate(e)))] = &made[..] else {
        panic!("{made:?}")
    };
    assert_eq!((e.comment_id, e.comment_version), (comment(11), Some(3)));
    assert_eq!(refusal(desk.tell(&agent("alice", waits()))), ("guard_failed", Some("pending")));
    assert_eq!(desk.tell(&agent("alice", hides(11))).unwrap(), [], "it is private");
    // Of two answers, one is left.
    desk.tell(&says(12, ActorKind::Agent, "alice", Visibility::Public, "One.")).unwrap();
    desk.tell(&says(13, ActorKind::Agent, "alice", Visibility::Public, "Two.")).unwrap();
    desk.tell(&agent("alice", hides(13))).unwrap();
    assert_eq!(names(&desk.tell(&agent("alice", waits())).unwrap()), ["StatusChanged"]);
    // An answer to an earlier message says nothing of the newest one.
    desk.tell(&says(14, ActorKind::Requester, "r-1", Visibility::Public, "And?")).unwrap();
    desk.tell(&says(15, ActorKind::Agent, "alice", Visibility::Public, "Three.")).unwrap();
    desk.tell(&agent("alice", hides(12))).unwrap();
    assert_eq!(names(&desk.tell(&agent("alice", waits())).unwrap()), ["StatusChanged"]);
}

#[test]
fn only_the_desk_takes_a_public_comment_back_and_a_ticket_that_is_over_lets_it() {
    let mut desk = desk();
    desk.tell(&says(10, ActorKind::Agent, "alice", Visibility::Internal, "A note.")).unwrap();
    desk.tell(&says(11, ActorKind::Requester, "r-1", Visibility::Public, "My card is 1234.")).unwrap();
    assert_eq!(desk.tell(&agent("alice", hides(10))).unwrap(), [], "it was never public");
    for order in [hides(11), redacts(11, &[])] {
        assert_eq!(refusal(desk.tell(&by(ActorKind::Requester, "r-1", order))).0, "forbidden");
    }
    for order in [hides(99), redacts(99, &[])] {
        assert_eq!(refusal(desk.tell(&agent("alice", order))).0, "not_found");
    }
    desk.tell(&agent("alice", Order::Cancel(Cancel { reason: CancelReason::Test }))).unwrap();
    assert_eq!(names(&desk.tell(&agent("alice", hides(11))).unwrap()), ["CommentMadePrivate"]);
    assert_eq!(names(&desk.tell(&agent("alice", redacts(11, &[]))).unwrap()), ["CommentRedacted"]);
}

#[test]
fn what_is_redacted_is_redacted_once_and_lies_within_the_text() {
    let mut desk = desk();
    desk.tell(&says(10, ActorKind::Requester, "r-1", Visibility::Public, "My card is 1234.")).unwrap();
    let told = desk.tell(&agent("alice", redacts(10, &[(13, 15), (11, 13)]))).unwrap();
    let [Event::Ticket(TicketEvent::Moderation(Moderation::CommentRedacted(e)))] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(e.spans, [TextSpan { from: 11, length: 4 }]);
    assert_eq!(desk.tell(&agent("alice", redacts(10, &[(12, 14)]))).unwrap(), []);
    let refused = desk.tell(&agent("alice", redacts(10, &[(11, 17)]))).unwrap_err();
    let Rejection::ValidationFailed(field) = &refused else { panic!("{refused:?}") };
    assert_eq!(field.field, "data.spans");
    assert_eq!(names(&desk.tell(&agent("alice", redacts(10, &[]))).unwrap()), ["CommentRedacted"]);
    for more in [redacts(10, &[]), redacts(10, &[(0, 2)])] {
        assert_eq!(desk.tell(&agent("alice", more)).unwrap(), []);
    }
}

#[test]
fn what_a_trainee_writes_goes_out_when_their_mentor_approves_it_and_is_theirs() {
    let mut desk = desk();
    let drafted = desk.tell(&says(10, ActorKind::Agent, "tina", Visibility::Public, "Turn it off.")).unwrap();
    assert_eq!(names(&drafted), ["ReplyDrafted"]);
    let ticket = desk.ticket.as_ref().unwrap();
    assert!(ticket.state() == TicketState::New && !ticket.answered, "nobody has answered");
    // A note to the desk needs nobody.
    let note = desk.tell(&says(11, ActorKind::Agent, "tina", Visibility::Internal, "Right?")).unwrap();
    assert_eq!(names(&note), ["CommentAdded"]);
    for (kind, who) in
        [(ActorKind::Agent, "tina"), (ActorKind::Supervisor, "tina"), (ActorKind::Agent, "alice")]
    {
        for order in [approves(10, None), rejects(10)] {
            assert_eq!(refusal(desk.tell(&by(kind, who, order))).0, "forbidden", "{kind} {who}");
        }
    }
    assert_eq!(refusal(desk.tell(&by(ActorKind::Requester, "bob", approves(10, None)))).0, "forbidden");
    let told = desk.tell(&agent("bob", approves(10, None))).unwrap();
    let [Event::Ticket(TicketEvent::Moderation(Moderation::ReplyApproved(approved))), said, opened] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(said))) = said else {
        panic!("{said:?}")
    };
    assert_eq!(
        (approved.approver.as_str(), approved.edited, approved.comment_id),
        ("bob", false, comment(10))
    );
    assert_eq!((said.author.as_str(), said.comment_id, said.counts_as_reply), ("tina", comment(10), true));
    assert_eq!(said.body, Personal::Plain("Turn it off.".to_owned()));
    assert_eq!(opened.type_name(), "StatusChanged");
    assert!(desk.ticket.as_ref().unwrap().answered);
    assert_eq!(desk.tell(&agent("bob", approves(10, None))).unwrap(), [], "it went out");
    assert_eq!(refusal(desk.tell(&agent("bob", rejects(10)))), ("guard_failed", Some("draft")));
}

#[test]
fn a_supervisor_edits_or_rejects_and_another_trainee_does_neither() {
    let mut desk = desk();
    for n in [10, 11] {
        desk.tell(&says(n, ActorKind::Agent, "tina", Visibility::Public, "Trun it off.")).unwrap();
    }
    let told = desk.tell(&by(ActorKind::Supervisor, "sue", approves(10, Some("Turn it off.")))).unwrap();
    let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(said))) = &told[1] else {
        panic!("{told:?}")
    };
    assert_eq!((said.author.as_str(), &said.body), ("tina", &Personal::Plain("Turn it off.".to_owned())));
    assert_eq!(names(&desk.tell(&by(ActorKind::Supervisor, "sue", rejects(11))).unwrap()), ["ReplyRejected"]);
    assert_eq!(desk.tell(&agent("bob", rejects(11))).unwrap(), []);
    assert_eq!(refusal(desk.tell(&agent("bob", approves(11, None)))), ("guard_failed", Some("draft")));
    assert_eq!(refusal(desk.tell(&agent("bob", approves(99, None)))).0, "not_found");
    // A supervisor who learns is one who learns.
    desk.house.as_mut().unwrap().trainees.push(("bob", "sue"));
    desk.tell(&says(12, ActorKind::Agent, "theo", Visibility::Public, "Hello.")).unwrap();
    assert_eq!(refusal(desk.tell(&agent("bob", approves(12, None)))).0, "forbidden");
}

#[test]
fn a_trainee_changes_no_status_with_a_text_that_would_go_out_and_anybody_may_draft() {
    let mut desk = desk();
    let asks = || {
        Order::RequestInformation(RequestInformation { comment: text("Which model?"), expected_until: None })
    };
    assert_eq!(refusal(desk.tell(&agent("tina", asks()))), ("guard_failed", Some("trainee")));
    let Order::SetStatus(silent) = waits() else { panic!() };
    let speaking = Order::SetStatus(SetStatus { comment: Some(text("Wait.")), ..silent });
    assert_eq!(refusal(desk.tell(&agent("tina", speaking))), ("guard_failed", Some("trainee")));
    let draft =
        || Order::DraftReply(DraftReply { body: text("Hello."), attachments: Vec::new(), in_reply_to: None });
    for (n, kind, who) in [(20, ActorKind::Agent, "alice"), (21, ActorKind::Bot, "helper")] {
        assert_eq!(names(&desk.tell(&nth(n, kind, who, draft())).unwrap()), ["ReplyDrafted"]);
    }
    assert_eq!(refusal(desk.tell(&by(ActorKind::Requester, "r-1", draft()))).0, "forbidden");
    // What a program wrote is no answer of a person, whoever lets it go out.
    let id = DraftId(CommandId(Uuid::from_u128(21)).derive("draft"));
    let approve = Order::ApproveReply(ApproveReply { draft_id: id, edits: None });
    let told = desk.tell(&by(ActorKind::Supervisor, "sue", approve)).unwrap();
    assert_eq!(names(&told), ["ReplyApproved", "CommentAdded"]);
    desk.tell(&agent("alice", Order::Cancel(Cancel { reason: CancelReason::Test }))).unwrap();
    for order in [asks(), draft()] {
        assert_eq!(refusal(desk.tell(&agent("tina", order))).0, "terminal_state");
    }
}

#[test]
fn a_decision_is_reviewed_by_the_mentor_or_a_supervisor() {
    let mut desk = desk();
    desk.tell(&agent("tina", raised(Priority::High))).unwrap();
    let review = |verdict, note: Option<&str>| {
        Order::ReviewDecision(ReviewDecision {
            event_id: EventId(Uuid::from_u128(2)),
            verdict,
            note: note.map(text),
        })
    };
    for who in ["tina", "alice"] {
        assert_eq!(refusal(desk.tell(&agent(who, review(Verdict::Approved, None)))).0, "forbidden", "{who}");
    }
    let told = desk.tell(&agent("bob", review(Verdict::Rejected, Some("Look at the impact.")))).unwrap();
    let [Event::Ticket(TicketEvent::Moderation(Moderation::DecisionReviewed(e)))] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((e.of.as_str(), e.verdict), ("tina", Verdict::Rejected));
    assert_eq!(desk.tell(&agent("bob", review(Verdict::Rejected, None))).unwrap(), []);
    let sue = by(ActorKind::Supervisor, "sue", review(Verdict::Approved, None));
    assert_eq!(names(&desk.tell(&sue).unwrap()), ["DecisionReviewed"]);
    let unknown = Order::ReviewDecision(ReviewDecision {
        event_id: EventId(Uuid::from_u128(99)),
        verdict: Verdict::Approved,
        note: None,
    });
    assert_eq!(refusal(desk.tell(&by(ActorKind::Supervisor, "sue", unknown))).0, "not_found");
}

fn raised(priority: Priority) -> Order {
    Order::SetPriority(SetPriority { urgency: None, impact: None, priority: Some(priority), reason: None })
}

#[test]
fn authority_ends_at_a_priority_and_a_supervisor_has_no_end() {
    let mut desk = desk();
    desk.house.as_mut().unwrap().authority = Some(Priority::Normal);
    desk.tell(&agent("bob", raised(Priority::Urgent))).unwrap();
    assert_eq!(refusal(desk.tell(&agent("alice", resolve()))), ("guard_failed", Some("authority")));
    assert_eq!(desk.ask(&by(ActorKind::Supervisor, "alice", resolve())).map(|_| ()), Ok(()));
    assert_eq!(desk.ask(&agent("bob", resolve())).map(|_| ()), Ok(()));
    desk.tell(&agent("bob", raised(Priority::Normal))).unwrap();
    assert_eq!(desk.ask(&agent("alice", resolve())).map(|_| ()), Ok(()));
}
