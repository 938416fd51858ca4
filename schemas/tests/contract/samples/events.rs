//! One event of each type with every field filled: what the golden files hold.

use std::collections::BTreeMap;

use guichet_schemas::event::{
    AccessRecorded, ApprovalDecided, ApprovalRequested, ArticlePublished, ArticleRetired, ArticleUsed,
    AssetLinked, AttachmentAdded, AttachmentRedacted, AttachmentScanned, BroadcastSent, CallLogged,
    CategoryChanged, ChannelSwitched, ClaimReleased, ClassificationSuggested, CommentAdded, CommentCopied,
    CommentMadePrivate, CommentRedacted, ConfigPublished, ConfigRetired, DecisionReviewed, DueDateSet,
    EpochStarted, Event, ExternalLinked, ExternalRef, FieldChanged, FieldValue, FollowUpCreated,
    FollowUpRecorded, FollowUpScheduled, HandedOff, KeyCreated, LogEvent, MergeReceived, NpsRecorded,
    ParticipantsChanged, Personal, PriorityChanged, ProblemDeclared, ProcedureAttached, ReopenHeld,
    ReplyApproved, ReplyDrafted, ReplyRejected, ResolutionConfirmed, ResolutionProposed, ResolutionRejected,
    RestrictionChanged, Sealed, SideConversationClosed, SideConversationOpened, SideMessageAdded,
    SlaBreachVoided, SlaBreached, SlaWarned, StatusChanged, StepCompleted, SuggestionAccepted,
    SurveyRequested, TagsChanged, TaskAdded, TaskCancelled, TaskCompleted, TextSpan, TicketAssigned,
    TicketCancelled, TicketClaimed, TicketClosed, TicketCreated, TicketDeescalated, TicketEscalated,
    TicketImported, TicketMerged, TicketRated, TicketReopened, TicketResolved, TicketRouted, TicketSplit,
    TicketUnassigned, TicketsLinked, TicketsUnlinked, TimeLogged, TimeRuleFired, TypeChanged,
    WorkaroundPublished,
};
use guichet_schemas::ids::{
    ApprovalId, DraftId, EventId, KeyId, SideId, SuggestionId, SurveyId, TaskId, TicketId,
};
use guichet_schemas::words::{
    ActorKind, Apply, Audience, AuthorKind, CallOutcome, CancelReason, Channel, CloseReason, CommentKind,
    CommentMode, ConfirmedBy, Direction, EscalationKind, EscalationReason, HoldReason, Impact, LinkKind,
    Origin, Priority, ProblemTrigger, RatingScale, ReleaseReason, RequesterKind, ResolutionCode, ScanVerdict,
    SideParty, SlaMetric, StatusCause, StepOutcome, Strategy, SuggestionKind, SurveyKind, TicketState,
    TicketType, TimeKind, Urgency, Verdict, Visibility,
};

use super::{comment, hash, minute, plain, uuid};

fn text(s: &str) -> Option<String> {
    Some(s.to_owned())
}

fn sealed(ciphertext: &[u8]) -> Personal {
    Personal::Sealed(Sealed {
        key_id: uuid(6).as_bytes().to_vec(),
        nonce: vec![0x5a; 12],
        ciphertext: ciphertext.to_vec(),
    })
}

/// One of each, in the order of [`Event::TYPES`].
pub(crate) fn all() -> Vec<Event> {
    let mut all = beginnings();
    all.extend(ownership());
    all.extend(conversation());
    all.extend(satisfaction());
    all.extend(work());
    all.extend(moderation());
    all.extend(assistance());
    all.extend(log());
    all.extend(clocks_and_configuration());
    all.extend(desk());
    all
}

