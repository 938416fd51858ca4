//! Synthetic histories for tests: records as an engine would write them, positions, versions and hashes right.

use std::collections::BTreeMap;

use guichet_schemas::codec::encode_record;
use guichet_schemas::event::*;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{
    ApprovalId, CommandId, CommentId, DraftId, EventId, KeyId, SideId, SuggestionId, SurveyId, TaskId,
    TicketId,
};
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::*;
use uuid::Uuid;

/// When every history begins: 2026-03-10T09:00:00.000Z.
pub const START: i64 = 1_773_133_200_000;

/// A record, its bytes, and the hashes that go with it.
#[derive(Clone)]
pub struct Entry {
    pub record: Record,
    pub bytes: Vec<u8>,
    pub hash: Hash,
    pub prev_hash: Hash,
}

/// A log that grows. Each event happens a second after the one before.
#[derive(Clone, Default)]
pub struct History {
    pub entries: Vec<Entry>,
    /// Whose events are added.
    pub tenant: String,
    /// Who sends their commands.
    pub caller: String,
    streams: BTreeMap<String, (StreamVersion, Hash)>,
}

impl History {
    /// A log that begins as every log does.
    pub fn new() -> Self {
        let (tenant, caller) = ("_system".to_owned(), "portal".to_owned());
        let mut history = Self { tenant, caller, ..Self::default() };
        let started = EpochStarted::uneventful(1, 1, "0.1.0");
        history.append(StreamKind::System, "engine", "engine", Event::Log(LogEvent::EpochStarted(started)));
        Self { tenant: "default".to_owned(), ..history }
    }

    pub fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Adds an event of a ticket, by agent `actor`.
    pub fn push(&mut self, ticket: TicketId, actor: &str, event: Event) -> u64 {
        self.append(StreamKind::Ticket, &ticket.to_string(), actor, event);
        self.head()
    }

    /// Records that somebody looks at personal texts.
    pub fn access(&mut self, access: AccessRecorded) -> u64 {
        let viewer = access.viewer.clone();
        self.append(StreamKind::System, "access", &viewer, Event::Log(LogEvent::AccessRecorded(access)));
        self.head()
    }

    /// Publishes a body of a kind, from an instant on.
    pub fn publish(&mut self, kind: &str, body: &str, effective_from: i64) -> u64 {
        let event = ConfigPublished {
            kind: kind.to_owned(),
            id: "default".to_owned(),
            version: self.head(),
            effective_from: Timestamp(effective_from),
            apply: Apply::OpenClocks,
            body: body.to_owned(),
            body_hash: Hash::of_bytes(body.as_bytes()),
            zone_data: None,
            retroactive: false,
        };
        let stream = self.tenant.clone();
        self.append(StreamKind::Config, &stream, "cli", Event::Config(ConfigEvent::ConfigPublished(event)));
        self.head()
    }

    /// Adds an event of an article, by agent `actor`.
    pub fn write(&mut self, actor: &str, event: Event) -> u64 {
        let Event::Desk(
            DeskEvent::ArticlePublished(ArticlePublished { article, .. })
            | DeskEvent::ArticleRetired(ArticleRetired { article, .. }),
        ) = &event
        else {
            panic!("{event:?} is about no article")
        };
        let article = article.clone();
        self.append(StreamKind::Article, &article, actor, event);
        self.head()
    }

    /// Opens ticket `number`.
    pub fn open(&mut self, number: u64) -> TicketId {
        let ticket = ticket_id(number);
        self.push(
            ticket,
            "alice",
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(created(number)))),
        );
        ticket
    }

    /// A busy desk: at least `events` events of every type over `tickets` tickets, always the same for a seed.
    pub fn busy(seed: u64, tickets: u64, events: u64) -> Self {
        let mut history = Self::new();
        let mut dice = Dice(seed);
        let mut opened = 0;
        while history.head() < events {
            if opened < tickets && dice.roll(4) == 0 {
                opened += 1;
                history.open(opened);
            } else if opened > 0 {
                let ticket = ticket_id(dice.roll(opened) + 1);
                let event = any_event(&mut dice);
                history.push(ticket, "bob", event);
            }
        }
        history
    }

    fn append(&mut self, kind: StreamKind, stream: &str, actor: &str, event: Event) {
        let position = LogPosition::new(self.head() + 1).expect("above 0");
        let before = self.streams.get(stream).copied();
        let at = Timestamp(START + 1_000 * position.get() as i64);
        let record = Record {
            position,
            partition: Partition(0),
            epoch: Epoch(1),
            tenant: self.tenant.clone(),
            stream_kind: kind,
            stream_id: stream.to_owned(),
            version: StreamVersion::after(before.map(|(version, _)| version)),
            event_id: EventId(id(1, position.get())),
            recorded_at: at,
            occurred_at: at,
            caller: self.caller.clone(),
            actor: Actor { kind: ActorKind::Agent, id: actor.to_owned(), on_behalf_of: None },
            command_id: CommandId(id(2, position.get())),
            request_hash: Hash::ZERO,
            channel: None,
            causation_id: None,
            correlation_id: None,
            traceparent: None,
            config_version: 0,
            prev_hash: before.map_or(Hash::ZERO, |(_, hash)| hash),
            source_time: None,
            command_index: 0,
            command_count: 1,
            event,
        };
        let bytes = encode_record(record.clone());
        let hash = Hash::of_record(&bytes);
        let prev_hash = self.entries.last().map_or(Hash::ZERO, |entry| entry.hash);
        self.streams.insert(stream.to_owned(), (record.version, hash));
        self.entries.push(Entry { record, bytes, hash, prev_hash });
    }
}

