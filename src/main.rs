//! `guichet`: one binary, every role. Wiring only; the rules are elsewhere.

mod allocator;
mod audit;
mod backup;
mod config;
mod demo;
mod descriptors;
mod doctor;
mod follow;
mod history;
mod import;
mod infer;
mod keys;
mod lines;
mod nats_server;
mod node;
mod pace;
mod permissions;
mod private;
mod reach;
mod rebuild;
mod replayed;
mod restore;
mod run_file;
mod say;
mod serve;
mod timeline;
mod verify;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{CommandFactory as _, Parser, Subcommand};
use guichet_client::{ClientError, ConnectArgs};
use guichet_engine::StartError;
use guichet_engine::clock::{self, IdSource};
use guichet_engine::log::OpenError;
use guichet_golden::GoldenArgs;
use guichet_history::HistoryError;
use guichet_history::blame::BlameArgs;
use guichet_history::diff::DiffArgs;
use guichet_history::explain::ExplainArgs;
use guichet_history::export::ExportArgs;
use guichet_history::replay::ReplayArgs;
use guichet_projections::model;
use guichet_replay_tools::attach::{self, AttachArgs, FetchArgs};
use guichet_replay_tools::audit::AuditArgs;
use guichet_replay_tools::clocks::{self, ExplainArgs as ExplainSlaArgs, WhatifArgs};
use guichet_replay_tools::config::{ConfigArgs, InitArgs, LintArgs};
use guichet_replay_tools::evidence::{self, EvidenceArgs};
use guichet_replay_tools::proof::{self, ProofArgs};
use guichet_replay_tools::query::QueryArgs;
use guichet_replay_tools::send::{self, SendArgs};
use guichet_replay_tools::tail::{self, TailArgs};
use guichet_replay_tools::timeline::TimelineArgs;
use guichet_replay_tools::verify::VerifyArgs;
use guichet_sql::SqlError;
use guichet_sql::args::SqlArgs;
use uuid::Uuid;

use crate::backup::BackupArgs;
use crate::config::NodeArgs;
use crate::demo::DemoArgs;
use crate::import::ImportArgs;
use crate::keys::KeysArgs;
use crate::node::{Models, Roles};
use crate::rebuild::HealArgs;
use crate::restore::RestoreArgs;

