//! One command of each verb with every field filled: the examples of `verbs.md`.

use std::collections::BTreeMap;

use guichet_schemas::command::{
    AcceptSuggestion, AddAttachment, AddComment, AddSideMessage, AddTask, ApproveReply, Assign,
    AttachProcedure, BroadcastToLinked, Cancel, CancelTask, ChangeTags, Claim, Close, CloseSideConversation,
    Command, CompleteStep, CompleteTask, ConfirmResolution, Create, CreateFollowUp, DecideApproval,
    DeclareProblem, Deescalate, DraftReply, Escalate, Fact, FireTimeRule, HandOff, Import, Link, LinkAsset,
    LinkExternal, LogCall, LogTime, MakeCommentPrivate, Merge, OpenSideConversation, Order,
    ProposeResolution, PublishArticle, PublishArticleFromTicket, PublishConfig, Rate, RecordAccess,
    RecordFollowUp, RecordNps, RecordSlaBreach, RecordSlaWarning, RedactAttachment, RedactComment,
    RejectReply, RejectResolution, ReleaseClaim, RenewClaim, Reopen, ReportScan, RequestApproval,
    RequestInformation, RequestSurvey, Requester, Resolve, RetireArticle, RetireConfig, ReviewDecision,
    ScheduleFollowUp, SetCategory, SetDueDate, SetField, SetParticipants, SetPriority, SetRestriction,
    SetStatus, SetType, Split, Suggest, SwitchChannel, Unassign, Unlink, UseArticle, VoidSlaBreach,
};
use guichet_schemas::event::{ExternalRef, FieldValue, TextSpan};
use guichet_schemas::ids::{
    ApprovalId, CommandId, CommentId, CorrelationId, DraftId, EventId, SideId, SuggestionId, SurveyId,
    TaskId, TicketId,
};
use guichet_schemas::personal;
use guichet_schemas::text::{Body, Label, Line, Note, Tag, Text};
use guichet_schemas::words::{
    Apply, Audience, CallOutcome, CancelReason, Channel, CommentKind, CommentMode, Direction, EscalationKind,
    EscalationReason, HoldReason, Impact, LinkKind, Origin, Priority, RatingScale, RequesterKind,
    ResolutionCode, ScanVerdict, SideParty, SlaMetric, StepOutcome, SuggestionKind, SurveyKind, TicketState,
    TicketType, TimeKind, Urgency, Verdict, Visibility,
};

use super::{actor, comment, events, hash, minute, subject, uuid};

fn line<const MAX: usize>(text: &str) -> Line<MAX> {
    Line::parse(text.to_owned()).unwrap()
}

fn text<const MAX: usize>(t: &str) -> Text<MAX> {
    Text::parse(t.to_owned()).unwrap()
}

fn label(text: &str) -> Option<Label> {
    Some(line(text))
}

fn note(t: &str) -> Option<Note> {
    Some(text(t))
}

fn tags(tags: &[&str]) -> Vec<Tag> {
    tags.iter().map(|t| line(t)).collect()
}

/// One of each, in the order of `verb::VERBS`.
pub(crate) fn all() -> Vec<Command> {
    let mut orders = vec![create()];
    orders.extend(work());
    orders.push(import());
    orders.extend(configuration());
    orders.extend(clocks());
    orders.extend(satisfaction());
    orders.extend(people_and_calls());
    orders.extend(tasks_and_time());
    orders.extend(moderation());
    orders.extend(assistance());
    orders.extend(articles());
    orders.into_iter().map(command).collect()
}

/// The command around an order.
pub(crate) fn command(order: Order) -> Command {
    let to = subject(order.verb());
    Command {
        tenant: to.tenant,
        caller: to.caller,
        entity: to.entity,
        command_id: CommandId(uuid(3)),
        actor: actor(),
        expected_version: Some(3),
        correlation_id: Some(CorrelationId(uuid(5))),
        causation_id: Some(CorrelationId(uuid(4))),
        channel: Some(Channel::Portal),
        dry_run: false,
        traceparent: None,
        order,
    }
}