/// The id of ticket `number` in every history.
pub fn ticket_id(number: u64) -> TicketId {
    TicketId(id(3, number))
}

fn id(kind: u16, n: u64) -> Uuid {
    Uuid::from_fields(0x0198_0000, kind, 0x7000, &(0x8000_0000_0000_0000 | n).to_be_bytes())
}

/// A creation that others vary.
pub fn created(number: u64) -> TicketCreated {
    TicketCreated {
        number,
        subject: text(&format!("Printer {number} is on fire")),
        description: text("It began after lunch."),
        requester: format!("r-{}", number % 7),
        requester_kind: Some(RequesterKind::Employee),
        requester_name: None,
        requester_email: None,
        requester_phone: None,
        channel: Channel::Email,
        origin: Origin::Requester,
        r#type: TicketType::Incident,
        category: Some("hardware/printer".to_owned()),
        urgency: None,
        impact: None,
        priority: Priority::Normal,
        tags: vec!["fire".to_owned()],
        group: Some("desk".to_owned()),
        assignee: None,
        tier: 1,
        product: None,
        brand: None,
        language: None,
        organisation: None,
        external_ref: None,
        fields: BTreeMap::new(),
        due_at: None,
        synthetic: false,
        restricted_to: Vec::new(),
    }
}

pub fn assigned(to: &str, group: Option<&str>) -> Event {
    Event::from(TicketAssigned {
        from: None,
        to: to.to_owned(),
        group: group.map(str::to_owned),
        strategy: Strategy::Manual,
        handover_comment: None,
        station_no: 1,
        reason: Some("on call".to_owned()),
    })
}

pub fn routed(to: Option<&str>) -> Event {
    Event::from(TicketRouted {
        from_group: None,
        to_group: to.map(str::to_owned),
        rule: None,
        strategy: Strategy::Manual,
        reason: None,
    })
}

pub fn status(from: TicketState, to: TicketState) -> Event {
    let hold_reason = (to == TicketState::Hold).then_some(HoldReason::Vendor);
    Event::from(StatusChanged {
        from,
        to,
        custom_status: None,
        hold_reason,
        expected_until: None,
        cause: StatusCause::Command,
        unanswered: false,
    })
}

pub fn resolved(no: u32) -> Event {
    Event::from(TicketResolved {
        by: "bob".to_owned(),
        code: ResolutionCode::Defect,
        summary: text("Put it out."),
        steps: vec!["water".to_owned()],
        root_cause: None,
        confirmed_by: ConfirmedBy::None,
        override_reason: None,
        resolution_no: no,
    })
}

pub fn reopened(no: u32) -> Event {
    Event::from(TicketReopened {
        by_kind: ActorKind::Requester,
        reason: Some("still burning".to_owned()),
        resolution_no: no,
        resolver_of_last: Some("bob".to_owned()),
        since_resolved_ms: 7_500_000,
        follow_up: false,
    })
}

pub fn closed() -> Event {
    Event::from(TicketClosed { reason: CloseReason::Resolved, auto: true })
}

pub fn escalated(from: u32, to: u32) -> Event {
    Event::from(TicketEscalated {
        kind: EscalationKind::Functional,
        from_tier: from,
        to_tier: to,
        to_manager: None,
        reason: EscalationReason::Expertise,
        tags_at: vec!["fire".to_owned()],
        category_at: None,
        note_comment: None,
    })
}

