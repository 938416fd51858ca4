//! Answers with every field filled, and every refusal.

use std::collections::BTreeMap;

use guichet_schemas::codec;
use guichet_schemas::event::Event;
use guichet_schemas::ids::{EventId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::{EventRef, FieldError, Rejection};
use guichet_schemas::wire::{self, query_reply::Data};
use guichet_schemas::words::{Audience, TicketState};

use super::{actor, events, hash, minute, record, ticket, uuid};

fn event_ref() -> EventRef {
    EventRef {
        event_id: EventId(uuid(2)),
        type_name: "TicketAssigned".to_owned(),
        version: StreamVersion::new(4).unwrap(),
        position: LogPosition::new(1234).unwrap(),
    }
}

pub(crate) fn accepted() -> wire::Accepted {
    wire::Accepted {
        ticket_id: Some(ticket().to_wire()),
        number: Some(TicketNumber(42).to_string()),
        version: 4,
        partition: 0,
        position: 1234,
        events: vec![codec::event_ref_to_wire(&event_ref())],
        warnings: vec![wire::Warning {
            code: "future_time".to_owned(),
            message: "expected_until lies in the past".to_owned(),
        }],
        replayed: false,
        entity: Some("config".to_owned()),
        entity_id: Some("default".to_owned()),
    }
}

/// One of each code.
pub(crate) fn refusals() -> Vec<Rejection> {
    let number = TicketNumber(42);
    let word = |w: &str| w.to_owned();
    vec![
        Rejection::Malformed(word("data.channel: \"fax\" is not one of email, phone")),
        Rejection::BadSubject(word("the verb is not one of the contract's")),
        Rejection::ValidationFailed(FieldError::new("data.subject", "must not be empty")),
        Rejection::NotFound { what: word("ticket T-42") },
        Rejection::VersionConflict { expected: 3, actual: 4, missed: vec![event_ref()], missed_count: 1 },
        Rejection::TerminalState { number, state: TicketState::Closed, verb: "assign" },
        Rejection::MergedAway { number, into: ticket(), into_number: TicketNumber(41), verb: "assign" },
        Rejection::AlreadyMerged { number, into: ticket(), into_number: TicketNumber(41) },
        Rejection::InvalidTransition { number, state: TicketState::New, verb: "reopen" },
        Rejection::GuardFailed { guard: "resolver", message: word("no assignee") },
        Rejection::ClaimHeld { number, by: word("bob"), until: minute(45) },
        Rejection::Duplicate { of: ticket() },
        Rejection::ConfigStale { based_on: 3, actual: 4 },
        Rejection::ConfigInvalid {
            path: word("policies[2].targets[0].calendar"),
            rule: word("there is no calendar \"lyon\""),
        },
        Rejection::CommandIdReused,
        Rejection::Forbidden(word("the caller may not import")),
        Rejection::PayloadTooLarge { what: "the command", max: 262_144 },
        Rejection::Busy { reason: "the queue is full", retry_after_ms: 200 },
        Rejection::QuotaExceeded { what: "the attachments of the tenant", max: 1_000 },
        Rejection::Unavailable { reason: word("starting"), as_of_position: Some(1200) },
        Rejection::OutcomeUnknown,
        Rejection::Internal { id: word("0198a3c0-5f00-7abc-8def-0123456789ab") },
        Rejection::Unsupported(word("verb erase_subject on this entity")),
    ]
}

/// An answer to each query, in the order of `verb::QUERIES`.
pub(crate) fn answers() -> Vec<wire::QueryReply> {
    let entry = |event: Event| {
        let data = record(event).into_wire();
        wire::TimelineEntry {
            position: data.position,
            version: data.version,
            r#type: data.r#type.clone(),
            recorded_at: data.recorded_at,
            occurred_at: data.occurred_at,
            actor: data.actor.clone(),
            caller: data.caller.clone(),
            command_id: data.command_id.clone(),
            causation_id: data.causation_id.clone(),
            hash: hash(0xef).to_wire(),
            prev_hash: data.prev_hash.clone(),
            data: Some(data),
            sentence: "alice assigned the ticket to bob".to_owned(),
        }
    };
    let view = |event: Event| wire::RecordView {
        hash: hash(0xef).to_wire(),
        record: Some(record(event).into_wire()),
    };
    let mut data = vec![
        Data::Ticket(ticket_view()),
        Data::Timeline(wire::TimelineView {
            entries: events::all().into_iter().map(entry).collect(),
            merged_into: vec![merged(2, "T-43")],
        }),
        Data::Tickets(wire::TicketsView { tickets: vec![ticket_view()] }),
        Data::Events(wire::EventsView { events: events::all().into_iter().map(view).collect() }),
        Data::Projections(projections()),
    ];
    data.extend(super::reports::answers());
    data.extend(articles());
    let reply = |data: Data| wire::QueryReply {
        attainment: if matches!(data, Data::ReportClosure(_)) {
            vec![super::reports::attainment()]
        } else {
            Vec::new()
        },
        as_of_position: 1234,
        as_of_time: minute(5).0,
        next_cursor: Some("b64".to_owned()),
        as_of: Some(minute(6).0),
        sla_as_of_position: Some(1_233),
        data: Some(data),
    };
    data.into_iter().map(reply).collect()
}

fn articles() -> [Data; 4] {
    let article = |body: Option<&str>, score: Option<f64>| wire::PublishedArticle {
        article: "kb-17".to_owned(),
        version: 3,
        newest_version: 3,
        audience: Audience::Public.to_wire(),
        language: Some("en".to_owned()),
        categories: vec!["hardware/printer".to_owned()],
        keywords: vec!["drum".to_owned()],
        title: "The printer blinks".to_owned(),
        body: body.map(str::to_owned),
        body_hash: hash(0x44).to_wire(),
        from_ticket: Some(super::ticket().to_wire()),
        published_at: minute(2).0,
        published_by: "alice".to_owned(),
        retired_at: Some(minute(4).0),
        retired_because: Some("the model is gone".to_owned()),
        used: 12,
        last_used_at: Some(minute(3).0),
        score,
    };
    let found = article(None, Some(2.5));
    let gap = wire::KnowledgeGap {
        ticket_id: super::ticket().to_wire(),
        number: "T-42".to_owned(),
        category: Some("hardware/printer".to_owned()),
        resolved_at: minute(5).0,
        resolved_by: "alice".to_owned(),
    };
    [
        Data::Article(article(Some("Change the drum."), None)),
        Data::Articles(wire::ArticlesView { articles: vec![found.clone()] }),
        Data::SuggestedArticles(wire::SuggestedArticlesView {
            by_text: true,
            category: Some("hardware/printer".to_owned()),
            articles: vec![found],
        }),
        Data::KnowledgeGaps(wire::KnowledgeGapsView { gaps: vec![gap] }),
    ]
}

fn projections() -> wire::ProjectionsView {
    wire::ProjectionsView {
        projections: vec![wire::ProjectionView {
            verified_position: 7,
            quarantined_left_out: 3,
            rebuild: Some(wire::RebuildView { position: 3, target: 1234, started_at: minute(1).0 }),
            steps: Some(wire::StepsView { position: 1_200, tickets: 3_000 }),
            name: "ticket".to_owned(),
            version: 1,
            generation: 1,
            checkpoint: 1234,
            checkpoint_hash: hash(0xef).to_wire(),
            lag: 0,
            state: wire::ProjectionState::CatchingUp as i32,
            reason: Some("a ticket stands still".to_owned()),
            quarantined: vec![wire::QuarantinedTicket {
                tenant: "default".to_owned(),
                ticket_id: ticket().to_wire(),
                position: 12,
                reason: "the fold failed".to_owned(),
            }],
            head: 1234,
        }],
        publishing: Some(wire::PublishingView {
            state: wire::PublishingState::Standing as i32,
            reason: Some(wire::PublishingReason::StreamFull as i32),
            detail: Some("the disk of the stream is full".to_owned()),
            head: 1300,
            published: 1234,
            since: Some(minute(4).0),
        }),
    }
}

fn ticket_view() -> wire::TicketView {
    let Some(wire::record::Data::TicketCreated(c)) = record(events::all().remove(0)).into_wire().data else {
        panic!("the first event is a creation")
    };
    wire::TicketView {
        ticket_id: ticket().to_wire(),
        rating: Some(wire::RatingView {
            scale: wire::RatingScale::GoodBad as i32,
            score: 1,
            at: minute(8).0,
            credited_agent: Some("bob".to_owned()),
            ratings: 2,
        }),
        nps: Some(9),
        surveys: 2,
        claimed: true,
        claimed_by: Some("bob".to_owned()),
        claimed_until: Some(minute(45).0),
        participants: vec!["r-78".to_owned()],
        tasks: vec![wire::TaskView {
            task_id: super::uuid(10).as_bytes().to_vec(),
            title: "Order a drum".to_owned(),
            owner: Some("bob".to_owned()),
            due: Some(minute(3_000).0),
            blocks_resolve: true,
            state: wire::TaskState::Open as i32,
        }],
        approvals: vec![wire::ApprovalView {
            approval_id: super::uuid(11).as_bytes().to_vec(),
            approvers: vec!["sue".to_owned(), "tom".to_owned()],
            quorum: 1,
            approved: vec!["sue".to_owned()],
            rejected: vec!["tom".to_owned()],
            outcome: Some(wire::Verdict::Approved as i32),
        }],
        handled_s: 1_440,
        calls: 1,
        follow_up_at: Some(minute(20_000).0),
        follow_up_effective: Some(true),
        drafts: vec![wire::DraftView {
            draft_id: super::uuid(12).as_bytes().to_vec(),
            author: "tina".to_owned(),
            drafted_at: minute(7).0,
            version: 3,
        }],
        private_comments: vec![super::uuid(3).as_bytes().to_vec()],
        redacted_comments: vec![super::uuid(4).as_bytes().to_vec()],
        side_conversations: vec![wire::SideConversationView {
            side_id: super::uuid(14).as_bytes().to_vec(),
            with: "vendor-1".to_owned(),
            party: wire::SideParty::ThirdParty as i32,
            opened_at: minute(7).0,
            messages: 2,
            closed: true,
        }],
        suggestions: vec![wire::SuggestionView {
            suggestion_id: super::uuid(15).as_bytes().to_vec(),
            kind: wire::SuggestionKind::Category as i32,
            value: "technical/printer".to_owned(),
            score: 87,
            model: "triage/3".to_owned(),
            accepted: true,
        }],
        hand_off: Some(wire::HandOffView {
            by: "helper".to_owned(),
            to_group: "network".to_owned(),
            reason: "asks for a person".to_owned(),
            at: minute(6).0,
            version: 3,
        }),
        articles: vec![wire::ArticleView { article: "kb-17".to_owned(), version: 3 }],
        attachments: vec![wire::AttachmentView {
            sha256: hash(0x11).to_wire(),
            size: 48_210,
            media_type: "image/png".to_owned(),
            added_at: minute(30).0,
            verdict: Some(wire::ScanVerdict::Clean as i32),
            redacted: true,
        }],
        procedures: vec![wire::ProcedureView {
            procedure: "drum".to_owned(),
            version: 2,
            steps: vec![wire::StepView {
                step: "turn".to_owned(),
                mandatory: true,
                outcome: Some(wire::StepOutcome::Done as i32),
            }],
        }],
        number: "T-42".to_owned(),
        version: 4,
        state: wire::TicketState::Hold as i32,
        custom_status: Some("waiting".to_owned()),
        hold_reason: Some(wire::HoldReason::Vendor as i32),
        expected_until: Some(minute(9).0),
        subject: c.subject,
        description: c.description,
        requester: c.requester,
        requester_kind: c.requester_kind,
        requester_name: c.requester_name,
        requester_email: c.requester_email,
        requester_phone: c.requester_phone,
        channel: c.channel,
        origin: c.origin,
        r#type: c.r#type,
        category: c.category,
        urgency: c.urgency,
        impact: c.impact,
        priority: c.priority,
        tags: c.tags,
        group: c.group,
        assignee: c.assignee,
        tier: 2,
        product: c.product,
        brand: c.brand,
        language: c.language,
        organisation: c.organisation,
        external_ref: c.external_ref,
        fields: c.fields.into_iter().collect::<BTreeMap<_, _>>(),
        due_at: c.due_at,
        synthetic: true,
        restricted_to: vec!["hr".to_owned()],
        created_at: minute(0).0,
        updated_at: minute(5).0,
        state_since: minute(5).0,
        first_resolved_at: Some(minute(2).0),
        last_resolved_at: Some(minute(3).0),
        closed_at: Some(minute(4).0),
        resolve_count: 2,
        reopen_count: 2,
        close_count: 1,
        group_changes: 1,
        agent_changes: 1,
        escalations: 1,
        deescalations: 1,
        max_tier: 2,
        public_comments: 1,
        internal_comments: 1,
        resolution: Some(wire::ResolutionView {
            by: actor().id,
            code: wire::ResolutionCode::Defect as i32,
            summary: Some(wire::Personal {
                form: Some(wire::personal::Form::Plain("New toner.".to_owned())),
            }),
            resolution_no: 2,
            command_id: Some(super::uuid(7).as_bytes().to_vec()),
        }),
        position: 1234,
        age_ms: Some(300_000),
        time_in_state_ms: Some(0),
        allowed_verbs: vec!["assign".to_owned()],
        cancelled_at: Some(minute(8).0),
        imported: true,
        next_due_at: Some(minute(600).0),
        created_command_id: Some(super::uuid(3).as_bytes().to_vec()),
        sla_clocks: vec![super::reports::clock()],
        sla_as_of_position: Some(77),
        reopen_held_at: Some(minute(4).0),
        proposal: Some(wire::ProposalView {
            by: "helper".to_owned(),
            code: wire::ResolutionCode::Workaround as i32,
            summary: super::plain("Print from the tray.").to_wire(),
            proposed_at: minute(4).0,
            command_id: Some(super::uuid(3).as_bytes().to_vec()),
        }),
        awaiting_confirmation: true,
        links: vec![wire::TicketLink {
            ticket_id: super::uuid(2).as_bytes().to_vec(),
            number: "T-43".to_owned(),
            kind: wire::LinkKind::FollowUp as i32,
            from_other: true,
        }],
        sla_clocks_left_out: 2,
        merged_into: vec![merged(2, "T-43")],
        merged_from: vec![merged(12, "T-41")],
        copied_comments: 3,
        workaround: Some(wire::WorkaroundView {
            text: super::plain("Print from the tray.").to_wire(),
            published_at: minute(9).0,
            command_id: Some(super::uuid(3).as_bytes().to_vec()),
        }),
        externals: vec![wire::ExternalView {
            system: "jira".to_owned(),
            r#ref: "NET-1".to_owned(),
            url: Some("https://jira.test/NET-1".to_owned()),
        }],
        assets: vec![wire::AssetView {
            system: "glpi".to_owned(),
            asset: "4711".to_owned(),
            kind: Some("printer".to_owned()),
            label: Some("B12".to_owned()),
        }],
        incidents: Some(wire::IncidentsView { total: 40, unresolved: 30, resolved: 8, over: 2 }),
    }
}

pub(crate) fn merged(ticket: u128, number: &str) -> wire::MergedTicket {
    wire::MergedTicket { ticket_id: super::uuid(ticket).as_bytes().to_vec(), number: number.to_owned() }
}
