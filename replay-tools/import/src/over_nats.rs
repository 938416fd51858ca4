//! The sender against a real nats-server and an engine that the test plays: it keeps the contract's
//! promises about command ids and parts, and is as unreliable as a test wants it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use guichet_schemas::ids::{CallerId, TenantId};
use guichet_schemas::wire;
use guichet_schemas::wire::command_reply::Outcome;
use prost::Message as _;
use tempfile::TempDir;

use super::{ImportError, Mapping, Reason, SendOptions, Summary, open, send};

const MAPPING: &str = r#"
[source]
format = "csv"
grouped = true
[ticket]
id = "id"
fields = ["room"]
[row]
at = "at"
"#;

/// A nats-server of our own, on a free port of the loopback.
struct Nats {
    child: Child,
    folder: TempDir,
    url: String,
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Nats {
    /// `None`, said loudly, on a machine that has no nats-server.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::var_os("GUICHET_NATS_SERVER")
            .map_or_else(|| PathBuf::from("nats-server"), PathBuf::from);
        let spawned = Command::new(program)
            .args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            assert!(
                std::env::var_os("CI").is_none(),
                "no nats-server: set GUICHET_NATS_SERVER, or put it on the PATH"
            );
            eprintln!("SKIPPED: no nats-server: set GUICHET_NATS_SERVER, or put it on the PATH");
            return None;
        };
        let ports = folder.path().join(format!("nats-server_{}.ports", child.id()));
        let mut nats = Self { child, folder, url: String::new() };
        for _ in 0..1_000 {
            // The server may still be writing it.
            let text = std::fs::read(&ports).unwrap_or_default();
            if let Ok(ports) = serde_json::from_slice::<serde_json::Value>(&text) {
                nats.url = ports["nats"][0].as_str().unwrap().to_owned();
                return Some(nats);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nats-server did not start");
    }

    async fn client(&self) -> async_nats::Client {
        async_nats::connect(&self.url).await.unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The memory and the manners of a made-up engine.
#[derive(Default)]
struct Engine {
    answers: BTreeMap<Vec<u8>, wire::Accepted>,
    done: BTreeMap<String, u32>,
    attempts: BTreeMap<Vec<u8>, u32>,
    position: u64,
    /// Refuses every ticket with this id.
    refuses: Option<&'static str>,
    /// Why it refuses, where a guard says so.
    guard: Option<&'static str>,
    /// Events of each ticket.
    events: BTreeMap<String, u64>,
    unreliable: bool,
}

impl Engine {
    fn answer(&mut self, subject: &str, body: &[u8]) -> Outcome {
        assert_eq!(subject, "guichet.v1.cmd.default.cli.new.import");
        let command = wire::Command::decode(body).unwrap();
        let Some(wire::command::Data::Import(import)) = command.data else { panic!("no import") };
        let attempt = self.attempts.entry(command.command_id.clone()).or_default();
        *attempt += 1;
        let passing = match (*attempt, command.command_id[0] % 4) {
            _ if !self.unreliable => None,
            // So that the second part would come first, were it sent before the answer.
            (1..=3, _) if import.part == 1 && import.parts > 1 => Some("busy"),
            (1, 0) => Some("busy"),
            (1, 1) => Some("unavailable"),
            // Took it, and cannot say so.
            (1, 2) => Some("outcome_unknown"),
            _ => None,
        };
        if passing.is_some_and(|code| code != "outcome_unknown") {
            return refusal(passing.unwrap(), "not now");
        }
        let outcome = self.take(command.command_id, import);
        passing.map_or(outcome, |code| refusal(code, "who knows"))
    }

    fn take(&mut self, command_id: Vec<u8>, import: wire::Import) -> Outcome {
        if let Some(before) = self.answers.get(&command_id) {
            return Outcome::Accepted(wire::Accepted { replayed: true, ..before.clone() });
        }
        if self.refuses == Some(import.external_id.as_str()) {
            let mut refusal = refusal("validation_failed", "not here");
            if let (Outcome::Error(error), Some(guard)) = (&mut refusal, self.guard) {
                let guard = Some(guard.to_owned());
                error.details = Some(wire::ErrorDetails { guard, ..wire::ErrorDetails::default() });
            }
            return refusal;
        }
        let events = self.events.entry(import.external_id.clone()).or_default();
        let done = self.done.entry(import.external_id).or_default();
        let mut accepted = wire::Accepted { position: self.position, ..wire::Accepted::default() };
        if import.part > *done {
            assert_eq!(import.part, *done + 1, "parts out of order");
            *done = import.part;
            self.position += import.events.len() as u64;
            accepted.position = self.position;
            accepted.events.extend(import.events.iter().map(|_| {
                *events += 1;
                wire::EventRef { version: *events, ..wire::EventRef::default() }
            }));
        }
        self.answers.insert(command_id, accepted.clone());
        Outcome::Accepted(accepted)
    }
}

fn refusal(code: &str, message: &str) -> Outcome {
    Outcome::Error(wire::Error {
        code: code.to_owned(),
        message: message.to_owned(),
        ..wire::Error::default()
    })
}

/// Serves until the test ends.
async fn serve(nats: &Nats, engine: Engine) -> Arc<Mutex<Engine>> {
    let client = nats.client().await;
    let mut requests = client.subscribe("guichet.v1.cmd.>").await.unwrap();
    // The server knows of the subscription before anybody sends.
    client.flush().await.unwrap();
    let engine = Arc::new(Mutex::new(engine));
    let served = Arc::clone(&engine);
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let outcome = served.lock().unwrap().answer(&request.subject, &request.payload);
            let body = wire::CommandReply { outcome: Some(outcome) }.encode_to_vec();
            client.publish(request.reply.unwrap(), body.into()).await.unwrap();
        }
    });
    engine
}

