//! `guichet export` on the two real data sets: what other people's tools find in the files is what an independent script
//! found in the raw exports; and a killed export goes on to the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use guichet_schemas::wire::Record;
use prost::Message as _;
use serde_json::Value;

use crate::harness::{Nats, Process, Serve, Settings, UNREACHABLE, guichet, project, python, shared, until};
use crate::import::Export;
use crate::truth::{bpi2013, servicenow};

/// What analysts read Parquet with.
const READERS: &[&str] = &["duckdb==2.0.0", "polars==2.1.0", "pandas==3.1.1", "pyarrow==26.0.0"];
/// What process miners use. Its licence is AGPL: it runs in a process of its own, and nothing of ours links with it.
const MINER: &[&str] = &["pm4py==2.7.23.11"];
const WITHIN: Duration = Duration::from_secs(300);

/// A node that holds one export and has stopped again.
struct Stopped {
    node: Serve,
    /// Written while it ran.
    live: PathBuf,
}

impl Stopped {
    async fn with(export: &Export) -> Self {
        Self::of(Serve::start(Settings::default()).await, export).await
    }

    async fn of(mut node: Serve, export: &Export) -> Self {
        let summary = export.run(node.url(), node.dir()).await;
        let desk = node.desk().await;
        desk.folded(summary.position).await;
        let live = node.dir().join("live");
        let data = node.dir().join("data");
        until("the newest checkpoint covers the import", WITHIN, async || {
            let done = done(&export_to(&live, &["--data-dir", &data.display().to_string(), "--json"]));
            let done: Value = serde_json::from_str(&done).expect("JSON");
            (done["position"].as_u64()? >= summary.position).then_some(())
        })
        .await;
        assert!(node.stop().await.success());
        Self { node, live }
    }

    fn data(&self) -> PathBuf {
        self.node.dir().join("data")
    }

    /// Exports from the stopped folder.
    fn export(&self, name: &str, more: &[&str]) -> PathBuf {
        let out = self.node.dir().join(name);
        let data = self.data().display().to_string();
        done(&export_to(&out, &[&["--source", &data], more].concat()));
        out
    }
}

fn export_command(out: &Path, more: &[&str]) -> Command {
    let mut command = guichet();
    command.arg("export").arg(out).args(more);
    command
}

