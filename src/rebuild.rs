//! `project --rebuild` and `heal`: orders to the process that runs a read model; or, where none runs, the work
//! itself, from the log of the data folder.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::RequestErrorKind;
use async_nats::service::NATS_SERVICE_ERROR;
use clap::Args;
use guichet_client::ConnectArgs;
use guichet_client::which::Which;
use guichet_engine::log::{Memory, Store};
use guichet_projections::ReadModel;
use guichet_projections::rebuild::{Healing, Offline, Order, Phase, Progress};
use guichet_schemas::ids::{CallerId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::LogPosition;
use guichet_schemas::subject;
use guichet_schemas::wire::{self, ProjectionView, query, query_reply};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::{CACHE_BYTES, CONNECT_WITHIN, NodeArgs, WRITE_BUFFER_BYTES};
use crate::node::PARTITION;
use crate::say::say;

/// How often a running rebuild is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(5);
/// Records between two looks at a rebuild of our own.
const STEP: u64 = 10_000;

/// Rebuilds a model where it runs, else here, and takes the rebuilt one where it is equal, or in any case.
pub(crate) async fn rebuild(
    args: &NodeArgs,
    model: &'static ReadModel,
    swap: bool,
) -> anyhow::Result<ExitCode> {
    let done = carry_out(args, model, Order { swap, ..Order::default() }).await?;
    Ok(summary(model.name, &done))
}

/// Compares a read model with a fresh replay, row by row; exit code 1 where a row differs or nothing could be compared.
pub(crate) async fn compare(args: &NodeArgs, model: &'static ReadModel) -> anyhow::Result<ExitCode> {
    let done = carry_out(args, model, Order { keep: true, ..Order::default() }).await?;
    tell(&done);
    let is_equal = done.rows.is_some() && done.differing == 0;
    if is_equal {
        say(&format!(
            "the read model {} is what a replay of the log gives at position {}",
            model.name, done.position
        ));
    }
    Ok(ExitCode::from(u8::from(!is_equal)))
}

async fn carry_out(args: &NodeArgs, model: &'static ReadModel, order: Order) -> anyhow::Result<Progress> {
    let options = guichet_client::options_within(&args.access, &args.data_dir, CONNECT_WITHIN)?;
    let running = match options {
        Some(options) => {
            let is_guess = options.server.is_of_a_node();
            match guichet_client::Client::connect(options, default_tenant(), caller()).await {
                Ok(client) => {
                    let order = serde_json::to_vec(&order)?;
                    ordered(&client, model.name, "rebuild", order).await?
                }
                // A process that died may have left its account behind; the locks on the folders know better.
                Err(_) if is_guess => None,
                Err(error) => return Err(error.into()),
            }
        }
        None => None,
    };
    running.map_or_else(|| alone(args, model, order), Ok)
}

/// Says what a comparison found.
fn tell(done: &Progress) {
    if let (Some(rows), Some(hash)) = (done.rows, &done.content_hash) {
        say(&format!("{rows} rows compared at the same position, {} differ; content {hash}", done.differing));
    }
    for difference in &done.differences {
        say(&format!("  {difference}"));
    }
    if done.differing > done.differences.len() as u64 {
        say("  …");
    }
    if let Some(note) = &done.note {
        say(note);
    }
}

/// Says what came of it.
fn summary(name: &str, done: &Progress) -> ExitCode {
    tell(done);
    if done.swapped {
        say(&format!("the read model {name} was rebuilt and took over at position {}", done.position));
    } else if done.differing > 0 {
        say("--swap takes the rebuilt one all the same");
    }
    ExitCode::from(u8::from(!done.swapped))
}

/// Gives an order and waits for its end; `None` where nobody runs the model.
async fn ordered(
    client: &guichet_client::Client,
    model: &str,
    verb: &str,
    body: Vec<u8>,
) -> anyhow::Result<Option<Progress>> {
    let ask = async |verb: &str, body: Vec<u8>| {
        let subject = subject::projection(PARTITION, model, verb);
        let body = bytes::Bytes::from(body);
        let began = std::time::Instant::now();
        loop {
            let request = async_nats::Request::new().payload(body.clone()).timeout(Some(PATIENCE));
            let nats = client.nats();
            let answer = tokio::select! {
                biased;
                answer = nats.send_request(subject.clone(), request) => answer,
                error = client.denied(|published| published == subject) => return Err(error.into()),
            };
            let reply = match answer {
                Ok(reply) => reply,
                Err(error) if error.kind() == RequestErrorKind::NoResponders => return Ok(None),
                Err(error) => {
                    return Err(anyhow::Error::new(error).context(format!("ask the read model {model}")));
                }
            };
            match reply.headers.as_ref().and_then(|headers| headers.get(NATS_SERVICE_ERROR)) {
                None => return Ok(Some(serde_json::from_slice::<Progress>(&reply.payload)?)),
                Some(code) if code.as_str() == "busy" && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK).await;
                }
                Some(code) => bail!("the read model {model} refused the order: {code}"),
            }
        }
    };
    let bar = bar()?;
    let mut said = ask(verb, body).await?;
    loop {
        let Some(progress) = said else {
            bar.finish_and_clear();
            return Ok(None);
        };
        match progress.phase {
            Phase::Done => {
                bar.finish_and_clear();
                return Ok(Some(progress));
            }
            Phase::Failed | Phase::Idle => {
                bar.finish_and_clear();
                bail!("the read model {model} stays as it was: {}", progress.note.unwrap_or_default());
            }
            Phase::Building | Phase::Comparing | Phase::Swapping => show(&bar, &progress),
        }
        tokio::time::sleep(LOOK).await;
        said = ask("progress", Vec::new()).await?;
    }
}

