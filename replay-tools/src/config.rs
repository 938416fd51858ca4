//! `guichet config`: what a desk has configured, as files: check, compare, publish, look back, go back.

pub(crate) mod desk;
pub(crate) mod file;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use guichet_config::{Configuration, Draft, Kind, Publication, diff};
use guichet_schemas::command::{Entity, PublishConfig};
use guichet_schemas::event::Actor;
use guichet_schemas::ids::{CommandId, TenantId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::command_reply::Outcome;
use guichet_schemas::words::ActorKind;
use serde_json::json;
use uuid::Uuid;

use self::desk::{Entry, published};
use crate::send::{accepted_text, refusal_text};
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::{Client, ClientError, ConnectArgs};

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet init --template small-team desk.toml
  guichet config check desk.toml
  guichet config diff desk.toml
  guichet config apply desk.toml
  guichet config history sla_policies
  guichet config rollback sla_policies --to 3")]
pub struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Subcommand)]
enum Verb {
    /// Say whether a file could be published; nothing is sent
    Check {
        /// TOML
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show what a file would change; exit code 1 where it would change something
    Diff {
        /// TOML
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Publish what a file changes
    Apply {
        /// TOML
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Say what would be published, and write nothing
        #[arg(long)]
        dry_run: bool,
        /// Actor to act as; recorded as an actor of kind admin
        #[arg(long, default_value = "cli", value_name = "ID")]
        actor: String,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Show what was published, and when
    History {
        /// Only this kind
        #[arg(value_parser = kind, value_name = "KIND")]
        kind: Option<Kind>,
        /// Only this one of its kind
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Publish an earlier version of something again
    Rollback {
        /// Kind of configuration
        #[arg(value_parser = kind, value_name = "KIND")]
        kind: Kind,
        /// Which of its kind; calendars and tenants have names
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// The version to go back to [default: the one before the newest]
        #[arg(long, value_name = "N")]
        to: Option<u32>,
        /// Actor to act as; recorded as an actor of kind admin
        #[arg(long, default_value = "cli", value_name = "ID")]
        actor: String,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

fn kind(name: &str) -> Result<Kind, String> {
    let known = Kind::names();
    Kind::parse(name).ok_or_else(|| format!("kinds are {known}"))
}

#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// TOML
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Says what in a file is legal but unwise; exit code 1 where there is something.
///
/// # Errors
/// The file cannot be read.
pub fn lint(args: &LintArgs, now: Timestamp) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let Some(drafts) = read(&args.file, &output)? else { return Ok(exit::REFUSED) };
    let configuration = match guichet_config::drafts::checked(&drafts, now) {
        Ok(configuration) => configuration,
        Err((draft, fault)) => {
            output.alarm(&format!("{}: {}: {fault}", args.file.display(), name(draft.kind, &draft.id)));
            return Ok(exit::REFUSED);
        }
    };
    let found = guichet_config::lint(&configuration, now);
    for advice in &found {
        output.line(&advice.to_string())?;
    }
    Ok(if found.is_empty() { exit::DONE } else { exit::REFUSED })
}

/// Which file to begin with.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// small-team, msp, itsm or b2c
    #[arg(long, default_value = "small-team", value_name = "NAME")]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(guichet_config::TEMPLATES.map(|t| t.name)))]
    pub template: String,
    /// Where to; it must not be there yet
    #[arg(default_value = "desk.toml", value_name = "FILE")]
    pub file: PathBuf,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Writes a commented configuration to begin with.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn init(args: &InitArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let template = guichet_config::template(&args.template);
    let template =
        template.ok_or_else(|| ClientError::Usage(format!("there is no template {:?}", args.template)))?;
    let problem = |e: std::io::Error| ClientError::File { path: args.file.clone(), problem: e.to_string() };
    let mut file = std::fs::File::create_new(&args.file).map_err(problem)?;
    std::io::Write::write_all(&mut file, template.text.as_bytes()).map_err(problem)?;
    let path = args.file.display();
    output.line(&format!("{path}: {}; change it, then: guichet config apply {path}", template.about))?;
    Ok(exit::DONE)
}

/// Runs it. `now` is the instant from which on things hold; `fresh_id` makes the ids of commands.
///
/// # Errors
/// A file that cannot be read, or no desk. A fault in the file, and a refusal, are exit code 1.
pub async fn run(args: ConfigArgs, now: Timestamp, fresh_id: impl Fn() -> Uuid) -> Result<u8, ClientError> {
    match args.verb {
        Verb::Check { file, output } => check(&file, now, &Output::new(&output)),
        Verb::Diff { file, output, connect } => {
            let output = Output::new(&output);
            let Some(drafts) = read(&file, &output)? else { return Ok(exit::REFUSED) };
            let client = connect.connect().await?;
            let changes = diff(&configuration(&client).await?.0, &drafts);
            for change in &changes {
                output.line(&change.to_string())?;
            }
            Ok(if changes.is_empty() { exit::DONE } else { exit::REFUSED })
        }
        Verb::Apply { file, dry_run, actor, output, connect } => {
            let output = Output::new(&output);
            let Some(drafts) = read(&file, &output)? else { return Ok(exit::REFUSED) };
            let client = connect.connect().await?;
            let sender = Sender { client: &client, connect: &connect, actor, output: &output };
            apply(&drafts, &sender, (now, dry_run), fresh_id).await
        }
        Verb::History { kind, id, json, output, connect } => {
            let client = connect.connect().await?;
            let (entries, output) = (published(&client).await?, Output::new(&output));
            if is_absent(&client, entries.len() as u64) {
                output.alarm(&format!("there is no tenant {}", client.tenant()));
                return Ok(exit::REFUSED);
            }
            history(&entries, kind, id.as_deref(), json, &output)
        }
        Verb::Rollback { kind, id, to, actor, output, connect } => {
            let output = Output::new(&output);
            let client = connect.connect().await?;
            let (configuration, version) = configuration(&client).await?;
            let own = if kind == Kind::Tenant { client.tenant().as_str() } else { guichet_config::THE_ONE };
            let id = id.as_deref().unwrap_or(own);
            let draft = earlier(&configuration, kind, id, to)?;
            let sender = Sender { client: &client, connect: &connect, actor, output: &output };
            let done = sender.publish(&draft, version, fresh_id()).await?;
            Ok(if done.is_some() { exit::DONE } else { exit::REFUSED })
        }
    }
}

/// The drafts of a file; what is wrong with it is said.
fn read(path: &std::path::Path, output: &Output) -> Result<Option<Vec<Draft>>, ClientError> {
    match file::read(path)? {
        Ok(drafts) => Ok(Some(drafts)),
        Err(fault) => {
            output.alarm(&format!("{}: {fault}", path.display()));
            Ok(None)
        }
    }
}

fn check(path: &std::path::Path, now: Timestamp, output: &Output) -> Result<u8, ClientError> {
    let Some(drafts) = read(path, output)? else { return Ok(exit::REFUSED) };
    match guichet_config::drafts::checked(&drafts, now) {
        Ok(_) => {
            output.line(&format!("{}: {} to publish, all of it possible", path.display(), drafts.len()))?;
            Ok(exit::DONE)
        }
        Err((draft, fault)) => {
            output.alarm(&format!("{}: {}: {fault}", path.display(), name(draft.kind, &draft.id)));
            Ok(exit::REFUSED)
        }
    }
}

/// The configuration that a desk has published.
///
/// # Errors
/// No read model answers.
pub async fn of_desk(client: &Client) -> Result<Configuration, ClientError> {
    configuration(client).await.map(|(configuration, _)| configuration)
}

/// The configuration of now, and its version.
async fn configuration(client: &Client) -> Result<(Configuration, u64), ClientError> {
    let mut configuration = Configuration::new(client.tenant().as_str());
    let entries = published(client).await?;
    for entry in &entries {
        configuration.evolve(&entry.event);
    }
    Ok((configuration, entries.last().map_or(0, |entry| entry.version)))
}

/// A tenant begins with a publication; that of the zero-configuration start is there before.
fn is_absent(client: &Client, version: u64) -> bool {
    version == 0 && *client.tenant() != TenantId::default_tenant()
}

async fn apply(
    drafts: &[Draft],
    sender: &Sender<'_>,
    (now, dry_run): (Timestamp, bool),
    fresh_id: impl Fn() -> Uuid,
) -> Result<u8, ClientError> {
    let (configuration, mut version) = configuration(sender.client).await?;
    let changes = |draft: &&Draft| !diff(&configuration, std::slice::from_ref(*draft)).is_empty();
    let changed: Vec<&Draft> = drafts.iter().filter(changes).collect();
    if changed.is_empty() {
        sender.output.line("nothing to publish: the desk is configured so already")?;
    }
    let founds = changed.first().is_some_and(|draft| draft.kind == Kind::Tenant);
    if is_absent(sender.client, version) && !founds {
        let tenant = sender.client.tenant();
        sender.output.alarm(&format!(
            "there is no tenant {tenant}; its first publication makes one: put [tenant.{tenant}] into the file"
        ));
        return Ok(exit::REFUSED);
    }
    // Looked at as a whole first: what refers to each other is not left half published by a fault in the file.
    if let Err((draft, fault)) =
        guichet_config::drafts::published(configuration.clone(), changed.iter().copied(), now)
    {
        sender.output.alarm(&format!("{}: {fault}; nothing was published", name(draft.kind, &draft.id)));
        return Ok(exit::REFUSED);
    }
    for draft in changed {
        if dry_run {
            let name = name(draft.kind, &draft.id);
            sender.output.line(&format!("{name}: would be published; nothing was written"))?;
            continue;
        }
        // Only what was compared is published upon: whoever published meanwhile is seen first.
        match sender.publish(draft, version, fresh_id()).await? {
            Some(published) => version = published,
            None => return Ok(exit::REFUSED),
        }
    }
    Ok(exit::DONE)
}

/// An earlier version of something, to be published again.
fn earlier(
    configuration: &Configuration,
    kind: Kind,
    id: &str,
    to: Option<u32>,
) -> Result<Draft, ClientError> {
    let history: Vec<&Publication> = configuration.history(kind, id).collect();
    let newest = history.last().map_or(0, |newest| newest.version);
    let wanted = to.unwrap_or(newest.saturating_sub(1));
    let found = history.iter().find(|publication| publication.version == wanted && !publication.retired);
    let Some(found) = found else {
        return Err(ClientError::Usage(format!(
            "{} has no version {wanted} to go back to; its newest is {newest}",
            name(kind, id)
        )));
    };
    Ok(Draft {
        kind,
        id: id.to_owned(),
        effective_from: None,
        apply: found.apply,
        retroactive: false,
        body: found.body.clone(),
    })
}

fn history(
    entries: &[Entry],
    kind: Option<Kind>,
    id: Option<&str>,
    as_json: bool,
    output: &Output,
) -> Result<u8, ClientError> {
    let wanted = entries.iter().filter(|entry| {
        kind.is_none_or(|kind| kind.as_str() == entry.kind) && id.is_none_or(|id| id == entry.id)
    });
    let header =
        ["version", "position", "recorded", "what", "its version", "in force from", "by", "body SHA-256"];
    let mut rows = Vec::new();
    for entry in wanted {
        if as_json {
            output.json_line(&json!({
                "version": entry.version, "position": entry.position, "recorded_at": entry.recorded_at.to_string(),
                "kind": entry.kind, "id": entry.id, "item_version": entry.item_version, "retired": entry.body.is_none(),
                "effective_from": entry.effective_from.to_string(), "actor": entry.actor, "body_hash": entry.body_hash,
                "body": entry.body.as_deref().and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok()),
            }))?;
            continue;
        }
        let retired = if entry.body.is_none() { " (retired)" } else { "" };
        rows.push(vec![
            entry.version.to_string(),
            entry.position.to_string(),
            entry.recorded_at.to_string(),
            format!("{} {}{retired}", entry.kind, entry.id),
            entry.item_version.to_string(),
            entry.effective_from.to_string(),
            entry.actor.clone(),
            entry.body_hash.get(..12).unwrap_or_default().to_owned(),
        ]);
    }
    if !as_json {
        output.table(&header, rows)?;
    }
    Ok(exit::DONE)
}

/// True where somebody other than `actor` has configured the desk.
///
/// # Errors
/// As for the history of a configuration: nobody answers, or a record is of a newer program.
pub async fn is_configured_by_others(client: &Client, actor: &str) -> Result<bool, ClientError> {
    Ok(published(client).await?.iter().any(|entry| entry.actor != actor))
}

struct Sender<'a> {
    client: &'a Client,
    connect: &'a ConnectArgs,
    actor: String,
    output: &'a Output,
}

impl Sender<'_> {
    /// Publishes one thing and says what became of it. Gives the version after it; `None`: it was refused.
    async fn publish(&self, draft: &Draft, expected: u64, id: Uuid) -> Result<Option<u64>, ClientError> {
        let actor = Actor { kind: ActorKind::Admin, id: self.actor.clone(), on_behalf_of: None };
        let command = wire::Command {
            command_id: CommandId(id).to_wire(),
            actor: actor.to_wire(),
            expected_version: Some(expected),
            data: Some(wire::command::Data::PublishConfig(publication(draft))),
            ..wire::Command::default()
        };
        let (client, patience) = (self.client, self.connect.timeout);
        let reply = client.command_patiently(Entity::Config, PublishConfig::VERB, command, patience).await?;
        let name = name(draft.kind, &draft.id);
        match reply.outcome {
            Some(Outcome::Accepted(accepted)) => {
                self.output.line(&format!("{name}: {}", accepted_text(&accepted, false)))?;
                Ok(Some(accepted.version))
            }
            Some(Outcome::Error(error)) => {
                self.output.alarm(&format!("{name}: {}", refusal_text(&error)));
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// The order that publishes a draft.
pub fn publication(draft: &Draft) -> wire::PublishConfig {
    wire::PublishConfig {
        kind: draft.kind.to_string(),
        id: Some(draft.id.clone()),
        body: draft.body.to_string(),
        effective_from: draft.effective_from.to_wire(),
        apply: Some(draft.apply).to_wire(),
        retroactive: draft.retroactive,
    }
}

fn name(kind: Kind, id: &str) -> String {
    if kind.is_named() { format!("{kind}.{id}") } else { kind.to_string() }
}
