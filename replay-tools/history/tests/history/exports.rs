//! Exports of a made-up desk: whole, interrupted, in steps, filtered, in every form.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use clap::Parser;
use guichet_client::ClientError;
use guichet_schemas::ids::TicketId;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;

use guichet_client::output::Output;
use guichet_history::HistoryError;
use guichet_history::export::{Done, ExportArgs, pass};
use guichet_history::lake::Manifest;
use guichet_history::replay::Speed;
use guichet_history::source::{History, Source};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::TicketState;

use crate::past::{self, History as Past, START, ticket_id};

/// A log in memory that cannot be read beyond a position.
struct Kept {
    past: Past,
    breaks_at: u64,
}

impl Source for Kept {
    fn scan(
        &self,
        first: u64,
        last: u64,
        visit: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), HistoryError> {
        for entry in &self.past.entries {
            let position = entry.record.position.get();
            if position == self.breaks_at {
                return Err(ClientError::Usage("the disk is gone".to_owned()).into());
            }
            if (first..=last).contains(&position) && !visit(position, &entry.bytes) {
                return Ok(());
            }
        }
        Ok(())
    }
}

pub(crate) fn history(past: &Past, breaks_at: u64) -> History {
    History::new(Box::new(Kept { past: past.clone(), breaks_at }), past.head(), None)
}

fn args(words: &[&str]) -> ExportArgs {
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        export: ExportArgs,
    }
    Cli::try_parse_from(["export"].iter().chain(words)).unwrap().export
}

fn export(past: &Past, words: &[&str]) -> Result<Done, HistoryError> {
    let args = args(words);
    args.check()?;
    pass(&args, &history(past, 0), &Output::new(&args.output))
}

/// Every file below a folder, with its bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, top: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        // Where no event is wanted, there is no folder of events.
        for path in fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, top, found);
            } else {
                found.insert(path.strip_prefix(top).unwrap().display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut found);
    found
}

fn rows(path: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|(found, _)| *found == name).unwrap().1
}

fn number(row: &Row, name: &str) -> u64 {
    let Field::Long(number) = field(row, name) else { panic!("{name} is {:?}", field(row, name)) };
    u64::try_from(*number).unwrap()
}

fn text(row: &Row, name: &str) -> Option<String> {
    if let Field::Str(text) = field(row, name) { Some(text.clone()) } else { None }
}

fn events(dir: &Path) -> Vec<Row> {
    let names = files(&dir.join("events")).into_keys();
    names.flat_map(|name| rows(&dir.join("events").join(name))).collect()
}

fn desk_positions(past: &Past) -> Vec<u64> {
    let of_desk = past.entries.iter().filter(|entry| entry.record.tenant == "default");
    of_desk.map(|entry| entry.record.position.get()).collect()
}

#[test]
fn an_export_that_breaks_anywhere_goes_on_to_the_same_bytes() {
    let past = Past::busy(11, 40, 2_000);
    for format in ["parquet", "csv", "ndjson"] {
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let words = |dir: &Path| args(&[dir.to_str().unwrap(), "--format", format, "--file-events", "300"]);
        let at_once = words(whole.path());
        pass(&at_once, &history(&past, 0), &Output::new(&at_once.output)).unwrap();
        let in_steps = words(broken.path());
        let output = Output::new(&in_steps.output);
        for breaks_at in [1, 299, 300, 301, 302, 900, 1_500, 1_999] {
            pass(&in_steps, &history(&past, breaks_at), &output).unwrap_err();
        }
        // What a killed process leaves: half a file that has not got its name.
        let draft = format!("events/day=2026-03-10/.00000000000000001801.{format}.draft");
        fs::write(broken.path().join(draft), "half").unwrap();
        pass(&in_steps, &history(&past, 0), &output).unwrap();
        let (ours, theirs) = (files(broken.path()), files(whole.path()));
        assert!(ours == theirs, "{format}: {:?} and {:?}", ours.keys(), theirs.keys());
        assert!(theirs.len() > 7, "{:?}", theirs.keys());
    }
}

