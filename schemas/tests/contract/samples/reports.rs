//! One row of every report and of the queue board.

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply::Data;

use super::{minute, ticket};

/// In the order of `verb::QUERIES`, from the queue board on.
pub(crate) fn answers() -> Vec<Data> {
    let mut answers = vec![
        Data::Queues(wire::QueuesView {
            queues: vec![queue_row(), wire::QueueRow { oldest: None, ..queue_row() }],
        }),
        Data::Queue(wire::QueueView { tickets: vec![queue_entry()] }),
        Data::Figures(wire::FiguresView { figures: vec![figure()] }),
    ];
    answers.extend(reports());
    answers
}

fn queue_row() -> wire::QueueRow {
    let head = wire::QueueHead { ticket_id: ticket().to_wire(), number: "T-42".to_owned(), at: minute(1).0 };
    wire::QueueRow {
        group: Some("network".to_owned()),
        agent: None,
        tickets: 4,
        by_status: Some(wire::StatusCounts { new: 1, open: 2, pending: 0, hold: 0 }),
        by_priority: Some(wire::PriorityCounts { low: 0, normal: 3, high: 1, urgent: 0 }),
        unassigned: 1,
        overdue: 1,
        oldest: Some(head.clone()),
        nearest_due: Some(head),
        reopen_held: 1,
    }
}

fn figure() -> wire::FigureView {
    wire::FigureView {
        figure: "quick-reopenings".to_owned(),
        definition_version: 2,
        title_en: "Reopened on the same day".to_owned(),
        title_fr: Some("Rouverts le jour même".to_owned()),
        definition: r#"{"count":"event == 'TicketReopened' && since_resolved_s < 86400","title":{"en":"Reopened on the same day","fr":"Rouverts le jour même"}}"#
            .to_owned(),
    }
}

fn queue_entry() -> wire::QueueEntry {
    let input = wire::ScoreInput { name: "priority".to_owned(), value: 2.0, weight: 10.0, points: 20.0 };
    wire::QueueEntry {
        ticket_id: ticket().to_wire(),
        number: "T-42".to_owned(),
        state: wire::TicketState::Open as i32,
        priority: wire::Priority::High as i32,
        group: Some("network".to_owned()),
        assignee: Some("bob".to_owned()),
        subject: Some(wire::Personal { form: Some(wire::personal::Form::Plain("No light".to_owned())) }),
        created_at: minute(1).0,
        state_since: minute(2).0,
        due_at: Some(minute(9).0),
        age_ms: 60_000,
        score: Some(wire::Score { points: 20.0, inputs: vec![input] }),
        organisation: Some("finance".to_owned()),
        tier: 1,
        created_command_id: Some(super::uuid(3).as_bytes().to_vec()),
        claimed: true,
        claimed_by: Some("bob".to_owned()),
        claimed_until: Some(minute(45).0),
        reopen_held_at: Some(minute(5).0),
    }
}

/// A goal that was missed.
pub(crate) fn attainment() -> wire::Attainment {
    wire::Attainment {
        goal: "keeps-up".to_owned(),
        figure: "closure_rate_flow".to_owned(),
        period: "2026-W10".to_owned(),
        from: minute(0).0,
        to: minute(9).0,
        running: true,
        group: Some("network".to_owned()),
        agent: None,
        at_least: Some(0.9),
        at_most: None,
        actual: Some(7.0 / 9.0),
        attained: Some(false),
    }
}

fn of_metric() -> wire::SlaMetricRow {
    wire::SlaMetricRow {
        metric: wire::SlaMetric::FirstReply as i32,
        met: 9,
        met_by_resolve: 1,
        breached: 3,
        voided: 1,
        attainment: ratio(9, 12),
    }
}

/// A clock that was paused once and is late.
pub(crate) fn clock() -> wire::SlaClockView {
    wire::SlaClockView {
        ticket_id: ticket().to_wire(),
        number: "T-42".to_owned(),
        metric: wire::SlaMetric::AgentWork as i32,
        instance: 1,
        state: wire::SlaClockState::Running as i32,
        policy: "gold".to_owned(),
        policy_version: 2,
        revision: 1,
        target_s: 120,
        hours: "business".to_owned(),
        calendar: Some("paris".to_owned()),
        started_at: minute(1).0,
        due_at: Some(minute(4).0),
        consumed_s: 180,
        remaining_s: 0,
        breached_at: Some(minute(4).0),
        voided: false,
        ended_at: Some(minute(6).0),
        warned_pct: vec![50],
        runs_left_out: 5,
        runs: vec![
            wire::SlaRunView { from: minute(1).0, to: Some(minute(2).0), counted_s: 60 },
            wire::SlaRunView { from: minute(3).0, to: None, counted_s: 120 },
        ],
    }
}

fn breach() -> wire::SlaBreachView {
    wire::SlaBreachView {
        ticket_id: ticket().to_wire(),
        number: "T-42".to_owned(),
        metric: wire::SlaMetric::FirstReply as i32,
        instance: 1,
        at: minute(4).0,
        due_at: minute(4).0,
        immediate: false,
        policy: "gold".to_owned(),
        policy_version: 2,
        consumed_s: 120,
        voided: false,
        recorded: true,
        group: Some("network".to_owned()),
        assignee: Some("bob".to_owned()),
        priority: wire::Priority::High as i32,
    }
}