fn export_to(out: &Path, more: &[&str]) -> Output {
    export_command(out, more).output().expect("the tool runs")
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Runs a script on what was exported; gives the last line that it prints.
fn script(python: &Path, name: &str, args: &[&str]) -> String {
    let mut command = Command::new(python);
    command.arg(project(&format!("tests/end_to_end/python/{name}.py"))).args(args);
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("python runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().lines().last().unwrap_or_default().to_owned()
}

fn weekly(python: &Path, folder: &Path, source: &str, zone: &str, truth: &str, series: &str) {
    let truth = shared(&format!("data/truth/{truth}")).expect("the truth lies beside the data");
    let said = script(python, "weekly", &[path(folder), source, zone, path(&truth), series]);
    assert!(said.starts_with("done: "), "{said}");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("our folders have plain names")
}

/// The files below a folder but for those that are still drafts, with their bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(dir: &Path, top: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        // A folder that a process is about to make is not there yet.
        for path in fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                walk(&path, top, found);
            } else if path.extension().is_none_or(|ending| ending != "draft") {
                let name = path.strip_prefix(top).expect("it lies below").to_owned();
                found.insert(name, fs::read(&path).expect("it is there"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut found);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_of_the_servicenow_year_gives_the_weekly_truth_and_a_killed_export_the_same_bytes() {
    let (Some(export), Some(python)) = (servicenow(), python(READERS)) else { return };
    let stopped = Stopped::with(&export).await;
    weekly(&python, &stopped.live, "servicenow", "UTC", "uci_truth.json", "weekly");

    let small = ["--file-events", "8000"];
    let whole = stopped.export("whole", &small);
    let killed = stopped.node.dir().join("killed");
    let data = stopped.data().display().to_string();
    let words = [&["--source", data.as_str()], &small[..]].concat();
    let mut kills = 0;
    for wanted in [1, 4, 9] {
        let mut process = Process::spawn("export", export_command(&killed, &words), stopped.node.dir());
        let ended = until("some files are there, or all", WITHIN, async || {
            let there = files(&killed.join("events")).len();
            process.ended().map(|_| true).or_else(|| (there >= wanted).then_some(false))
        })
        .await;
        kills += u32::from(!ended);
        process.kill();
    }
    assert!(kills > 0, "each export ended before it could be killed");
    assert_eq!(stopped.export("killed", &small), killed);
    assert!(files(&killed) == files(&whole), "{:?}", files(&killed).keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn process_miners_find_the_bpi_incidents_in_xes_and_ocel() {
    let Some(export) = bpi2013() else { return };
    let stopped = Stopped::with(&export).await;
    if let Some(python) = python(READERS) {
        let truth = "bpic13_incidents_truth.json";
        for (zone, series) in [("UTC", "weekly_utc"), ("Europe/Stockholm", "weekly_local_wall_clock")] {
            weekly(&python, &stopped.live, "bpi2013", zone, truth, series);
        }
    }
    let Some(python) = python(MINER) else { return };
    let xes = stopped.export("desk.xes", &["--format", "xes"]);
    let ocel = stopped.export("desk.json", &["--format", "ocel"]);
    let found: Value =
        serde_json::from_str(&script(&python, "mining", &[path(&xes), path(&ocel)])).expect("JSON");
    let truth = shared("data/truth/bpic13_incidents_truth.json").expect("the truth lies beside the data");
    let truth: Value = serde_json::from_slice(&fs::read(truth).expect("it can be read")).expect("JSON");
    assert_eq!(found["cases"], truth["tickets"]);
    assert_eq!(found["ocel_tickets"], truth["tickets"]);
    assert_eq!(found["untimed"], 0);
    for (activity, total) in [
        ("TicketCreated", &truth["tickets"]),
        ("TicketResolved", &truth["events"]["resolved_total"]),
        ("TicketReopened", &truth["events"]["reopened_total"]),
        ("TicketClosed", &truth["events"]["closed"]),
    ] {
        assert_eq!(&found["activities"][activity], total, "{activity} in XES");
        assert_eq!(&found["ocel_activities"][activity], total, "{activity} in OCEL");
    }
    let sum = |name: &str| -> u64 {
        found[name].as_object().expect("counts").values().filter_map(Value::as_u64).sum()
    };
    assert_eq!(Some(sum("activities")), found["events"].as_u64());
    assert_eq!(Some(sum("ocel_activities")), found["ocel_events"].as_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn process_miners_find_the_same_cases_events_and_variants_as_in_the_raw_file() {
    let (Some(export), Some(python)) = (bpi2013(), python(MINER)) else { return };
    let node = Serve::start(Settings::default()).await;
    let shipped =
        fs::read_to_string(project("replay-tools/import/mappings/bpi2013.toml")).expect("it is shipped");
    let told =
        shipped.replace("by = \"org:resource\"\n", "by = \"org:resource\"\nactivity = \"concept:name\"\n");
    assert_ne!(told, shipped, "every row is told");
    let mapping = node.dir().join("rows.toml");
    fs::write(&mapping, told.replace("[source]\n", "[source]\nname = \"bpi2013\"\n"))
        .expect("a file of the test");
    let mapping: &'static str = Box::leak(mapping.display().to_string().into_boxed_str());
    let raw = export.file.clone();
    let stopped = Stopped::of(node, &Export { mapping, ..export }).await;
    let ours = stopped.export("rows.xes", &["--format", "xes", "--activity", "activity"]);
    let found: Value =
        serde_json::from_str(&script(&python, "variants", &[path(&ours), path(&raw)])).expect("JSON");
    let [ours, raw] = [&found["ours"], &found["raw"]];
    assert_eq!(
        (&ours["cases"], &ours["events"], &ours["variants"]),
        (&raw["cases"], &raw["events"], &raw["variants"])
    );
    assert_eq!(found["same_variants"], true, "as often each");
    assert!(raw["variants"].as_u64().is_some_and(|variants| variants > 100), "{raw}");
}

/// Positions of the events in the files that the manifest of a lake lists, and the position that it has reached.
fn listed(lake: &Path) -> Option<(Vec<u64>, u64)> {
    let manifest: Value = serde_json::from_slice(&fs::read(lake.join("manifest.json")).ok()?).ok()?;
    let files = manifest["files"].as_array()?.iter().filter_map(|file| file["path"].as_str());
    let texts: Vec<String> =
        files.map(|path| fs::read_to_string(lake.join(path)).expect("what is listed is there")).collect();
    let position = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("an event");
        event["sequence"].as_str().expect("a position").parse().expect("a number")
    };
    Some((texts.iter().flat_map(|text| text.lines()).map(position).collect(), manifest["position"].as_u64()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_follows_through_kills_has_each_event_once() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let lake = node.dir().join("lake");
    let data = node.dir().join("data").display().to_string();
    let words = ["--follow", "--every", "1", "--format", "ndjson", "--data-dir", &data];
    for round in ["first", "second", "third"] {
        let process = Process::spawn("follow", export_command(&lake, &words), node.dir());
        let newest = desk.open_tickets(round, 40).await;
        if round == "third" {
            until("the lake has come so far", WITHIN, async || (listed(&lake)?.1 >= newest).then_some(()))
                .await;
        }
        process.kill();
    }
    let (positions, reached) = listed(&lake).expect("a manifest");
    let log = desk.log().await;
    let records = log.iter().map(|bytes| Record::decode(&bytes[..]).expect("a record"));
    let of_desk = records.filter(|record| record.tenant == "default" && record.position <= reached);
    assert_eq!(positions, of_desk.map(|record| record.position).collect::<Vec<_>>());
    assert!(positions.len() >= 240, "{} events", positions.len());
    assert!(node.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_desk_its_backup_and_its_stopped_folder_give_the_same_files() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let newest = desk.open_tickets("source", 150).await;
    let dir = node.dir().to_owned();
    let (data, backup) = (dir.join("data"), dir.join("backup"));
    let to = newest.to_string();
    let export = |name: &str, from: &[&str]| {
        let out = dir.join(name);
        let output = export_to(&out, &[&["--to", &to, "--file-events", "100"], from].concat());
        // Refused while no checkpoint covers the newest position.
        output.status.success().then(|| {
            let mut files = files(&out);
            files.remove(Path::new("manifest.json")).expect("a manifest");
            files
        })
    };
    let live = until("the newest checkpoint covers all", WITHIN, async || {
        export("live", &["--data-dir", path(&data)])
    })
    .await;
    assert!(live.len() > 6, "{:?}", live.keys());
    let mut back_up = guichet();
    back_up.arg("backup").arg(&backup).arg("--data-dir").arg(&data);
    done(&back_up.output().expect("the tool runs"));
    assert!(node.stop().await.success());
    let key = data.join("log.vkey");
    for (name, from) in [
        ("stopped", vec!["--source", path(&data)]),
        ("backup copy", vec!["--source", path(&backup)]),
        ("audit copy", vec!["--source", path(&backup.join("log")), "--key", path(&key)]),
    ] {
        assert!(export(name, &from).as_ref() == Some(&live), "{name} gives other files");
    }
}

fn replay(data: &Path, server: &str, subject: &str) -> Output {
    let mut command = guichet();
    command.args(["replay", "--source", path(data), "--nats-url", server, "--to-subject", subject]);
    command.output().expect("the tool runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_brings_every_event_in_order_to_a_subject_of_ones_own_and_to_none_of_ours() {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let newest = desk.open_tickets("replayed", 30).await;
    desk.folded(newest).await;
    let log = desk.log().await;
    assert!(node.stop().await.success());
    let data = node.dir().join("data");
    let records = log.iter().map(|bytes| Record::decode(&bytes[..]).expect("a record"));
    let of_desk: Vec<Record> = records.filter(|record| record.tenant == "default").collect();

    let lab = node.dir().join("lab");
    fs::create_dir(&lab).expect("a folder");
    let server = Nats::start(&lab).await;
    let client = async_nats::connect(server.url()).await.expect("the server runs");
    let mut heard = client.subscribe("lab.desk").await.expect("anybody may");
    client.flush().await.expect("the server runs");
    let output = replay(&data, &server.url(), "lab.desk");
    assert!(output.status.success(), "{output:?}");
    for record in &of_desk {
        let message =
            until("the next message", WITHIN, async || futures_util::StreamExt::next(&mut heard).await).await;
        let headers = message.headers.expect("each says that it is a replay");
        let says = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        assert_eq!(says("Guichet-Replay"), Some(record.position.to_string()));
        assert_eq!(says("Content-Type").as_deref(), Some("application/cloudevents+json"));
        let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(event["type"], format!("guichet.{}.v1", record.r#type));
        assert_eq!(event["subject"], record.stream_id);
    }
    for ours in ["guichet.v1.ev.0.default", "$JS.API.INFO", "_INBOX.x", "lab.>", "lab..desk"] {
        assert_eq!(replay(&data, &server.url(), ours).status.code(), Some(2), "{ours}");
    }

    let strict = node.dir().join("strict");
    fs::create_dir(&strict).expect("a folder");
    let users =
        r#"authorization { users = [{ user: a, password: b, permissions: { publish: "other.>" } }] }"#;
    let server = Nats::configured(&strict, users).await;
    let output = replay(&data, &format!("nats://a:b@127.0.0.1:{}", server.port()), "lab.desk");
    assert_eq!(output.status.code(), Some(UNREACHABLE), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("may not publish to lab.desk"), "{said}");
}