/// So many tickets; the first has a history of several parts.
fn export(path: &Path, tickets: usize) {
    let mut file = std::fs::File::create(path).unwrap();
    writeln!(file, "id,at,room").unwrap();
    for ticket in 0..tickets {
        for update in 0..if ticket == 0 { 900 } else { 3 } {
            writeln!(file, "T{ticket},2026-01-01T10:00:00Z,{update}").unwrap();
        }
    }
}

async fn run(nats: &Nats, file: &Path, options: SendOptions) -> Result<Summary, ImportError> {
    run_over(nats.client().await, nats, file, options).await
}

async fn run_over(
    client: async_nats::Client,
    nats: &Nats,
    file: &Path,
    options: SendOptions,
) -> Result<Summary, ImportError> {
    let rejects = nats.path("rejects.csv");
    // Of an earlier run: nothing is written over.
    std::fs::remove_file(&rejects).ok();
    let reader = open(file, &Mapping::parse(MAPPING).unwrap(), Some(&rejects)).unwrap();
    let (tenant, caller) = (TenantId::default_tenant(), CallerId::parse("cli").unwrap());
    let mut calls = 0;
    let summary = send(client, &tenant, &caller, reader, options, |_| calls += 1).await?;
    assert_eq!(calls, summary.accepted + summary.replayed + summary.unchanged + summary.refused);
    Ok(summary)
}

