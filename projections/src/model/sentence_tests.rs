//! How events read.

use guichet_schemas::event::*;
use guichet_schemas::ids::{ApprovalId, CommentId, SurveyId, TaskId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::*;
use uuid::Uuid;

use super::*;
use crate::history::{
    self, Dice, History, assigned, comment, escalated, reopened, resolved, routed, status, text,
};

fn said(actor: &str, event: Event) -> String {
    let mut history = History::new();
    history.push(history::ticket_id(1), actor, event);
    sentence(&history.entries[1].record)
}

#[test]
fn a_history_reads_like_a_story() {
    assert_eq!(
        said("alice", Event::from(history::created(42))),
        "alice opened T-42 for requester r-0 by email: “Printer 42 is on fire” (priority normal, category hardware/printer, in group desk)"
    );
    assert_eq!(
        said("alice", assigned("bob", Some("network"))),
        "alice assigned the ticket to bob in group network (on call)"
    );
    assert_eq!(said("bob", assigned("bob", None)), "bob took the ticket (on call)");
    assert_eq!(said("alice", routed(Some("network"))), "alice moved the ticket to group network");
    assert_eq!(
        said("bob", status(TicketState::Open, TicketState::Hold)),
        "bob put the ticket on hold (vendor)"
    );
    assert_eq!(
        said("bob", status(TicketState::Hold, TicketState::Open)),
        "bob moved the ticket from hold to open"
    );
    assert_eq!(
        said("bob", escalated(1, 2)),
        "bob escalated the ticket from tier 1 to tier 2 (expertise; tags fire)"
    );
    assert_eq!(
        said("bob", comment(Visibility::Internal, "Bring\n\nwater")),
        "bob wrote an internal note: “Bring water”"
    );
    assert_eq!(said("bob", resolved(2)), "bob resolved the ticket: “Put it out.” (defect, resolution 2)");
    assert_eq!(said("carol", resolved(1)), "carol resolved the ticket, resolver bob: “Put it out.” (defect)");
    assert_eq!(
        said("r-0", reopened(1)),
        "r-0 reopened the ticket 2 h 5 min after it was resolved by bob (still burning)"
    );
    assert_eq!(
        said("r-0", Event::from(ReopenHeld { reopenings: 3, within_ms: 7_500_000 })),
        "r-0 would have reopened the ticket, and a person decides: requesters had reopened it 3 times within 2 h 5 min"
    );
    let followed = |cause| {
        let (of, new_ticket) = (history::ticket_id(1), history::ticket_id(2));
        Event::from(FollowUpCreated { of, new_ticket, new_number: 2, cause })
    };
    assert_eq!(
        said("r-0", followed(StatusCause::RequesterComment)),
        "r-0 wrote to the closed ticket, and the message stands in its follow-up T-2"
    );
    assert_eq!(said("bob", followed(StatusCause::Command)), "bob created T-2 as a follow-up");
    let copied = |visibility, author_kind| {
        Event::from(CommentCopied {
            comment_id: CommentId(Uuid::nil()),
            visibility,
            kind: CommentKind::Message,
            author: "r-2".to_owned(),
            author_kind,
            channel: None,
            body: text("It burns."),
            attachments: Vec::new(),
            in_reply_to: None,
            written_at: Timestamp(history::START),
            from: history::ticket_id(2),
            from_number: 2,
            requester: "r-2".to_owned(),
        })
    };
    assert_eq!(
        said("bob", copied(Visibility::Public, AuthorKind::Requester)),
        "bob copied from T-2 the public message that requester r-2 wrote at 2026-03-10T09:00:00.000Z: “It burns.”"
    );
    let linked = |kind, from_other| {
        Event::from(TicketsLinked { other: history::ticket_id(1), other_number: 1, kind, from_other })
    };
    assert_eq!(said("bob", linked(LinkKind::FollowUp, false)), "bob linked the ticket as a follow-up of T-1");
    assert_eq!(
        said("bob", linked(LinkKind::CausedBy, true)),
        "bob named the ticket as the problem behind T-1"
    );
    let proposed = ResolutionProposed {
        by: "bob".to_owned(),
        by_kind: ActorKind::Agent,
        code: ResolutionCode::Workaround,
        summary: text("Use the stairs."),
        steps: Vec::new(),
        root_cause: None,
    };
    assert_eq!(
        said("bob", Event::from(proposed)),
        "bob proposed a resolution: “Use the stairs.” (workaround)"
    );
    assert_eq!(
        said("r-0", Event::from(ResolutionConfirmed { by: "r-0".to_owned() })),
        "r-0 confirmed that it is solved"
    );
    assert_eq!(
        said("r-0", Event::from(ResolutionRejected { reason: text("It still burns.") })),
        "r-0 said that it is not solved: “It still burns.”"
    );
    let (from, to) = (TicketType::Incident, TicketType::ServiceRequest);
    assert_eq!(
        said("bob", Event::from(TypeChanged { from, to })),
        "bob changed the type from incident to service request"
    );
    let due = |at, reason: &str| Event::from(DueDateSet { at, reason: Some(reason.to_owned()) });
    assert_eq!(
        said("bob", due(Some(Timestamp(history::START)), "promised on the phone")),
        "bob set the due date to 2026-03-10T09:00:00.000Z (promised on the phone)"
    );
    assert_eq!(said("bob", due(None, "no hurry")), "bob cleared the due date (no hurry)");
    let survey = SurveyRequested {
        survey_id: SurveyId(Uuid::nil()),
        kind: SurveyKind::Csat,
        to: "r-1".to_owned(),
        expires: Timestamp(history::START),
    };
    assert_eq!(
        said("bob", Event::from(survey)),
        "bob asked r-1 how satisfied they are, until 2026-03-10T09:00:00.000Z"
    );
    let rated = TicketRated {
        scale: RatingScale::OneToFive,
        score: 4,
        comment: Some(history::text("Quick.")),
        credited_agent: Some("alice".to_owned()),
        survey_id: None,
    };
    assert_eq!(said("r-1", Event::from(rated)), "r-1 rated the ticket, resolved by alice: 4 of 5: “Quick.”");
    assert_eq!(said("r-1", Event::from(NpsRecorded { score: 9 })), "r-1 would recommend the desk: 9 of 10");
    for (event, sentence) in work() {
        assert_eq!(said("bob", event), format!("bob {sentence}"));
    }
    assert_eq!(said("timer", history::closed()), "timer closed the ticket automatically");
}

#[test]
fn the_kind_of_actor_shows_where_it_is_no_colleague() {
    let mut actor = Actor { kind: ActorKind::System, id: "auto_close".to_owned(), on_behalf_of: None };
    assert_eq!(who(&actor), "the system (auto_close)");
    actor = Actor { kind: ActorKind::Bot, id: "triage".to_owned(), on_behalf_of: Some("alice".to_owned()) };
    assert_eq!(who(&actor), "bot triage, for alice,");
}

#[test]
fn a_long_text_is_shortened_and_a_sealed_one_shows_as_sealed() {
    let long = said("bob", comment(Visibility::Public, &"é".repeat(500)));
    assert!(long.ends_with("…”") && long.chars().count() < 220, "{long}");
    assert_eq!(quote(&text("short")), "“short”");
    assert_eq!(
        quote(&Personal::Sealed(Sealed { key_id: vec![], nonce: vec![], ciphertext: vec![] })),
        "[sealed]"
    );
}

#[test]
fn every_event_has_a_sentence_on_one_line() {
    let mut dice = Dice(7);
    for _ in 0..500 {
        let said = said("bob", history::any_event(&mut dice));
        assert!(said.starts_with("bob ") && !said.contains('\n') && !said.contains("  "), "{said}");
    }
    assert_eq!(
        sentence(&History::new().entries[0].record),
        "engine 0.1.0 took the log over (epoch 1, generation 1)"
    );
}

/// Each event of the work on a ticket, and how it reads.
fn work() -> Vec<(Event, &'static str)> {
    let at = Timestamp(history::START);
    let (task_id, approval_id) = (TaskId(Uuid::nil()), ApprovalId(Uuid::nil()));
    let (bob, title) = ("bob".to_owned(), "Order a drum".to_owned());
    let added =
        TaskAdded { task_id, title, owner: Some("eve".to_owned()), due: Some(at), blocks_resolve: true };
    let call = CallLogged {
        direction: Direction::Outbound,
        started_at: at,
        duration_s: 240,
        outcome: CallOutcome::Answered,
        note_comment: None,
    };
    let approvers = vec!["sue".to_owned(), "tom".to_owned()];
    let decided = |verdict, reason: Option<&str>| {
        Event::from(ApprovalDecided {
            approval_id,
            by: "bob".to_owned(),
            verdict,
            reason: reason.map(str::to_owned),
        })
    };
    let ended = |by: &str, reason| Event::from(ClaimReleased { by: by.to_owned(), reason });
    vec![
        (
            Event::from(TicketClaimed { by: bob, until: at }),
            "claimed the ticket until 2026-03-10T09:00:00.000Z",
        ),
        (ended("bob", ReleaseReason::Released), "released the claim"),
        (ended("eve", ReleaseReason::Expired), "found that the claim of eve had expired"),
        (ended("eve", ReleaseReason::Forced), "ended the claim of eve"),
        (
            Event::from(ParticipantsChanged { added: approvers.clone(), removed: Vec::new() }),
            "added the participants sue, tom",
        ),
        (Event::from(call), "called at 2026-03-10T09:00:00.000Z: 4 min"),
        (
            Event::from(ChannelSwitched { from: Channel::Email, to: Channel::InApp }),
            "went on by in app instead of email",
        ),
        (
            Event::from(added),
            "added a task for eve: “Order a drum”, due 2026-03-10T09:00:00.000Z, before the ticket is resolved",
        ),
        (Event::from(TaskCompleted { task_id }), "completed a task"),
        (
            Event::from(TaskCancelled { task_id, reason: Some("in stock".to_owned()) }),
            "cancelled a task (in stock)",
        ),
        (
            Event::from(ApprovalRequested { approval_id, approvers, quorum: 1 }),
            "asked sue, tom to approve, 1 of 2 must agree",
        ),
        (decided(Verdict::Approved, None), "approved"),
        (decided(Verdict::Rejected, Some("too dear")), "did not approve (too dear)"),
        (
            Event::from(TimeLogged { seconds: 5_400, kind: TimeKind::Research }),
            "logged 1 h 30 min of research",
        ),
        (
            Event::from(FollowUpScheduled { at }),
            "will look on 2026-03-10T09:00:00.000Z whether the solution held",
        ),
        (Event::from(FollowUpRecorded { effective: false }), "saw that the solution did not hold"),
        (
            Event::from(ArticleUsed { article: "kb-17".to_owned(), version: 3 }),
            "used article kb-17, version 3",
        ),
    ]
}