#[test]
fn a_folder_grows_and_holds_each_event_once() {
    let past = Past::busy(5, 30, 1_500);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    for to in ["400", "401", "1100"] {
        export(&past, &[out, "--to", to]).unwrap();
    }
    let before = files(&dir.path().join("events"));
    let done = export(&past, &[out]).unwrap();
    assert_eq!(done.position, past.head());
    let positions: Vec<u64> = events(dir.path()).iter().map(|row| number(row, "position")).collect();
    assert_eq!(positions, desk_positions(&past));
    let after = files(&dir.path().join("events"));
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes), "no file changes once it has its name");

    let again = files(dir.path());
    assert_eq!(export(&past, &[out]).unwrap().events, 0);
    assert!(again == files(dir.path()), "nothing is new");
    let shorter = export(&past, &[out, "--to", "1000"]).unwrap_err();
    assert!(shorter.to_string().contains("goes on to position"), "{shorter}");
    let other = export(&past, &[out, "--format", "csv"]).unwrap_err();
    assert!(other.to_string().contains("another format"), "{other}");
}

#[test]
fn since_a_position_only_what_comes_after_it_is_there() {
    let past = Past::busy(6, 30, 900);
    let dir = tempfile::tempdir().unwrap();
    export(&past, &[dir.path().to_str().unwrap(), "--since", "500", "--table", "events"]).unwrap();
    let positions: Vec<u64> = events(dir.path()).iter().map(|row| number(row, "position")).collect();
    let expected: Vec<u64> = desk_positions(&past).into_iter().filter(|position| *position > 500).collect();
    assert_eq!(positions, expected);
    let manifest: Manifest =
        serde_json::from_slice(&fs::read(dir.path().join("manifest.json")).unwrap()).unwrap();
    assert_eq!((manifest.from, manifest.position), (501, past.head()));
    assert_eq!(manifest.files.iter().map(|file| file.events).sum::<u64>(), expected.len() as u64);
}

#[test]
fn no_personal_text_leaves_in_any_form() {
    let past = Past::busy(3, 20, 800);
    let dir = tempfile::tempdir().unwrap();
    for format in ["parquet", "csv", "ndjson", "xes", "ocel"] {
        let out = dir.path().join(format);
        let done = export(&past, &[out.to_str().unwrap(), "--format", format]).unwrap();
        assert!(done.withheld > 40, "{format}: {}", done.withheld);
        let written =
            if out.is_dir() { files(&out).into_values().collect() } else { vec![fs::read(&out).unwrap()] };
        // What is packed is read back.
        let told: String = if format == "parquet" {
            events(&out).iter().map(|row| format!("{row}\n")).collect()
        } else {
            written.iter().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect()
        };
        assert!(told.contains("TicketCreated"), "{format}");
        for personal in ["is on fire", "after lunch", "Put it out"] {
            assert!(!told.contains(personal), "{format} shows {personal:?}");
        }
    }
}

#[test]
fn a_row_says_what_the_record_says() {
    let past = Past::busy(9, 20, 600);
    let dir = tempfile::tempdir().unwrap();
    export(&past, &[dir.path().to_str().unwrap()]).unwrap();
    let of_desk = past.entries.iter().map(|entry| &entry.record).filter(|record| record.tenant == "default");
    for (row, record) in events(dir.path()).iter().zip(of_desk) {
        assert_eq!(number(row, "position"), record.position.get());
        assert_eq!(text(row, "type").as_deref(), Some(record.event.type_name()));
        assert_eq!(text(row, "ticket_id"), record.ticket_id().map(|id| id.to_string()));
        assert_eq!(number(row, "version"), record.version.get());
        assert_eq!(text(row, "actor"), Some(record.actor.id.clone()));
        assert_eq!(text(row, "event_id"), Some(record.event_id.to_string()));
        let Field::TimestampMicros(at) = field(row, "occurred_at") else { panic!("an instant") };
        assert_eq!(*at, record.occurred_at.0 * 1000);
        let entered = if let guichet_schemas::event::Event::Ticket(event) = &record.event {
            guichet_schemas::event::Meaning::enters(event).map(|state| state.as_str().to_owned())
        } else {
            None
        };
        assert_eq!(text(row, "state"), entered);
        let data: Value = serde_json::from_str(&text(row, "data").unwrap()).unwrap();
        assert!(data.is_object(), "{data}");
    }
}

