//! The incidents of Volvo IT (BPI Challenge 2013): 7,554 tickets, without exceptions.

use serde::Deserialize;

use super::differences::Differences;
use super::loaded::loaded;
use super::spread::Spread;
use super::ticket::{Ticket, millis};
use super::{distribution, distribution_in, truth_rows, truth_totals};

/// A row of the truth. Times have their offset.
#[derive(Debug, Deserialize)]
struct Row {
    ticket: String,
    created: String,
    first_resolved: Option<String>,
    last_resolved: Option<String>,
    reopen_count: u64,
    group_changes: u64,
    agent_changes: u64,
    escalations: u64,
    deescalations: u64,
    max_level: u32,
    final_state: String,
    resolved_at_end: u32,
    final_impact: String,
    product: String,
    final_group: String,
    final_agent: String,
}

/// State, what it is called there where the view says so, and the reason to hold.
type State = (String, Option<String>, Option<String>);

#[test]
fn every_bpi_incident_is_as_the_truth_says() {
    let Some(loaded) = loaded() else { return };
    let rows: Vec<Row> = truth_rows("bpic13_incidents_tickets.csv.gz");
    assert_eq!(loaded.bpi2013.len(), rows.len());
    let mut differences = Differences::default();
    for row in &rows {
        let name = row.ticket.as_str();
        let ours = &loaded.bpi2013[name];
        let at = |text: &Option<String>| text.as_deref().map(millis);
        differences.compare(name, "created", millis(&row.created), ours.created_at);
        differences.compare(name, "first_resolved", at(&row.first_resolved), ours.first_resolved_at);
        differences.compare(name, "last_resolved", at(&row.last_resolved), ours.last_resolved_at);
        differences.compare(name, "reopen_count", row.reopen_count, ours.reopen_count);
        differences.compare(name, "group_changes", row.group_changes, ours.group_changes);
        differences.compare(name, "agent_changes", row.agent_changes, ours.agent_changes);
        differences.compare(name, "escalations", row.escalations, ours.escalations);
        differences.compare(name, "deescalations", row.deescalations, ours.deescalations);
        differences.compare(name, "max_level", row.max_level, ours.max_tier);
        let state = (ours.state.clone(), ours.custom_status.clone(), ours.hold_reason.clone());
        differences.compare(name, "final_state", final_state(&row.final_state), state);
        differences.compare(name, "resolved_at_end", row.resolved_at_end == 1, is_done(ours));
        differences.compare(name, "final_impact", priority(&row.final_impact), &ours.priority);
        differences.compare(name, "product", Some(row.product.as_str()), ours.fields["product"].as_str());
        differences.compare(name, "final_group", Some(&row.final_group), ours.group.as_ref());
        differences.compare(name, "final_agent", Some(&row.final_agent), ours.assignee.as_ref());
    }
    differences.none(15, rows.len());
}

#[test]
fn the_bpi_totals_are_those_of_the_truth() {
    let Some(loaded) = loaded() else { return };
    let truth = truth_totals("bpic13_incidents_truth.json");
    let tickets: Vec<&Ticket> = loaded.bpi2013.values().collect();
    let sum = |of: fn(&Ticket) -> u64| tickets.iter().map(|t| of(t)).sum::<u64>();
    let total = |path: &str| truth.pointer(path).and_then(serde_json::Value::as_u64).expect("a count");

    assert_eq!(loaded.first_runs[1].rows, total("/rows"));
    assert_eq!(tickets.len() as u64, total("/tickets"));
    assert_eq!(sum(|t| t.resolve_count), total("/events/resolved_total"));
    assert_eq!(sum(|t| t.reopen_count), total("/events/reopened_total"));
    assert_eq!(sum(|t| t.close_count), total("/events/closed"));
    assert_eq!(sum(|t| t.group_changes), total("/reassignment/group_changes"));
    assert_eq!(sum(|t| t.agent_changes), total("/reassignment/agent_changes"));
    assert_eq!(sum(|t| t.escalations), total("/reassignment/escalations_up"));
    assert_eq!(sum(|t| t.deescalations), total("/reassignment/deescalations"));
    let levels = &truth["reassignment"];
    assert_eq!(
        distribution(tickets.iter().map(|t| t.max_tier)),
        distribution_in(&levels["tickets_by_max_level"])
    );
    assert_eq!(
        distribution(tickets.iter().map(|t| t.tier)),
        distribution_in(&levels["tickets_by_final_level"])
    );
    assert_eq!(
        distribution(tickets.iter().map(|t| t.reopen_count)),
        distribution_in(&truth["reopen"]["distribution"])
    );

    let first = tickets.iter().filter_map(|t| Some(t.first_resolved_at? - t.created_at));
    Spread::of_millis(first).check(&truth["resolution_time"]["first_resolve_minus_created"], 0);
    let last = |t: &&Ticket| Some(t.last_resolved_at? - t.created_at);
    let done: Vec<&Ticket> = tickets.iter().filter(|t| is_done(t)).copied().collect();
    let of_done = &truth["resolution_time"]["last_resolve_minus_created_tickets_resolved_at_end"];
    Spread::of_millis(done.iter().filter_map(last)).check(of_done, 0);
    for (impact, truth) in truth["resolution_time_by_final_impact"].as_object().expect("impacts") {
        let of_impact = done.iter().filter(|t| t.priority == priority(impact));
        Spread::of_millis(of_impact.filter_map(last)).check(truth, 0);
    }
}

fn is_done(ticket: &Ticket) -> bool {
    ticket.state == "resolved" || ticket.state == "closed"
}

/// The final states that occur, through the shipped mapping. What a ticket waits for keeps its name.
fn final_state(source: &str) -> State {
    let (state, hold_reason) = match source {
        "Queued/Awaiting Assignment" | "Accepted/In Progress" | "Accepted/Assigned" => ("open", None),
        "Accepted/Wait" | "Accepted/Wait - User" | "Accepted/Wait - Customer" => ("pending", None),
        "Accepted/Wait - Vendor" => ("hold", Some("vendor")),
        "Accepted/Wait - Implementation" => ("hold", Some("change")),
        "Completed/Resolved" | "Completed/In Call" | "Completed/Cancelled" => ("resolved", None),
        "Completed/Closed" => ("closed", None),
        other => panic!("no ticket ends in {other}"),
    };
    let waits_for = matches!(state, "pending" | "hold").then(|| source.to_owned());
    (state.to_owned(), waits_for, hold_reason.map(str::to_owned))
}

fn priority(impact: &str) -> &'static str {
    match impact {
        "Major" => "urgent",
        "High" => "high",
        "Medium" => "normal",
        "Low" => "low",
        other => panic!("no such impact: {other}"),
    }
}