fn beginnings() -> Vec<Event> {
    vec![
        Event::from(TicketCreated {
            number: 42,
            subject: plain("Imprimante en panne 🖨"),
            description: plain("Elle clignote.\nSecond line."),
            requester: "r-77".to_owned(),
            requester_kind: Some(RequesterKind::Employee),
            requester_name: Some(plain("Ada Lovelace")),
            requester_email: Some(sealed(b"sealed address")),
            requester_phone: Some(plain("+33 1 23 45 67 89")),
            channel: Channel::Email,
            origin: Origin::Requester,
            r#type: TicketType::ServiceRequest,
            category: text("technical/printer"),
            urgency: Some(Urgency::Medium),
            impact: Some(Impact::High),
            priority: Priority::High,
            tags: vec!["printer".to_owned(), "vip".to_owned()],
            group: text("desk"),
            assignee: text("alice"),
            tier: 1,
            product: text("LaserJet"),
            brand: text("acme"),
            language: text("fr"),
            organisation: text("finance"),
            external_ref: Some(ExternalRef { source: "servicenow".to_owned(), id: "INC0000045".to_owned() }),
            fields: BTreeMap::from([
                ("floor".to_owned(), FieldValue::Number(3.5)),
                ("room".to_owned(), FieldValue::Text("B12".to_owned())),
                ("urgent".to_owned(), FieldValue::Flag(true)),
            ]),
            due_at: Some(minute(600)),
            synthetic: true,
            restricted_to: vec!["hr".to_owned()],
        }),
        Event::from(TicketImported {
            source: "servicenow".to_owned(),
            external_id: "INC0000045".to_owned(),
            part: 1,
            parts: 2,
            original_created_at: Some(minute(-1_000)),
            mapping_version: text("servicenow/1"),
            facts: Some(200),
            digest: Some(hash(0x88)),
            replies_complete: true,
        }),
        Event::from(StatusChanged {
            from: TicketState::Open,
            to: TicketState::Hold,
            custom_status: text("waiting for spare part"),
            hold_reason: Some(HoldReason::ThirdParty),
            expected_until: Some(minute(900)),
            cause: StatusCause::RequesterComment,
            unanswered: true,
        }),
        Event::from(TicketResolved {
            by: "alice".to_owned(),
            code: ResolutionCode::CannotReproduce,
            summary: plain("New toner."),
            steps: vec!["open".to_owned(), "replace".to_owned()],
            root_cause: text("worn drum"),
            confirmed_by: ConfirmedBy::Override,
            override_reason: text("requester on leave"),
            resolution_no: 2,
        }),
        Event::from(TicketReopened {
            by_kind: ActorKind::LightAgent,
            reason: text("it blinks again"),
            resolution_no: 2,
            resolver_of_last: text("alice"),
            since_resolved_ms: 86_400_000,
            follow_up: true,
        }),
        Event::from(TicketClosed { reason: CloseReason::Merged, auto: true }),
        Event::from(TicketCancelled { reason: CancelReason::Duplicate }),
    ]
}

fn ownership() -> Vec<Event> {
    vec![
        Event::from(TicketRouted {
            from_group: text("desk"),
            to_group: text("network"),
            rule: text("by-category"),
            strategy: Strategy::Rule,
            reason: text("no printer at all"),
        }),
        Event::from(TicketAssigned {
            from: text("alice"),
            to: "bob".to_owned(),
            group: text("network"),
            strategy: Strategy::RoundRobin,
            handover_comment: Some(comment(1)),
            station_no: 3,
            reason: text("on call"),
        }),
        Event::from(TicketUnassigned { from: "bob".to_owned(), reason: text("end of shift") }),
        Event::from(TicketEscalated {
            kind: EscalationKind::Hierarchical,
            from_tier: 1,
            to_tier: 2,
            to_manager: text("grace"),
            reason: EscalationReason::CustomerRequest,
            tags_at: vec!["printer".to_owned(), "vip".to_owned()],
            category_at: text("technical/printer"),
            note_comment: Some(comment(2)),
        }),
        Event::from(TicketDeescalated { from_tier: 2, to_tier: 1, reason: text("known error") }),
        Event::from(TicketClaimed { by: "bob".to_owned(), until: minute(45) }),
        Event::from(ClaimReleased { by: "bob".to_owned(), reason: ReleaseReason::Expired }),
        Event::from(ParticipantsChanged { added: vec!["r-78".to_owned()], removed: vec!["r-79".to_owned()] }),
    ]
}