fn ratio(numerator: u64, denominator: u64) -> Option<wire::Ratio> {
    let value = (denominator > 0).then(|| numerator as f64 / denominator as f64);
    Some(wire::Ratio { numerator, denominator, value, no_denominator: denominator == 0 })
}

fn durations() -> Option<wire::Durations> {
    let some = Some(60.0);
    Some(wire::Durations { n: 1, sum: 60, mean: some, p50: some, p90: some, p95: some, max: some })
}

macro_rules! row {
    ($row:ident { $($field:ident: $value:expr),* $(,)? }) => {
        wire::$row {
            period: "2026-W10".to_owned(),
            from: minute(0).0,
            to: minute(9).0,
            running: true,
            as_of_position: 1234,
            channel: Some("email".to_owned()),
            $($field: $value,)*
            ..Default::default()
        }
    };
}

fn reports() -> Vec<Data> {
    let share = wire::ResolverShare {
        resolver: "bob".to_owned(),
        resolved: 3,
        reopens_charged: 1,
        rate: None,
        no_denominator: false,
    };
    vec![
        Data::ReportBacklog(wire::BacklogReport {
            rows: vec![row!(BacklogRow {
                created: 9,
                unresolved_at_end: 5,
                backlog_ratio: Some(5.0 / 7.0),
                no_denominator: true
            })],
        }),
        Data::ReportReopenRate(wire::ReopenRateReport {
            rows: vec![row!(ReopenRateRow {
                r1: ratio(2, 7),
                r2: ratio(2, 8),
                r3: ratio(1, 6),
                r4: ratio(0, 0),
                r5: vec![share],
                reopen_or_followup: ratio(3, 7),
                window_until: minute(9).0
            })],
        }),
        Data::ReportResolutionTime(wire::ResolutionTimeReport {
            rows: vec![row!(ResolutionTimeRow {
                first: durations(),
                full: durations(),
                net: durations(),
                active: durations(),
                one_touch: ratio(3, 6),
                one_touch_zendesk: ratio(5, 6),
                fcr: ratio(3, 6),
            })],
        }),
        Data::ReportFirstResponse(wire::FirstResponseReport {
            rows: vec![row!(FirstResponseRow {
                calendar: durations(),
                bot: Some(wire::Durations::default()),
                business: durations(),
                business_calendar: Some("office".to_owned())
            })],
        }),
        Data::ReportClosure(wire::ClosureReport {
            rows: vec![row!(ClosureRow { closure_rate_flow: ratio(7, 9), closure_rate_cohort: ratio(5, 9) })],
        }),
        Data::ReportEscalation(wire::EscalationReport {
            rows: vec![row!(EscalationRow {
                tag: Some("vpn".to_owned()),
                escalations: 2,
                escalation_share: ratio(1, 2)
            })],
        }),
        Data::ReportVolume(wire::VolumeReport { rows: vec![row!(VolumeRow { created_net: 9 })] }),
        Data::ReportAgeing(wire::AgeingReport {
            rows: vec![wire::AgeingRow {
                bucket: "0-1d".to_owned(),
                to_days: Some(1),
                unresolved: 3,
                ..Default::default()
            }],
        }),
        Data::ReportAgentLoad(wire::AgentLoadReport {
            rows: vec![row!(AgentLoadRow {
                agent: Some("bob".to_owned()),
                assigned_at_end: 9,
                load: ratio(9, 12),
                assigned_s: Some(3_600),
                utilisation: ratio(3_600, 126_000),
                handled_s: 3_600,
            })],
        }),
        Data::ReportFigure(wire::FigureReport {
            rows: vec![row!(FigureRow {
                figure: "first-answer".to_owned(),
                definition_version: 2,
                count: 9,
                tickets: 8,
                total: 31,
                duration: durations(),
            })],
        }),
        Data::ReportReassignment(wire::ReassignmentReport {
            rows: vec![row!(ReassignmentRow { ownership_continuity: ratio(4, 5) })],
        }),
        Data::ReportCsat(wire::CsatReport {
            rows: vec![row!(CsatRow {
                csat: ratio(1, 2),
                ratings: 3,
                response_rate: ratio(2, 4),
                nps: Some(-50.0),
                detractors: 2,
            })],
        }),
        Data::ReportKnowledge(wire::KnowledgeReport {
            rows: vec![row!(KnowledgeRow {
                knowledge_reuse: ratio(2, 7),
                bot_containment: ratio(1, 7),
                articles_used: 3
            })],
        }),
        Data::ReportTimeInStatus(wire::TimeInStatusReport {
            rows: vec![row!(TimeInStatusRow {
                new: durations(),
                open: durations(),
                pending: durations(),
                hold: durations(),
                resolved: durations(),
            })],
        }),
        Data::ReportFunnel(wire::FunnelReport {
            rows: vec![row!(FunnelRow {
                created: 1,
                to_categorised: durations(),
                to_assigned: durations(),
                to_first_reply: durations(),
                to_resolved: durations(),
                to_closed: durations(),
                to_rated: durations(),
            })],
        }),
        Data::ReportSla(wire::SlaReport { rows: vec![row!(SlaRow { metrics: vec![of_metric()] })] }),
        Data::SlaClocks(wire::SlaClocksView { clocks: vec![clock()] }),
        Data::SlaBreaches(wire::SlaBreachesView { breaches: vec![breach()] }),
    ]
}
