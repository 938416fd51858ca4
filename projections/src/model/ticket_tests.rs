//! What a record does to a ticket row.

use guichet_schemas::event::*;
use guichet_schemas::ids::{ApprovalId, CommentId, DraftId, SideId, SuggestionId, TaskId};
use guichet_schemas::words::{
    ActorKind, AuthorKind, Channel, CommentKind, Priority, RatingScale, ReleaseReason, SideParty,
    SuggestionKind, TicketType, TimeKind, Verdict,
};
use proptest::prelude::*;

use super::*;
use crate::history::{self, Dice, History, assigned, closed, escalated, reopened, resolved, routed, status};

/// The row after a creation and these events, and the instant of each position.
fn fold(events: Vec<Event>) -> TicketView {
    let mut history = History::new();
    let ticket = history.open(1);
    for event in events {
        history.push(ticket, "bob", event);
    }
    history.entries.iter().skip(1).fold(None, |row, entry| Some(apply(row, &entry.record))).unwrap()
}

/// When the n-th event after the creation happened. The creation stands at position 2.
fn at(n: i64) -> i64 {
    history::START + 1_000 * (n + 2)
}

#[test]
fn a_ticket_is_new_without_an_assignee_and_open_with_one() {
    assert_eq!(state(&fold(vec![])), Some(TicketState::New));
    let mut history = History::new();
    let with = TicketCreated { assignee: Some("bob".to_owned()), tier: 0, ..history::created(1) };
    history.push(history::ticket_id(1), "alice", Event::from(with));
    let row = apply(None, &history.entries[1].record);
    assert_eq!(state(&row), Some(TicketState::Open));
    assert_eq!(
        (row.group_changes, row.agent_changes, row.max_tier),
        (0, 0, 0),
        "what the creation carries is no change"
    );
}

#[test]
fn changes_count_only_where_the_value_changes() {
    let unassigned = || Event::from(TicketUnassigned { from: "bob".to_owned(), reason: None });
    let row = fold(vec![
        assigned("bob", Some("desk")),    // agent
        assigned("bob", Some("network")), // group
        routed(Some("network")),
        routed(None), // group
        unassigned(), // agent
        unassigned(),
        assigned("bob", None), // agent
    ]);
    assert_eq!((row.group_changes, row.agent_changes), (2, 3));
    assert_eq!((row.group, row.assignee), (None, Some("bob".to_owned())));
}

#[test]
fn resolving_reopening_and_closing_keep_their_times() {
    let row = fold(vec![resolved(1), reopened(1), resolved(2), closed(), closed(), reopened(2)]);
    assert_eq!((row.first_resolved_at, row.last_resolved_at), (Some(at(1)), Some(at(3))));
    assert_eq!(
        row.closed_at,
        Some(at(4)),
        "the entry into closed, not the repetition, and kept after an imported reopen"
    );
    assert_eq!((row.resolve_count, row.reopen_count, row.close_count), (2, 2, 2));
    assert_eq!(state(&row), Some(TicketState::Open));
    assert_eq!(row.resolution, None, "a resolution that did not hold is none");
    assert_eq!((row.created_at, row.state_since, row.updated_at), (at(0), at(6), at(6)));
    assert_eq!(
        fold(vec![resolved(1), closed(), reopened(1), closed()]).closed_at,
        Some(at(4)),
        "the last entry into closed"
    );
}

#[test]
fn the_highest_tier_includes_the_first() {
    let down = Event::from(TicketDeescalated { from_tier: 3, to_tier: 0, reason: None });
    let row = fold(vec![escalated(1, 3), down]);
    assert_eq!((row.tier, row.max_tier, row.escalations, row.deescalations), (0, 3, 1, 1));
    assert_eq!(fold(vec![]).max_tier, 1);
}

