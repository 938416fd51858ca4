//! `guichet send`: builds a command from flags or JSON, sends it until its outcome is known, and says what
//! became of it.

use clap::Args;
use guichet_schemas::command::Entity;
use guichet_schemas::event::Actor;
use guichet_schemas::ids::{CommandId, CorrelationId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::verb::{About, VERBS, about};
use guichet_schemas::wire::command_reply::Outcome;
use guichet_schemas::words::{ActorKind, Channel};
use guichet_schemas::{json, wire};
use uuid::Uuid;

use crate::body::BodyArgs;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs, printable};
use guichet_client::which::Which;
use guichet_client::{Client, ClientError, ConnectArgs};

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet send create --set subject='VPN down' --set description='Since 9:00' --set channel=phone --set requester.id=c-17
  guichet send assign T-42 --set assignee=bob --set group=network --actor supervisor:ana
  guichet send escalate T-42 --set kind=functional --set to_tier=2 --set reason=expertise --set tags[]=vpn
  guichet send resolve T-42 --data '{\"code\": \"configuration\", \"summary\": \"New profile\"}' --dry-run")]
pub struct SendArgs {
    /// Verb of the command
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(VERBS), hide_possible_values = true, value_name = "VERB", long_help = verbs_help())]
    pub verb: String,
    /// Which ticket: its number, its UUID, or new (the default of create and import)
    #[arg(value_name = "TICKET|new")]
    pub ticket: Option<String>,
    /// The payload.
    #[command(flatten)]
    pub body: BodyArgs,
    /// Actor to act as, as KIND:ID; kinds: requester, agent, light_agent, supervisor, bot, service
    #[arg(long, default_value = "agent:cli", value_parser = actor, value_name = "KIND:ID")]
    pub actor: Actor,
    /// For whom the actor acts
    #[arg(long, value_name = "ID")]
    pub on_behalf_of: Option<String>,
    /// Refuse unless the ticket is at this version
    #[arg(long, value_name = "N")]
    pub expected_version: Option<u64>,
    /// Id of the command; give the id of an earlier attempt to learn its outcome [default: a fresh one]
    #[arg(long, value_parser = uuid, value_name = "UUID")]
    pub command_id: Option<Uuid>,
    /// Id shared by all that belongs together
    #[arg(long, value_parser = uuid, value_name = "UUID")]
    pub correlation_id: Option<Uuid>,
    /// Id of the command or event that caused this one
    #[arg(long, value_parser = uuid, value_name = "UUID")]
    pub causation_id: Option<Uuid>,
    /// Where the contact came from, such as phone
    #[arg(long, value_parser = channel, value_name = "CHANNEL")]
    pub channel: Option<Channel>,
    /// Decide and answer, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the reply as JSON
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Sends the command. `fresh_id` makes the id of a command that was given none.
///
/// # Errors
/// The words make no command, or no outcome is known. A refusal is exit code 1.
pub async fn run(args: SendArgs, fresh_id: impl FnOnce() -> Uuid) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let command_id = args.command_id.unwrap_or_else(fresh_id);
    let command = args.command(CommandId(command_id))?;
    let client = args.connect.connect().await?;
    let entity = args.entity(&client).await?;
    let reply = match client.command_patiently(entity, &args.verb, command, args.connect.timeout).await {
        Ok(reply) => reply,
        Err(error) => {
            // Without its id nobody could ever learn what became of the command.
            output.note(&format!("the id of the command was {command_id}"));
            return Err(error);
        }
    };
    if args.json {
        output.json(&reply)?;
    }
    match &reply.outcome {
        Some(Outcome::Accepted(accepted)) => {
            if !args.json {
                output.line(&accepted_text(accepted, args.dry_run))?;
            }
            Ok(exit::DONE)
        }
        Some(Outcome::Error(error)) => {
            if !args.json {
                output.alarm(&refusal_text(error));
            }
            Ok(exit::REFUSED)
        }
        // The client has looked: there is an outcome.
        None => Ok(exit::REFUSED),
    }
}

