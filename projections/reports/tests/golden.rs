//! The worked week of the domain page: twelve tickets, and every figure that needs no SLA.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::collections::BTreeMap;

use guichet_reports::{History, Kind, Look, Params, Report};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{
    Moment, MomentCreated, MomentEscalated, MomentRated, MomentReply, MomentResolved,
};
use guichet_schemas::wire::{self, Ratio, ReportQuery};
use guichet_schemas::words::{
    Channel, CloseReason, EscalationKind, EscalationReason, GroupBy, Origin, Period, Priority, RatingScale,
    TicketState,
};
use serde_json::Value;

/// The golden file, or a loud word that it is not there.
fn golden() -> Option<Value> {
    let bytes = std::fs::read(guichet_test_support::shared("golden/kpi.json")?).unwrap();
    Some(serde_json::from_slice(&bytes).unwrap())
}

fn what(event: &Value) -> Vec<What> {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    match event["type"].as_str().unwrap() {
        "created" => vec![What::Created(MomentCreated {
            channel: Channel::parse(&text("channel")).unwrap().to_wire(),
            origin: Origin::Requester.to_wire(),
            priority: Priority::Normal.to_wire(),
            tier: 1,
            ..MomentCreated::default()
        })],
        "assigned" => vec![What::Assignee(text("to"))],
        "unassigned" => vec![What::Assignee(String::new())],
        "reply" => vec![What::Reply(MomentReply { human: text("by") != "bot" })],
        "resolved" => vec![What::Resolved(MomentResolved {
            by: text("by"),
            human: text("by") != "bot",
            as_proposed: false,
        })],
        "reopened" => vec![What::Reopened(true)],
        "status" => vec![What::State(TicketState::parse(&text("to")).unwrap().to_wire())],
        "merged" => vec![What::Closed(CloseReason::Merged.to_wire())],
        "escalated" => vec![What::Escalated(MomentEscalated {
            kind: EscalationKind::Functional.to_wire(),
            to_tier: u32::try_from(event["to_tier"].as_u64().unwrap()).unwrap(),
            reason: EscalationReason::Expertise.to_wire(),
            tags_at: event["tags"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t.as_str().unwrap().to_owned())
                .collect(),
            category_at: String::new(),
        })],
        "csat" => vec![What::Rated(MomentRated {
            scale: RatingScale::GoodBad.to_wire(),
            score: u32::from(text("score") == "good"),
            ..MomentRated::default()
        })],
        other => panic!("the golden file has an event {other:?} that this test does not know"),
    }
}

fn histories(golden: &Value) -> BTreeMap<String, History> {
    let mut tickets: BTreeMap<String, Vec<Moment>> = BTreeMap::new();
    for (i, event) in golden["events"].as_array().unwrap().iter().enumerate() {
        let at = Timestamp::parse(event["at"].as_str().unwrap()).unwrap().0;
        let moments = tickets.entry(event["ticket"].as_str().unwrap().to_owned()).or_default();
        moments.extend(what(event).into_iter().map(|what| Moment {
            position: i as u64 + 1,
            at,
            what: Some(what),
        }));
    }
    tickets.into_iter().map(|(name, moments)| (name, History::new(moments))).collect()
}

/// Reports of the golden week, asked for at its end.
struct Week {
    golden: Value,
    histories: BTreeMap<String, History>,
    end: i64,
}

impl Week {
    fn new() -> Option<Self> {
        let golden = golden()?;
        let end = Timestamp::parse(golden["kpis"]["period"][1].as_str().unwrap()).unwrap().0;
        Some(Self { histories: histories(&golden), golden, end })
    }

    fn ask(&self, kind: Kind, group_by: Option<GroupBy>) -> Data {
        let period = &self.golden["kpis"]["period"];
        let query = ReportQuery {
            from: Some(period[0].as_str().unwrap().to_owned()),
            to: Some(period[1].as_str().unwrap().to_owned()),
            zone: Some(self.golden["kpis"]["zone"].as_str().unwrap().to_owned()),
            period: Some(Period::Week.to_wire()),
            group_by: group_by.map(|g| g.to_wire()),
            window_days: None,
            ..ReportQuery::default()
        };
        let (params, span) = Params::read(kind, &query, self.end).unwrap();
        let mut report = Report::new(params);
        self.histories.values().for_each(|history| report.add(history));
        // What is taken away and added again leaves no trace.
        for history in self.histories.values() {
            report.remove(history);
            report.add(history);
        }
        report.rows(span, Look::at(62, self.end))
    }

    fn kpi(&self, name: &str) -> &Value {
        &self.golden["kpis"][name]
    }

    fn count(&self, name: &str) -> u64 {
        self.kpi(name).as_u64().unwrap_or_else(|| panic!("{name} is no count"))
    }
}

/// Equal to the four decimals that the file gives.
fn close(found: Option<f64>, expected: &Value) -> bool {
    found.is_some_and(|found| (found - expected.as_f64().unwrap()).abs() < 5e-5)
}

