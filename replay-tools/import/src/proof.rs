//! The main proof of the importer: both real histories, folded from the facts that it emits, equal what an
//! independent script computed from the raw files, ticket by ticket.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use guichet_schemas::command::{Fact, Import};
use guichet_schemas::event::{Classification, Event, LifeCycle, Ownership, TicketEvent};
use guichet_schemas::words::{Priority, TicketState};
use serde_json::Value;

use super::{Balance, Mapping, Progress, Reader, open};

const SERVICENOW: &str = "uci-servicenow/incident_event_log.csv.zst";
const BPI: &str = "bpic13-volvo/BPI_Challenge_2013_incidents.xes.gz";
/// Steps back seven minutes when it is resolved; that step is lifted.
const STEPS_BACK: &str = "INC0000137";
const LIFT_MS: i64 = 420_000;

/// The folder of the real histories; `None`, said loudly, on a machine that has none.
pub(super) fn shared(file: &str) -> Option<PathBuf> {
    shared_in("data", file)
}

/// A file of one of the shared folders.
pub(super) fn shared_in(folder: &str, file: &str) -> Option<PathBuf> {
    guichet_test_support::shared(&format!("{folder}/{file}"))
}

/// A ticket as a read model would have it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Folded {
    created: i64,
    clock: i64,
    state: Option<TicketState>,
    first_resolved: Option<i64>,
    last_resolved: Option<i64>,
    closed: Option<i64>,
    resolves: u64,
    reopens: u64,
    closes: u64,
    group: Option<String>,
    agent: Option<String>,
    group_changes: u64,
    agent_changes: u64,
    escalations: u64,
    deescalations: u64,
    tier: u32,
    max_tier: u32,
    priority: Option<Priority>,
    category: Option<String>,
    steps_back: u64,
}

impl Folded {
    fn fold(&mut self, fact: &Fact) {
        if fact.event.created().is_none() {
            self.steps_back += u64::from(fact.occurred_at.0 < self.clock);
        }
        self.clock = self.clock.max(fact.occurred_at.0);
        match &fact.event {
            Event::Ticket(TicketEvent::LifeCycle(event)) => self.life_cycle(event),
            Event::Ticket(TicketEvent::Ownership(event)) => self.ownership(event),
            Event::Ticket(
                TicketEvent::Conversation(_) | TicketEvent::Relations(_) | TicketEvent::Confirmation(_),
            ) => {}
            Event::Ticket(TicketEvent::Classification(event)) => self.classification(event),
            Event::Ticket(
                TicketEvent::Satisfaction(_)
                | TicketEvent::Work(_)
                | TicketEvent::Moderation(_)
                | TicketEvent::Assistance(_)
                | TicketEvent::Attachments(_),
            ) => {
                panic!("no export holds it: {:?}", fact.event)
            }
            Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => {
                panic!("not in these histories: {:?}", fact.event)
            }
        }
    }

    fn life_cycle(&mut self, event: &LifeCycle) {
        match event {
            LifeCycle::TicketCreated(e) => {
                assert!(self.state.is_none(), "created twice");
                self.created = self.clock;
                self.group.clone_from(&e.group);
                self.agent.clone_from(&e.assignee);
                self.category.clone_from(&e.category);
                self.priority = Some(e.priority);
                self.tier = e.tier;
                self.max_tier = e.tier;
                self.state = Some(if e.assignee.is_some() { TicketState::Open } else { TicketState::New });
            }
            LifeCycle::StatusChanged(e) => {
                assert_eq!(Some(e.from), self.state);
                let unclosed = (e.from, e.to) == (TicketState::Closed, TicketState::Resolved);
                assert!(unclosed || (!e.to.is_done() && !e.from.is_done()), "{e:?}");
                self.state = Some(e.to);
            }
            LifeCycle::TicketResolved(e) => {
                assert!(!self.state.unwrap().is_done(), "resolved while {:?}", self.state);
                self.state = Some(TicketState::Resolved);
                self.first_resolved.get_or_insert(self.clock);
                self.last_resolved = Some(self.clock);
                self.resolves += 1;
                assert_eq!(u64::from(e.resolution_no), self.resolves);
            }
            LifeCycle::TicketReopened(e) => {
                assert!(self.state.unwrap().is_done(), "reopened while {:?}", self.state);
                let since = self.clock - self.last_resolved.unwrap();
                assert_eq!(e.since_resolved_ms, u64::try_from(since).unwrap());
                assert_eq!(u64::from(e.resolution_no), self.resolves);
                self.state = Some(TicketState::Open);
                self.reopens += 1;
            }
            LifeCycle::TicketClosed(_) => {
                assert_eq!(self.state, Some(TicketState::Resolved));
                self.state = Some(TicketState::Closed);
                self.closed = Some(self.clock);
                self.closes += 1;
            }
            LifeCycle::TicketImported(_) | LifeCycle::TicketCancelled(_) => {
                panic!("not in these histories: {event:?}")
            }
        }
    }