fn create() -> Order {
    Order::Create(Create {
        subject: line("Printer does not print 🖨"),
        description: text("It blinks.\nSince Monday."),
        channel: Channel::Email,
        requester: Requester {
            id: line("r-77"),
            name: label("Ada Lovelace"),
            email: label("ada@example.org"),
            phone: label("+33 1 23 45 67 89"),
            kind: Some(RequesterKind::Employee),
        },
        origin: Some(Origin::Requester),
        r#type: Some(TicketType::Incident),
        category: Some(line("technical/printer")),
        urgency: Some(Urgency::Medium),
        impact: Some(Impact::Low),
        priority: Some(Priority::High),
        tags: tags(&["printer", "vip"]),
        group: label("desk"),
        assignee: label("alice"),
        product: label("LaserJet"),
        brand: label("acme"),
        language: label("fr"),
        organisation: label("finance"),
        external_ref: Some(ExternalRef { source: "shop".to_owned(), id: "4711".to_owned() }),
        fields: BTreeMap::from([
            ("floor".to_owned(), FieldValue::Number(3.0)),
            ("room".to_owned(), FieldValue::Text("B12".to_owned())),
            ("warranty".to_owned(), FieldValue::Flag(true)),
        ]),
        due_at: Some(minute(600)),
        synthetic: false,
        restricted_to: vec![line("desk"), line("hr")],
    })
}

