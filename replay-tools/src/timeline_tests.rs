//! Pages of a history.

use guichet_schemas::event::{
    Actor, CommentAdded, Event, Personal, StatusChanged, TicketAssigned, TicketCreated, TicketImported,
    TicketResolved,
};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, CommentId, EventId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::words::{
    ActorKind, AuthorKind, Channel, CommentKind, ConfirmedBy, HoldReason, Origin, Priority, ResolutionCode,
    StatusCause, Strategy, StreamKind, TicketState, TicketType, Visibility,
};
use uuid::Uuid;

use super::*;

/// Recorded long after it happened, as every import is.
const RECORDED: &str = "2026-11-21T12:00:03Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn entry(
    version: u64,
    time: &str,
    actor: (ActorKind, &str),
    event: Event,
    sentence: &str,
) -> wire::TimelineEntry {
    let actor = Actor { kind: actor.0, id: actor.1.to_owned(), on_behalf_of: None };
    let record = Record {
        position: LogPosition::new(1200 + version).unwrap(),
        partition: Partition(0),
        epoch: Epoch(1),
        tenant: "default".to_owned(),
        stream_kind: StreamKind::Ticket,
        stream_id: Uuid::from_u128(42).to_string(),
        version: StreamVersion::new(version).unwrap(),
        event_id: EventId(Uuid::from_u128(1)),
        recorded_at: at(RECORDED),
        occurred_at: at(time),
        caller: "cli".to_owned(),
        actor: actor.clone(),
        command_id: CommandId(Uuid::from_u128(2)),
        request_hash: Hash::ZERO,
        channel: None,
        causation_id: None,
        correlation_id: None,
        traceparent: None,
        config_version: 0,
        prev_hash: Hash::ZERO,
        source_time: (version == 4).then(|| at("2026-11-02T09:00:00Z")),
        command_index: 0,
        command_count: 1,
        event,
    };
    wire::TimelineEntry {
        position: 1200 + version,
        version,
        recorded_at: at(RECORDED).0,
        occurred_at: at(time).0,
        actor: actor.to_wire(),
        caller: "cli".to_owned(),
        sentence: sentence.to_owned(),
        data: Some(record.into_wire()),
        ..wire::TimelineEntry::default()
    }
}

fn plain(text: &str) -> Personal {
    Personal::Plain(text.to_owned())
}

fn created() -> Event {
    Event::from(TicketCreated {
        number: 42,
        subject: plain("VPN drops"),
        description: plain(
            "Since this morning the VPN drops every ten minutes.\r\n\nLaptop LT-2210, \x1b[31mWindows 11.",
        ),
        requester: "c-0417".to_owned(),
        requester_kind: None,
        requester_name: None,
        requester_email: None,
        requester_phone: None,
        channel: Channel::Email,
        origin: Origin::Requester,
        r#type: TicketType::Incident,
        category: Some("technical/network".to_owned()),
        urgency: None,
        impact: None,
        priority: Priority::High,
        tags: vec!["vpn".to_owned()],
        group: Some("service-desk".to_owned()),
        assignee: None,
        tier: 1,
        product: None,
        brand: None,
        language: None,
        organisation: None,
        external_ref: None,
        fields: std::collections::BTreeMap::new(),
        due_at: None,
        synthetic: false,
        restricted_to: Vec::new(),
    })
}

