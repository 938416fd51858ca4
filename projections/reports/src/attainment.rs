//! Goal attainment (4.14): how the figures of rows stand to the goals that were in force at the end of each row.

use guichet_config::body::{Goal, Goals, OfKind as _};
use guichet_schemas::each_report;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::Attainment;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::words::GroupBy;
use serde_json::Value;

use crate::report::{Look, Params};

/// Rows of one answer where goals are told beside them.
pub const ROWS_WITH_GOALS_MAX: usize = 200;

/// Whether somebody ever had a goal, so that there may be something to tell.
#[must_use]
pub fn has_goals(look: Look<'_>) -> bool {
    look.desk.is_some_and(|desk| desk.ids(Goals::KIND).next().is_some())
}

/// How the rows of an answer compare with the goals.
#[must_use]
pub fn attainment(params: &Params, rows: &Data, look: Look<'_>) -> Vec<Attainment> {
    let Some(desk) = look.desk.filter(|_| has_goals(look)) else { return Vec::new() };
    let mut told = Vec::new();
    for row in as_json(rows) {
        let instant = |name: &str| row[name].as_str().and_then(Timestamp::parse);
        // Rows of no period are of no instant at which a goal could be in force.
        let (Some(from), Some(to)) = (instant("from"), instant("to")) else { continue };
        // What begins at the end belongs to what comes after.
        let end = Timestamp(look.now.clamp(from.0, to.0).saturating_sub(1));
        let goals = desk.body::<Goals>(end).map_or(&[][..], |body| body.goals.as_slice());
        for goal in goals.iter().filter(|goal| is_for(goal, params, &row)) {
            let actual = figure(&row, &goal.figure);
            told.push(Attainment {
                goal: goal.id.clone(),
                figure: goal.figure.clone(),
                period: row["period"].as_str().unwrap_or_default().to_owned(),
                from: from.0,
                to: to.0,
                running: to.0 > look.now,
                group: goal.group.clone(),
                agent: row["agent"].as_str().map(str::to_owned),
                at_least: goal.at_least,
                at_most: goal.at_most,
                actual,
                attained: actual.map(|actual| goal.is_attained_by(actual)),
            });
        }
    }
    told
}

fn is_for(goal: &Goal, params: &Params, row: &Value) -> bool {
    if goal.report != params.kind().as_str() || goal.period.is_some_and(|period| period != params.period()) {
        return false;
    }
    let is_of =
        |part: GroupBy, field: &str, name: &str| params.group_by() == Some(part) && row[field] == name;
    match (&goal.group, &goal.agent) {
        (Some(group), _) => is_of(GroupBy::Group, "group", group),
        (None, Some(agent)) => is_of(GroupBy::Agent, "agent", agent),
        (None, None) => params.is_parted_as_by_itself(),
    }
}

/// A figure by its path; `None`: there is nothing to judge by, such as a share of nothing.
fn figure(row: &Value, path: &str) -> Option<f64> {
    let found = path.split('.').try_fold(row, |at, step| match at.as_array() {
        // One of a list is found by its word.
        Some(list) => {
            list.iter().find(|one| one.as_object().is_some_and(|one| one.values().any(|v| v == step)))
        }
        None => at.get(step),
    })?;
    match found.get("denominator") {
        Some(denominator) if denominator == 0 => None,
        Some(_) => found.get("value")?.as_f64(),
        None => found.as_f64(),
    }
}

/// The rows as people get them: a figure is named as it is there.
fn as_json(rows: &Data) -> Vec<Value> {
    macro_rules! rows {
        ($($of:ident { $($name:literal => $variant:ident: $answer:ident $about:tt)* })*) => {
            match rows {
                $($(Data::$variant(report) => report.rows.iter().map(serde_json::to_value).collect(),)*)*
                _ => Ok(Vec::new()),
            }
        };
    }
    let rows: Result<_, serde_json::Error> = each_report!([rows]);
    rows.expect("rows are made of texts and numbers")
}
