//! `demo`: a whole desk in one command, filled with a plausible history, or with a real export.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use guichet_engine::clock;
use guichet_replay_tools::client::{Client, ConnectOptions};
use guichet_replay_tools::import::command_id;
use guichet_replay_tools::seed;
use guichet_schemas::command::{Command, Entity, Import, Order};
use guichet_schemas::event::Actor;
use guichet_schemas::ids::{CallerId, TenantId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{self, command_reply, query, query_reply};
use guichet_schemas::words::{ActorKind, TicketState};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::NodeArgs;
use crate::import::{self, ImportArgs};
use crate::node::{Node, Roles};
use crate::say::say;
use crate::serve;

/// Commands on their way at once.
const WINDOW: usize = 64;
/// How long one command may wait for its outcome.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the read model may take to show what was loaded.
const CATCH_UP: Duration = Duration::from_secs(120);
const DAY_MS: i64 = 86_400_000;

/// What to show.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// Same seed, same history
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Days of history, up to last midnight UTC
    #[arg(long, default_value_t = 14)]
    days: u32,
    /// Tickets in that history
    #[arg(long, default_value_t = 400)]
    tickets: u32,
    /// Load this export instead of the made-up history
    #[arg(long, value_name = "FILE", requires = "mapping")]
    import: Option<PathBuf>,
    /// What its columns mean: a mapping file, or a shipped one (servicenow, bpi2013)
    #[arg(long, value_name = "NAME|FILE", requires = "import")]
    mapping: Option<String>,
    /// End after the load instead of staying up
    #[arg(long)]
    once: bool,
}

/// Runs the demo.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let stop = serve::stop_signal()?;
    let node = Node::start(&args.node, Roles { engine: true, projections: true, embed_nats: true }).await?;
    say(&format!("a desk is running: NATS at {}, data in {}", node.url, node.data_dir().display()));
    let client = connect(&node).await?;
    let started = Instant::now();
    let mut interrupted = stop.clone();
    let loaded = tokio::select! {
        loaded = load(&args, &client) => loaded?,
        _ = interrupted.wait_for(|s| *s) => {
            say("interrupted; what was loaded stays, the same command goes on from there");
            node.stop().await?;
            return Ok(ExitCode::from(130));
        }
    };
    summary(&client, &loaded, started.elapsed()).await?;
    if args.once {
        node.stop().await?;
        return Ok(ExitCode::SUCCESS);
    }
    what_next(&node);
    let end = node.until_end(stop).await;
    serve::finish(node, end).await
}

async fn connect(node: &Node) -> anyhow::Result<Client> {
    Ok(Client::connect(ConnectOptions::to(&node.url), TenantId::default_tenant(), caller()).await?)
}

fn caller() -> CallerId {
    CallerId::parse("demo").expect("demo is a token")
}

/// What was done, and how far the read model must be to show it.
#[derive(Debug, Default)]
struct Loaded {
    commands: u64,
    events: u64,
    before: u64,
    refused: u64,
    position: u64,
    live: bool,
}

impl Loaded {
    fn count(&mut self, reply: &wire::CommandReply) {
        self.commands += 1;
        match &reply.outcome {
            Some(command_reply::Outcome::Accepted(a)) => {
                self.events += a.events.len() as u64;
                self.before += u64::from(a.replayed || a.events.is_empty());
                self.position = self.position.max(a.position);
            }
            Some(command_reply::Outcome::Error(e)) => {
                self.refused += 1;
                tracing::warn!(code = e.code, message = e.message, "the demo was refused");
            }
            None => self.refused += 1,
        }
    }
}