    fn ownership(&mut self, event: &Ownership) {
        match event {
            Ownership::TicketRouted(e) => {
                assert_ne!(e.from_group, e.to_group);
                assert_eq!(e.from_group, self.group);
                self.group_becomes(e.to_group.as_ref());
            }
            Ownership::TicketAssigned(e) => {
                assert_eq!(e.from, self.agent);
                assert_ne!(e.from.as_ref(), Some(&e.to));
                self.group_becomes(e.group.as_ref());
                self.agent = Some(e.to.clone());
                self.agent_changes += 1;
            }
            Ownership::TicketUnassigned(e) => {
                assert_eq!(Some(&e.from), self.agent.as_ref());
                self.agent = None;
                self.agent_changes += 1;
            }
            Ownership::TicketEscalated(e) => {
                assert!(e.from_tier == self.tier && e.to_tier > self.tier);
                self.tier = e.to_tier;
                self.max_tier = self.max_tier.max(e.to_tier);
                self.escalations += 1;
            }
            Ownership::TicketClaimed(_) | Ownership::ClaimReleased(_) | Ownership::ParticipantsChanged(_) => {
                panic!("no export holds it: {event:?}")
            }
            Ownership::TicketDeescalated(e) => {
                assert!(e.from_tier == self.tier && e.to_tier < self.tier);
                self.tier = e.to_tier;
                self.deescalations += 1;
            }
        }
    }

    fn classification(&mut self, event: &Classification) {
        if let Classification::PriorityChanged(e) = event {
            self.priority = Some(e.to);
        } else if let Classification::CategoryChanged(e) = event {
            assert_eq!(e.from, self.category);
            self.category.clone_from(&e.to);
        } else {
            assert!(matches!(event, Classification::FieldChanged(_)), "not in these histories: {event:?}");
        }
    }

    fn group_becomes(&mut self, group: Option<&String>) {
        self.group_changes += u64::from(self.group.as_ref() != group);
        self.group = group.cloned();
    }
}

type Tickets = BTreeMap<String, Folded>;

struct Imported {
    tickets: Tickets,
    balance: Balance,
    types: BTreeMap<&'static str, u64>,
    progress: Progress,
}

fn import(mut reader: Reader) -> Imported {
    let mut tickets = Tickets::new();
    let mut types = BTreeMap::new();
    for import in reader.by_ref() {
        let import: Import = import.unwrap();
        assert!(import.events.len() <= 200);
        let is_first = import.events[0].event.created().is_some();
        assert_eq!(is_first, import.part == 1, "part {} of {}", import.part, import.external_id);
        let ticket = tickets.entry(import.external_id.as_str().to_owned()).or_default();
        for fact in &import.events {
            *types.entry(fact.event.type_name()).or_default() += 1;
            ticket.fold(fact);
        }
    }
    Imported { tickets, types, balance: reader.balance(), progress: reader.progress() }
}