const PATIENT: SendOptions = SendOptions { window: 16, patience: Duration::from_secs(30) };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_once_and_in_order_however_unreliable_the_engine_is() {
    let Some(nats) = Nats::start().await else { return };
    let file = nats.path("export.csv");
    export(&file, 200);
    let client = nats.client().await;
    let sending = async { run_over(client.clone(), &nats, &file, PATIENT).await.unwrap() };
    // The engine comes up after the first commands met nobody.
    let late = async {
        while client.statistics().out_messages.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        serve(&nats, Engine { unreliable: true, ..Engine::default() }).await
    };
    let (first, engine) = tokio::join!(sending, late);
    assert_eq!((first.accepted + first.replayed, first.unchanged, first.refused), (204, 0, 0));
    assert!(first.retries > 100, "{first:?}");
    assert_eq!((first.events, first.position), (900 + 199 * 3, 900 + 199 * 3));
    assert_eq!((first.read.tickets, first.read.bytes_read), (200, first.read.bytes_total));
    assert_eq!(engine.lock().unwrap().done["T0"], 5);

    let second = run(&nats, &file, PATIENT).await.unwrap();
    assert_eq!((second.accepted, second.replayed, second.retries), (0, 204, 0));
    assert_eq!((second.events, second.position), (first.events, first.position));
    let tickets = |summary: &Summary| {
        let tickets = &summary.balance.tickets;
        assert!(summary.balance.adds_up(), "{:?}", summary.balance);
        (tickets.new, tickets.continued, tickets.unchanged, tickets.rejected)
    };
    // Where an answer got lost, the next one is a replay: nobody can say whether this run or an earlier one did it.
    let (new, continued, unchanged, rejected) = tickets(&first);
    assert_eq!((new + unchanged, continued, rejected), (200, 0, 0));
    assert!(new > 0, "{:?}", first.balance);
    assert_eq!(tickets(&second), (0, 0, 200, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_ticket_is_written_down_and_its_later_parts_are_not_sent() {
    let Some(nats) = Nats::start().await else { return };
    let file = nats.path("export.csv");
    export(&file, 50);
    let engine = serve(&nats, Engine { refuses: Some("T0"), ..Engine::default() }).await;
    let summary = run(&nats, &file, PATIENT).await;
    let summary = summary.unwrap();
    assert_eq!((summary.accepted, summary.refused), (49, 5));
    let rejects = std::fs::read_to_string(nats.path("rejects.csv")).unwrap();
    assert_eq!(
        rejects.lines().nth(1).unwrap(),
        ",T0,the engine refused it (part 1 of 5): validation_failed: not here,refused,"
    );
    assert_eq!(rejects.lines().count(), 2);
    let balance = &summary.balance;
    assert!(balance.adds_up(), "{balance:?}");
    assert_eq!((balance.tickets.new, balance.tickets.rejected), (49, 1));
    // The rows of the refused ticket had counted as used.
    assert_eq!(
        balance.rows.rejected[&Reason::Refused],
        balance.rows.read - balance.rows.used - balance.rows.without_effect
    );
    assert!(balance.rows.rejected[&Reason::Refused] > 1);
    assert_eq!(engine.lock().unwrap().attempts.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_past_that_is_told_otherwise_is_called_so() {
    let Some(nats) = Nats::start().await else { return };
    let file = nats.path("export.csv");
    export(&file, 3);
    let guard = Some("rewritten_past");
    serve(&nats, Engine { refuses: Some("T1"), guard, ..Engine::default() }).await;
    let balance = run(&nats, &file, PATIENT).await.unwrap().balance;
    assert!(balance.adds_up(), "{balance:?}");
    assert_eq!(balance.rows.rejected.into_iter().collect::<Vec<_>>(), [(Reason::RewrittenPast, 3)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_comes_back_later_in_a_grouped_export_does_not_pass_silently() {
    let Some(nats) = Nats::start().await else { return };
    let file = nats.path("export.csv");
    std::fs::write(
        &file,
        "id,at,room\nA,2026-01-01T10:00:00Z,1\nB,2026-01-01T10:00:00Z,1\nA,2026-01-01T11:00:00Z,2\n",
    )
    .unwrap();
    serve(&nats, Engine::default()).await;
    let error = run(&nats, &file, PATIENT).await.unwrap_err();
    assert!(matches!(error, ImportError::Torn { begun: 2, line: 4, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patience_ends_with_the_ticket_and_what_to_do() {
    let Some(nats) = Nats::start().await else { return };
    let file = nats.path("export.csv");
    export(&file, 5);
    let error =
        run(&nats, &file, SendOptions { window: 1, patience: Duration::from_millis(200) }).await.unwrap_err();
    assert!(matches!(error, ImportError::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().contains("ticket T0") && error.to_string().contains("no responders"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_export_ends_the_import_with_an_error() {
    let Some(nats) = Nats::start().await else { return };
    let file = nats.path("export.csv.zst");
    export(&nats.path("export.csv"), 20_000);
    let packed = zstd::encode_all(std::fs::File::open(nats.path("export.csv")).unwrap(), 1).unwrap();
    std::fs::write(&file, &packed[..packed.len() / 2]).unwrap();
    serve(&nats, Engine::default()).await;
    let error = run(&nats, &file, PATIENT).await.unwrap_err();
    assert!(matches!(error, ImportError::Read { .. }), "{error}");
}
