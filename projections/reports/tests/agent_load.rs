//! Load and utilisation, worked by hand: one week and half of the next, at a desk that is open 40 hours a week.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::sync::Arc;

use guichet_config::{Apply, Configuration, Publication, THE_ONE};
use guichet_reports::{BusinessHours, History, Kind, Look, Params, Report};
use guichet_rules::calendar::{Calendar, Definition};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentCreated, MomentResolved, MomentWorked};
use guichet_schemas::wire::{AgentLoadRow, ReportQuery};
use guichet_schemas::words::{CancelReason, GroupBy, TicketState};

const HOUR_S: u64 = 3_600;

fn at(written: &str) -> i64 {
    Timestamp::parse(written).unwrap().0
}

fn created(assignee: &str) -> What {
    What::Created(MomentCreated { assignee: assignee.to_owned(), tier: 1, ..MomentCreated::default() })
}

fn state(to: TicketState) -> What {
    What::State(to.to_wire())
}

fn tickets() -> Vec<History> {
    let resolved = What::Resolved(MomentResolved { by: "bob".to_owned(), human: true, as_proposed: false });
    let lives: Vec<Vec<(&str, What)>> = vec![
        // Ann for 2 hours, then it waits for its requester; ann for 4 hours, bob for 4 and for 2.
        vec![
            ("2026-03-09T08:00:00Z", created("ann")),
            ("2026-03-09T10:00:00Z", state(TicketState::Pending)),
            ("2026-03-10T08:00:00Z", state(TicketState::Open)),
            ("2026-03-10T12:00:00Z", What::Assignee("bob".to_owned())),
            ("2026-03-11T10:00:00Z", resolved),
        ],
        // Ann for the last 2 hours of the week, and for all of the next so far.
        vec![("2026-03-13T14:00:00Z", created("ann"))],
        // Ann for 1 hour; it is hers, and waits for somebody else.
        vec![("2026-03-09T08:00:00Z", created("ann")), ("2026-03-09T09:00:00Z", state(TicketState::Hold))],
        // Nobody's, and no ticket at all.
        vec![("2026-03-09T08:00:00Z", created(""))],
        vec![
            ("2026-03-09T08:00:00Z", created("bob")),
            ("2026-03-12T08:00:00Z", What::Cancelled(CancelReason::Spam.to_wire())),
        ],
    ];
    let history = |life: Vec<(&str, What)>| {
        let moment = |(when, what)| Moment { position: 1, at: at(when), what: Some(what) };
        History::new(life.into_iter().map(moment).collect())
    };
    lives.into_iter().map(history).collect()
}