#[test]
fn the_states_of_a_ticket_follow_each_other_and_end_where_it_stands() {
    let past = Past::busy(21, 25, 1_200);
    let dir = tempfile::tempdir().unwrap();
    export(&past, &[dir.path().to_str().unwrap()]).unwrap();
    let mut states: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows(&dir.path().join("status_intervals.parquet")) {
        states.entry(text(&row, "ticket_id").unwrap()).or_default().push(row);
    }
    let tickets = rows(&dir.path().join("tickets.parquet"));
    assert_eq!(tickets.len(), states.len());
    assert!(tickets.len() > 20);
    for ticket in &tickets {
        let of_ticket = &states[&text(ticket, "ticket_id").unwrap()];
        assert_eq!(field(&of_ticket[0], "from_at"), field(ticket, "created_at"));
        for (one, next) in of_ticket.iter().zip(&of_ticket[1..]) {
            assert_eq!(field(one, "to_at"), field(next, "from_at"));
            assert_eq!(number(one, "sequence") + 1, number(next, "sequence"));
        }
        let last = of_ticket.last().unwrap();
        assert_eq!((text(last, "state"), field(last, "to_at")), (text(ticket, "state"), &Field::Null));
        assert!(matches!(field(ticket, "tags"), Field::ListInternal(_)));
    }
}

#[test]
fn as_of_a_position_a_ticket_is_as_it_was_then() {
    let mut past = Past::new();
    let ticket = past.open(1);
    let then = past.push(ticket, "alice", past::assigned("bob", Some("network")));
    past.push(ticket, "bob", past::resolved(1));
    let dir = tempfile::tempdir().unwrap();
    let state = |to: &[&str], name: &str| {
        let out = dir.path().join(name);
        export(&past, &[&[out.to_str().unwrap()], to].concat()).unwrap();
        let tickets = rows(&out.join("tickets.parquet"));
        (tickets.len(), text(&tickets[0], "state").unwrap(), text(&tickets[0], "assignee"))
    };
    let bob = Some("bob".to_owned());
    assert_eq!(state(&[], "now"), (1, "resolved".to_owned(), bob.clone()));
    assert_eq!(state(&["--as-of", &then.to_string()], "then"), (1, "new".to_owned(), bob));
    let at = Timestamp(START + 2_999).to_string();
    assert_eq!(state(&["--as-of", &at], "before"), (1, "new".to_owned(), None));
}

