//! ServiceNow's audit log (UCI): 24,918 incidents. The two exceptions are [`LIFTED`] and [`closed_entries`].

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::differences::Differences;
use super::loaded::{loaded, servicenow};
use super::spread::Spread;
use super::ticket::Ticket;
use super::{distribution, distribution_in, truth_rows, truth_totals};

/// The one incident whose clock steps back, and by how many seconds both resolutions are lifted for it.
pub(super) const LIFTED: (&str, i64) = ("INC0000137", 420);
/// Incidents with repeated Closed rows: the truth's closed is their last row, ours the last entry into closed.
const CLOSED_AGAIN: usize = 45;

/// A row of the truth. Times are the file's wall clock.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) number: String,
    pub(super) opened_at: String,
    pub(super) first_resolved: String,
    pub(super) last_resolved: String,
    pub(super) closed: String,
    pub(super) reopen_count: u64,
    pub(super) group_changes: u64,
    pub(super) final_state: String,
    pub(super) final_priority: String,
    pub(super) final_group: String,
    pub(super) final_category: String,
    pub(super) made_sla: String,
}

pub(super) fn rows() -> Vec<Row> {
    truth_rows("uci_tickets.csv.gz")
}

/// Milliseconds of a wall clock, read as UTC, which is what the shipped mapping does.
pub(super) fn wall(text: &str) -> i64 {
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S");
    parsed.unwrap_or_else(|e| panic!("{text}: {e}")).and_utc().timestamp_millis()
}

#[test]
fn every_servicenow_incident_is_as_the_truth_says() {
    let Some(loaded) = loaded() else { return };
    let tickets = &loaded.servicenow;
    let rows = rows();
    assert_eq!(tickets.len(), rows.len());
    let entries = closed_entries();
    let mut differences = Differences::default();
    let mut closed_again = 0;
    for row in &rows {
        let name = row.number.as_str();
        let ours = &tickets[name];
        let lifted_ms = if name == LIFTED.0 { LIFTED.1 * 1000 } else { 0 };
        let last_row = wall(&row.closed);
        closed_again += usize::from(last_row != entries[name]);
        let mut compare =
            |column, truth: String, ours: String| differences.compare(name, column, truth, ours);
        compare("opened_at", wall(&row.opened_at).to_string(), ours.created_at.to_string());
        compare(
            "first_resolved",
            text(Some(wall(&row.first_resolved) + lifted_ms)),
            text(ours.first_resolved_at),
        );
        compare(
            "last_resolved",
            text(Some(wall(&row.last_resolved) + lifted_ms)),
            text(ours.last_resolved_at),
        );
        compare("closed", text(Some(entries[name])), text(ours.closed_at));
        compare("reopen_count", row.reopen_count.to_string(), ours.reopen_count.to_string());
        compare("group_changes", row.group_changes.to_string(), ours.group_changes.to_string());
        compare("final_state", state(&row.final_state).to_owned(), ours.state.clone());
        compare("final_priority", priority(&row.final_priority).to_owned(), ours.priority.clone());
        compare("final_group", known(&row.final_group), ours.group.clone().unwrap_or_default());
        compare("final_category", known(&row.final_category), category(ours));
        compare("made_sla", row.made_sla.clone(), field(ours, "made_sla"));
    }
    differences.none(11, rows.len());
    assert_eq!(closed_again, CLOSED_AGAIN, "tickets whose last row is not their last entry into closed");
}