fn conversation() -> Vec<Event> {
    vec![
        Event::from(CommentAdded {
            comment_id: comment(3),
            visibility: Visibility::Internal,
            kind: CommentKind::Troubleshooting,
            author: "bob".to_owned(),
            author_kind: AuthorKind::ThirdParty,
            channel: Some(Channel::Sms),
            body: sealed(b"sealed comment"),
            attachments: vec![hash(0x11), hash(0x22)],
            in_reply_to: Some(comment(2)),
            counts_as_reply: true,
            no_reopen: true,
        }),
        Event::from(ReopenHeld { reopenings: 3, within_ms: 86_400_000 }),
        Event::from(CallLogged {
            direction: Direction::Outbound,
            started_at: minute(30),
            duration_s: 240,
            outcome: CallOutcome::Answered,
            note_comment: Some(comment(3)),
        }),
        Event::from(ChannelSwitched { from: Channel::Email, to: Channel::Phone }),
        Event::from(FollowUpCreated {
            of: TicketId(uuid(1)),
            new_ticket: TicketId(uuid(2)),
            new_number: 43,
            cause: StatusCause::RequesterComment,
        }),
        Event::from(TicketsLinked {
            other: TicketId(uuid(2)),
            other_number: 43,
            kind: LinkKind::CausedBy,
            from_other: true,
        }),
        Event::from(TicketsUnlinked {
            other: TicketId(uuid(2)),
            other_number: 43,
            kind: LinkKind::Duplicates,
            from_other: true,
        }),
        Event::from(TicketMerged {
            into: TicketId(uuid(2)),
            into_number: 43,
            comment_mode: CommentMode::Reference,
            comment_count: 3,
        }),
        Event::from(MergeReceived {
            from: TicketId(uuid(2)),
            from_number: 43,
            comment_mode: CommentMode::Copy,
            comment_count: 2,
            comments: vec![comment(2), comment(3)],
        }),
        Event::from(CommentCopied {
            comment_id: comment(3),
            visibility: Visibility::Internal,
            kind: CommentKind::Handover,
            author: "grace".to_owned(),
            author_kind: AuthorKind::ThirdParty,
            channel: Some(Channel::Chat),
            body: sealed(b"sealed copy"),
            attachments: vec![hash(0x66)],
            in_reply_to: Some(comment(2)),
            written_at: minute(14),
            from: TicketId(uuid(2)),
            from_number: 43,
            requester: "r-78".to_owned(),
        }),
        Event::from(TicketSplit {
            new_ticket: TicketId(uuid(2)),
            new_number: 44,
            from_comment: comment(2),
            comment_count: 3,
        }),
        Event::from(ProblemDeclared {
            tickets: vec![TicketId(uuid(2)), TicketId(uuid(12))],
            trigger: ProblemTrigger::MassDetection,
        }),
        Event::from(WorkaroundPublished { text: sealed(b"sealed workaround") }),
        Event::from(BroadcastSent { reached: 40, over: 2, template: sealed(b"sealed template") }),
        Event::from(ExternalLinked {
            system: "jira".to_owned(),
            r#ref: "NET-1".to_owned(),
            url: text("https://jira.test/NET-1"),
        }),
        Event::from(AssetLinked {
            system: "glpi".to_owned(),
            asset: "4711".to_owned(),
            kind: text("printer"),
            label: text("B12"),
        }),
        Event::from(ResolutionProposed {
            by: "helper".to_owned(),
            by_kind: ActorKind::Bot,
            code: ResolutionCode::Workaround,
            summary: sealed(b"sealed proposal"),
            steps: vec!["open the tray".to_owned()],
            root_cause: text("worn drum"),
        }),
        Event::from(ResolutionConfirmed { by: "r-77".to_owned() }),
        Event::from(ResolutionRejected { reason: sealed(b"sealed reason") }),
        Event::from(PriorityChanged {
            from: Priority::Normal,
            to: Priority::Urgent,
            urgency: Some(Urgency::High),
            impact: Some(Impact::Low),
            cause: StatusCause::Timer,
            reason: text("board meeting"),
        }),
        Event::from(TypeChanged { from: TicketType::Incident, to: TicketType::ServiceRequest }),
        Event::from(CategoryChanged { from: text("technical"), to: text("technical/printer") }),
        Event::from(TagsChanged {
            added: vec!["drum".to_owned()],
            removed: vec!["vip".to_owned(), "old".to_owned()],
        }),
        Event::from(FieldChanged {
            field: "floor".to_owned(),
            from: Some(FieldValue::Number(-0.25)),
            to: Some(FieldValue::Text("4".to_owned())),
        }),
        Event::from(DueDateSet { at: Some(minute(2_000)), reason: text("promised on the phone") }),
        Event::from(RestrictionChanged {
            from: vec!["desk".to_owned()],
            to: vec!["hr".to_owned()],
            reason: "it is about a colleague".to_owned(),
        }),
    ]
}