#[test]
fn a_type_is_the_last_one_that_was_set() {
    let changed = |from, to| Event::from(TypeChanged { from, to });
    assert_eq!(fold(vec![]).r#type, TicketType::Incident.to_wire());
    let events = vec![
        changed(TicketType::Incident, TicketType::Problem),
        changed(TicketType::Problem, TicketType::Complaint),
    ];
    assert_eq!(fold(events).r#type, TicketType::Complaint.to_wire());
}

#[test]
fn a_due_date_is_the_last_one_that_was_set() {
    let set = |at: Option<i64>| Event::from(DueDateSet { at: at.map(Timestamp), reason: None });
    let row = fold(vec![set(Some(at(90))), set(Some(at(40)))]);
    assert_eq!(row.due_at, Some(at(40)));
    assert_eq!(answer(row, Timestamp(at(5))).next_due_at, Some(at(40)));
    assert_eq!(fold(vec![set(Some(at(40))), set(None)]).due_at, None);
}

#[test]
fn a_claim_is_shown_while_it_lasts_and_not_on_a_ticket_that_is_over() {
    let claimed = || Event::from(TicketClaimed { by: "bob".to_owned(), until: Timestamp(at(60)) });
    let shown = |row: TicketView, now| {
        let view = answer(row, Timestamp(now));
        (view.claimed, view.claimed_by, view.claimed_until)
    };
    let row = fold(vec![claimed()]);
    assert_eq!(shown(row.clone(), at(60) - 1), (true, Some("bob".to_owned()), Some(at(60))));
    assert_eq!(shown(row, at(60)), (false, None, None), "no event says that it ended");
    let released = ClaimReleased { by: "bob".to_owned(), reason: ReleaseReason::Released };
    assert_eq!(shown(fold(vec![claimed(), Event::from(released)]), at(5)), (false, None, None));
    assert_eq!(shown(fold(vec![claimed(), closed()]), at(5)), (false, None, None));
}

#[test]
fn work_leaves_its_traces_in_the_row() {
    let (task_id, approval_id) = (TaskId(uuid::Uuid::from_u128(1)), ApprovalId(uuid::Uuid::from_u128(2)));
    let says = |by: &str, verdict| {
        Event::from(ApprovalDecided { approval_id, by: by.to_owned(), verdict, reason: None })
    };
    let task = TaskAdded { task_id, title: "Look".to_owned(), owner: None, due: None, blocks_resolve: true };
    let approvers = vec!["sue".to_owned(), "tom".to_owned()];
    let mut events = vec![
        Event::from(task),
        Event::from(TaskCompleted { task_id }),
        Event::from(ApprovalRequested { approval_id, approvers, quorum: 2 }),
        says("sue", Verdict::Rejected),
        says("sue", Verdict::Approved),
        Event::from(TimeLogged { seconds: 60, kind: TimeKind::Work }),
        Event::from(FollowUpScheduled { at: Timestamp(at(90)) }),
        Event::from(ParticipantsChanged { added: vec!["r-2".to_owned()], removed: Vec::new() }),
        Event::from(ChannelSwitched { from: Channel::Email, to: Channel::Phone }),
        Event::from(ArticleUsed { article: "kb-1".to_owned(), version: 2 }),
    ];
    let row = fold(events.clone());
    assert_eq!(row.tasks[0].state, wire::TaskState::Completed as i32);
    assert_eq!(
        (row.approvals[0].approved.as_slice(), row.approvals[0].outcome),
        (&["sue".to_owned()][..], None)
    );
    assert_eq!((row.handled_s, row.follow_up_at, row.articles.len()), (60, Some(at(90)), 1));
    assert_eq!((row.participants, row.channel), (vec!["r-2".to_owned()], Channel::Phone.to_wire()));
    events.extend([says("tom", Verdict::Approved), Event::from(FollowUpRecorded { effective: false })]);
    let row = fold(events);
    assert_eq!(row.approvals[0].outcome, Some(Verdict::Approved.to_wire()));
    assert_eq!((row.follow_up_at, row.follow_up_effective), (None, Some(false)));
}

#[test]
fn the_last_rating_is_shown_and_all_are_counted() {
    let rated = |score| {
        Event::from(TicketRated {
            scale: RatingScale::OneToFive,
            score,
            comment: None,
            credited_agent: Some("alice".to_owned()),
            survey_id: None,
        })
    };
    let row = fold(vec![rated(5), rated(2), Event::from(NpsRecorded { score: 0 })]);
    let rating = row.rating.clone().unwrap();
    assert_eq!((rating.score, rating.ratings, rating.credited_agent.as_deref()), (2, 2, Some("alice")));
    assert_eq!((row.nps, row.surveys), (Some(0), 0));
}

#[test]
fn a_state_keeps_its_marks_only_while_it_lasts() {
    let row = fold(vec![status(TicketState::New, TicketState::Hold)]);
    assert_eq!(row.hold_reason, Some(wire::HoldReason::Vendor as i32));
    let row = fold(vec![
        status(TicketState::New, TicketState::Hold),
        status(TicketState::Hold, TicketState::Open),
        status(TicketState::Open, TicketState::Open),
    ]);
    assert_eq!((row.hold_reason, row.state_since), (None, at(2)));
}

#[test]
fn a_held_message_shows_until_somebody_moves_the_ticket() {
    let held = || Event::from(ReopenHeld { reopenings: 3, within_ms: 86_400_000 });
    let waiting = fold(vec![resolved(1), held(), held()]);
    assert_eq!(waiting.reopen_held_at, Some(at(2)), "since the first of them");
    for event in [reopened(1), closed()] {
        assert_eq!(fold(vec![resolved(1), held(), event]).reopen_held_at, None);
    }
}

#[test]
fn an_answer_adds_what_depends_on_the_present() {
    let mut row = fold(vec![resolved(1)]);
    row.due_at = Some(at(9));
    let shown = answer(row.clone(), Timestamp(at(5)));
    assert_eq!((shown.age_ms, shown.time_in_state_ms, shown.next_due_at), (Some(5_000), Some(4_000), None));
    assert!(shown.allowed_verbs.iter().any(|verb| verb == "reopen"));
    assert_eq!((row.age_ms, row.next_due_at), (None, None), "the row itself holds none of it");
    assert_eq!(answer(apply(Some(row), &reopened_record()), Timestamp(at(5))).next_due_at, Some(at(9)));
}

fn reopened_record() -> Record {
    let mut history = History::new();
    history.push(history::ticket_id(1), "bob", reopened(1));
    history.entries[1].record.clone()
}

proptest! {
    #[test]
    fn no_sequence_of_events_makes_the_fold_panic(seed in any::<u64>(), creation_at in 0usize..40) {
        let mut dice = Dice(seed);
        let mut history = History::new();
        let ticket = history::ticket_id(1);
        for i in 0..40 {
            let event = if i == creation_at { Event::from(history::created(1)) } else { history::any_event(&mut dice) };
            history.push(ticket, "bob", event);
        }
        let extreme = TicketView { group_changes: u32::MAX, agent_changes: u32::MAX, escalations: u32::MAX, resolve_count: u32::MAX, ..Default::default() };
        for start in [None, Some(extreme)] {
            let row = history.entries.iter().fold(start, |row, entry| Some(apply(row, &entry.record))).unwrap();
            prop_assert_eq!(row.version, 40);
            prop_assert!(row.max_tier >= row.tier);
            assert!(!answer(row, Timestamp(i64::MIN)).number.contains(' '));
        }
    }
}

#[test]
fn what_waits_and_what_was_taken_back_shows_in_the_row() {
    let (draft_id, comment_id) = (DraftId(uuid::Uuid::from_u128(1)), CommentId(uuid::Uuid::from_u128(1)));
    let draft = |n| ReplyDrafted {
        draft_id: DraftId(uuid::Uuid::from_u128(n)),
        author: "tina".to_owned(),
        author_kind: AuthorKind::Agent,
        kind: CommentKind::Message,
        channel: None,
        body: history::text("Hello."),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: true,
    };
    let hides = CommentMadePrivate {
        comment_id,
        reason: "too much".to_owned(),
        author_kind: AuthorKind::Agent,
        comment_version: None,
    };
    let approver = "bob".to_owned();
    let redacts = CommentRedacted { comment_id, spans: Vec::new(), reason: "a name".to_owned() };
    let row = fold(vec![
        draft(1).into(),
        draft(2).into(),
        ReplyApproved { draft_id, approver, edited: false, comment_id }.into(),
        history::comment(Visibility::Public, "Hello."),
        hides.clone().into(),
        hides.into(),
        redacts.clone().into(),
        redacts.into(),
    ]);
    let waiting: Vec<_> = row.drafts.iter().map(|draft| (draft.author.as_str(), draft.version)).collect();
    assert_eq!(waiting, [("tina", 3)]);
    assert_eq!((row.public_comments, row.internal_comments), (0, 1), "made private once");
    assert_eq!((row.private_comments.len(), row.redacted_comments.len()), (1, 1));
    let rejected = ReplyRejected { draft_id, reason: "no".to_owned() };
    assert_eq!(fold(vec![draft(1).into(), rejected.into()]).drafts, []);
}

#[test]
fn the_help_of_others_shows_in_the_row() {
    let (side_id, suggestion_id) = (SideId(uuid::Uuid::from_u128(1)), SuggestionId(uuid::Uuid::from_u128(2)));
    let suggested = |n, value: &str| ClassificationSuggested {
        suggestion_id: SuggestionId(uuid::Uuid::from_u128(n)),
        kind: SuggestionKind::Priority,
        value: value.to_owned(),
        score: 80,
        model: "triage/3".to_owned(),
    };
    let message = SideMessageAdded {
        side_id,
        author: "v".to_owned(),
        author_kind: AuthorKind::ThirdParty,
        body: history::text("Yes."),
    };
    let opened = SideConversationOpened {
        side_id,
        with: "v".to_owned(),
        party: SideParty::ThirdParty,
        subject: history::text("Drum"),
    };
    let accepted =
        SuggestionAccepted { suggestion_id, kind: SuggestionKind::Priority, value: "high".to_owned() };
    let handed_off = HandedOff {
        from_kind: ActorKind::Bot,
        to_group: "network".to_owned(),
        reason: "asked for".to_owned(),
        packet: history::text("B12"),
    };
    let row = fold(vec![
        opened.into(),
        message.clone().into(),
        message.into(),
        SideConversationClosed { side_id }.into(),
        suggested(1, "low").into(),
        suggested(2, "high").into(),
        accepted.into(),
        handed_off.into(),
    ]);
    let side = &row.side_conversations[0];
    assert_eq!((side.with.as_str(), side.messages, side.closed), ("v", 2, true));
    let last: Vec<_> = row.suggestions.iter().map(|s| (s.value.as_str(), s.accepted)).collect();
    assert_eq!(last, [("high", true)], "the last of its kind");
    let hand_off = row.hand_off.unwrap();
    assert_eq!((hand_off.to_group.as_str(), hand_off.version), ("network", 9));
    assert_eq!((row.priority, row.public_comments), (Priority::Normal.to_wire(), 0), "nothing else changes");
}