fn imported(file: &str, mapping: &Mapping) -> Option<Imported> {
    let path = shared(file)?;
    let started = Instant::now();
    let imported = import(open(&path, mapping, None).unwrap());
    let rows = imported.progress.rows;
    eprintln!("{file}: {rows} rows read, mapped and folded in {:?}", started.elapsed());
    assert_eq!(imported.progress.rejected, 0);
    let rows = &imported.balance.rows;
    assert_eq!(rows.used + rows.without_effect + rows.duplicates + rows.filtered, rows.read);
    assert_eq!(imported.progress.bytes_read, imported.progress.bytes_total);
    Some(imported)
}

fn truth_rows(file: &str) -> Vec<BTreeMap<String, String>> {
    let packed = std::fs::File::open(shared(&format!("truth/{file}")).unwrap()).unwrap();
    csv::Reader::from_reader(flate2::read::GzDecoder::new(packed)).deserialize().map(Result::unwrap).collect()
}

fn truth(file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(shared(&format!("truth/{file}")).unwrap()).unwrap()).unwrap()
}

/// Milliseconds of a time of the truth; naive ones are UTC.
fn ms(text: &str) -> Option<i64> {
    match text {
        "" => None,
        _ => chrono::DateTime::parse_from_rfc3339(text)
            .or_else(|_| chrono::DateTime::parse_from_rfc3339(&format!("{text}Z")))
            .ok()
            .map(|t| t.timestamp_millis()),
    }
}

fn count(row: &BTreeMap<String, String>, column: &str) -> u64 {
    row[column].parse().unwrap()
}

fn sum(tickets: &Tickets, of: impl Fn(&Folded) -> u64) -> u64 {
    tickets.values().map(of).sum()
}

/// Checks number, mean, median and 90th percentile of durations in hours, as the truth rounds them.
fn check_hours(expected: &Value, durations_ms: impl Iterator<Item = i64>, mean_shift_h: f64) {
    let mut seconds: Vec<f64> = durations_ms.map(|d| d as f64 / 1000.0).collect();
    seconds.sort_by(f64::total_cmp);
    let linear = |p: f64| {
        let k = (seconds.len() - 1) as f64 * p;
        let (below, above) = (seconds[k.floor() as usize], seconds[k.ceil() as usize]);
        below + (above - below) * (k - k.floor())
    };
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    assert_eq!(seconds.len() as u64, expected["n"].as_u64().unwrap());
    for (key, seconds, shift) in
        [("mean_h", mean, mean_shift_h), ("median_h", linear(0.5), 0.0), ("p90_linear_h", linear(0.9), 0.0)]
    {
        let (ours, theirs) = (seconds / 3600.0, expected[key].as_f64().unwrap() + shift);
        assert!((ours - theirs).abs() < 0.000_001, "{key}: {ours}, the truth has {theirs}");
    }
}