fn satisfaction() -> Vec<Event> {
    vec![
        Event::from(SurveyRequested {
            survey_id: SurveyId(uuid(9)),
            kind: SurveyKind::Csat,
            to: "r-77".to_owned(),
            expires: minute(44_000),
        }),
        Event::from(TicketRated {
            scale: RatingScale::OneToFive,
            score: 4,
            comment: Some(plain("Quick, and friendly.")),
            credited_agent: text("alice"),
            survey_id: Some(SurveyId(uuid(9))),
        }),
        Event::from(NpsRecorded { score: 9 }),
    ]
}

fn work() -> Vec<Event> {
    let (task_id, approval_id) = (TaskId(uuid(10)), ApprovalId(uuid(11)));
    vec![
        Event::from(TaskAdded {
            task_id,
            title: "Order a drum".to_owned(),
            owner: text("bob"),
            due: Some(minute(3_000)),
            blocks_resolve: true,
        }),
        Event::from(TaskCompleted { task_id }),
        Event::from(TaskCancelled { task_id, reason: text("there is one in stock") }),
        Event::from(ApprovalRequested {
            approval_id,
            approvers: vec!["sue".to_owned(), "tom".to_owned()],
            quorum: 1,
        }),
        Event::from(ApprovalDecided {
            approval_id,
            by: "sue".to_owned(),
            verdict: Verdict::Rejected,
            reason: text("beyond the budget"),
        }),
        Event::from(TimeLogged { seconds: 1_200, kind: TimeKind::Research }),
        Event::from(FollowUpScheduled { at: minute(20_000) }),
        Event::from(FollowUpRecorded { effective: true }),
        Event::from(ArticleUsed { article: "kb-17".to_owned(), version: 3 }),
        Event::from(ProcedureAttached {
            procedure: "drum".to_owned(),
            version: 2,
            steps: vec!["open".to_owned(), "turn".to_owned()],
            mandatory: vec!["turn".to_owned()],
        }),
        Event::from(StepCompleted {
            procedure: "drum".to_owned(),
            step: "turn".to_owned(),
            outcome: StepOutcome::Done,
        }),
    ]
}

fn moderation() -> Vec<Event> {
    let draft_id = DraftId(uuid(12));
    vec![
        Event::from(CommentMadePrivate {
            comment_id: comment(3),
            reason: "names another customer".to_owned(),
            author_kind: AuthorKind::Agent,
            comment_version: Some(4),
        }),
        Event::from(CommentRedacted {
            comment_id: comment(3),
            spans: vec![TextSpan { from: 0, length: 12 }, TextSpan { from: 20, length: 16 }],
            reason: "a card number".to_owned(),
        }),
        Event::from(ReplyDrafted {
            draft_id,
            author: "tina".to_owned(),
            author_kind: AuthorKind::Agent,
            kind: CommentKind::Troubleshooting,
            channel: Some(Channel::Chat),
            body: sealed(b"sealed draft"),
            attachments: vec![hash(0x11)],
            in_reply_to: Some(comment(2)),
            counts_as_reply: true,
        }),
        Event::from(ReplyApproved {
            draft_id,
            approver: "bob".to_owned(),
            edited: true,
            comment_id: comment(4),
        }),
        Event::from(ReplyRejected { draft_id, reason: "ask for the model first".to_owned() }),
        Event::from(DecisionReviewed {
            event_id: EventId(uuid(13)),
            of: "tina".to_owned(),
            verdict: Verdict::Rejected,
            note: Some(sealed(b"sealed note")),
        }),
    ]
}

