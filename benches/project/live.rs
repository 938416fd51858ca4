//! How far behind are the models while 2,000 commands a second arrive? From a command sent to its event visible.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Client;
use guichet_engine::clock::{IdSource, wall};
use guichet_projections::{Running, model};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::lines::connect;
use crate::nats_server::NatsServer;
use crate::nats_server::rights::Role;
use crate::table::Row;
use crate::{models, row};

const PER_SECOND: u32 = 2_000;
const SECONDS: u32 = 5;
const SUBJECT: &str = "guichet.v1.cmd.default.bench.new.create";

/// What one command saw.
struct Seen {
    answered: Duration,
    visible: Duration,
}

/// Sends at a fixed rate, however slow the answers are, with all models in one process.
pub(crate) async fn lags(server: &NatsServer, dir: &Path) -> Vec<Row> {
    let running = Arc::new(models(server, dir, model::ALL).await);
    let client = connect(server, Role::Caller).await;
    let count = PER_SECOND * SECONDS;
    let mut ids = IdSource::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut commands = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..count {
        tick.tick().await;
        let command = json!({
            "command_id": ids.next(wall()), "actor": {"kind": "agent", "id": "alice"},
            "data": {"subject": "no light", "description": "since noon", "channel": "phone", "requester": {"id": "r-1"},
                     "group": "network"},
        });
        commands.spawn(send(client.clone(), Arc::clone(&running), command));
    }
    let mut seen = commands.join_all().await;
    let rate = f64::from(count) / begun.elapsed().as_secs_f64();
    let mut rows = vec![row("commands while all models follow", rate, "commands/s")];
    seen.sort_unstable_by_key(|s| s.answered);
    rows.push(row("  sent to answered, p50", ms(at(&seen, 50).answered), "ms"));
    rows.push(row("  sent to answered, p99", ms(at(&seen, 99).answered), "ms"));
    seen.sort_unstable_by_key(|s| s.visible);
    rows.push(row("  sent to visible in every model, p50", ms(at(&seen, 50).visible), "ms"));
    rows.push(row("  sent to visible in every model, p99", ms(at(&seen, 99).visible), "ms"));
    seen.sort_unstable_by_key(|s| s.visible - s.answered);
    let lag = at(&seen, 99);
    rows.push(Row {
        target: "< 100",
        ..row("  lag behind the answer, p99", ms(lag.visible - lag.answered), "ms")
    });
    if let Some(running) = Arc::into_inner(running) {
        running.stop().await.expect("it stops");
    }
    rows
}

async fn send(client: Client, running: Arc<Running>, command: Value) -> Seen {
    let sent = Instant::now();
    let reply = client.request(SUBJECT, command.to_string().into()).await.expect("an answer");
    let answered = sent.elapsed();
    let reply: Value = serde_json::from_slice(&reply.payload).expect("JSON");
    let position = reply["position"].as_u64().unwrap_or_else(|| panic!("refused: {reply}"));
    for model in running.models() {
        model.position().wait_for(|at| *at >= position).await.expect("the model goes on");
    }
    Seen { answered, visible: sent.elapsed() }
}

fn at(sorted: &[Seen], percent: usize) -> &Seen {
    &sorted[sorted.len() * percent / 100]
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