pub fn comment(visibility: Visibility, body: &str) -> Event {
    Event::from(CommentAdded {
        comment_id: CommentId(id(4, 1)),
        visibility,
        kind: CommentKind::Message,
        author: "bob".to_owned(),
        author_kind: AuthorKind::Agent,
        channel: None,
        body: text(body),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: true,
        no_reopen: false,
    })
}

pub fn text(text: &str) -> Personal {
    Personal::Plain(text.to_owned())
}

/// Any event but a creation, with any values: also what no engine would decide.
pub fn any_event(dice: &mut Dice) -> Event {
    let word = |dice: &mut Dice, words: &[&str]| words[dice.roll(words.len() as u64) as usize].to_owned();
    let group = |dice: &mut Dice| [None, Some("desk"), Some("network")][dice.roll(3) as usize];
    let state = |dice: &mut Dice| TicketState::ALL[dice.roll(TicketState::ALL.len() as u64) as usize];
    let task = |dice: &mut Dice| TaskId(Uuid::from_u128(dice.roll(2).into()));
    let approval = |dice: &mut Dice| ApprovalId(Uuid::from_u128(dice.roll(2).into()));
    let tier = |dice: &mut Dice| [0, 1, 2, 4, u32::MAX][dice.roll(5) as usize];
    match dice.roll(66) {
        0 => Event::from(TicketImported {
            source: "servicenow".to_owned(),
            external_id: "INC0000045".to_owned(),
            part: 1,
            parts: 2,
            original_created_at: None,
            mapping_version: None,
            facts: None,
            digest: None,
            replies_complete: false,
        }),
        1 => status(state(dice), state(dice)),
        2 => resolved(tier(dice)),
        3 => reopened(1),
        4 => closed(),
        5 => Event::from(TicketCancelled { reason: CancelReason::Spam }),
        6 => routed(group(dice)),
        7 => {
            let to = word(dice, &["alice", "bob", "carol"]);
            assigned(&to, group(dice))
        }
        8 => Event::from(TicketUnassigned { from: "bob".to_owned(), reason: None }),
        9 => escalated(tier(dice), tier(dice)),
        10 => Event::from(TicketDeescalated { from_tier: tier(dice), to_tier: tier(dice), reason: None }),
        11 => comment(Visibility::Public, "Is it still burning?"),
        12 => Event::from(PriorityChanged {
            from: Priority::Normal,
            to: Priority::Urgent,
            urgency: Some(Urgency::High),
            impact: None,
            cause: StatusCause::Command,
            reason: None,
        }),
        13 => {
            Event::from(CategoryChanged { from: None, to: Some(word(dice, &["hardware", "software/mail"])) })
        }
        14 => Event::from(TagsChanged {
            added: vec![word(dice, &["vip", "fire"])],
            removed: vec![word(dice, &["vip", "fire"])],
        }),
        15 => Event::from(DueDateSet {
            at: [None, Some(Timestamp(START + dice.roll(500) as i64 * 1_000))][dice.roll(2) as usize],
            reason: None,
        }),
        16 => Event::from(TypeChanged {
            from: TicketType::Incident,
            to: TicketType::ALL[dice.roll(TicketType::ALL.len() as u64) as usize],
        }),
        17 => Event::from(ResolutionProposed {
            by: "helper".to_owned(),
            by_kind: ActorKind::Bot,
            code: ResolutionCode::Workaround,
            summary: text("Use the stairs."),
            steps: Vec::new(),
            root_cause: None,
        }),
        18 => Event::from(TicketsUnlinked {
            other: ticket_id(1 + dice.roll(5)),
            other_number: 1,
            kind: LinkKind::ALL[dice.roll(LinkKind::ALL.len() as u64) as usize],
            from_other: dice.roll(2) == 0,
        }),
        19 => Event::from(ResolutionConfirmed { by: "r-1".to_owned() }),
        20 => Event::from(ResolutionRejected { reason: text("It still burns.") }),
        21 => Event::from(AttachmentAdded {
            sha256: Hash([dice.roll(2) as u8; 32]),
            size: dice.roll(9),
            media_type: "image/png".to_owned(),
            name: text("toner.png"),
            key_id: KeyId(Uuid::from_u128(1)),
        }),
        22 => Event::from(AttachmentScanned {
            sha256: Hash([dice.roll(3) as u8; 32]),
            verdict: ScanVerdict::ALL[dice.roll(3) as usize],
            engine: "clamav".to_owned(),
        }),
        23 => Event::from(AttachmentRedacted {
            sha256: Hash([dice.roll(3) as u8; 32]),
            reason: "a face".to_owned(),
        }),
        24 => Event::from(FollowUpCreated {
            of: ticket_id(1),
            new_ticket: ticket_id(2),
            new_number: 2,
            cause: StatusCause::RequesterComment,
        }),
        25 => Event::from(TicketsLinked {
            other: ticket_id(1 + dice.roll(5)),
            other_number: 1,
            kind: LinkKind::ALL[dice.roll(LinkKind::ALL.len() as u64) as usize],
            from_other: dice.roll(2) == 0,
        }),
        26 => Event::from(TicketMerged {
            into: ticket_id(1 + dice.roll(5)),
            into_number: 1,
            comment_mode: CommentMode::ALL[dice.roll(2) as usize],
            comment_count: tier(dice),
        }),
        27 => Event::from(MergeReceived {
            from: ticket_id(1 + dice.roll(5)),
            from_number: 1,
            comment_mode: CommentMode::ALL[dice.roll(2) as usize],
            comment_count: 1,
            comments: vec![CommentId(Uuid::from_u128(dice.roll(3).into()))],
        }),
        28 => Event::from(CommentCopied {
            comment_id: CommentId(Uuid::from_u128(dice.roll(3).into())),
            visibility: Visibility::ALL[dice.roll(2) as usize],
            kind: CommentKind::Message,
            author: word(dice, &["r-1", "bob"]),
            author_kind: AuthorKind::ALL[dice.roll(AuthorKind::ALL.len() as u64) as usize],
            channel: None,
            body: text("It burns."),
            attachments: Vec::new(),
            in_reply_to: None,
            written_at: Timestamp(START),
            from: ticket_id(1 + dice.roll(5)),
            from_number: 1,
            requester: word(dice, &["r-1", "r-2"]),
        }),
        29 => Event::from(TicketSplit {
            new_ticket: ticket_id(1 + dice.roll(5)),
            new_number: 1,
            from_comment: CommentId(Uuid::from_u128(dice.roll(3).into())),
            comment_count: tier(dice),
        }),
        30 => Event::from(ProblemDeclared {
            tickets: vec![ticket_id(1 + dice.roll(5))],
            trigger: ProblemTrigger::ALL[dice.roll(2) as usize],
        }),
        31 => Event::from(WorkaroundPublished { text: text("Use the stairs.") }),
        32 => Event::from(BroadcastSent {
            reached: tier(dice),
            over: tier(dice),
            template: text("We know of it."),
        }),
        33 => Event::from(ExternalLinked {
            system: "jira".to_owned(),
            r#ref: word(dice, &["NET-1", "NET-2"]),
            url: group(dice).map(|to| format!("https://jira.test/{to}")),
        }),
        34 => Event::from(AssetLinked {
            system: "glpi".to_owned(),
            asset: word(dice, &["4711", "4712"]),
            kind: group(dice).map(str::to_owned),
            label: None,
        }),
        35 => Event::from(ReopenHeld { reopenings: tier(dice), within_ms: 3_600_000 }),
        36 => Event::from(SurveyRequested {
            survey_id: SurveyId(Uuid::from_u128(dice.roll(3).into())),
            kind: SurveyKind::ALL[dice.roll(3) as usize],
            to: "r-1".to_owned(),
            expires: Timestamp(START + dice.roll(500) as i64 * 1_000),
        }),
        37 => Event::from(TicketRated {
            scale: RatingScale::ALL[dice.roll(3) as usize],
            score: tier(dice),
            comment: [None, Some(text("It is out."))][dice.roll(2) as usize].clone(),
            credited_agent: group(dice).map(str::to_owned),
            survey_id: [None, Some(SurveyId(Uuid::from_u128(1)))][dice.roll(2) as usize],
        }),
        38 => Event::from(NpsRecorded { score: tier(dice) }),
        39 => Event::from(TicketClaimed {
            by: word(dice, &["alice", "bob"]),
            until: Timestamp(START + dice.roll(500) as i64 * 1_000),
        }),
        40 => Event::from(ClaimReleased {
            by: word(dice, &["alice", "bob"]),
            reason: ReleaseReason::ALL[dice.roll(4) as usize],
        }),
        41 => Event::from(ParticipantsChanged {
            added: vec![word(dice, &["r-1", "r-2"])],
            removed: vec![word(dice, &["r-1", "r-2"])],
        }),
        42 => Event::from(CallLogged {
            direction: Direction::Inbound,
            started_at: Timestamp(START),
            duration_s: tier(dice),
            outcome: CallOutcome::Answered,
            note_comment: None,
        }),
        43 => Event::from(ChannelSwitched { from: Channel::Email, to: Channel::Chat }),
        44 => Event::from(TaskAdded {
            task_id: task(dice),
            title: "Look at the toner".to_owned(),
            owner: group(dice).map(str::to_owned),
            due: None,
            blocks_resolve: dice.roll(2) == 0,
        }),
        45 => Event::from(TaskCompleted { task_id: task(dice) }),
        46 => Event::from(TaskCancelled { task_id: task(dice), reason: None }),
        47 => Event::from(ApprovalRequested {
            approval_id: approval(dice),
            approvers: vec!["sue".to_owned(), "tom".to_owned()],
            quorum: tier(dice),
        }),
        48 => Event::from(ApprovalDecided {
            approval_id: approval(dice),
            by: word(dice, &["sue", "tom"]),
            verdict: Verdict::ALL[dice.roll(2) as usize],
            reason: None,
        }),
        49 => Event::from(TimeLogged { seconds: tier(dice), kind: TimeKind::Work }),
        50 => Event::from(FollowUpScheduled { at: Timestamp(START) }),
        51 => Event::from(FollowUpRecorded { effective: dice.roll(2) == 0 }),
        52 => Event::from(ArticleUsed { article: word(dice, &["kb-1", "kb-2"]), version: tier(dice) }),
        53 => Event::from(CommentMadePrivate {
            comment_id: CommentId(id(4, dice.roll(2))),
            reason: "Too much said.".to_owned(),
            author_kind: AuthorKind::Agent,
            comment_version: [None, Some(dice.roll(40))][dice.roll(2) as usize],
        }),
        54 => Event::from(CommentRedacted {
            comment_id: CommentId(id(4, dice.roll(2))),
            spans: [Vec::new(), vec![TextSpan { from: 0, length: 2 }]][dice.roll(2) as usize].clone(),
            reason: "A password.".to_owned(),
        }),
        55 => Event::from(ReplyDrafted {
            draft_id: DraftId(id(4, dice.roll(2))),
            author: "tina".to_owned(),
            author_kind: AuthorKind::Agent,
            kind: CommentKind::Message,
            channel: None,
            body: text("Turn it off."),
            attachments: Vec::new(),
            in_reply_to: None,
            counts_as_reply: true,
        }),
        56 => Event::from(ReplyApproved {
            draft_id: DraftId(id(4, dice.roll(2))),
            approver: "bob".to_owned(),
            edited: dice.roll(2) == 0,
            comment_id: CommentId(id(4, dice.roll(2))),
        }),
        57 => Event::from(ReplyRejected {
            draft_id: DraftId(id(4, dice.roll(2))),
            reason: "Ask first.".to_owned(),
        }),
        58 => Event::from(DecisionReviewed {
            event_id: EventId(id(1, dice.roll(9))),
            of: "tina".to_owned(),
            verdict: Verdict::ALL[dice.roll(2) as usize],
            note: [None, Some(text("Well done."))][dice.roll(2) as usize].clone(),
        }),
        59 => Event::from(HandedOff {
            from_kind: ActorKind::Bot,
            to_group: word(dice, &["desk", "network"]),
            reason: "A person is wanted.".to_owned(),
            packet: text("It began after lunch."),
        }),
        60 => Event::from(SideConversationOpened {
            side_id: SideId(id(5, dice.roll(2))),
            with: "vendor-1".to_owned(),
            party: SideParty::ALL[dice.roll(2) as usize],
            subject: text("Is it a known fire?"),
        }),
        61 => Event::from(SideMessageAdded {
            side_id: SideId(id(5, dice.roll(2))),
            author: "vendor-1".to_owned(),
            author_kind: AuthorKind::ThirdParty,
            body: text("It is."),
        }),
        62 => Event::from(SideConversationClosed { side_id: SideId(id(5, dice.roll(2))) }),
        63 => Event::from(ClassificationSuggested {
            suggestion_id: SuggestionId(id(6, dice.roll(2))),
            kind: SuggestionKind::ALL[dice.roll(6) as usize],
            value: "high".to_owned(),
            score: tier(dice),
            model: "triage/1".to_owned(),
        }),
        64 => Event::from(SuggestionAccepted {
            suggestion_id: SuggestionId(id(6, dice.roll(2))),
            kind: SuggestionKind::Priority,
            value: "high".to_owned(),
        }),
        _ => Event::from(FieldChanged {
            field: "floor".to_owned(),
            from: None,
            to: Some(FieldValue::Number(dice.roll(9) as f64)),
        }),
    }
}

/// A small generator of numbers, the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    /// 0 to `sides` - 1.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