fn assistance() -> Vec<Event> {
    let (side_id, suggestion_id) = (SideId(uuid(14)), SuggestionId(uuid(15)));
    vec![
        Event::from(HandedOff {
            from_kind: ActorKind::Bot,
            to_group: "network".to_owned(),
            reason: "asks for a person".to_owned(),
            packet: sealed(b"sealed packet"),
        }),
        Event::from(SideConversationOpened {
            side_id,
            with: "vendor-1".to_owned(),
            party: SideParty::ThirdParty,
            subject: sealed(b"sealed subject"),
        }),
        Event::from(SideMessageAdded {
            side_id,
            author: "vendor-1".to_owned(),
            author_kind: AuthorKind::ThirdParty,
            body: sealed(b"sealed message"),
        }),
        Event::from(SideConversationClosed { side_id }),
        Event::from(ClassificationSuggested {
            suggestion_id,
            kind: SuggestionKind::Category,
            value: "technical/printer".to_owned(),
            score: 87,
            model: "triage/3".to_owned(),
        }),
        Event::from(SuggestionAccepted {
            suggestion_id,
            kind: SuggestionKind::Category,
            value: "technical/printer".to_owned(),
        }),
        Event::from(AttachmentAdded {
            sha256: hash(0x11),
            size: 48_210,
            media_type: "image/png".to_owned(),
            name: sealed(b"sealed name"),
            key_id: KeyId(uuid(12)),
        }),
        Event::from(AttachmentScanned {
            sha256: hash(0x11),
            verdict: ScanVerdict::Unscannable,
            engine: "clamav 1.4".to_owned(),
        }),
        Event::from(AttachmentRedacted { sha256: hash(0x11), reason: "shows a face".to_owned() }),
    ]
}

fn log() -> Vec<Event> {
    vec![
        Event::Log(LogEvent::EpochStarted(EpochStarted {
            repaired_from: Some(41),
            repaired_through: Some(60),
            clock_behind_ms: Some(400_000),
            anchor_replaced: Some(true),
            restored_through: Some(40),
            restored_behind: text("the stream is lost too"),
            stream_refused_from: Some(61),
            ..EpochStarted::uneventful(7, 2, "0.1.0")
        })),
        Event::from(KeyCreated { subject: "r-1".to_owned(), key_id: KeyId(uuid(9)), commitment: hash(0x33) }),
        Event::from(AccessRecorded {
            viewer: "ana".to_owned(),
            scope: "export of the events of March".to_owned(),
            purpose: "audit 2026-7".to_owned(),
            ticket_id: Some(TicketId(uuid(1))),
            groups: vec!["hr".to_owned()],
        }),
    ]
}

fn desk() -> Vec<Event> {
    vec![
        Event::from(ArticlePublished {
            article: "kb-17".to_owned(),
            version: 3,
            audience: Audience::Public,
            language: text("en"),
            categories: vec!["hardware/printer".to_owned()],
            keywords: vec!["toner".to_owned(), "drum".to_owned()],
            title: "The printer blinks".to_owned(),
            body: "Change the drum.".to_owned(),
            body_hash: hash(0x44),
            from_ticket: Some(TicketId(uuid(1))),
        }),
        Event::from(ArticleRetired {
            article: "kb-17".to_owned(),
            version: 3,
            reason: "the model is gone".to_owned(),
        }),
    ]
}

/// The canonical body of a calendar.
pub(crate) const CALENDAR: &str =
    r#"{"holidays":["2026-07-14"],"tz":"Europe/Paris","weekly":{"mon":[["09:00","18:00"]]}}"#;

fn clocks_and_configuration() -> Vec<Event> {
    vec![
        Event::from(SlaWarned {
            metric: SlaMetric::AgentWork,
            instance: 1,
            pct: 75,
            due_at: Some(minute(60)),
            immediate: true,
        }),
        Event::from(SlaBreached {
            metric: SlaMetric::FirstReply,
            instance: 2,
            policy: "gold".to_owned(),
            policy_version: 3,
            due_at: minute(60),
            consumed_s: 3600,
            immediate: true,
            detected_late_ms: 12,
        }),
        Event::from(SlaBreachVoided {
            metric: SlaMetric::FirstReply,
            instance: 2,
            reason: "the line was down".to_owned(),
        }),
        Event::from(TimeRuleFired {
            rule: "pending-72h".to_owned(),
            version: 4,
            instance: 2,
            due_at: minute(4320),
            actions: vec!["close".to_owned()],
            suppressed: true,
            skipped: Some(12),
        }),
        Event::from(ConfigPublished {
            kind: "calendar".to_owned(),
            id: "paris".to_owned(),
            version: 2,
            effective_from: minute(700),
            apply: Apply::NewOnly,
            body: CALENDAR.to_owned(),
            body_hash: hash(0x44),
            zone_data: text("2026b"),
            retroactive: true,
        }),
        Event::from(ConfigRetired {
            kind: "calendar".to_owned(),
            id: "paris".to_owned(),
            version: 3,
            effective_from: minute(900),
        }),
    ]
}
