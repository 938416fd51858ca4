//! Goals: which rows they are for, when they hold, and what is told of them.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use guichet_config::{Apply, Configuration, Publication, THE_ONE};
use guichet_reports::{History, Kind, Look, Params, Report, attainment};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentCreated, MomentResolved};
use guichet_schemas::wire::{Attainment, ReportQuery};
use guichet_schemas::words::{GroupBy, Period};
use serde_json::{Value, json};

fn at(written: &str) -> i64 {
    Timestamp::parse(written).unwrap().0
}

/// What is wanted from two instants on.
fn desk(first: &Value, second: &Value) -> Configuration {
    let mut desk = Configuration::new("default");
    for (version, from, goals) in [(1, "2026-01-01T00:00:00Z", first), (2, "2026-03-16T00:00:00Z", second)] {
        desk.publish(Publication {
            kind: guichet_config::Kind::Goals,
            id: THE_ONE.to_owned(),
            version,
            effective_from: Timestamp(at(from)),
            apply: Apply::OpenClocks,
            retired: false,
            body: json!({"goals": goals}).to_string().into(),
        });
    }
    desk
}

fn goal(id: &str, report: &str, figure: &str, bound: (&str, f64)) -> Value {
    json!({"id": id, "report": report, "figure": figure, bound.0: bound.1})
}

/// Two tickets of one week, of which one is resolved after an hour, and one of the next.
fn tickets() -> Vec<History> {
    let life = |group: &str, created: &str, resolved: Option<&str>| {
        let what = What::Created(MomentCreated { group: group.to_owned(), tier: 1, ..Default::default() });
        let mut moments = vec![Moment { position: 1, at: at(created), what: Some(what) }];
        moments.extend(resolved.map(|when| {
            let what =
                What::Resolved(MomentResolved { by: "ann".to_owned(), human: true, as_proposed: false });
            Moment { position: 2, at: at(when), what: Some(what) }
        }));
        History::new(moments)
    };
    vec![
        life("network", "2026-03-09T08:00:00Z", Some("2026-03-09T09:00:00Z")),
        life("network", "2026-03-10T08:00:00Z", None),
        life("desk", "2026-03-17T08:00:00Z", None),
    ]
}

fn told(kind: Kind, desk: &Configuration, group_by: Option<GroupBy>, period: Period) -> Vec<Attainment> {
    let query = ReportQuery {
        from: Some("2026-03-09".to_owned()),
        to: Some("2026-03-23".to_owned()),
        period: Some(period.to_wire()),
        group_by: group_by.map(|part| part.to_wire()),
        ..ReportQuery::default()
    };
    let now = at("2026-03-18T12:00:00Z");
    let (params, span) = Params::read(kind, &query, now).unwrap();
    let mut report = Report::new(params.clone());
    tickets().iter().for_each(|history| report.add(history));
    let look = Look::at(9, now).of(desk);
    attainment(&params, &report.rows(span, look), look)
}

fn short(told: &[Attainment]) -> Vec<(&str, &str, Option<f64>, Option<bool>)> {
    told.iter().map(|t| (t.goal.as_str(), t.period.as_str(), t.actual, t.attained)).collect()
}

#[test]
fn a_row_is_compared_with_the_goals_in_force_at_its_end() {
    let first = json!([goal("half", "report_closure", "closure_rate_flow", ("at_least", 0.5))]);
    let second = json!([goal("all", "report_closure", "closure_rate_flow", ("at_least", 1.0))]);
    let told = told(Kind::Closure, &desk(&first, &second), None, Period::Week);
    // What begins at the very end of a week is of the next one, which runs.
    assert_eq!(
        short(&told),
        [("half", "2026-W11", Some(0.5), Some(true)), ("all", "2026-W12", Some(0.0), Some(false))]
    );
    assert_eq!((told[0].running, told[1].running, told[0].at_least), (false, true, Some(0.5)));
}

#[test]
fn nothing_is_judged_by_a_share_of_nothing_or_by_no_duration() {
    let goals = json!([
        goal("r1", "report_reopen_rate", "r1", ("at_most", 0.1)),
        goal("quick", "report_resolution_time", "first.p90", ("at_most", 3600.0)),
    ]);
    let desk = desk(&goals, &goals);
    let told_of = |kind| told(kind, &desk, None, Period::Week);
    assert_eq!(
        short(&told_of(Kind::ReopenRate)),
        [("r1", "2026-W11", Some(0.0), Some(true)), ("r1", "2026-W12", None, None)]
    );
    assert_eq!(
        short(&told_of(Kind::ResolutionTime)),
        [("quick", "2026-W11", Some(3600.0), Some(true)), ("quick", "2026-W12", None, None)]
    );
}

#[test]
fn a_goal_is_for_its_rows_and_for_no_others() {
    let mut goals = json!([
        goal("whole", "report_closure", "created_net", ("at_most", 1.0)),
        goal("network", "report_closure", "created_net", ("at_most", 1.0)),
        goal("daily", "report_closure", "resolved", ("at_least", 1.0)),
        goal("other", "report_volume", "created_net", ("at_most", 1.0)),
        goal("agents", "report_agent_load", "assigned_at_end", ("at_most", 1.0)),
    ]);
    goals[1]["group"] = "network".into();
    goals[2]["period"] = "day".into();
    let desk = desk(&goals, &goals);
    let of = |kind, group_by, period| {
        let told = told(kind, &desk, group_by, period);
        let mut ids: Vec<_> = told.iter().map(|told| told.goal.clone()).collect();
        ids.dedup();
        (ids, told.iter().filter_map(|told| told.group.clone()).count())
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(of(Kind::Closure, None, Period::Week), (ids(&["whole"]), 0));
    assert_eq!(of(Kind::Closure, Some(GroupBy::Group), Period::Week), (ids(&["network"]), 2));
    assert_eq!(of(Kind::Closure, Some(GroupBy::Agent), Period::Week), (ids(&[]), 0));
    let (days, _) = of(Kind::Closure, None, Period::Day);
    assert_eq!(days[..2], ids(&["whole", "daily"]));
    assert_eq!(of(Kind::Volume, None, Period::Week), (ids(&["other"]), 0));
    // Nobody has a ticket, so there is no row of an agent.
    assert_eq!(of(Kind::AgentLoad, None, Period::Week), (ids(&[]), 0));
    assert_eq!(of(Kind::Ageing, None, Period::Week), (ids(&[]), 0));
}

#[test]
fn where_nobody_has_a_goal_nothing_is_told() {
    let nothing = Configuration::new("default");
    assert_eq!(told(Kind::Closure, &nothing, None, Period::Week), []);
}