async fn load(args: &DemoArgs, client: &Client) -> anyhow::Result<Loaded> {
    if let (Some(file), Some(mapping)) = (&args.import, &args.mapping) {
        let import = ImportArgs {
            file: file.clone(),
            mapping: mapping.clone(),
            zone: None,
            rejects: None,
            window: 128,
            patience: 300,
            json: false,
        };
        let s = import::load(&import, client.nats(), client.tenant(), client.caller()).await?;
        let commands = s.accepted + s.replayed + s.unchanged + s.refused;
        return Ok(Loaded { commands, events: s.events, before: s.replayed + s.unchanged, refused: s.refused, position: s.position, live: false });
    }
    let mut loaded = Loaded { live: true, ..Loaded::default() };
    history(args, client, &mut loaded).await?;
    // Today happens through the ordinary verbs, one command after the other.
    for step in seed::live(args.seed) {
        loaded.count(&client.command_patiently(step.entity, step.verb, step.command, PATIENCE).await?);
    }
    Ok(loaded)
}

async fn history(args: &DemoArgs, client: &Client, loaded: &mut Loaded) -> anyhow::Result<()> {
    let midnight = Timestamp(clock::wall().0.div_euclid(DAY_MS) * DAY_MS);
    let bar = ProgressBar::new(u64::from(args.tickets));
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} tickets")?);
    let mut flying = FuturesUnordered::new();
    let mut imports = seed::history(args.seed, midnight, args.days, args.tickets);
    loop {
        while flying.len() < WINDOW
            && let Some(import) = imports.next()
        {
            let command = guichet_schemas::codec::command_to_wire(as_command(import));
            flying.push(client.command_patiently(Entity::New, "import", command, PATIENCE));
        }
        let Some(reply) = flying.next().await else { break };
        loaded.count(&reply?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

fn as_command(import: Import) -> Command {
    Command {
        tenant: TenantId::default_tenant(),
        caller: caller(),
        entity: Entity::New,
        command_id: command_id(&TenantId::default_tenant(), &caller(), &import),
        actor: Actor { kind: ActorKind::Service, id: "demo".to_owned(), on_behalf_of: None },
        expected_version: None,
        correlation_id: None,
        causation_id: None,
        channel: None,
        dry_run: false,
        traceparent: None,
        order: Order::Import(import),
    }
}

async fn summary(client: &Client, loaded: &Loaded, took: Duration) -> anyhow::Result<()> {
    say(&format!(
        "{} commands in {:.1} s: {} events written or found, {} commands were here before, {} refused; the log ends at position {}",
        loaded.commands,
        took.as_secs_f64(),
        loaded.events,
        loaded.before,
        loaded.refused,
        loaded.position
    ));
    let mut line = String::from("tickets:");
    for state in TicketState::ALL {
        let count = count(client, *state, loaded.position).await?;
        line.push_str(&format!(" {count} {state},"));
    }
    say(line.trim_end_matches(','));
    Ok(())
}

/// Tickets in a state, once the read model shows what was loaded.
async fn count(client: &Client, state: TicketState, position: u64) -> anyhow::Result<usize> {
    use guichet_schemas::mirror::Wire as _;
    let mut cursor = None;
    let mut total = 0;
    loop {
        let filter = wire::TicketsQuery { status: Some(state.to_wire()), ..wire::TicketsQuery::default() };
        let query = wire::Query {
            min_position: Some(position),
            wait_ms: Some(30_000),
            limit: Some(1000),
            cursor: cursor.take(),
            data: Some(query::Data::Tickets(filter)),
            ..wire::Query::default()
        };
        let reply = tokio::time::timeout(CATCH_UP, client.ask("tickets", query)).await.context("the read model does not catch up")??;
        if let Some(query_reply::Data::Tickets(page)) = reply.data {
            total += page.tickets.len();
        }
        cursor = reply.next_cursor;
        if cursor.is_none() {
            return Ok(total);
        }
    }
}

fn what_next(node: &Node) {
    let program = if std::io::stderr().is_terminal() { "./guichet" } else { "guichet" };
    let at = match node.data_dir().file_name() {
        Some(name) if name == "guichet-data" => String::new(),
        _ => format!(" --data-dir {}", node.data_dir().display()),
    };
    say(&format!(
        "try, in another terminal:\n  {program} timeline T-1{at}                 a ticket's whole history\n  {program} query tickets --set status=open{at}  what is being worked on\n  {program} tail{at}                         follow the events as they happen\n  {program} send create --help               open a ticket yourself\nCtrl-C stops the desk; its data stays."
    ));
}