fn work() -> Vec<Order> {
    vec![
        Order::Assign(Assign {
            assignee: label("bob"),
            group: label("network"),
            reason: note("on call"),
            handover_note: note("The cable was changed."),
        }),
        Order::Unassign(Unassign { reason: text("end of shift"), group: true }),
        Order::Escalate(Escalate {
            kind: EscalationKind::Functional,
            to_tier: Some(2),
            to_manager: label("grace"),
            reason: EscalationReason::Expertise,
            note: note("Needs the vendor's tool."),
            tags: tags(&["firmware"]),
        }),
        Order::Deescalate(Deescalate { to_tier: 1, reason: text("known error") }),
        Order::SetStatus(SetStatus {
            to: TicketState::Hold,
            custom_status: label("waiting for spare part"),
            hold_reason: Some(HoldReason::Vendor),
            expected_until: Some(minute(900)),
            comment: Some(text("We ordered the part.")),
        }),
        Order::RequestInformation(RequestInformation {
            comment: text("Which tray do you use?"),
            expected_until: Some(minute(900)),
        }),
        Order::AddComment(AddComment {
            visibility: Visibility::Public,
            kind: Some(CommentKind::Message),
            body: Body::parse("Does it blink in red?".to_owned()).unwrap(),
            attachments: vec![hash(0x11)],
            in_reply_to: Some(comment(2)),
            counts_as_reply: Some(true),
            no_reopen: true,
        }),
        Order::ProposeResolution(ProposeResolution {
            code: ResolutionCode::Workaround,
            summary: text("Print from the tray."),
            steps: vec![text("open the tray")],
            root_cause: note("worn drum"),
        }),
        Order::ConfirmResolution(ConfirmResolution),
        Order::RejectResolution(RejectResolution { reason: text("It still blinks.") }),
        Order::Resolve(Resolve {
            code: ResolutionCode::Defect,
            summary: text("New toner."),
            steps: vec![text("open the case"), text("replace the toner")],
            root_cause: note("worn drum"),
            override_reason: note("the requester is on leave"),
        }),
        Order::Reopen(Reopen { reason: text("it blinks again") }),
        Order::Close(Close),
        Order::Cancel(Cancel { reason: CancelReason::Withdrawn }),
        Order::CreateFollowUp(CreateFollowUp {
            of: TicketId(uuid(2)),
            subject: Some(line("Printer does not print again")),
            description: Some(text("It blinks again.")),
            group: label("desk"),
            assignee: label("alice"),
        }),
        Order::SetDueDate(SetDueDate { at: Some(minute(2_000)), reason: text("promised on the phone") }),
        Order::SetPriority(SetPriority {
            urgency: Some(Urgency::High),
            impact: Some(Impact::High),
            priority: Some(Priority::Urgent),
            reason: note("board meeting"),
        }),
        Order::SetType(SetType { r#type: TicketType::Problem }),
        Order::SetCategory(SetCategory { category: Some(line("technical/network")) }),
        Order::ChangeTags(ChangeTags { add: tags(&["drum"]), remove: tags(&["vip"]) }),
        Order::SetField(SetField { field: "floor".to_owned(), value: Some(FieldValue::Number(4.0)) }),
        Order::Link(Link { other: TicketId(uuid(2)), kind: LinkKind::CausedBy }),
        Order::Unlink(Unlink { other: TicketId(uuid(2)), kind: LinkKind::Duplicates }),
    ]
}

fn configuration() -> Vec<Order> {
    vec![
        Order::PublishConfig(PublishConfig {
            kind: line("calendar"),
            id: label("paris"),
            body: super::events::CALENDAR.to_owned(),
            effective_from: Some(minute(700)),
            apply: Some(Apply::OpenClocks),
            retroactive: true,
        }),
        Order::RetireConfig(RetireConfig {
            kind: line("calendar"),
            id: label("paris"),
            effective_from: Some(minute(900)),
        }),
    ]
}

fn clocks() -> Vec<Order> {
    vec![
        Order::RecordSlaWarning(RecordSlaWarning {
            metric: SlaMetric::FirstReply,
            instance: 1,
            pct: 75,
            at: minute(45),
            due_at: Some(minute(60)),
            immediate: true,
            config_version: Some(7),
        }),
        Order::RecordSlaBreach(RecordSlaBreach {
            metric: SlaMetric::FirstReply,
            instance: 1,
            at: minute(61),
            policy: line("gold"),
            policy_version: 3,
            due_at: minute(60),
            consumed_s: Some(3660),
            immediate: true,
            config_version: Some(7),
        }),
        Order::FireTimeRule(FireTimeRule {
            rule: line("pending-72h"),
            instance: 2,
            due_at: minute(4320),
            config_version: Some(7),
            holds: true,
            skipped: Some(12),
        }),
        Order::VoidSlaBreach(VoidSlaBreach {
            metric: SlaMetric::FirstReply,
            instance: 1,
            reason: text("the requester's line was down"),
        }),
        Order::RecordAccess(RecordAccess {
            viewer: label("ana"),
            scope: text("export of the events of March"),
            purpose: text("audit 2026-7"),
            ticket_id: Some(TicketId(uuid(1))),
            groups: vec![line("hr")],
        }),
    ]
}

fn satisfaction() -> Vec<Order> {
    vec![
        Order::RequestSurvey(RequestSurvey { kind: SurveyKind::Csat, to: label("r-77") }),
        Order::Rate(Rate {
            scale: RatingScale::OneToFive,
            score: 4,
            comment: Some(text("Quick, and friendly.")),
            token: SurveyId(uuid(9)),
        }),
        Order::RecordNps(RecordNps { score: 9 }),
    ]
}

fn people_and_calls() -> Vec<Order> {
    vec![
        Order::Claim(Claim { ttl_s: 900, force: true }),
        Order::RenewClaim(RenewClaim),
        Order::ReleaseClaim(ReleaseClaim),
        Order::SetParticipants(SetParticipants { add: vec![line("r-78")], remove: vec![line("r-79")] }),
        Order::LogCall(LogCall {
            direction: Direction::Outbound,
            started_at: minute(30),
            duration_s: 240,
            outcome: CallOutcome::Answered,
            note: note("They are in the office until six."),
        }),
        Order::SwitchChannel(SwitchChannel { to: Channel::Phone }),
    ]
}

fn tasks_and_time() -> Vec<Order> {
    vec![
        Order::AddTask(AddTask {
            title: line("Order a drum"),
            owner: label("bob"),
            due: Some(minute(3_000)),
            blocks_resolve: true,
        }),
        Order::CompleteTask(CompleteTask { task_id: TaskId(uuid(10)) }),
        Order::CancelTask(CancelTask { task_id: TaskId(uuid(10)), reason: note("there is one in stock") }),
        Order::LogTime(LogTime { seconds: 1_200, kind: Some(TimeKind::Research) }),
        Order::ScheduleFollowUp(ScheduleFollowUp { at: minute(20_000) }),
        Order::RecordFollowUp(RecordFollowUp { effective: true }),
        Order::UseArticle(UseArticle { article: line("kb-17"), version: 3 }),
        Order::RequestApproval(RequestApproval { approvers: vec![line("sue"), line("tom")], quorum: 1 }),
        Order::DecideApproval(DecideApproval {
            approval_id: ApprovalId(uuid(11)),
            verdict: Verdict::Approved,
            reason: note("within the budget"),
        }),
        Order::Merge(Merge {
            sources: vec![TicketId(uuid(2)), TicketId(uuid(12))],
            comment_mode: Some(CommentMode::Reference),
        }),
        Order::Split(Split { from_comment: CommentId(uuid(13)), subject: line("Another printer") }),
        Order::DeclareProblem(DeclareProblem {
            tickets: vec![TicketId(uuid(2)), TicketId(uuid(12))],
            workaround: note("Print from the tray."),
        }),
        Order::BroadcastToLinked(BroadcastToLinked {
            template: text("We work on {problem}, behind {number}."),
        }),
        Order::LinkExternal(LinkExternal {
            system: line("jira"),
            r#ref: line("NET-1"),
            url: note("https://jira.test/NET-1"),
        }),
        Order::LinkAsset(LinkAsset {
            system: line("glpi"),
            asset: line("4711"),
            kind: label("printer"),
            label: label("B12"),
        }),
    ]
}

fn moderation() -> Vec<Order> {
    vec![
        Order::MakeCommentPrivate(MakeCommentPrivate {
            comment_id: super::comment(3),
            reason: text("names another customer"),
        }),
        Order::RedactComment(RedactComment {
            comment_id: super::comment(3),
            spans: vec![TextSpan { from: 0, length: 12 }, TextSpan { from: 20, length: 16 }],
            reason: text("a card number"),
        }),
        Order::DraftReply(DraftReply {
            body: text("Turn it off, and on again."),
            attachments: vec![hash(0x11)],
            in_reply_to: Some(super::comment(2)),
        }),
        Order::ApproveReply(ApproveReply {
            draft_id: DraftId(uuid(12)),
            edits: Some(text("Please turn it off, and on again.")),
        }),
        Order::RejectReply(RejectReply {
            draft_id: DraftId(uuid(12)),
            reason: text("ask for the model first"),
        }),
        Order::ReviewDecision(ReviewDecision {
            event_id: EventId(uuid(13)),
            verdict: Verdict::Approved,
            note: note("Well asked."),
        }),
    ]
}

fn assistance() -> Vec<Order> {
    vec![
        Order::HandOff(HandOff {
            to_group: line("network"),
            reason: text("asks for a person"),
            packet: text("Which printer? The one in B12. Tried: article kb-17."),
        }),
        Order::OpenSideConversation(OpenSideConversation {
            with: line("vendor-1"),
            party: SideParty::ThirdParty,
            subject: line("Drum of a LaserJet"),
        }),
        Order::AddSideMessage(AddSideMessage {
            side_id: SideId(uuid(14)),
            body: text("It is in stock."),
            from_party: true,
        }),
        Order::CloseSideConversation(CloseSideConversation { side_id: SideId(uuid(14)) }),
        Order::Suggest(Suggest {
            kind: SuggestionKind::Category,
            value: line("technical/printer"),
            score: 87,
            model: line("triage/3"),
        }),
        Order::AcceptSuggestion(AcceptSuggestion { suggestion_id: SuggestionId(uuid(15)) }),
        Order::SetRestriction(SetRestriction {
            restricted_to: vec![line("hr")],
            reason: text("it is about a colleague"),
        }),
        Order::AddAttachment(AddAttachment {
            sha256: hash(0x11),
            size: 48_210,
            media_type: line("image/png"),
            name: line("drum.png"),
        }),
        Order::ReportScan(ReportScan {
            sha256: hash(0x11),
            verdict: ScanVerdict::Unscannable,
            engine: line("clamav 1.4"),
        }),
        Order::RedactAttachment(RedactAttachment { sha256: hash(0x11), reason: text("shows a face") }),
    ]
}

fn articles() -> Vec<Order> {
    vec![
        Order::AttachProcedure(AttachProcedure { procedure: line("drum") }),
        Order::CompleteStep(CompleteStep {
            step: line("turn"),
            outcome: StepOutcome::Done,
            procedure: label("drum"),
        }),
        Order::PublishArticle(PublishArticle {
            article: line("kb-17"),
            audience: Some(Audience::Public),
            language: label("en"),
            categories: vec![line("hardware/printer")],
            keywords: tags(&["toner", "drum"]),
            title: line("The printer blinks"),
            body: text("Change the drum."),
        }),
        Order::PublishArticleFromTicket(PublishArticleFromTicket {
            article: line("kb-18"),
            ticket_id: TicketId(uuid(1)),
            audience: Some(Audience::Internal),
            language: label("en"),
            categories: vec![line("hardware/printer")],
            keywords: tags(&["drum"]),
            title: line("A drum that sticks"),
            include_description: true,
        }),
        Order::RetireArticle(RetireArticle { article: line("kb-17"), reason: text("the model is gone") }),
    ]
}

/// A history of every event that can be imported.
fn import() -> Order {
    let importable = events::all().into_iter().filter(|e| {
        !matches!(
            e.type_name(),
            "EpochStarted"
                | "KeyCreated"
                | "AccessRecorded"
                | "SlaWarned"
                | "SlaBreached"
                | "SlaBreachVoided"
                | "TimeRuleFired"
                | "ConfigPublished"
                | "ConfigRetired"
                | "ArticlePublished"
                | "ArticleRetired"
        )
    });
    let mut at = 0;
    let events = importable
        .map(|mut event| {
            at += 1;
            let readable = personal::each(&mut event, |_, text| {
                *text = super::plain("readable, to be sealed here");
                Ok::<(), ()>(())
            });
            readable.unwrap();
            Fact { occurred_at: minute(at), actor: Some(actor()), event }
        })
        .collect();
    Order::Import(Import {
        source: line("servicenow"),
        external_id: line("INC0000045"),
        part: 1,
        parts: 2,
        events,
        mapping_version: label("servicenow/1"),
        begins_at: Some(250),
        prefix: Some(hash(0x77)),
        replies_complete: true,
    })
}
