//! `guichet explain`: which event made a ticket what it is, by whom, on whose behalf, through which command and under
//! which configuration, with the state before and after.

use clap::{Args, ValueEnum};
use guichet_client::ConnectArgs;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::which::Which;
use guichet_schemas::record::Record;
use serde_json::{Map, Value, json};

use crate::HistoryError;
use crate::export::Place;
use crate::picture::{Field, Picture};
use crate::source::{History, SourceArgs};
use crate::story::{Cause, Step, Story};

/// The ticket and the field to explain.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet explain T-42                                 # what made every field what it is
  guichet explain T-42 --field assignee --all          # every change of it
  guichet explain T-42 --field due --as-of 2026-03-01T08:00:00Z
  guichet explain T-42 --source /backup/desk --json

due is when the next running clock is due; a change of it can have three causes: an event of the ticket, a publication
of configuration, or time alone. due_date is the date that a person set. Exit code 1 when there is no such ticket.")]
pub struct ExplainArgs {
    /// Which ticket: its number or its UUID
    #[arg(value_name = "TICKET")]
    pub ticket: Which,
    /// Only this field; may be repeated [default: every field that has a value]
    #[arg(long = "field", value_enum, value_name = "FIELD")]
    pub fields: Vec<Field>,
    /// Every change, oldest first, instead of the last
    #[arg(long)]
    pub all: bool,
    /// As it was known at a position, or at an instant of the engine's clock [default: the newest that is signed]
    #[arg(long, value_name = "POSITION|TIME")]
    pub as_of: Option<Place>,
    /// Where the history is read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Why a field has its value.
#[derive(Debug)]
pub struct Explained<'a> {
    pub field: Field,
    /// Its value now.
    pub value: Option<&'a str>,
    /// The steps that changed it, oldest first; only the last unless all were asked for.
    pub changes: Vec<&'a Step>,
}

impl Story {
    /// Why the fields have their values. Without names: those that have one.
    #[must_use]
    pub fn explain(&self, fields: &[Field], all: bool) -> Vec<Explained<'_>> {
        let wanted = Field::value_variants().iter().filter(|field| {
            if fields.is_empty() { self.now.get(**field).is_some() } else { fields.contains(field) }
        });
        wanted
            .map(|field| {
                let mut changes: Vec<&Step> = self.steps.iter().filter(|step| step.changes(*field)).collect();
                if !all {
                    changes.drain(..changes.len().saturating_sub(1));
                }
                Explained { field: *field, value: self.now.get(*field), changes }
            })
            .collect()
    }
}

/// Explains.
///
/// # Errors
/// The history cannot be read. No such ticket is exit code 1.
pub fn run(args: &ExplainArgs, history: &History) -> Result<u8, HistoryError> {
    let output = Output::new(&args.output);
    let until = args.as_of.map_or(Ok(history.head), |place| place.last(history))?;
    let tenant = args.connect.tenant.as_str();
    let Some(story) = Story::read(history, tenant, args.ticket, until, Some(&output))? else {
        output.alarm(&format!("there is no such ticket up to position {until}"));
        return Ok(exit::REFUSED);
    };
    let explained = story.explain(&args.fields, args.all);
    if args.json {
        output.json(&json!({
            "ticket_id": story.id.to_string(), "number": story.number.to_string(), "position": until,
            "fields": explained.iter().map(to_json).collect::<Vec<_>>(),
        }))?;
    } else {
        output.line(&to_text(&story, &explained, &output))?;
    }
    Ok(exit::DONE)
}

fn to_json(explained: &Explained<'_>) -> Value {
    let changes: Vec<Value> = explained.changes.iter().map(|step| change(step)).collect();
    json!({"field": explained.field.as_str(), "value": explained.value, "changes": changes})
}

fn change(step: &Step) -> Value {
    let (kind, at, record) = match &step.cause {
        Cause::Event(record) => ("event", record.occurred_at, Some(record)),
        Cause::Configuration(record) => ("configuration", record.recorded_at, Some(record)),
        Cause::Time(at) => ("time", *at, None),
    };
    let mut value = json!({
        "cause": kind, "at": at.to_string(), "before": state(&step.before), "after": state(&step.after),
    });
    if let (Some(record), Value::Object(members)) = (record, &mut value) {
        members.extend(by(record));
    }
    value
}

fn by(record: &Record) -> Map<String, Value> {
    let actor = &record.actor;
    let value = json!({
        "position": record.position.get(), "version": record.version.get(), "type": record.event.type_name(),
        "event_id": record.event_id.to_string(), "recorded_at": record.recorded_at.to_string(),
        "occurred_at": record.occurred_at.to_string(), "caller": record.caller,
        "actor": {"kind": actor.kind.as_str(), "id": actor.id, "on_behalf_of": actor.on_behalf_of},
        "command_id": record.command_id.to_string(),
        "causation_id": record.causation_id.map(|id| id.to_string()),
        "correlation_id": record.correlation_id.map(|id| id.to_string()),
        "config_version": record.config_version,
        "stream_id": record.stream_id,
    });
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn state(picture: &Picture) -> Value {
    picture
        .each()
        .map(|(field, value)| (field.as_str().to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn to_text(story: &Story, explained: &[Explained<'_>], output: &Output) -> String {
    let look = output.look();
    let mut lines = vec![look.bold(&format!("{}  {}", story.number, story.id))];
    for Explained { field, value, changes } in explained {
        lines.push(String::new());
        lines.push(format!("{}  {}", look.bold(field.as_str()), value.unwrap_or("(none)")));
        if changes.is_empty() {
            lines.push("  it never had another value".to_owned());
        }
        for step in changes {
            lines.extend(told(step, *field).into_iter().map(|line| format!("  {line}")));
        }
    }
    lines.join("\n")
}

/// A change in words: from what to what, through what, and by whom.
fn told(step: &Step, field: Field) -> Vec<String> {
    let value = |picture: &Picture| picture.get(field).unwrap_or("(none)").to_owned();
    let change = format!("{} → {}", value(&step.before), value(&step.after));
    match &step.cause {
        Cause::Time(at) => vec![format!("{at}  {change}"), "by time alone: no event".to_owned()],
        Cause::Event(record) => {
            let mut lines = vec![format!("{}  {change}", record.occurred_at), recorded(record)];
            if record.occurred_at != record.recorded_at {
                lines.push(format!("recorded at {}", record.recorded_at));
            }
            lines.push(actor(record));
            lines.push(command(record));
            lines
        }
        Cause::Configuration(record) => {
            let what = format!("{}: {}", recorded(record), record.stream_id);
            vec![format!("{}  {change}", record.recorded_at), what, actor(record), command(record)]
        }
    }
}

fn recorded(record: &Record) -> String {
    format!("{} at position {}, version {}", record.event.type_name(), record.position, record.version.get())
}

fn actor(record: &Record) -> String {
    let behalf = record.actor.on_behalf_of.as_ref().map(|other| format!(" on behalf of {other}"));
    let behalf = behalf.unwrap_or_default();
    format!("by {} {}{behalf}, through caller {}", record.actor.kind.as_str(), record.actor.id, record.caller)
}

fn command(record: &Record) -> String {
    let cause = record.causation_id.map(|id| format!(", caused by {id}")).unwrap_or_default();
    let under = match record.config_version {
        0 => "the built-in configuration".to_owned(),
        version => format!("configuration version {version}"),
    };
    format!("command {}{cause}, under {under}", record.command_id)
}
