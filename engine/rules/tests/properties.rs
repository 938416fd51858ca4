//! What holds for every history, however odd.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[expect(dead_code, reason = "shared with the examples")]
mod support;

use guichet_rules::{allowed_verbs, evolve};
use guichet_schemas::command::{
    AcceptSuggestion, AddComment, AddSideMessage, AddTask, ApproveReply, Assign, Cancel, CancelTask,
    ChangeTags, Claim, Close, CloseSideConversation, Command, CompleteTask, DecideApproval, Deescalate,
    DraftReply, Escalate, Fact, HandOff, Import, MakeCommentPrivate, OpenSideConversation, Order, Rate,
    RecordNps, RedactComment, RejectReply, ReleaseClaim, RenewClaim, Reopen, RequestApproval, RequestSurvey,
    Resolve, ReviewDecision, SetCategory, SetDueDate, SetPriority, SetStatus, SetType, Suggest,
    SwitchChannel, Unassign, UseArticle,
};
use guichet_schemas::event::{
    Classification, Conversation, Event, LifeCycle, Moderation, Ownership, Satisfaction, TextSpan,
    TicketEvent,
};
use guichet_schemas::ids::{ApprovalId, CommentId, DraftId, EventId, SideId, SuggestionId, SurveyId, TaskId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{
    ActorKind, CancelReason, Channel, EscalationKind, EscalationReason, HoldReason, Priority, RatingScale,
    ResolutionCode, SideParty, SuggestionKind, SurveyKind, TicketState, TicketType, Verdict, Visibility,
};
use proptest::prelude::*;
use support::{Desk, at, by, command, create, label, line, text};

fn orders() -> impl Strategy<Value = Order> {
    let name = prop::sample::select(vec!["ann", "bob", "eve"]);
    let tag = prop::sample::select(vec!["vpn", "mail", "prod"]);
    prop_oneof![
        Just(Order::Create(create())),
        (prop::option::of(name.clone()), prop::option::of(name.clone())).prop_map(|(a, g)| Order::Assign(
            Assign {
                assignee: a.map(label),
                group: g.map(label),
                reason: None,
                handover_note: Some(text("look at the router")),
            }
        )),
        any::<bool>().prop_map(|group| Order::Unassign(Unassign { reason: text("away"), group })),
        (0u32..6, tag.clone(), any::<bool>()).prop_map(|(tier, t, functional)| Order::Escalate(Escalate {
            kind: if functional { EscalationKind::Functional } else { EscalationKind::Hierarchical },
            to_tier: functional.then_some(tier),
            to_manager: (!functional).then(|| label("boss")),
            reason: EscalationReason::Scope,
            note: None,
            tags: vec![line(t)],
        })),
        (0u32..6).prop_map(|to_tier| Order::Deescalate(Deescalate { to_tier, reason: text("simple") })),
        prop::sample::select(vec![
            (TicketState::Open, None),
            (TicketState::Pending, None),
            (TicketState::Hold, Some(HoldReason::Vendor)),
            (TicketState::Hold, Some(HoldReason::Change)),
        ])
        .prop_map(|(to, hold_reason)| Order::SetStatus(SetStatus {
            to,
            custom_status: None,
            hold_reason,
            expected_until: None,
            comment: None
        })),
        (any::<bool>(), any::<bool>()).prop_map(|(public, no_reopen)| Order::AddComment(AddComment {
            visibility: if public { Visibility::Public } else { Visibility::Internal },
            kind: None,
            body: text("hello"),
            attachments: Vec::new(),
            in_reply_to: None,
            counts_as_reply: None,
            no_reopen,
        })),
        Just(Order::Resolve(Resolve {
            code: ResolutionCode::Other,
            summary: text("done"),
            steps: Vec::new(),
            root_cause: None,
            override_reason: None
        })),
        Just(Order::Reopen(Reopen { reason: text("not done") })),
        Just(Order::Close(Close)),
        Just(Order::Cancel(Cancel { reason: CancelReason::Test })),
        prop::sample::select(Priority::ALL).prop_map(|p| Order::SetPriority(SetPriority {
            urgency: None,
            impact: None,
            priority: Some(p),
            reason: None
        })),
        prop::option::of(0i64..3)
            .prop_map(|hour| Order::SetDueDate(SetDueDate { at: hour.map(at), reason: text("promised") })),
        prop::sample::select(TicketType::ALL).prop_map(|of| Order::SetType(SetType { r#type: of })),
        prop::option::of(tag.clone()).prop_map(|c| Order::SetCategory(SetCategory { category: c.map(line) })),
        (tag.clone(), tag)
            .prop_filter("the codec refuses both at once", |(a, r)| a != r)
            .prop_map(|(a, r)| Order::ChangeTags(ChangeTags { add: vec![line(a)], remove: vec![line(r)] })),
        (prop::sample::select(SurveyKind::ALL), prop::option::of(name))
            .prop_map(|(kind, to)| Order::RequestSurvey(RequestSurvey { kind, to: to.map(label) })),
        (prop::sample::select(RatingScale::ALL), 0u32..3).prop_map(|(scale, score)| Order::Rate(Rate {
            scale,
            score,
            comment: None,
            token: SurveyId(command(Order::Close(Close)).command_id.derive("survey")),
        })),
        (0u32..11).prop_map(|score| Order::RecordNps(RecordNps { score })),
        work(),
        moderation(),
        assistance(),
    ]
}

fn assistance() -> impl Strategy<Value = Order> {
    let derived = |word: &str| command(Order::Close(Close)).command_id.derive(word);
    let (side_id, suggestion_id) = (SideId(derived("side")), SuggestionId(derived("suggestion")));
    let suggested = vec![
        (SuggestionKind::Priority, "high"),
        (SuggestionKind::Tag, "vpn"),
        (SuggestionKind::Group, "eve"),
        (SuggestionKind::Sentiment, "angry"),
    ];
    prop_oneof![
        Just(Order::HandOff(HandOff { to_group: label("bob"), reason: text("why"), packet: text("all") })),
        prop::sample::select(SideParty::ALL).prop_map(|party| Order::OpenSideConversation(
            OpenSideConversation { with: label("eve"), party, subject: line("parts") }
        )),
        any::<bool>().prop_map(move |from_party| Order::AddSideMessage(AddSideMessage {
            side_id,
            body: text("hello"),
            from_party,
        })),
        Just(Order::CloseSideConversation(CloseSideConversation { side_id })),
        prop::sample::select(suggested).prop_map(|(kind, value)| Order::Suggest(Suggest {
            kind,
            value: line(value),
            score: 50,
            model: label("m/1"),
        })),
        Just(Order::AcceptSuggestion(AcceptSuggestion { suggestion_id })),
    ]
}

fn moderation() -> impl Strategy<Value = Order> {
    let derived = |word: &str| command(Order::Close(Close)).command_id.derive(word);
    let (comment_id, draft_id) = (CommentId(derived("comment")), DraftId(derived("draft")));
    prop_oneof![
        Just(Order::MakeCommentPrivate(MakeCommentPrivate { comment_id, reason: text("too much") })),
        (0u32..5, 1u32..6).prop_map(move |(from, more)| Order::RedactComment(RedactComment {
            comment_id,
            spans: if more == 5 { Vec::new() } else { vec![TextSpan { from, length: more }] },
            reason: text("a password"),
        })),
        Just(Order::DraftReply(DraftReply {
            body: text("hello"),
            attachments: Vec::new(),
            in_reply_to: None
        })),
        Just(Order::ApproveReply(ApproveReply { draft_id, edits: None })),
        Just(Order::RejectReply(RejectReply { draft_id, reason: text("no") })),
        prop::sample::select(Verdict::ALL).prop_map(|verdict| Order::ReviewDecision(ReviewDecision {
            event_id: EventId(uuid::Uuid::from_u128(1)),
            verdict,
            note: None,
        })),
    ]
}

fn work() -> impl Strategy<Value = Order> {
    let derived = |word: &str| command(Order::Close(Close)).command_id.derive(word);
    let (task_id, approval_id) = (TaskId(derived("task")), ApprovalId(derived("approval")));
    let verdict = prop::sample::select(Verdict::ALL);
    prop_oneof![
        (prop::sample::select(vec![60, 3_600]), any::<bool>())
            .prop_map(|(ttl_s, force)| Order::Claim(Claim { ttl_s, force })),
        Just(Order::RenewClaim(RenewClaim)),
        Just(Order::ReleaseClaim(ReleaseClaim)),
        any::<bool>().prop_map(|blocks_resolve| Order::AddTask(AddTask {
            title: line("look"),
            owner: None,
            due: None,
            blocks_resolve
        })),
        Just(Order::CompleteTask(CompleteTask { task_id })),
        Just(Order::CancelTask(CancelTask { task_id, reason: None })),
        (1u32..3).prop_map(|quorum| Order::RequestApproval(RequestApproval {
            approvers: vec![label("ann"), label("bob")],
            quorum
        })),
        verdict.prop_map(move |verdict| Order::DecideApproval(DecideApproval {
            approval_id,
            verdict,
            reason: None
        })),
        Just(Order::UseArticle(UseArticle { article: label("kb-1"), version: 1 })),
        prop::sample::select(Channel::ALL).prop_map(|to| Order::SwitchChannel(SwitchChannel { to })),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    (orders(), prop::sample::select(ActorKind::ALL), prop::sample::select(vec!["ann", "bob", "eve"]))
        .prop_map(|(order, kind, id)| by(kind, id, order))
}

/// A desk after a random run of commands, refused ones skipped.
fn histories() -> impl Strategy<Value = (Desk, Vec<Command>)> {
    prop::collection::vec(commands(), 0..40).prop_map(|commands| {
        let mut desk = Desk::default();
        desk.tell(&command(Order::Create(create()))).unwrap();
        for c in &commands {
            if desk.tell(c).is_err() {}
        }
        (desk, commands)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fold_in_two_parts_equals_a_fold_in_one((desk, _) in histories(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(desk.events.len());
        let fold = |start, events: &[(Event, Timestamp)]| events.iter().fold(start, |t, (e, when)| Some(evolve(t, e, *when)));
        let (first, second) = desk.events.split_at(cut);
        prop_assert_eq!(fold(fold(None, first), second), fold(None, &desk.events));
        prop_assert_eq!(fold(None, &desk.events), desk.ticket);
    }

    #[test]
    fn an_accepted_event_is_decided_from_a_state_that_allows_its_command((mut desk, _) in histories(), next in commands()) {
        let state = desk.ticket.as_ref().unwrap().state();
        // What a requester says to a closed ticket goes on elsewhere, and nobody is told that the ticket takes it.
        prop_assume!(!(state == TicketState::Closed && matches!(next.order, Order::AddComment(_))));
        if let Ok(events) = desk.tell(&next) && !events.is_empty() {
            prop_assert!(allowed_verbs(state).contains(&next.order.verb()), "{} from {state}", next.order.verb());
        }
    }

    #[test]
    fn deciding_again_at_once_does_nothing_new((mut desk, _) in histories(), next in commands()) {
        // These are new facts each time, or hold for longer an hour later; everything else asks for a state.
        prop_assume!(!matches!(next.order, Order::AddComment(_) | Order::Escalate(_) | Order::Create(_) | Order::RecordNps(_) | Order::Claim(_) | Order::RenewClaim(_) | Order::AddTask(_) | Order::RequestApproval(_) | Order::DraftReply(_) | Order::HandOff(_) | Order::OpenSideConversation(_) | Order::AddSideMessage(_) | Order::Suggest(_)));
        if desk.tell(&next).is_ok() {
            let again = desk.tell(&next);
            prop_assert!(again.as_ref().is_ok_and(Vec::is_empty) || again.is_err(), "{again:?}");
        }
    }

    #[test]
    fn a_resolution_has_the_next_number_and_a_reopen_the_last((desk, _) in histories()) {
        let mut last = 0;
        for (event, _) in &desk.events {
            if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) = event {
                prop_assert_eq!(e.resolution_no, last + 1);
                last = e.resolution_no;
            } else if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(e))) = event {
                prop_assert_eq!(e.resolution_no, last);
            }
        }
    }

    #[test]
    fn at_most_one_holds_a_claim((desk, _) in histories()) {
        let mut holder: Option<(String, Timestamp)> = None;
        for (event, when) in &desk.events {
            if let Event::Ticket(TicketEvent::Ownership(Ownership::TicketClaimed(e))) = event {
                let held = holder.as_ref().is_some_and(|(by, until)| *by != e.by && when < until);
                prop_assert!(!held, "{holder:?} holds it when {e:?}");
                holder = Some((e.by.clone(), e.until));
            } else if let Event::Ticket(TicketEvent::Ownership(Ownership::ClaimReleased(e))) = event {
                prop_assert_eq!(holder.take().map(|(by, _)| by), Some(e.by.clone()));
            }
        }
    }

    #[test]
    fn nothing_but_tags_ties_thanks_and_ratings_follows_a_terminal_state((desk, _) in histories()) {
        let mut over = false;
        for (event, _) in &desk.events {
            let may_follow = if let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(comment))) = event {
                // A thank-you.
                comment.no_reopen
            } else {
                matches!(event, Event::Ticket(TicketEvent::Moderation(Moderation::CommentMadePrivate(_) | Moderation::CommentRedacted(_)) | TicketEvent::Classification(Classification::TagsChanged(_)) | TicketEvent::Relations(_) | TicketEvent::Satisfaction(Satisfaction::TicketRated(_))))
            };
            prop_assert!(!over || may_follow, "{}", event.type_name());
            over |= matches!(event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(_))) | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_))));
        }
    }

    #[test]
    fn an_imported_history_never_steps_back_and_keeps_the_times_that_did((desk, _) in histories(), steps in prop::collection::vec(0i64..50, 60)) {
        let facts: Vec<Fact> = desk.events.iter().zip(&steps).map(|((event, _), hour)| Fact { occurred_at: at(*hour), actor: None, event: event.clone() }).collect();
        let times: Vec<_> = facts.iter().map(|f| f.occurred_at).collect();
        let order = Import { source: label("old"), external_id: label("1"), part: 1, parts: 1, events: facts, mapping_version: None, begins_at: None, prefix: None, replies_complete: false };
        let mut import = Desk { hour: 1000, ..Desk::default() };
        let drafts = import.ask(&command(Order::Import(order.clone()))).unwrap();
        prop_assert_eq!(drafts.len(), times.len() + 1);
        prop_assert!(drafts.windows(2).all(|w| w[0].occurred_at <= w[1].occurred_at));
        for (draft, time) in drafts[1..].iter().zip(&times) {
            prop_assert_eq!(draft.source_time.or(draft.occurred_at), Some(*time));
        }
        import.tell(&command(Order::Import(order.clone()))).unwrap();
        prop_assert_eq!(import.tell(&command(Order::Import(order))).unwrap(), vec![]);
        let state = import.ticket.unwrap();
        prop_assert_eq!(state.state(), desk.ticket.unwrap().state());
    }
}
