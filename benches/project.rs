//! How fast do read models follow, and how fast do they answer? Each model from the log and from the stream; the time
//! from a command to its visibility at 2,000 commands a second; the latency of reports of the present and the past.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES, fill};
use guichet_bench_support::table;

#[path = "common/lines.rs"]
mod lines;
#[expect(dead_code, unused_imports, reason = "the binary uses more of it, and its tests run there")]
#[path = "../src/nats_server/mod.rs"]
mod nats_server;

#[path = "project/asked.rs"]
mod asked;
#[path = "project/live.rs"]
mod live;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_nats::Client;
use async_nats::jetstream;
use futures_util::StreamExt as _;
use guichet_engine::halt::Halt;
use guichet_engine::log::Memory;
use guichet_engine::protection::Protection;
use guichet_engine::{Engine, Settings, clock};
use guichet_projections::{ReadModel, Running, model};
use guichet_schemas::position::{LogPosition, Partition};
use guichet_schemas::subject;
use tokio::sync::watch;

use crate::nats_server::rights::Role;
use crate::nats_server::{Found, NatsServer, Search};
use crate::table::{Length, Row, print};

/// As in the binary.
const BATCH_EVENTS_MAX: usize = 4_000;

#[tokio::main]
async fn main() {
    let length = Length::asked();
    let dir = tempfile::tempdir().expect("a folder");
    // The start of the next engine is an event too.
    let events = fill(&dir.path().join("log"), length.pick(300_000, 10_000_000)) + 1;
    let server = NatsServer::start(&found(), &dir.path().join("nats"), 0).await.expect("it starts");
    let mut rows = Vec::new();

    // The log alone: whoever is behind reads it through the log service.
    let quiet = engine(&server, &dir.path().join("log"), false).await;
    // Rates do not depend on the length: the long run is there for the answers.
    for model in model::ALL.iter().filter(|_| length == Length::Quick) {
        let folder = dir.path().join(format!("from-log-{}", model.name));
        let rate = catch_up(&server, &folder, &[model], events).await;
        rows.push(Row {
            what: format!("{} from the log", model.name),
            figure: rate,
            unit: "events/s",
            against: Some(150_000.0),
            ratio: Some(rate / 150_000.0),
            target: if model.name == "queues" { "≥ 150,000 on one core" } else { "" },
        });
    }
    let folder = dir.path().join("together");
    rows.push(row(
        "all models together from the log",
        catch_up(&server, &folder, model::ALL, events).await,
        "events/s",
    ));
    for model in model::ALL {
        let bytes = bytes_of(&folder.join(format!("projection-{}-0", model.name)));
        let per_million = bytes as f64 / events as f64;
        rows.push(row(&format!("  {} on disk, per million events", model.name), per_million, "MB"));
    }
    rows.push(row("  memory of this process with all of it", resident_mib(), "MiB"));

    rows.extend(asked::latencies(&server, &folder, length).await);
    quiet.stop().await.expect("the log closes");

    // Ten million messages would take an hour; the quick run says what the stream costs.
    if length == Length::Quick {
        rows.extend(from_stream(&server, dir.path(), &folder).await);
    }
    server.stop().await;
    print(&format!("project: {events} events"), &rows);
}

/// The stream alone: no engine answers, so there is no other source. Then the models while commands arrive.
async fn from_stream(server: &NatsServer, dir: &Path, together: &Path) -> Vec<Row> {
    let publishing = engine(server, &dir.join("log"), true).await;
    let head = LogPosition::or_zero(publishing.reader().head());
    publishing.progress().reaches(head).await;
    publishing.stop().await.expect("the log closes");
    let bare = bare_consumer(&lines::connect(server, Role::Caller).await, head).await;
    let mut rows = vec![row("a bare ordered consumer", bare, "events/s")];
    for model in model::ALL {
        let folder = dir.join(format!("from-stream-{}", model.name));
        let rate = catch_up(server, &folder, &[model], head).await;
        rows.push(Row {
            what: format!("{} from the stream", model.name),
            figure: rate,
            unit: "events/s",
            against: Some(bare),
            ratio: Some(rate / bare),
            target: "≥ 0.5",
        });
    }
    let publishing = engine(server, &dir.join("log"), true).await;
    rows.extend(live::lags(server, together).await);
    publishing.stop().await.expect("the log closes");
    rows
}

/// A figure without a peer.
pub(crate) fn row(what: &str, figure: f64, unit: &'static str) -> Row {
    Row { what: what.to_owned(), figure, unit, ..Row::default() }
}

fn found() -> Found {
    let configured = std::env::var_os("GUICHET_NATS_SERVER").map(PathBuf::from);
    let search =
        Search { configured, program: None, home: std::env::home_dir(), path: std::env::var_os("PATH") };
    nats_server::find(&search).expect("a nats-server; guichet doctor says how to get one")
}

async fn engine(server: &NatsServer, dir: &Path, publish: bool) -> Engine {
    let settings = Settings {
        dir: dir.to_owned(),
        protection: Protection::within(dir, Partition(0)),
        partition: Partition(0),
        disk_reserve_bytes: 0,
        stream_store: None,
        publish,
        accept_clock: false,
        accept_loss: guichet_engine::log::GivenUp::default(),
        pace: clock::Pace::TRUE,
    };
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let (_connected, reconnected) = watch::channel(0);
    guichet_engine::start(settings, memory, lines::of_engine(server).await, reconnected, Halt::new())
        .await
        .expect("the engine starts")
}

/// Starts read models in a folder.
pub(crate) async fn models(server: &NatsServer, dir: &Path, models: &[&'static ReadModel]) -> Running {
    let settings = guichet_projections::Settings {
        dir: dir.to_owned(),
        partition: Partition(0),
        batch_events_max: BATCH_EVENTS_MAX,
        authorship: guichet_engine::log::authorship(&dir.join("log-0"), Partition(0)).ok(),
    };
    let memory = guichet_projections::Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    guichet_projections::start(
        settings,
        models,
        memory,
        lines::of_models(server).await,
        Arc::new(clock::wall),
    )
    .await
    .expect("the read models start")
}

/// Events per second from nothing to the head.
async fn catch_up(server: &NatsServer, dir: &Path, names: &[&'static ReadModel], head: u64) -> f64 {
    let begun = Instant::now();
    let running = models(server, dir, names).await;
    for model in running.models() {
        model.position().wait_for(|at| *at >= head).await.expect("the model goes on");
    }
    let took = begun.elapsed();
    running.stop().await.expect("it stops");
    head as f64 / took.as_secs_f64()
}

/// Messages per second that a consumer sees which does nothing with them.
async fn bare_consumer(client: &Client, head: u64) -> f64 {
    let stream = jetstream::new(client.clone())
        .get_stream(subject::stream(Partition(0)))
        .await
        .expect("the engine made it");
    let begun = Instant::now();
    let config = jetstream::consumer::pull::OrderedConfig::default();
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("its messages");
    let mut seen = 0;
    while seen < head {
        let message = messages.next().await.expect("the stream goes on").expect("a message");
        seen = message.info().expect("a sequence").stream_sequence;
    }
    head as f64 / begun.elapsed().as_secs_f64()
}

fn bytes_of(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).expect("the folder of a model").flatten();
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
