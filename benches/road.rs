//! What does the whole road cost beside NATS itself? Commands/s over a real nats-server with 512 in flight, against
//! a service on the same server that answers the same requests with an answer of the same size and does nothing.

#[expect(dead_code, reason = "another bench looks at threads")]
#[path = "common/cpu.rs"]
mod cpu;
#[expect(dead_code, unused_imports, reason = "the binary uses more of it, and its tests run there")]
#[path = "../src/nats_server/mod.rs"]
mod nats_server;
#[path = "common/table.rs"]
mod table;
#[expect(dead_code, reason = "another bench has hot tickets")]
#[path = "common/workload.rs"]
mod workload;

#[path = "road/callers.rs"]
mod callers;
#[path = "road/echo.rs"]
mod echo;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use bytes::Bytes;
use futures_util::StreamExt as _;
use guichet_engine::halt::Halt;
use guichet_engine::log::Memory;
use guichet_engine::protection::Protection;
use guichet_engine::{Engine, Settings, clock};
use guichet_projections::{Running, model};
use guichet_schemas::position::{LogPosition, Partition};
use tokio::sync::watch;

use crate::callers::Callers;
use crate::nats_server::{NatsServer, Search};
use crate::table::{Length, Row, print};

/// Requests under way at once.
const IN_FLIGHT: usize = 512;
/// Connections that share them.
const CONNECTIONS: usize = 2;
/// As in the binary.
const CACHE_BYTES: usize = 32 << 20;
/// See [`CACHE_BYTES`].
const WRITE_BUFFER_BYTES: usize = 96 << 20;
/// As in the binary: the client library drops what a slow subscription leaves lying.
const SUBSCRIPTION_CAPACITY: usize = 256 * 1024;

#[tokio::main]
async fn main() {
    let length = Length::asked();
    let dir = tempfile::tempdir().expect("a folder");
    let configured = std::env::var_os("GUICHET_NATS_SERVER").map(PathBuf::from);
    let search = Search { configured, home: std::env::home_dir(), path: std::env::var_os("PATH") };
    let found = nats_server::find(&search).expect("a nats-server; guichet doctor says how to get one");
    // One server each: none of the four is disturbed by what another leaves behind.
    let mut servers = Vec::new();
    for name in ["echo", "quiet", "publishing", "projecting"] {
        let store = dir.path().join(name).join("nats");
        servers.push(NatsServer::start(&found, &store, 0).await.expect("it starts"));
    }
    let urls: Vec<String> = servers.iter().map(NatsServer::url).collect();
    let client = connect(&urls[0]).await;
    let echo = echo::start(&client).await;
    round_trip(&client).await;
    let (_connected, reconnected) = watch::channel(0);
    let mut callers = vec![Callers::new(&urls[0], Some(echo::SUBJECT)).await];
    let mut engines = Vec::new();
    for (n, (url, publish)) in urls[1..].iter().zip([false, true, true]).enumerate() {
        let folder = dir.path().join(format!("log-{n}"));
        engines.push(engine(url, &folder, publish, reconnected.clone()).await);
        callers.push(Callers::new(url, None).await);
    }

    let projections = projections(&urls[3], &dir.path().join("models")).await;

    let (rounds, turn) = (length.pick(5, 15), Duration::from_millis(length.pick(1500, 4000)));
    let mut rates: [Vec<f64>; 4] = Default::default();
    let mut on_cpu: [Vec<f64>; 4] = Default::default();
    // They take turns, so that all see the same machine. The first round warms up and does not count.
    for round in 0..=rounds {
        for (i, callers) in callers.iter_mut().enumerate() {
            let processes = [std::process::id(), servers[i].pid()];
            let spent = || processes.map(cpu::of_process).iter().sum::<Duration>();
            let before = spent();
            let rate = callers.turn(turn).await;
            // Streams and models must have caught up before another is measured.
            for engine in &engines[1..] {
                engine.progress().reaches(LogPosition::or_zero(engine.reader().head())).await;
            }
            let head = LogPosition::or_zero(engines[2].reader().head());
            for model in projections.models() {
                model.position().wait_for(|at| *at >= head).await.expect("the model goes on");
            }
            let spent = spent().saturating_sub(before).as_secs_f64() * 1e6;
            if round > 0 {
                rates[i].push(rate);
                on_cpu[i].push(spent / (rate * turn.as_secs_f64()));
            }
        }
    }
    projections.stop().await.expect("the models stop");
    for engine in engines {
        engine.stop().await.expect("the log closes");
    }
    echo.stop().await.expect("the echo stops");
    for server in servers {
        server.stop().await;
    }
    let [echo, quiet, publishing, projecting] = rates.map(median);
    let [echo_cpu, quiet_cpu, publishing_cpu, projecting_cpu] = on_cpu.map(median);
    let row = |what: &str, figure: f64, against, target| Row {
        what: what.to_owned(),
        figure,
        unit: "requests/s",
        against,
        ratio: against.map(|a| figure / a),
        target,
    };
    let cpu_row = |figure: f64| Row {
        what: "  CPU of server, service and callers".to_owned(),
        figure,
        unit: "µs/request",
        against: Some(echo_cpu),
        ..Row::default()
    };
    let rows = [
        row("echo service, nothing behind it", echo, None, ""),
        row("engine, not publishing", quiet, Some(echo), "≥ 0.4"),
        cpu_row(quiet_cpu),
        row("engine, publishing to JetStream", publishing, Some(echo), "≥ 0.2"),
        cpu_row(publishing_cpu),
        row("the same, with all read models following", projecting, Some(echo), "≥ 0.12"),
        cpu_row(projecting_cpu),
    ];
    print(&format!("road: JSON commands over NATS, {IN_FLIGHT} in flight, median of {rounds} rounds"), &rows);
}

async fn connect(url: &str) -> Client {
    ConnectOptions::new()
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .connect(url)
        .await
        .expect("our own server takes connections")
}

async fn engine(url: &str, dir: &Path, publish: bool, reconnected: watch::Receiver<u64>) -> Engine {
    let settings = Settings {
        dir: dir.to_owned(),
        protection: Protection::within(dir, Partition(0)),
        partition: Partition(0),
        disk_reserve_bytes: 0,
        publish,
        accept_clock: false,
        pace: clock::Pace::TRUE,
    };
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let client = connect(url).await;
    let engine = guichet_engine::start(settings, memory, client.clone(), reconnected, Halt::new())
        .await
        .expect("the engine starts");
    round_trip(&client).await;
    engine
}

async fn projections(url: &str, dir: &Path) -> Running {
    let settings = guichet_projections::Settings {
        dir: dir.to_owned(),
        partition: Partition(0),
        batch_events_max: 4_000,
    };
    let memory = guichet_projections::Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    guichet_projections::start(settings, model::ALL, memory, connect(url).await, Arc::new(clock::wall))
        .await
        .expect("the read models start")
}

/// A server works off a connection in order: what comes back was read after every subscription before it.
async fn round_trip(client: &Client) {
    let inbox = client.new_inbox();
    let mut messages = client.subscribe(inbox.clone()).await.expect("the server takes a subscription");
    client.publish(inbox, Bytes::new()).await.expect("the server takes a message");
    messages.next().await.expect("it comes back");
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
