//! What does the whole road cost beside NATS itself? Commands/s over a real nats-server with 512 in flight, against
//! a service on the same server that answers the same requests with an answer of the same size and does nothing.
//! With `--features measure` also what protection costs on the road: against an engine that seals nothing and keeps no
//! tree, which no other build can start.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use guichet_bench_support::{cpu, table, workload};

#[path = "common/lines.rs"]
mod lines;
#[expect(dead_code, unused_imports, reason = "the binary uses more of it, and its tests run there")]
#[path = "../src/nats_server/mod.rs"]
mod nats_server;

#[path = "road/callers.rs"]
mod callers;
#[path = "road/echo.rs"]
mod echo;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use guichet_engine::halt::Halt;
use guichet_engine::log::Memory;
use guichet_engine::protection::Protection;
use guichet_engine::{Engine, Settings, clock};
use guichet_projections::{Running, model};
use guichet_schemas::position::{LogPosition, Partition};
use tokio::sync::watch;

use crate::callers::Callers;
use crate::nats_server::rights::Role;
use crate::nats_server::{NatsServer, Search};
use crate::table::{Length, Row, print};

/// Requests under way at once.
const IN_FLIGHT: usize = 512;
/// Connections that share them.
const CONNECTIONS: usize = 2;

/// What answers: nothing but an echo, an engine, one that publishes, one with all read models behind it, and one
/// without protection.
#[cfg(feature = "measure")]
const SIDES: &[&str] = &["echo", "quiet", "publishing", "projecting", BARE];
/// What answers: nothing but an echo, an engine, one that publishes, and one with all read models behind it.
#[cfg(not(feature = "measure"))]
const SIDES: &[&str] = &["echo", "quiet", "publishing", "projecting"];
/// The engine that has nothing but its fsync.
#[cfg(feature = "measure")]
const BARE: &str = "bare";

#[tokio::main]
async fn main() {
    let length = Length::asked();
    let dir = tempfile::tempdir().expect("a folder");
    let configured = std::env::var_os("GUICHET_NATS_SERVER").map(PathBuf::from);
    let search =
        Search { configured, program: None, home: std::env::home_dir(), path: std::env::var_os("PATH") };
    let found = nats_server::find(&search).expect("a nats-server; guichet doctor says how to get one");
    // One server each: none is disturbed by what another leaves behind.
    let mut servers = Vec::new();
    for name in SIDES {
        let store = dir.path().join(name).join("nats");
        servers.push(NatsServer::start(&found, &store, 0).await.expect("it starts"));
    }
    // An echo has what an engine may do.
    let client = lines::connect(&servers[0], Role::Engine).await;
    let echo = echo::start(&client).await;
    client.flush().await.expect("the server has seen every subscription");
    let (_connected, reconnected) = watch::channel(0);
    let mut callers = vec![Callers::new(&servers[0], Some(echo::SUBJECT)).await];
    let mut engines = Vec::new();
    for (side, server) in SIDES.iter().zip(&servers).skip(1) {
        engines.push(engine(server, dir.path(), side, reconnected.clone()).await);
        callers.push(Callers::new(server, None).await);
    }

    let projections = projections(&servers[3], &dir.path().join("models")).await;

    let (rounds, turn) = (length.pick(5, 15), Duration::from_millis(length.pick(1500, 4000)));
    let mut rates = vec![Vec::new(); SIDES.len()];
    let mut on_cpu = rates.clone();
    // They take turns, so that all see the same machine. The first round warms up and does not count.
    for round in 0..=rounds {
        for (i, callers) in callers.iter_mut().enumerate() {
            let processes = [std::process::id(), servers[i].pid()];
            let spent = || processes.map(cpu::of_process).iter().sum::<Duration>();
            let before = spent();
            let rate = callers.turn(turn).await;
            // Streams and models must have caught up before another is measured.
            for engine in &engines[1..3] {
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
    let rates: Vec<f64> = rates.into_iter().map(median).collect();
    let on_cpu: Vec<f64> = on_cpu.into_iter().map(median).collect();
    let rows_of = |what: &str, side: usize, against: usize, target| {
        let figure = |of: &[f64]| (of[side], Some(of[against]));
        let ((rate, other), (cpu, other_cpu)) = (figure(&rates), figure(&on_cpu));
        [
            Row {
                what: what.to_owned(),
                figure: rate,
                unit: "requests/s",
                against: other,
                ratio: other.map(|other| rate / other),
                target,
            },
            Row {
                what: "  CPU of server, service and callers".to_owned(),
                figure: cpu,
                unit: "µs/request",
                against: other_cpu,
                ..Row::default()
            },
        ]
    };
    let mut rows = vec![
        rows_of("engine, not publishing, against an echo", 1, 0, "≥ 0.4"),
        rows_of("engine, publishing to JetStream", 2, 0, "≥ 0.2"),
        rows_of("the same, with all read models following", 3, 0, "≥ 0.12"),
    ];
    if cfg!(feature = "measure") {
        rows.push(rows_of("engine, not publishing, against one without protection", 1, 4, "> 0.90"));
    }
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    print(&format!("road: JSON commands over NATS, {IN_FLIGHT} in flight, median of {rounds} rounds"), &rows);
}

async fn engine(server: &NatsServer, dir: &Path, side: &str, reconnected: watch::Receiver<u64>) -> Engine {
    let dir = dir.join(format!("log-{side}"));
    let protection = Protection::within(&dir, Partition(0));
    #[cfg(feature = "measure")]
    let protection = Protection { sealing: side != BARE, notary: side != BARE, ..protection };
    let settings = Settings {
        dir,
        protection,
        partition: Partition(0),
        disk_reserve_bytes: 0,
        stream_store: None,
        publish: ["publishing", "projecting"].contains(&side),
        accept_clock: false,
        accept_loss: guichet_engine::log::GivenUp::default(),
        pace: clock::Pace::TRUE,
    };
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let connections = lines::of_engine(server).await;
    // It has seen to it that the server has seen its subscriptions.
    guichet_engine::start(settings, memory, connections, reconnected, Halt::new())
        .await
        .expect("the engine starts")
}

async fn projections(server: &NatsServer, dir: &Path) -> Running {
    let settings = guichet_projections::Settings {
        dir: dir.to_owned(),
        partition: Partition(0),
        batch_events_max: 4_000,
        authorship: guichet_engine::log::authorship(&dir.join("log-0"), Partition(0)).ok(),
    };
    let memory = guichet_projections::Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    guichet_projections::start(
        settings,
        model::ALL,
        memory,
        lines::of_models(server).await,
        Arc::new(clock::wall),
    )
    .await
    .expect("the read models start")
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