#[test]
fn every_servicenow_ticket_equals_the_truth() {
    let Some(Imported { tickets, types, progress, balance }) =
        imported(SERVICENOW, &Mapping::load("servicenow").unwrap())
    else {
        return;
    };
    assert!(balance.noted.is_empty(), "{balance:?}");
    let rows = truth_rows("uci_tickets.csv.gz");
    assert_eq!((tickets.len(), progress.rows, progress.tickets), (rows.len(), 141_712, 24_918));
    let mut repeated_closes = 0;
    for row in &rows {
        let number = row["number"].as_str();
        let t = &tickets[number];
        let lift = if number == STEPS_BACK { LIFT_MS } else { 0 };
        let expected = Folded {
            created: ms(&row["opened_at"]).unwrap(),
            state: Some(TicketState::Closed),
            first_resolved: ms(&row["first_resolved"]).map(|t| t + lift),
            last_resolved: ms(&row["last_resolved"]).map(|t| t + lift),
            reopens: count(row, "reopen_count"),
            group_changes: count(row, "group_changes"),
            group: Some(row["final_group"].clone()).filter(|g| g != "?"),
            priority: Mapping::load("servicenow").unwrap().priorities.meant(&row["final_priority"]).value(),
            tier: 1,
            max_tier: 1,
            ..t.clone()
        };
        assert_eq!(*t, expected, "{number}");
        let category = t.category.as_deref().unwrap_or("?");
        // A ticket without a category may have a subcategory.
        let top = category.split('/').next().filter(|c| c.starts_with("Category")).unwrap_or("?");
        assert_eq!(top, row["final_category"], "{number}");
        // The truth's closed is the file's last row; ours is the last entry into closed.
        let closed = ms(&row["closed"]).unwrap();
        if t.closed != Some(closed) {
            assert!(t.closed < Some(closed), "{number}");
            repeated_closes += 1;
        }
    }
    assert_eq!(repeated_closes, 45);

    let truth = truth("uci_truth.json");
    let events = |key: &str| truth["events"][key].as_u64().unwrap();
    assert_eq!(sum(&tickets, |t| t.resolves), events("resolved_total"));
    assert_eq!(sum(&tickets, |t| t.reopens), events("reopened_total"));
    assert_eq!(sum(&tickets, |t| t.closes), events("closed"));
    assert_eq!(sum(&tickets, |t| t.group_changes), 23_321);
    let agents = events("agent_changed") + events("agent_cleared") + events("agent_set_from_empty");
    assert_eq!(sum(&tickets, |t| t.agent_changes), agents);
    assert_eq!(types["PriorityChanged"], events("priority_changed"));
    assert_eq!(types["TicketUnassigned"], events("agent_cleared"));
    // Two tickets with the state -100, and the one whose clock steps back.
    assert_eq!(types["CommentAdded"], 3);
    assert!(!types.contains_key("TicketEscalated") && !types.contains_key("TicketDeescalated"));
    // One steps back; five are updated before they were opened, none of them resolved by that.
    let stepping = tickets.values().filter(|t| t.steps_back > 0).count();
    assert!((1..=6).contains(&stepping), "{stepping}");

    let times = &truth["resolution_time"];
    check_hours(
        &times["first_resolve_minus_opened"],
        tickets.values().map(|t| t.first_resolved.unwrap() - t.created),
        0.000_005,
    );
    check_hours(
        &times["last_resolve_minus_opened"],
        tickets.values().map(|t| t.last_resolved.unwrap() - t.created),
        0.000_005,
    );
}

#[test]
fn every_bpi_2013_ticket_equals_the_truth() {
    let Some(Imported { tickets, types, progress, balance }) =
        imported(BPI, &Mapping::load("bpi2013").unwrap())
    else {
        return;
    };
    assert!(balance.noted.is_empty(), "{balance:?}");
    let rows = truth_rows("bpic13_incidents_tickets.csv.gz");
    assert_eq!((tickets.len(), progress.rows, progress.tickets), (rows.len(), 65_533, 7_554));
    for row in &rows {
        let id = row["ticket"].as_str();
        let t = &tickets[id];
        let done = row["resolved_at_end"] == "1";
        let tier =
            |group: &str| if group.ends_with(" 3rd") { 3 } else { 1 + u32::from(group.ends_with(" 2nd")) };
        let expected = Folded {
            created: ms(&row["created"]).unwrap(),
            first_resolved: ms(&row["first_resolved"]),
            last_resolved: ms(&row["last_resolved"]),
            reopens: count(row, "reopen_count"),
            group_changes: count(row, "group_changes"),
            agent_changes: count(row, "agent_changes"),
            escalations: count(row, "escalations"),
            deescalations: count(row, "deescalations"),
            tier: tier(&row["final_group"]),
            max_tier: row["max_level"].parse().unwrap(),
            group: Some(row["final_group"].clone()),
            agent: Some(row["final_agent"].clone()),
            state: Some(match row["final_state"].as_str() {
                "Completed/Closed" => TicketState::Closed,
                "Completed/Resolved" | "Completed/In Call" | "Completed/Cancelled" => TicketState::Resolved,
                "Accepted/In Progress" | "Accepted/Assigned" | "Queued/Awaiting Assignment" => {
                    TicketState::Open
                }
                "Accepted/Wait - Vendor" | "Accepted/Wait - Implementation" => TicketState::Hold,
                waits if waits.starts_with("Accepted/Wait") => TicketState::Pending,
                // Ignored: the state before stays.
                _ => t.state.unwrap(),
            }),
            steps_back: 0,
            ..t.clone()
        };
        assert_eq!(*t, expected, "{id}");
        assert_eq!(t.state.unwrap().is_done(), done, "{id}");
    }

    let truth = truth("bpic13_incidents_truth.json");
    let events = |key: &str| truth["events"][key].as_u64().unwrap();
    let of = |type_name: &str| types.get(type_name).copied().unwrap_or(0);
    assert_eq!(of("TicketResolved"), events("resolved_total"));
    assert_eq!(of("TicketReopened"), events("reopened_total"));
    assert_eq!(of("TicketClosed"), events("closed"));
    assert_eq!(of("TicketEscalated"), truth["reassignment"]["escalations_up"].as_u64().unwrap());
    assert_eq!(of("TicketDeescalated"), truth["reassignment"]["deescalations"].as_u64().unwrap());
    assert_eq!(sum(&tickets, |t| t.agent_changes), events("agent_changed"));
    assert_eq!(sum(&tickets, |t| t.group_changes), events("group_changed"));
    assert_eq!((of("PriorityChanged"), of("CommentAdded")), (0, 0));

    let times = &truth["resolution_time"];
    check_hours(
        &times["first_resolve_minus_created"],
        tickets.values().filter_map(|t| Some(t.first_resolved? - t.created)),
        0.0,
    );
    check_hours(
        &times["last_resolve_minus_created_tickets_resolved_at_end"],
        tickets.values().filter(|t| t.state.unwrap().is_done()).map(|t| t.last_resolved.unwrap() - t.created),
        0.0,
    );
}

