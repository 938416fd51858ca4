//! `demo`: a whole desk in one command, filled with a plausible history, or with a real export.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use guichet_client::Client;
use guichet_demo::Plan;
use guichet_engine::clock;
use guichet_schemas::ids::{CallerId, TenantId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{self, query, query_reply};
use guichet_schemas::words::TicketState;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::NodeArgs;
use crate::import::{self, ImportArgs};
use crate::node::{Models, Node, Roles};
use crate::say::say;
use crate::serve;

/// How long one command may wait for its outcome.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the read model may take to show what was loaded.
const CATCH_UP: Duration = Duration::from_secs(120);
const DAY_MS: i64 = 86_400_000;

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
    /// Meaning of its columns: a mapping file, or a shipped one (servicenow, bpi2013)
    #[arg(long, value_name = "NAME|FILE", requires = "import")]
    mapping: Option<String>,
    /// End after the load instead of staying up
    #[arg(long)]
    once: bool,
}

/// Runs the demo.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let stop = serve::stop_signal()?;
    let node = Node::start(
        &args.node,
        Roles { engine: true, projections: Models::All, http: true, embed_nats: true },
    )
    .await?;
    say(&format!("a desk is running: NATS at {}, data in {}", node.server, node.data_dir().display()));
    let client = connect(&node, "demo").await?;
    let started = Instant::now();
    let mut interrupted = stop.clone();
    let loaded = tokio::select! {
        loaded = load(&args, &node, &client) => loaded?,
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

async fn connect(node: &Node, caller: &str) -> anyhow::Result<Client> {
    let caller = CallerId::parse(caller).expect("a name of ours is a token");
    Ok(Client::connect(node.as_caller()?, TenantId::default_tenant(), caller).await?)
}

/// The work that was done, and the position that the read model must reach to show it.
struct Loaded {
    tickets: u64,
    commands: u64,
    found: u64,
    events: u64,
    position: u64,
}

async fn load(args: &DemoArgs, node: &Node, client: &Client) -> anyhow::Result<Loaded> {
    if let (Some(file), Some(mapping)) = (&args.import, &args.mapping) {
        let import = ImportArgs {
            files: vec![file.clone()],
            mapping: Some(mapping.clone()),
            infer: false,
            follow: false,
            zone: None,
            allow: Vec::new(),
            check: false,
            explain: None,
            rejects: None,
            window: 128,
            patience: 300,
            json: false,
        };
        let s = import::load(&import, &import.mapping()?, client).await?;
        import::complain(&import, &s);
        return Ok(Loaded {
            tickets: s.read.tickets,
            commands: 0,
            found: s.replayed + s.unchanged,
            events: s.events,
            position: s.position,
        });
    }
    let configuring = connect(node, guichet_rules::CLI_CALLER).await?;
    if !guichet_demo::configure(&configuring, PATIENCE).await? {
        say("this desk is configured already; its calendars and promises stay as they are");
    }
    let until = Timestamp(clock::wall().0.div_euclid(DAY_MS) * DAY_MS);
    let plan = Plan { seed: args.seed, until, days: args.days, tickets: args.tickets };
    let bar = ProgressBar::new(u64::from(args.tickets));
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} tickets  {msg}")?);
    let filled = guichet_demo::fill(client, plan, PATIENCE, |f| {
        bar.set_position(f.tickets);
        bar.set_message(format!("{} events, {} live commands", f.events, f.commands));
    })
    .await;
    bar.finish_and_clear();
    let f = filled?;
    Ok(Loaded {
        tickets: f.tickets,
        commands: f.commands,
        found: f.found,
        events: f.events,
        position: f.position,
    })
}

async fn summary(client: &Client, loaded: &Loaded, took: Duration) -> anyhow::Result<()> {
    let live =
        if loaded.commands > 0 { format!(" and {} live commands", loaded.commands) } else { String::new() };
    let found =
        if loaded.found > 0 { format!(", {} of them here before", loaded.found) } else { String::new() };
    say(&format!(
        "{} tickets of history{live} in {:.1} s{found}: {} events; the log ends at position {} or later",
        loaded.tickets,
        took.as_secs_f64(),
        loaded.events,
        loaded.position
    ));
    let mut counts = Vec::new();
    for state in TicketState::ALL {
        counts.push(format!("{} {state}", count(client, *state, loaded.position).await?));
    }
    say(&format!("tickets now: {}", counts.join(", ")));
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
        let reply = tokio::time::timeout(CATCH_UP, client.ask("tickets", query))
            .await
            .context("the read model does not catch up")??;
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
    if let Some(link) = node.link() {
        say(&format!("look at it in a browser: {link}"));
    }
    say(&format!(
        "try, in another terminal:\n  {program} timeline T-1{at}                 a ticket's whole history\n  {program} query tickets --set status=open{at}  what is being worked on\n  {program} tail{at}                         follow the events as they happen\n  {program} send create --help               open a ticket yourself\nCtrl-C stops the desk; its data stays."
    ));
}