#[test]
fn the_servicenow_totals_are_those_of_the_truth() {
    let Some(loaded) = loaded() else { return };
    let truth = truth_totals("uci_truth.json");
    let tickets: Vec<&Ticket> = loaded.servicenow.values().collect();
    let sum = |of: fn(&Ticket) -> u64| tickets.iter().map(|t| of(t)).sum::<u64>();
    let events =
        |names: &[&str]| names.iter().map(|n| truth["events"][n].as_u64().expect("a count")).sum::<u64>();

    assert_eq!(loaded.first_runs[0].rows, truth["rows"].as_u64().expect("a count"));
    assert_eq!(tickets.len() as u64, truth["tickets"].as_u64().expect("a count"));
    assert_eq!(sum(|t| t.resolve_count), events(&["resolved_total"]));
    assert_eq!(sum(|t| t.reopen_count), events(&["reopened_total"]));
    assert_eq!(sum(|t| t.close_count), events(&["closed"]));
    assert_eq!(sum(|t| t.group_changes), events(&["group_changed", "group_set_from_empty", "group_cleared"]));
    assert_eq!(sum(|t| t.agent_changes), events(&["agent_changed", "agent_set_from_empty", "agent_cleared"]));
    assert_eq!(
        distribution(tickets.iter().map(|t| t.reopen_count)),
        distribution_in(&truth["reopen"]["distribution"])
    );

    let (first, last) = (spread(&tickets, |t| t.first_resolved_at), spread(&tickets, |t| t.last_resolved_at));
    let times = &truth["resolution_time"];
    for (ours, truth) in
        [(&first, &times["first_resolve_minus_opened"]), (&last, &times["last_resolve_minus_opened"])]
    {
        ours.check(truth, LIFTED.1);
        let longer_h = ours.mean_h() - truth["mean_h"].as_f64().expect("a mean");
        assert!((longer_h - 0.000_005).abs() < 1e-9, "the mean is longer by {longer_h} h");
    }
    for (name, truth) in truth["resolution_time_by_final_priority"].as_object().expect("priorities") {
        let of_priority: Vec<&Ticket> =
            tickets.iter().filter(|t| t.priority == priority(name)).copied().collect();
        let lifted = loaded.servicenow[LIFTED.0].priority == priority(name);
        spread(&of_priority, |t| t.last_resolved_at).check(truth, if lifted { LIFTED.1 } else { 0 });
    }
}

#[test]
fn the_servicenow_closing_times_differ_only_by_the_repeated_closed_rows() {
    let Some(loaded) = loaded() else { return };
    let truth = truth_totals("uci_truth.json");
    let ours = spread(&loaded.servicenow.values().collect::<Vec<_>>(), |t| t.closed_at);
    let entries = closed_entries();
    let earlier_ms: i64 = rows().iter().map(|row| wall(&row.closed) - entries[&row.number]).sum();
    let theirs = truth["resolution_time"]["closed_at_minus_opened"]["sum_seconds"].as_i64().expect("a sum");
    assert!(earlier_ms > 0);
    assert_eq!(ours.sum_seconds(), theirs - earlier_ms / 1000);
}

/// The last entry into Closed of each incident, from the raw file.
fn closed_entries() -> BTreeMap<String, i64> {
    let file =
        std::fs::File::open(servicenow().expect("it was imported").file).expect("the export can be read");
    let mut reader = csv::Reader::from_reader(zstd::Decoder::new(file).expect("zstd"));
    let headers = reader.headers().expect("a header").clone();
    let column = |name: &str| headers.iter().position(|h| h == name).expect("a column");
    let [number, state, at] = ["number", "incident_state", "sys_updated_at"].map(column);
    let mut entries = BTreeMap::new();
    let mut before = (String::new(), false);
    for row in reader.records() {
        let row = row.expect("a row");
        let closed = &row[state] == "Closed";
        let goes_on = row[number] == before.0;
        if closed && !(goes_on && before.1) {
            let at = NaiveDateTime::parse_from_str(&row[at], "%d/%m/%Y %H:%M").expect("a time");
            entries.insert(row[number].to_owned(), at.and_utc().timestamp_millis());
        }
        before = (row[number].to_owned(), closed);
    }
    entries
}

fn spread(tickets: &[&Ticket], at: fn(&Ticket) -> Option<i64>) -> Spread {
    Spread::of_millis(tickets.iter().filter_map(|t| Some(at(t)? - t.created_at)))
}

fn text(at: Option<i64>) -> String {
    at.map_or_else(String::new, |ms| ms.to_string())
}

/// The file's `?` is nothing.
fn known(value: &str) -> String {
    if value == "?" { String::new() } else { value.to_owned() }
}

/// The category proper; what follows is the subcategory.
fn category(ticket: &Ticket) -> String {
    let path = ticket.category.clone().unwrap_or_default();
    path.split('/').next().unwrap_or_default().to_owned()
}

fn field(ticket: &Ticket, name: &str) -> String {
    ticket.fields.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
}

/// The final states that occur, through the shipped mapping.
fn state(source: &str) -> &'static str {
    match source {
        "Closed" => "closed",
        other => panic!("every incident of this export ends closed, not {other}"),
    }
}

fn priority(source: &str) -> &'static str {
    match source {
        "1 - Critical" => "urgent",
        "2 - High" => "high",
        "3 - Moderate" => "normal",
        "4 - Low" => "low",
        other => panic!("no such priority: {other}"),
    }
}
