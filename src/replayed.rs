//! `replay --into-folder`: read models made of a history, in a folder of their own; and `query --data-dir` on such a folder,
//! which opens them for the time of one question.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use guichet_client::AccessArgs;
use guichet_client::output::Output;
use guichet_engine::clock;
use guichet_engine::log::Memory;
use guichet_history::replay::{self, ReplayArgs};
use guichet_history::source::History;
use guichet_projections::model;
use guichet_projections::rebuild::{Offline, Order};
use guichet_replay_tools::query::{self, QueryArgs};
use serde_json::json;

use crate::config::{self, CACHE_BYTES, WRITE_BUFFER_BYTES};
use crate::lines::{Lines, Way};
use crate::nats_server::rights::Role;
use crate::nats_server::{self, NatsServer};
use crate::node::PARTITION;
use crate::private;
use crate::run_file;

/// What says that a folder holds read models of a replay, and nothing else of a desk.
const MARK: &str = "replay.json";
/// Events that are folded at a time.
const BATCH: usize = 4_000;
/// Records between two looks at the progress.
const STEP: u64 = 4_096;

/// Makes read models of a history. The mark comes last: a folder without it is not asked.
pub(crate) fn make(args: &ReplayArgs, history: &History, dir: &Path) -> anyhow::Result<ExitCode> {
    let output = Output::new(&args.output);
    let last = args.last(history)?;
    if dir.exists()
        && std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?.next().is_some()
    {
        bail!("{} is not empty; name a folder of its own for a replay", dir.display());
    }
    private::folder(dir)?;
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let shared = guichet_projections::Memory::shared(memory.cache, memory.write_buffers);
    let begin = |model| Offline::begin(dir, PARTITION, model, &shared, BATCH, Order::default());
    let mut models = model::ALL.iter().copied().map(begin).collect::<Result<Vec<_>, _>>()?;
    let progress = output.progress("events", last);
    let (mut next, mut fault) = (1, None);
    history.source.scan(1, last, &mut |position, record| {
        if position != next {
            return false;
        }
        next += 1;
        if position.is_multiple_of(STEP) {
            progress.set(position);
        }
        let taken = models.iter_mut().try_for_each(|model| model.take(position, record).map(drop));
        fault = taken.err();
        fault.is_none()
    })?;
    drop(progress);
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    if next <= last {
        bail!("position {next} is missing from the log; `guichet verify` says what else is wrong with it");
    }
    for model in models {
        model.end()?;
    }
    let origin = history.checkpoint.as_ref().map(|signed| signed.checkpoint().origin.clone());
    let mark = json!({"format": "guichet-replay/v1", "position": last, "origin": origin});
    std::fs::write(dir.join(MARK), mark.to_string()).with_context(|| format!("write {}", dir.display()))?;
    output.line(&format!(
        "{}: read models of {last} events; ask them with guichet query --data-dir",
        dir.display()
    ))?;
    Ok(replay::unsigned_records(history, &output).into())
}

/// True where a folder holds read models of a replay.
fn is_one(dir: &Path) -> bool {
    dir.join(MARK).is_file() && !dir.join(run_file::NODE).exists()
}

/// Asks a desk, or read models of a replay.
pub(crate) async fn ask(mut args: QueryArgs) -> anyhow::Result<ExitCode> {
    let dir = args.connect.data_dir.clone();
    if args.connect.access.names_a_server() || !is_one(&dir) {
        return Ok(query::run(args).await?.into());
    }
    // Somebody else may ask the same folder: its databases say so before a second server is there.
    let place = tempfile::tempdir().context("make a folder for a nats-server")?;
    let found = nats_server::find(&config::search())?;
    let nats = NatsServer::start(&found, &place.path().join("nats"), 0).await?;
    let answered = answer(&nats, &dir, &mut args).await;
    nats.stop().await;
    answered
}

async fn answer(nats: &NatsServer, dir: &Path, args: &mut QueryArgs) -> anyhow::Result<ExitCode> {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let settings = guichet_projections::Settings {
        dir: dir.to_owned(),
        partition: PARTITION,
        batch_events_max: BATCH,
        authorship: None,
    };
    let client = Lines::along(Way::own(nats)).of(Role::Worker).await?.client;
    let shared = guichet_projections::Memory::shared(memory.cache, memory.write_buffers);
    let models = guichet_projections::still(settings, model::ALL, shared, client, Arc::new(clock::wall))
        .await
        .with_context(|| {
            format!("open the read models of {}; does somebody else ask them?", dir.display())
        })?;
    args.connect.access = AccessArgs::to(&nats.caller_url());
    let answered = query::run(args.clone()).await;
    models.stop().await?;
    Ok(answered?.into())
}