fn counts(ratio: Option<Ratio>) -> (u64, u64) {
    let ratio = ratio.unwrap();
    (ratio.numerator, ratio.denominator)
}

fn pair(value: &Value) -> (u64, u64) {
    (value[0].as_u64().unwrap(), value[1].as_u64().unwrap())
}

#[test]
fn backlog_and_closure_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportBacklog(wire::BacklogReport { rows }) = week.ask(Kind::Backlog, None) else { panic!() };
    let [row] = rows.as_slice() else { panic!("one week: {rows:?}") };
    assert_eq!((row.period.as_str(), row.running), ("2026-W11", false));
    assert_eq!(row.created, week.count("created_net"));
    assert_eq!(row.resolved, week.count("resolved_distinct"));
    assert_eq!(row.resolve_events, week.count("resolution_events"));
    assert_eq!(row.resolved_net, week.count("resolved_net"));
    assert_eq!(row.unresolved_at_end, week.kpi("unresolved_end").as_array().unwrap().len() as u64);
    assert!(close(row.backlog_ratio, week.kpi("backlog_ratio")));

    let Data::ReportClosure(wire::ClosureReport { rows }) = week.ask(Kind::Closure, None) else { panic!() };
    assert!(close(rows[0].closure_rate_flow.and_then(|r| r.value), week.kpi("closure_rate_flow")));
    assert!(close(rows[0].closure_rate_cohort.and_then(|r| r.value), week.kpi("closure_rate_cohort")));
    assert_eq!(rows[0].created_net, week.count("created_net"));
}

#[test]
fn the_five_reopen_rates_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportReopenRate(wire::ReopenRateReport { rows }) = week.ask(Kind::ReopenRate, None) else {
        panic!()
    };
    let row = &rows[0];
    assert_eq!(counts(row.r1), pair(week.kpi("reopen_R1_cohort_7d")));
    assert!(row.provisional);
    let until = Timestamp(row.window_until).to_string();
    let said = week.kpi("reopen_R1_cohort_7d")[3].as_str().unwrap();
    assert!(said.contains(&until.replace(".000Z", "Z")), "{said}: {until}");
    assert_eq!(counts(row.r2), pair(week.kpi("reopen_R2_flow")));
    assert_eq!(counts(row.r3), pair(week.kpi("reopen_R3_currently_resolved")));
    assert!(close(row.r4.and_then(|r| r.value), week.kpi("reopen_R4_per_ticket")));
    let expected = week.kpi("reopen_R5_by_resolver").as_object().unwrap();
    assert_eq!(row.r5.len(), expected.len());
    for share in &row.r5 {
        let theirs = &expected[&share.resolver];
        assert_eq!(share.resolved, theirs["resolved_distinct"].as_u64().unwrap(), "{}", share.resolver);
        assert_eq!(share.reopens_charged, theirs["reopens_charged"].as_u64().unwrap(), "{}", share.resolver);
        assert!(close(share.rate, &theirs["rate"]), "{}", share.resolver);
    }
}

#[test]
fn times_and_touches_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportResolutionTime(wire::ResolutionTimeReport { rows }) =
        week.ask(Kind::ResolutionTime, None)
    else {
        panic!()
    };
    let row = &rows[0];
    for (name, found) in [("first_resolution_minutes", &row.first), ("full_resolution_minutes", &row.full)] {
        let minutes: Vec<u64> =
            week.kpi(name).as_object().unwrap().values().map(|v| v.as_u64().unwrap()).collect();
        let found = found.unwrap();
        assert_eq!((found.n, found.sum), (minutes.len() as u64, minutes.iter().sum::<u64>() * 60), "{name}");
        assert_eq!(found.max, minutes.iter().max().map(|m| *m as f64 * 60.0), "{name}");
    }
    for (name, found) in
        [("one_touch", row.one_touch), ("one_touch_zendesk", row.one_touch_zendesk), ("fcr", row.fcr)]
    {
        let expected = week.kpi(name);
        assert_eq!(found.unwrap().numerator, expected[0].as_array().unwrap().len() as u64, "{name}");
        assert!(close(found.unwrap().value, &expected[1]), "{name}");
    }

    let Data::ReportFirstResponse(wire::FirstResponseReport { rows }) = week.ask(Kind::FirstResponse, None)
    else {
        panic!()
    };
    let found = rows[0].calendar.unwrap();
    let minutes: Vec<u64> =
        week.kpi("frt_minutes").as_object().unwrap().values().map(|v| v.as_u64().unwrap()).collect();
    assert_eq!((found.n, found.sum), (minutes.len() as u64, minutes.iter().sum::<u64>() * 60));
    assert_eq!(found.p50.map(|p| p / 60.0), week.kpi("frt_p50").as_f64());
    assert!((found.mean.unwrap() / 60.0 - week.kpi("frt_mean").as_f64().unwrap()).abs() < 5e-3);
}