fn status(from: TicketState, to: TicketState, hold_reason: Option<HoldReason>) -> Event {
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

fn entries() -> Vec<wire::TimelineEntry> {
    let bruno = (ActorKind::Agent, "bruno");
    let imported = TicketImported {
        source: "demo".to_owned(),
        external_id: "demo-42-17".to_owned(),
        part: 1,
        parts: 1,
        original_created_at: None,
        mapping_version: None,
        facts: None,
        digest: None,
        replies_complete: false,
    };
    let assigned = TicketAssigned {
        from: None,
        to: "bruno".to_owned(),
        group: Some("network".to_owned()),
        strategy: Strategy::Manual,
        handover_comment: None,
        station_no: 1,
        reason: None,
    };
    let comment = CommentAdded {
        comment_id: CommentId(Uuid::from_u128(3)),
        visibility: Visibility::Public,
        kind: CommentKind::Message,
        author: "bruno".to_owned(),
        author_kind: AuthorKind::Agent,
        channel: None,
        body: plain("Could you send me the log of the client?"),
        attachments: Vec::new(),
        in_reply_to: None,
        counts_as_reply: true,
        no_reopen: false,
    };
    let resolved = TicketResolved {
        by: "bruno".to_owned(),
        code: ResolutionCode::Configuration,
        summary: plain("New profile"),
        steps: vec!["Removed the old profile".to_owned(), "Installed the new one".to_owned()],
        root_cause: Some("The certificate had expired".to_owned()),
        confirmed_by: ConfirmedBy::None,
        override_reason: None,
        resolution_no: 1,
    };
    vec![
        entry(
            1,
            "2026-11-02T09:14:03Z",
            (ActorKind::Service, "cli"),
            Event::from(imported),
            "service cli imported the facts that follow from demo (demo-42-17)",
        ),
        entry(
            2,
            "2026-11-02T09:14:03Z",
            (ActorKind::Requester, "c-0417"),
            created(),
            "requester c-0417 opened T-42 for requester c-0417 by email: “VPN drops” (priority high, category technical/network, in group service-desk)",
        ),
        entry(
            3,
            "2026-11-02T09:20:03Z",
            bruno,
            Event::from(assigned),
            "bruno took the ticket in group network",
        ),
        entry(
            4,
            "2026-11-02T09:20:03Z",
            bruno,
            status(TicketState::New, TicketState::Open, None),
            "bruno moved the ticket from new to open",
        ),
        entry(
            5,
            "2026-11-02T09:30:03Z",
            bruno,
            Event::from(comment),
            "bruno wrote a public message: “Could you send me the log of the client?”",
        ),
        entry(
            6,
            "2026-11-02T09:30:03Z",
            bruno,
            status(TicketState::Open, TicketState::Hold, Some(HoldReason::Vendor)),
            "bruno put the ticket on hold (vendor)",
        ),
        entry(
            7,
            "2026-11-03T10:30:03Z",
            bruno,
            Event::from(resolved),
            "bruno resolved the ticket: “New profile” (configuration)",
        ),
    ]
}

fn ticket() -> wire::TicketView {
    wire::TicketView {
        ticket_id: Uuid::from_u128(42).as_bytes().to_vec(),
        number: "T-42".to_owned(),
        version: 7,
        state: TicketState::Resolved.to_wire(),
        subject: plain("VPN drops").to_wire(),
        requester: "c-0417".to_owned(),
        requester_name: plain("Camille Moreau").to_wire(),
        channel: Channel::Email.to_wire(),
        r#type: TicketType::Incident.to_wire(),
        category: Some("technical/network".to_owned()),
        priority: Priority::High.to_wire(),
        tags: vec!["vpn".to_owned()],
        group: Some("network".to_owned()),
        assignee: Some("bruno".to_owned()),
        tier: 1,
        created_at: at("2026-11-02T09:14:03Z").0,
        first_resolved_at: Some(at("2026-11-03T10:30:03Z").0),
        last_resolved_at: Some(at("2026-11-03T10:30:03Z").0),
        resolution: Some(wire::ResolutionView {
            by: "bruno".to_owned(),
            code: ResolutionCode::Configuration.to_wire(),
            summary: None,
            resolution_no: 1,
            command_id: None,
        }),
        public_comments: 1,
        agent_changes: 1,
        group_changes: 1,
        ..wire::TicketView::default()
    }
}

fn text(zone: Tz) -> String {
    let (ticket, entries) = (ticket(), entries());
    let story = Story {
        ticket: &ticket,
        entries: &entries,
        position: 1300,
        now: at("2026-11-04T10:30:03Z"),
        as_of: None,
    };
    render(&story, zone, Look::PLAIN)
}

#[test]
fn a_history_reads_from_top_to_bottom() {
    let expected = include_str!("timeline/golden.txt");
    let text = text(Tz::UTC);
    assert!(text.trim_end() == expected.trim_end(), "the history is now:\n{text}");
}

#[test]
fn days_begin_at_midnight_of_the_zone() {
    let text = text(Tz::Asia__Tokyo);
    assert!(
        text.contains("18:14:03")
            && text.contains("Monday 2 November 2026")
            && text.contains("times in Asia/Tokyo"),
        "{text}"
    );
}

#[test]
fn no_line_is_wider_than_the_page_and_none_steers_the_terminal() {
    for line in text(Tz::UTC).lines() {
        assert!(line.chars().count() <= Look::PLAIN.width, "{line}");
        assert!(!line.chars().any(char::is_control), "{line}");
    }
}

#[test]
fn the_times_in_all_states_add_up_to_the_age() {
    let story = text(Tz::UTC);
    let states = story.lines().find(|l| l.contains("time in state")).unwrap();
    // 6 min + 10 min + 25 h + 24 h are the 49 h 16 min from the creation to the instant of the answer.
    assert!(
        states.contains("new 6 min · open 10 min · hold (vendor) 1 d 1 h · resolved 1 d 0 h"),
        "{states}"
    );
    assert!(story.contains("age                 2 d 1 h"), "{story}");
}