fn bar() -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} events  {msg}")?);
    Ok(bar)
}

fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.target);
    bar.set_position(progress.position);
    bar.set_message(match progress.phase {
        Phase::Idle | Phase::Building => "building",
        Phase::Comparing => "comparing",
        Phase::Swapping => "taking over",
        Phase::Done | Phase::Failed => "",
    });
}

/// From the log of a data folder that nobody uses.
fn alone(args: &NodeArgs, model: &'static ReadModel, order: Order) -> anyhow::Result<Progress> {
    let data_dir = args.data_dir.as_path();
    let log = data_dir.join("log-0").join("rocksdb");
    if !log.is_dir() {
        bail!(
            "nobody runs the read model {}, and {} is no log to rebuild it from; start the process that runs it, or name the right --data-dir",
            model.name,
            log.display()
        );
    }
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let log = Store::open(&log, &memory).context("open the log; is an engine running on this folder?")?;
    let target = LogPosition::or_zero(log.last_position()?);
    let shared = guichet_projections::Memory::shared(memory.cache, memory.write_buffers);
    let mut rebuild = Offline::begin(data_dir, PARTITION, model, &shared, args.fold_batch, order)
        .context("open the read model; is a process running it?")?;
    let bar = bar()?;
    let mut failed = None;
    log.scan(LogPosition::FIRST, |position, record| {
        if position.get() % STEP == 0 {
            show(&bar, &Progress { target, ..rebuild.progress().clone() });
        }
        match rebuild.take(position.get(), record) {
            Ok(more) => more,
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    })?;
    bar.finish_and_clear();
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(rebuild.end()?),
    }
}

/// Which ticket to heal.
#[derive(Debug, Clone, Args)]
pub(crate) struct HealArgs {
    /// Which ticket
    #[arg(value_name = "TICKET")]
    ticket: Which,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Folds a ticket again in every model that has set it aside.
pub(crate) async fn heal(args: HealArgs) -> anyhow::Result<ExitCode> {
    let client = args.connect.connect().await?;
    let sick = quarantined(&client).await?;
    if sick.iter().all(|model| model.quarantined.is_empty()) {
        say("no read model has set a ticket aside");
        return Ok(ExitCode::SUCCESS);
    }
    let id = find(&client, args.ticket).await?;
    let models: Vec<_> =
        sick.iter().filter(|model| holds(model, id)).map(|model| model.name.clone()).collect();
    if models.is_empty() {
        say(&format!("no read model has set ticket {id} aside"));
        return Ok(ExitCode::SUCCESS);
    }
    for model in &models {
        let healing = Healing { tenant: client.tenant().to_string(), ticket: id.to_string() };
        ordered(&client, model, "heal", serde_json::to_vec(&healing)?)
            .await?
            .with_context(|| format!("nobody runs the read model {model} any more"))?;
    }
    let still = quarantined(&client).await?;
    let mut healed = true;
    for model in &models {
        let ill = still.iter().any(|one| one.name == *model && holds(one, id));
        healed &= !ill;
        say(&match ill {
            false => format!("{model}: healed"),
            true => format!("{model}: the fold still fails; upgrade the program, then heal again"),
        });
    }
    Ok(ExitCode::from(u8::from(!healed)))
}

fn holds(model: &ProjectionView, id: TicketId) -> bool {
    model.quarantined.iter().any(|one| one.ticket_id == id.to_wire())
}

async fn quarantined(client: &guichet_client::Client) -> anyhow::Result<Vec<ProjectionView>> {
    let data = Some(query::Data::Projections(wire::ProjectionsQuery {}));
    let reply = client.ask("projections", wire::Query { data, ..wire::Query::default() }).await?;
    match reply.data {
        Some(query_reply::Data::Projections(view)) => Ok(view.projections),
        _ => bail!("the read models do not say how they are"),
    }
}

/// By its timeline, which is complete also where the ticket itself is set aside.
async fn find(client: &guichet_client::Client, which: Which) -> anyhow::Result<TicketId> {
    if let Which::Id(id) = which {
        return Ok(id);
    }
    let (ticket_id, number) = which.filters();
    let data = Some(query::Data::Timeline(wire::TimelineQuery { ticket_id, number, ..Default::default() }));
    let query = wire::Query { limit: Some(1), data, ..wire::Query::default() };
    let reply = client.ask("timeline", query).await?;
    let Some(query_reply::Data::Timeline(mut view)) = reply.data else { bail!("another answer") };
    let first = view.entries.pop().and_then(|entry| entry.data);
    first.and_then(|record| TicketId::parse(&record.stream_id)).context("the history of that ticket")
}

fn default_tenant() -> guichet_schemas::ids::TenantId {
    guichet_schemas::ids::TenantId::default_tenant()
}

fn caller() -> CallerId {
    CallerId::parse("cli").expect("cli is a token")
}