#[test]
fn escalation_and_ownership_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportEscalation(wire::EscalationReport { rows }) = week.ask(Kind::Escalation, None) else {
        panic!()
    };
    assert!(close(rows[0].escalation_rate_cohort.and_then(|r| r.value), week.kpi("escalation_rate_cohort")));
    let Data::ReportEscalation(wire::EscalationReport { rows }) =
        week.ask(Kind::Escalation, Some(GroupBy::Tag))
    else {
        panic!()
    };
    let expected = week.kpi("escalation_share_by_tag").as_object().unwrap();
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        let tag = row.tag.unwrap();
        assert!(close(row.escalation_share.and_then(|r| r.value), &expected[&tag]), "{tag}");
        assert_eq!(row.escalation_rate_cohort, None, "a tag of an escalation parts no tickets");
    }

    let Data::ReportReassignment(wire::ReassignmentReport { rows }) = week.ask(Kind::Reassignment, None)
    else {
        panic!()
    };
    let sum: u64 = week.kpi("reassignments").as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum();
    assert_eq!(rows[0].reassignments, sum);
    let ownership = week.kpi("ownership_continuity");
    let expected = (ownership[0].as_array().unwrap().len() as u64, ownership[1].as_u64().unwrap());
    assert_eq!(counts(rows[0].ownership_continuity), expected);
}

#[test]
fn volume_and_ageing_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportVolume(wire::VolumeReport { rows }) = week.ask(Kind::Volume, Some(GroupBy::Channel))
    else {
        panic!()
    };
    for row in rows {
        let channel = row.channel.unwrap();
        assert_eq!(Some(row.created_net), week.kpi("volume_by_channel")[&channel].as_u64(), "{channel}");
        let unresolved = week.kpi("unresolved_by_channel")[&channel].as_u64();
        assert_eq!(Some(row.unresolved_at_end), unresolved, "{channel}");
    }
    let Data::ReportVolume(wire::VolumeReport { rows }) = week.ask(Kind::Volume, None) else { panic!() };
    let both = (rows[0].created_net, rows[0].created_gross);
    assert_eq!(both, (week.count("created_net"), week.count("created_gross")));

    let Data::ReportAgeing(wire::AgeingReport { rows }) = week.ask(Kind::Ageing, None) else { panic!() };
    let expected = week.kpi("ageing").as_object().unwrap();
    assert_eq!(rows.len(), expected.len());
    for row in rows {
        assert_eq!(row.unresolved, expected[&row.bucket].as_array().unwrap().len() as u64, "{}", row.bucket);
    }
}

#[test]
fn satisfaction_is_that_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportCsat(wire::CsatReport { rows }) = week.ask(Kind::Csat, None) else { panic!() };
    assert_eq!(counts(rows[0].csat), (1, 2));
    assert!(close(rows[0].csat.and_then(|csat| csat.value), week.kpi("csat")));
    assert_eq!((rows[0].ratings, rows[0].surveys, rows[0].nps), (2, 0, None));
}

#[test]
fn containment_and_the_milestones_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportKnowledge(wire::KnowledgeReport { rows }) = week.ask(Kind::Knowledge, None) else {
        panic!()
    };
    assert_eq!(counts(rows[0].bot_containment), (1, week.count("resolved_distinct")));
    assert_eq!(counts(rows[0].knowledge_reuse), (0, week.count("resolved_distinct")));
    let Data::ReportFunnel(wire::FunnelReport { rows }) = week.ask(Kind::Funnel, None) else { panic!() };
    let reached = |durations: &Option<wire::Durations>| durations.as_ref().map(|durations| durations.n);
    let row = &rows[0];
    assert_eq!((row.created, reached(&row.to_categorised)), (week.count("created_net"), Some(0)));
    // Nobody has T6 and T12; T4, T5, T6 and T12 have no answer by a person.
    assert_eq!((reached(&row.to_assigned), reached(&row.to_first_reply)), (Some(7), Some(5)));
    assert_eq!((reached(&row.to_resolved), reached(&row.to_rated)), (Some(6), Some(2)));
    // To the first resolution: 30, 1440, 4320, 20, 3 and, of T8, 360 minutes.
    let minutes: u64 = [30, 1_440, 4_320, 20, 3, 360].iter().sum();
    assert_eq!(row.to_resolved.as_ref().map(|durations| durations.sum), Some(minutes * 60));
}

#[test]
fn stays_in_a_state_are_those_of_the_worked_week() {
    let Some(week) = Week::new() else { return };
    let Data::ReportTimeInStatus(wire::TimeInStatusReport { rows }) = week.ask(Kind::TimeInStatus, None)
    else {
        panic!()
    };
    let n = |durations: &Option<wire::Durations>| durations.as_ref().map(|durations| durations.n);
    let row = &rows[0];
    // T2 and T8 came back from resolved; nobody leaves pending or hold.
    assert_eq!((n(&row.resolved), n(&row.pending), n(&row.hold)), (Some(2), Some(0), Some(0)));
    let back = (23 + 42) * 3_600;
    assert_eq!(row.resolved.as_ref().map(|durations| durations.sum), Some(back));
}