#[test]
fn the_clock_change_of_sao_paulo_shortens_exactly_the_durations_that_span_it() {
    let mapping = Mapping::load("servicenow").unwrap();
    let Some(utc) = imported(SERVICENOW, &mapping) else { return };
    let local = imported(SERVICENOW, &mapping.with_zone("America/Sao_Paulo").unwrap()).unwrap();
    let shortened = |end: fn(&Folded) -> i64| {
        let mut differing = 0;
        for (number, t) in &utc.tickets {
            let u = &local.tickets[number];
            let change = (end(u) - u.created) - (end(t) - t.created);
            assert!(change == 0 || change == -3_600_000, "{number}: {change}");
            differing += u64::from(change != 0);
        }
        differing
    };
    assert_eq!(shortened(|t| t.first_resolved.unwrap()), 107);
    assert_eq!(shortened(|t| t.last_resolved.unwrap()), 111);
    assert_eq!(shortened(|t| t.closed.unwrap()), 142);
}

#[test]
fn a_scattered_export_gives_the_same_tickets_as_a_grouped_one() {
    let Some(path) = shared(SERVICENOW) else { return };
    let mut text = String::new();
    zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap().read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    // Deal the rows of every ticket out over seven heaps; within a ticket their order stays.
    let mut heaps: Vec<Vec<&str>> = vec![Vec::new(); 7];
    let (mut id, mut heap) = ("", 0);
    for line in lines.take(40_000) {
        let number = line.split(',').next().unwrap();
        heap = if number == id { (heap + 1).min(6) } else { 0 };
        id = number;
        heaps[heap].push(line);
    }
    let grouped_text: String =
        std::iter::once(header).chain(text.lines().skip(1).take(40_000)).map(|l| format!("{l}\n")).collect();
    let scattered_text: String =
        std::iter::once(header).chain(heaps.into_iter().flatten()).map(|l| format!("{l}\n")).collect();

    let grouped = Mapping::load("servicenow").unwrap();
    let mut scattered = grouped.clone();
    scattered.source.grouped = false;
    let read = |text: &str, mapping: &Mapping| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        import(open(file.path(), mapping, None).unwrap())
    };
    let (a, b) = (read(&grouped_text, &grouped), read(&scattered_text, &scattered));
    assert_eq!(a.tickets.len(), b.tickets.len());
    assert!(a.tickets == b.tickets && a.types == b.types);
    // The heaps did tear the tickets apart.
    let torn = std::panic::catch_unwind(|| read(&scattered_text, &grouped));
    assert!(torn.is_err());
}