/// Event-sourced ticketing: every fact kept, every report replayable.
#[derive(Debug, Parser)]
#[command(name = "guichet", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused or a finding, 2 wrong usage, 3 could not reach, 4 halted to protect data."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run everything in one process: NATS, engine, read models
    Serve(NodeArgs),
    /// Run everything, filled with a plausible history or a real export
    Demo(DemoArgs),
    /// Run the engine alone, against a NATS server
    Engine(NodeArgs),
    /// Run read models alone, against a NATS server: one, or all
    Project {
        /// Which read model; all without it
        #[arg(value_parser = PossibleValuesParser::new(model::ALL.iter().map(|model| model.name)))]
        name: Option<String>,
        /// Rebuild this read model beside the live one, compare the two, and swap them
        #[arg(long, value_name = "NAME", conflicts_with = "name")]
        #[arg(value_parser = PossibleValuesParser::new(model::ALL.iter().map(|model| model.name)))]
        rebuild: Option<String>,
        /// Take the rebuilt one although it differs
        #[arg(long, requires = "rebuild")]
        swap: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Compare a read model with a fresh replay of the log, row by row
    Compare {
        /// Which read model
        #[arg(value_name = "MODEL")]
        #[arg(value_parser = PossibleValuesParser::new(model::ALL.iter().map(|model| model.name)))]
        name: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Fold a ticket again that read models had to set aside
    Heal(HealArgs),
    /// Run the HTTP API and the pages alone, against a NATS server
    Http(NodeArgs),
    /// Bring in the history of another system
    Import {
        #[command(flatten)]
        import: ImportArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Write the history into files that other tools read: Parquet, CSV, CloudEvents, XES, OCEL
    Export(Box<ExportArgs>),
    /// Ask the history in SQL: events, tickets, states, owners, clocks and reports as tables
    Sql(Box<SqlArgs>),
    /// Say which event made a ticket what it is, by whom and under which configuration
    Explain(Box<ExplainArgs>),
    /// Say what each version of an item of the configuration changed
    BlameConfig(Box<BlameArgs>),
    /// Say what changed between two instants or positions
    Diff(Box<DiffArgs>),
    /// Hand recorded events over again, to standard output or to a subject of your own
    Replay(Box<ReplayArgs>),
    /// Send one command
    Send(SendArgs),
    /// Attach a file to a ticket
    Attach(AttachArgs),
    /// Fetch an attachment of a ticket
    Fetch(FetchArgs),
    /// Ask a read model
    Query(QueryArgs),
    /// Follow the events
    Tail(TailArgs),
    /// Tell a ticket's whole history
    Timeline(Box<TimelineArgs>),
    /// Read the whole log and say whether it is what was signed
    Verify(VerifyArgs),
    /// Prove that a record stands in the log, or check such a proof
    Proof(ProofArgs),
    /// Write a ticket's history into a file that others can check without us
    Evidence(EvidenceArgs),
    /// Copy the log into a folder of static files for auditors and witnesses, or report on every check of it
    Audit(Box<AuditArgs>),
    /// Configuration of the desk: check, compare and publish files, look back and go back
    Config(ConfigArgs),
    /// Say what in a configuration file is legal but unwise
    Lint(LintArgs),
    /// Write a commented configuration file to begin with
    Init(InitArgs),
    /// Say how each due instant of a ticket came about
    ExplainSla(ExplainSlaArgs),
    /// Say what other promises would have come to
    Whatif(WhatifArgs),
    /// Run worked examples of SLA clocks through the fold of the desk
    SlaCases(GoldenArgs),
    /// Run worked examples of business time through the calendars of the desk
    CalendarVectors(GoldenArgs),
    /// Copy a log, running or not, to where it can be restored from; only what is new
    Backup(BackupArgs),
    /// Make a data folder from a backup
    Restore(RestoreArgs),
    /// Show the name of the log and its public key, or make a key
    Keys(KeysArgs),
    /// Say what is missing on this machine and how to get it; with --role, what a user of NATS may do too much or too
    /// little
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Compare what the user of this connection may do at the NATS server with what this role needs
        #[arg(long, value_name = "ROLE")]
        role: Option<permissions::Process>,
        /// The folder whose disk is looked at; and the connection
        #[command(flatten)]
        connect: Box<ConnectArgs>,
    },
    /// Print the completions of a shell
    Completions { shell: clap_complete::Shell },
}

impl Verb {
    /// True for what writes into data folders, and nothing for others to read.
    const fn makes_data(&self) -> bool {
        matches!(
            self,
            Self::Serve(_)
                | Self::Demo(_)
                | Self::Engine(_)
                | Self::Project { .. }
                | Self::Compare { .. }
                | Self::Http(_)
                | Self::Restore(_)
                | Self::Keys(_)
        )
    }
}

fn main() -> ExitCode {
    allocator::few_arenas();
    let cli = Cli::parse();
    guichet_service::withhold_panic_messages(say::say);
    tracing_subscriber::fmt()
        .with_env_filter(config::log_filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // A reader that closed its end, as `| head` does, has all it wanted.
            if !client_error(&error).is_some_and(ClientError::is_silent) {
                let what = if exit_code(&error) == serve::EXIT_HALTED { "halted" } else { "guichet" };
                say::say(&format!("{what}: {error:#}"));
            }
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<lines::Forbidden>().is_some() {
        return serve::EXIT_UNREACHABLE;
    }
    if let Some(SqlError::Question { code, .. }) = error.downcast_ref() {
        return *code;
    }
    match error.downcast_ref::<StartError>() {
        Some(StartError::Open(OpenError::Copy(_))) => return 3,
        Some(StartError::Open(error)) if error.protects_data() => return serve::EXIT_HALTED,
        Some(StartError::Open(_) | StartError::Nats(_)) | None => {}
    }
    client_error(error).map_or(1, ClientError::exit_code)
}

/// Why a tool stops, also where it was reading a history.
fn client_error(error: &anyhow::Error) -> Option<&ClientError> {
    if let Some(HistoryError::Client(error)) = error.downcast_ref() {
        return Some(error);
    }
    error.downcast_ref()
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    config::arm_crash_point()?;
    #[cfg(feature = "sabotage")]
    config::choose_sabotage()?;
    if cli.verb.makes_data() {
        private::by_default();
    }
    perform(cli)
}

#[tokio::main]
async fn perform(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.verb {
        Verb::Serve(args) => {
            serve::run(args, Roles { engine: true, projections: Models::All, http: true, embed_nats: true })
                .await
        }
        Verb::Engine(args) => {
            serve::run(
                args,
                Roles { engine: true, projections: Models::None, http: false, embed_nats: false },
            )
            .await
        }
        Verb::Project { rebuild: Some(name), swap, node, .. } => {
            let model = model::by_name(&name).context("a read model of that name")?;
            rebuild::rebuild(&node, model, swap).await
        }
        Verb::Compare { name, node } => {
            let model = model::by_name(&name).context("a read model of that name")?;
            rebuild::compare(&node, model).await
        }
        Verb::Sql(args) => history::sql(&args).await,
        Verb::Explain(args) => history::explain(&args).await,
        Verb::BlameConfig(args) => history::blame(&args).await,
        Verb::Diff(args) => history::diff(&args).await,
        Verb::Heal(args) => rebuild::heal(args).await,
        Verb::Project { name, node, .. } => {
            let known = name.as_deref().and_then(model::by_name);
            let projections = known.map_or(Models::All, |model| Models::One(model.name));
            serve::run(node, Roles { engine: false, projections, http: false, embed_nats: false }).await
        }
        Verb::Http(args) => {
            serve::run(
                args,
                Roles { engine: false, projections: Models::None, http: true, embed_nats: false },
            )
            .await
        }
        Verb::Demo(args) => demo::run(args).await,
        Verb::Import { import, .. } if !import.sends() => import::look(&import),
        Verb::Import { import, connect } => {
            let client = connect.connect().await?;
            tokio::select! {
                biased;
                done = import::run(&import, &client) => done,
                // An import is patient; nothing comes of that where the server refuses its commands.
                error = client.denied(|published| published.starts_with("guichet.v1.cmd.")) => Err(error.into()),
            }
        }
        Verb::Export(args) => history::export(&args).await,
        Verb::Replay(args) => history::replay(&args).await,
        Verb::Send(args) => Ok(send::run(args, fresh_id).await?.into()),
        Verb::Attach(args) => Ok(attach::attach(args, fresh_id).await?.into()),
        Verb::Fetch(args) => Ok(attach::fetch(args).await?.into()),
        Verb::Query(args) => replayed::ask(args).await,
        Verb::Tail(args) => Ok(tail::run(args).await?.into()),
        Verb::Timeline(args) => timeline::run(*args).await,
        Verb::Verify(args) => verify::run(args).await,
        Verb::Proof(args) => Ok(proof::run(args).await?.into()),
        Verb::Evidence(args) => Ok(evidence::run(args).await?.into()),
        Verb::Audit(args) => audit::run(*args).await,
        Verb::Config(args) => {
            Ok(guichet_replay_tools::config::run(args, clock::wall(), fresh_id).await?.into())
        }
        Verb::Lint(args) => Ok(guichet_replay_tools::config::lint(&args, clock::wall())?.into()),
        Verb::Init(args) => Ok(guichet_replay_tools::config::init(&args)?.into()),
        Verb::ExplainSla(args) => Ok(clocks::explain(args).await?.into()),
        Verb::Whatif(args) => Ok(clocks::whatif(args).await?.into()),
        Verb::SlaCases(args) => Ok(guichet_golden::sla_cases(&args)?.into()),
        Verb::CalendarVectors(args) => Ok(guichet_golden::calendar_vectors(&args)?.into()),
        Verb::Backup(args) => backup::run(args).await,
        Verb::Restore(args) => restore::run(&args),
        Verb::Keys(args) => keys::run(args),
        Verb::Doctor { json, role: None, connect } => {
            let around = config::surroundings(connect.data_dir);
            let complete = doctor::run(&around, json, &mut std::io::stdout().lock())?;
            Ok(ExitCode::from(u8::from(!complete)))
        }
        Verb::Doctor { json, role: Some(process), connect } => {
            let options = connect.options()?;
            let inbox = options.credentials.inbox_prefix.clone().unwrap_or_else(|| "_INBOX".to_owned());
            let rights = permissions::matters(process, &connect.tenant, &inbox);
            let rights = permissions::examine(&options, rights).await?;
            let is_well = permissions::show(&rights, json, &mut std::io::stdout().lock())?;
            Ok(ExitCode::from(u8::from(!is_well)))
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "guichet", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn fresh_id() -> Uuid {
    IdSource::new().next(clock::wall())
}