impl SendArgs {
    /// The command as the flags say it.
    ///
    /// # Errors
    /// A field that the verb has not, or a value of the wrong kind.
    pub fn command(&self, command_id: CommandId) -> Result<wire::Command, ClientError> {
        let read = |data: &str| json::command::read(&self.verb, format!("{{\"data\":{data}}}").as_bytes());
        let data = self.body.json(|body| read(body).is_ok())?;
        let wrong =
            |e: serde_json::Error| ClientError::Usage(format!("{} does not take this: {e}", self.verb));
        let actor = Actor { on_behalf_of: self.on_behalf_of.clone(), ..self.actor.clone() };
        Ok(wire::Command {
            command_id: command_id.to_wire(),
            actor: actor.to_wire(),
            expected_version: self.expected_version,
            correlation_id: self.correlation_id.map(CorrelationId).to_wire(),
            causation_id: self.causation_id.map(CorrelationId).to_wire(),
            channel: self.channel.to_wire(),
            dry_run: self.dry_run,
            data: read(&data).map_err(wrong)?.data,
        })
    }

    async fn entity(&self, client: &Client) -> Result<Entity, ClientError> {
        match (self.ticket.as_deref(), about(&self.verb)) {
            (None | Some("new"), Some(About::New)) => Ok(Entity::New),
            (None | Some("config"), Some(About::Config)) => Ok(Entity::Config),
            (None | Some("desk"), Some(About::Desk)) => Ok(Entity::Desk),
            (None | Some("articles"), Some(About::Articles)) => Ok(Entity::Articles),
            (None, Some(About::Ticket) | None) => {
                let verb = &self.verb;
                Err(ClientError::Usage(format!("{verb} needs a ticket, such as `guichet send {verb} T-42`")))
            }
            (Some(ticket), _) => {
                let which: Which =
                    ticket.parse().map_err(|e| ClientError::Usage(format!("{ticket:?}: {e}")))?;
                client.find(which).await.map(Entity::Ticket)
            }
        }
    }
}

/// The outcome of a command, for a person.
#[must_use]
pub fn accepted_text(accepted: &wire::Accepted, dry_run: bool) -> String {
    // What is no ticket has a name instead of a number.
    let number = accepted.number.as_deref().or(accepted.entity.as_deref()).unwrap_or("done");
    let (version, position) = (accepted.version, accepted.position);
    let events: Vec<&str> = accepted.events.iter().map(|e| e.r#type.as_str()).collect();
    let mut text = match (dry_run, events.is_empty()) {
        (_, true) => {
            format!("{number}: nothing to do, it is so already; version {version}, position {position}")
        }
        (true, false) => format!("{number}: would write {}; nothing was written", events.join(", ")),
        (false, false) => format!("{number}: {}; version {version}, position {position}", events.join(", ")),
    };
    if accepted.replayed {
        text.push_str(" (done before: this command id has this outcome)");
    }
    for warning in &accepted.warnings {
        text.push_str(&format!("\n  warning {}: {}", warning.code, printable(&warning.message)));
    }
    text
}

/// Why a command was refused, for a person.
#[must_use]
pub fn refusal_text(error: &wire::Error) -> String {
    let field = error.field.as_ref().map_or(String::new(), |f| format!(" [{}]", printable(f)));
    let mut text = format!("refused, {}{field}: {}", error.code, printable(&error.message));
    let Some(details) = &error.details else { return text };
    if let (Some(count), false) = (details.missed_count, details.missed.is_empty()) {
        text.push_str(&format!("\n  {count} events since then, the last ones:"));
        for event in &details.missed {
            text.push_str(&format!(
                "\n    version {} at position {}: {}",
                event.version, event.position, event.r#type
            ));
        }
    }
    if let Some(of) = details.of.as_deref().and_then(|of| Uuid::from_slice(of).ok()) {
        text.push_str(&format!("\n  the other ticket is {of}"));
    }
    text
}

fn verbs_help() -> String {
    format!("What to do, one of: {}", VERBS.join(", "))
}

/// Reads `KIND:ID`.
/// Reads KIND:ID.
///
/// # Errors
/// The kind is none, or there is no id.
pub fn actor(text: &str) -> Result<Actor, String> {
    let kinds = || ActorKind::ALL.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
    let (kind, id) = text.split_once(':').ok_or("must be KIND:ID, such as agent:bob")?;
    let kind = ActorKind::parse(kind).ok_or_else(|| format!("{kind:?} is none of {}", kinds()))?;
    if id.is_empty() {
        return Err("the id after the colon is missing, such as agent:bob".to_owned());
    }
    Ok(Actor { kind, id: id.to_owned(), on_behalf_of: None })
}

fn channel(text: &str) -> Result<Channel, String> {
    let all = || Channel::ALL.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
    Channel::parse(text).ok_or_else(|| format!("must be one of {}", all()))
}

fn uuid(text: &str) -> Result<Uuid, &'static str> {
    CommandId::parse(text).map(|id| id.0).ok_or("must be a UUID with hyphens")
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