fn hours() -> BusinessHours {
    let days = ["mon", "tue", "wed", "thu", "fri"].map(|day| format!(r#""{day}":[["09:00","17:00"]]"#));
    let written = format!(r#"{{"tz":"Europe/Paris","weekly":{{{}}}}}"#, days.join(","));
    let definition: Definition = serde_json::from_str(&written).unwrap();
    let calendar = Arc::new(Calendar::new(definition.hours().unwrap()));
    BusinessHours { name: "paris".to_owned(), versions: 1, calendar }
}

/// Ann can have 4 tickets, and 8 from the end of the first week on; nothing is said of bob.
fn desk() -> Configuration {
    let mut desk = Configuration::new("default");
    for (version, from, capacity) in [(1, "2026-01-01T00:00:00Z", 4), (2, "2026-03-15T23:00:00Z", 8)] {
        desk.publish(Publication {
            kind: guichet_config::Kind::Agents,
            id: THE_ONE.to_owned(),
            version,
            effective_from: Timestamp(at(from)),
            apply: Apply::OpenClocks,
            retired: false,
            body: format!(r#"{{"agents":[{{"id":"ann","capacity":{capacity}}},{{"id":"bob"}}]}}"#).into(),
        });
    }
    desk
}

fn rows(group_by: Option<GroupBy>, hours: Option<BusinessHours>) -> Vec<AgentLoadRow> {
    let now = at("2026-03-18T12:00:00Z");
    let query = ReportQuery {
        from: Some("2026-03-09".to_owned()),
        zone: Some("Europe/Paris".to_owned()),
        group_by: group_by.map(|part| part.to_wire()),
        ..ReportQuery::default()
    };
    let (params, span) = Params::read(Kind::AgentLoad, &query, now).unwrap();
    let mut report = Report::new(params.with_hours(hours));
    tickets().iter().for_each(|history| report.add(history));
    let desk = desk();
    let Data::ReportAgentLoad(answer) = report.rows(span, Look::at(9, now).of(&desk)) else { panic!() };
    answer.rows
}

#[test]
fn load_and_utilisation_are_those_worked_by_hand() {
    let rows = rows(None, Some(hours()));
    let named: Vec<_> = rows.iter().map(|row| (row.period.as_str(), row.agent.as_deref().unwrap())).collect();
    assert_eq!(named, [("2026-W11", "ann"), ("2026-W11", "bob"), ("2026-W12", "ann"), ("2026-W12", "bob")]);
    let counts = |row: &AgentLoadRow| (row.assigned_at_end, row.actionable_at_end);
    assert_eq!(rows.iter().map(counts).collect::<Vec<_>>(), [(2, 1), (0, 0), (2, 1), (0, 0)]);
    let load = |row: &AgentLoadRow| row.load.as_ref().map(|load| (load.denominator, load.value.unwrap()));
    assert_eq!(rows.iter().map(load).collect::<Vec<_>>(), [Some((4, 0.5)), None, Some((8, 0.25)), None]);
    let spent = |row: &AgentLoadRow| (row.assigned_s.unwrap(), row.available_s.unwrap());
    let expected = [(9, 40), (6, 40), (20, 20), (0, 20)].map(|(n, of)| (n * HOUR_S, of * HOUR_S));
    assert_eq!(rows.iter().map(spent).collect::<Vec<_>>(), expected);
    let shares: Vec<_> = rows.iter().map(|row| row.utilisation.as_ref().unwrap().value.unwrap()).collect();
    assert_eq!(shares, [0.225, 0.15, 1.0, 0.0]);
    assert!(
        rows.iter().all(|row| row.proxy && !row.capped && row.business_calendar.as_deref() == Some("paris"))
    );
}

#[test]
fn what_is_of_no_agent_has_neither_capacity_nor_utilisation() {
    let rows = rows(Some(GroupBy::Tier), Some(hours()));
    assert_eq!((rows[0].assigned_at_end, rows[0].assigned_s), (2, Some(15 * HOUR_S)));
    assert!(rows.iter().all(|row| row.load.is_none() && row.utilisation.is_none() && !row.proxy));
}

#[test]
fn without_a_calendar_no_time_is_told() {
    let rows = rows(None, None);
    assert_eq!((rows[0].assigned_at_end, rows[0].load.as_ref().unwrap().value), (2, Some(0.5)));
    assert!(rows.iter().all(|row| row.assigned_s.is_none() && row.utilisation.is_none() && !row.proxy));
}

/// Ann logs two hours and a call of half an hour in the first week, at a ticket that bob has by then, and nothing in the
/// second.
#[test]
fn time_that_was_logged_takes_the_place_of_the_proxy() {
    let worked = |seconds| What::Worked(MomentWorked { agent: "ann".to_owned(), seconds });
    let moment = |when, what| Moment { position: 1, at: at(when), what: Some(what) };
    let logged = History::new(vec![
        moment("2026-03-09T08:00:00Z", created("bob")),
        moment("2026-03-10T08:00:00Z", worked(7_200)),
        moment("2026-03-11T08:00:00Z", worked(1_800)),
    ]);
    let now = at("2026-03-18T12:00:00Z");
    let query = ReportQuery {
        from: Some("2026-03-09".to_owned()),
        zone: Some("Europe/Paris".to_owned()),
        ..ReportQuery::default()
    };
    let (params, span) = Params::read(Kind::AgentLoad, &query, now).unwrap();
    let mut report = Report::new(params.with_hours(Some(hours())));
    tickets().iter().chain([&logged]).for_each(|history| report.add(history));
    let Data::ReportAgentLoad(answer) = report.rows(span, Look::at(9, now)) else { panic!() };
    let of = |period: &str, agent: &str| {
        let is = |row: &&AgentLoadRow| row.period == period && row.agent.as_deref() == Some(agent);
        answer.rows.iter().find(is).unwrap().clone()
    };
    let ann = of("2026-W11", "ann");
    assert_eq!((ann.handled_s, ann.proxy, ann.capped), (9_000, false, false));
    assert_eq!(ann.utilisation.unwrap().value, Some(9_000.0 / (40.0 * 3_600.0)));
    // Of whom nothing was logged, it stays a proxy.
    let (bob, next) = (of("2026-W11", "bob"), of("2026-W12", "ann"));
    assert_eq!([bob.handled_s, next.handled_s, u64::from(bob.proxy), u64::from(next.proxy)], [0, 0, 1, 1]);
}