#[test]
fn a_clock_is_broken_as_of_an_instant_behind_its_due_one() {
    let mut past = Past::new();
    let target = r#"{"metric":"first_reply","seconds":60,"hours":"calendar"}"#;
    past.publish("sla_policies", &format!(r#"{{"policies":[{{"id":"all","targets":[{target}]}}]}}"#), START);
    past.open(1);
    let created = START + 3_000;
    let dir = tempfile::tempdir().unwrap();
    let clock = |name: &str, as_of: i64| {
        let (out, as_of) = (dir.path().join(name), Timestamp(as_of).to_string());
        export(&past, &[out.to_str().unwrap(), "--as-of", &as_of]).unwrap();
        let mut clocks = rows(&out.join("sla_instances.parquet"));
        assert_eq!(clocks.len(), 1, "{clocks:?}");
        clocks.remove(0)
    };
    let (before, after) = (clock("before", created + 59_000), clock("after", created + 600_000));
    for row in [&before, &after] {
        assert_eq!(text(row, "metric").as_deref(), Some("first_reply"));
        assert_eq!((number(row, "number"), number(row, "target_s")), (1, 60));
        assert_eq!(field(row, "started_at"), &Field::TimestampMicros(created * 1000));
    }
    assert_eq!((field(&before, "breached_at"), number(&before, "consumed_s")), (&Field::Null, 59));
    assert_eq!(field(&after, "breached_at"), &Field::TimestampMicros((created + 60_000) * 1000));
}

#[test]
fn the_owners_of_a_ticket_follow_each_other() {
    let mut past = Past::new();
    let ticket = past.open(1);
    let assigned = past.push(ticket, "alice", past::assigned("bob", Some("network")));
    past.push(ticket, "bob", past::status(TicketState::Open, TicketState::Pending));
    let routed = past.push(ticket, "bob", past::routed(None));
    let dir = tempfile::tempdir().unwrap();
    export(&past, &[dir.path().to_str().unwrap()]).unwrap();
    let owners = rows(&dir.path().join("assignments.parquet"));
    let told: Vec<_> = owners
        .iter()
        .map(|row| (text(row, "group"), text(row, "assignee"), number(row, "from_position"), text(row, "by")))
        .collect();
    let text = |text: &str| Some(text.to_owned());
    let expected = [
        (text("desk"), None, 2, text("alice")),
        (text("network"), text("bob"), assigned, text("alice")),
        (None, text("bob"), routed, text("bob")),
    ];
    assert_eq!(told, expected);
    assert_eq!(field(&owners[0], "to_position"), field(&owners[1], "from_position"));
    assert_eq!(field(&owners[2], "to_at"), &Field::Null);
}

#[test]
fn a_filter_looks_at_the_ticket_as_of_the_event() {
    let mut past = Past::new();
    let (one, two) = (past.open(1), past.open(2));
    let moved = past.push(one, "alice", past::routed(Some("network")));
    let in_network = past.push(one, "alice", past::resolved(1));
    past.push(two, "alice", past::resolved(1));
    past.push(one, "alice", past::routed(Some("desk")));
    let dir = tempfile::tempdir().unwrap();
    let found = |words: &[&str]| -> Vec<u64> {
        let out = dir.path().join(words.concat());
        export(&past, &[&[out.to_str().unwrap(), "--format", "ndjson"], words].concat()).unwrap();
        let lines: String =
            files(&out.join("events")).into_values().map(|b| String::from_utf8(b).unwrap()).collect();
        let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        lines.lines().map(|text| line(text)["sequence"].as_str().unwrap().parse().unwrap()).collect()
    };
    assert_eq!(found(&["--group", "network"]), [moved, in_network]);
    assert_eq!(found(&["--group", "network", "--type", "TicketResolved"]), [in_network]);
    assert_eq!(found(&["--ticket", "T-2"]), [3, 6]);
    assert_eq!(found(&["--ticket", &ticket_id(2).to_string()]), [3, 6]);
    assert_eq!(found(&["--requester", "r-9"]), Vec::<u64>::new());
}

#[test]
fn xes_has_a_trace_per_ticket_with_all_its_events() {
    let past = Past::busy(13, 30, 1_000);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("desk.xes");
    export(&past, &[out.to_str().unwrap(), "--format", "xes"]).unwrap();
    let text = fs::read_to_string(&out).unwrap();
    let of_tickets: Vec<TicketId> =
        past.entries.iter().filter_map(|entry| entry.record.ticket_id()).collect();
    let mut tickets = of_tickets.clone();
    tickets.sort_unstable();
    tickets.dedup();
    assert_eq!(text.matches("<trace>").count(), tickets.len());
    assert_eq!(text.matches("<event>").count(), of_tickets.len());
    for trace in text.split("<trace>").skip(1) {
        let places: Vec<u64> = trace
            .split("guichet:position\" value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!(places.is_sorted(), "{places:?}");
    }
}

#[test]
fn ocel_names_no_object_that_it_does_not_describe() {
    let past = Past::busy(14, 30, 1_000);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("desk.json");
    export(&past, &[out.to_str().unwrap(), "--format", "ocel"]).unwrap();
    let log: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let list = |name: &str| log[name].as_array().unwrap().clone();
    let ids: std::collections::BTreeSet<String> =
        list("objects").iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), list("objects").len());
    assert_eq!(list("events").len(), desk_positions(&past).len());
    for one in list("events").iter().chain(&list("objects")) {
        for relation in one["relationships"].as_array().unwrap() {
            assert!(ids.contains(relation["objectId"].as_str().unwrap()), "{relation}");
        }
    }
    let types: Vec<Value> = list("eventTypes").iter().map(|kind| kind["name"].clone()).collect();
    assert!(list("events").iter().all(|event| types.contains(&event["type"])));
}

#[test]
fn a_position_that_is_missing_ends_the_export() {
    let mut past = Past::busy(2, 5, 100);
    past.entries.remove(50);
    let dir = tempfile::tempdir().unwrap();
    let why = export(&past, &[dir.path().to_str().unwrap()]).unwrap_err();
    assert!(matches!(why, HistoryError::Missing(51)), "{why}");
}

#[test]
fn what_makes_no_export_is_said_before_anything_is_read() {
    for (words, says) in [
        (vec!["-"], "standard output"),
        (vec!["x", "--format", "xes", "--follow"], "--follow"),
        (vec!["x", "--format", "ndjson", "--table", "tickets"], "parquet or csv"),
        (vec!["x", "--table", "tickets", "--type", "TicketClosed"], "--type"),
        (vec!["x", "--type", "Closed"], "no type of event"),
    ] {
        let why = args(&words).check().unwrap_err().to_string();
        assert!(why.contains(says), "{words:?}: {why}");
    }
}

#[test]
fn a_speed_is_max_or_a_number_above_0() {
    assert_eq!("max".parse(), Ok(Speed::Max));
    assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
    for wrong in ["0", "-1", "inf", "NaN", "fast", ""] {
        assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
    }
}
