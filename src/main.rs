//! `guichet`: one binary, every role. Wiring only; the rules are elsewhere.

mod config;
mod doctor;
mod import;
mod nats_server;
mod node;
mod run_file;
mod say;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use guichet_schemas::ids::{CallerId, TenantId};

use crate::config::NodeArgs;
use crate::import::ImportArgs;
use crate::node::{Roles, Unreachable};

/// Event-sourced ticketing: every fact kept, every report replayable.
#[derive(Debug, Parser)]
#[command(name = "guichet", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 refused or a finding, 2 wrong usage, 3 could not reach, 4 halted to protect data.")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run everything in one process: NATS, engine, read models
    Serve(NodeArgs),
    /// Run the engine alone, against a NATS server
    Engine(NodeArgs),
    /// Run one read model alone, against a NATS server
    Project {
        /// Which read model
        #[arg(value_parser = ["ticket"])]
        name: String,
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Bring in the history of another system
    Import {
        #[command(flatten)]
        import: ImportArgs,
        /// NATS server
        #[arg(long, env = "NATS_URL")]
        nats_url: String,
    },
    /// Say what is missing on this machine and how to get it
    Doctor {
        /// Folder whose disk is looked at
        #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
        data_dir: std::path::PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_env_filter(config::log_filter()).with_writer(std::io::stderr).init();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            say::say(&format!("guichet: {error:#}"));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<Unreachable>().is_some() { 3 } else { 1 }
}

#[tokio::main]
async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.verb {
        Verb::Serve(args) => serve::run(args, Roles { engine: true, projections: true, embed_nats: true }).await,
        Verb::Engine(args) => serve::run(args, Roles { engine: true, projections: false, embed_nats: false }).await,
        Verb::Project { node, .. } => serve::run(node, Roles { engine: false, projections: true, embed_nats: false }).await,
        Verb::Import { import, nats_url } => {
            let client = async_nats::connect(&nats_url).await?;
            import::run(&import, client, &TenantId::default_tenant(), &cli_caller()).await
        }
        Verb::Doctor { data_dir, json } => {
            let complete = doctor::run(&config::surroundings(data_dir), json, &mut std::io::stdout().lock())?;
            Ok(ExitCode::from(u8::from(!complete)))
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "guichet", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn cli_caller() -> CallerId {
    CallerId::parse("cli").expect("cli is a token")
}
