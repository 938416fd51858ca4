//! `guichet blame-config`: what each version of an item of the configuration changed: decisions that were taken under it,
//! due instants that its publication moved, and promises that were broken, or kept, because of it.
//!
//! Because of it: the history is folded once as it was, and once for each version as if the version before had gone on
//! until the next one. A breach that only the first fold has is one that the version made.

use std::collections::HashMap;
use std::ops::ControlFlow;

use clap::Args;
use guichet_client::ConnectArgs;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_config::{Kind as ConfigKind, Publication};
use guichet_replay_tools::clocks::{Broken, Course, only_in};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;
use serde_json::{Value, json};

use crate::HistoryError;
use crate::filter::ticket_of;
use crate::reader::each;
use crate::source::{History, SourceArgs};

/// Promises that are named one by one on a terminal.
const NAMED_MAX: usize = 20;

/// Which item.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet blame-config sla_policies default
  guichet blame-config calendar office --json
  guichet blame-config sla_policies default --source /backup/desk

A breach counts as made by a version if it would not have happened had the version before gone on until the next one, and
as avoided if it would have. Exit code 1 when nothing of that name was ever published.")]
pub struct BlameArgs {
    /// Kind of configuration, such as sla_policies or calendar
    #[arg(value_name = "KIND", value_parser = kind)]
    pub kind: ConfigKind,
    /// Which of its kind; default where there is one
    #[arg(value_name = "ID", default_value = guichet_config::THE_ONE)]
    pub id: String,
    /// Where the history is read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Print the result as JSON, with the name of every promise
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

fn kind(name: &str) -> Result<ConfigKind, String> {
    ConfigKind::parse(name).ok_or_else(|| format!("there are {}", ConfigKind::names()))
}

#[derive(Debug)]
pub struct Blamed {
    /// The publication, or the end of the item.
    pub record: Record,
    /// The version.
    pub publication: Publication,
    /// Events of tickets that were recorded while it was the newest version of the item.
    pub decisions: u64,
    /// Due instants that came earlier when it was published, one for each ticket with a running clock.
    pub earlier: u64,
    /// Due instants that came later.
    pub later: u64,
    /// Tickets that got a running clock by it.
    pub gained: u64,
    /// Tickets whose running clocks it took.
    pub lost: u64,
    /// Promises that were broken because of it.
    pub made: Broken,
    /// Promises that were kept because of it.
    pub avoided: Broken,
}

/// An item of the configuration through the history.
#[derive(Debug)]
pub struct Blame {
    /// Its versions, oldest first.
    pub versions: Vec<Blamed>,
    pub numbers: HashMap<TicketId, TicketNumber>,
}

impl Blame {
    /// Folds the history of a tenant, once for each version and once more.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn read(
        history: &History,
        tenant: &str,
        (kind, id): (ConfigKind, &str),
        output: Option<&Output>,
    ) -> Result<Self, HistoryError> {
        let progress = output.map(|output| output.progress("reading", history.head));
        let mut folding = Folding::new(kind, id);
        each(history, (1, history.head), progress.as_ref(), |head| {
            let is_of_config = head.stream_kind == StreamKind::Config.to_wire();
            if head.tenant == tenant && (is_of_config || ticket_of(head).is_some()) {
                let wrong = |problem| HistoryError::Record { position: head.position, problem };
                folding.take(&head.record().map_err(wrong)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(folding.end())
    }
}

/// When each ticket of a course is due next.
fn due(course: &Course, at: Timestamp) -> HashMap<TicketId, Timestamp> {
    let due = course.tickets.iter();
    due.filter_map(|(id, ticket)| Some((*id, ticket.next_due(&course.book, at)?))).collect()
}

struct Folding<'a> {
    item: (ConfigKind, &'a str),
    actual: Course,
    /// For each version the course without it.
    others: Vec<Course>,
    versions: Vec<Blamed>,
    numbers: HashMap<TicketId, TicketNumber>,
    last: Timestamp,
}

impl<'a> Folding<'a> {
    fn new(kind: ConfigKind, id: &'a str) -> Self {
        Self {
            item: (kind, id),
            actual: Course::default(),
            others: Vec::new(),
            versions: Vec::new(),
            numbers: HashMap::new(),
            last: Timestamp(0),
        }
    }

    fn take(&mut self, record: &Record) {
        self.last = self.last.max(record.recorded_at);
        if let Some(publication) = Publication::of(&record.event) {
            self.published(record, publication);
        }
        let Some(id) = record.ticket_id() else { return };
        if let Some(created) = record.event.created() {
            self.numbers.insert(id, TicketNumber(created.number));
        }
        if let Some(newest) = self.versions.last_mut() {
            newest.decisions = newest.decisions.saturating_add(1);
        }
        self.actual.take(id, record);
        for other in &mut self.others {
            other.take(id, record);
        }
    }

    fn published(&mut self, record: &Record, publication: Publication) {
        let at = record.recorded_at;
        let is_meant = (publication.kind, publication.id.as_str()) == self.item;
        if !is_meant {
            self.actual.book.take(at, &publication);
            self.others.iter_mut().for_each(|other| other.book.take(at, &publication));
            return;
        }
        // The course without this version is the actual one up to here.
        let without = self.actual.clone();
        let before = due(&self.actual, at);
        self.actual.book.take(at, &publication);
        let after = due(&self.actual, at);
        self.others.iter_mut().for_each(|other| other.book.take(at, &publication));
        self.others.push(without);
        let moved = |than: std::cmp::Ordering| {
            let both = before.iter().filter_map(|(id, due)| Some(after.get(id)?.cmp(due)));
            both.filter(|order| *order == than).count() as u64
        };
        let only = |these: &HashMap<TicketId, Timestamp>, those: &HashMap<TicketId, Timestamp>| {
            these.keys().filter(|id| !those.contains_key(*id)).count() as u64
        };
        self.versions.push(Blamed {
            record: record.clone(),
            publication,
            decisions: 0,
            earlier: moved(std::cmp::Ordering::Less),
            later: moved(std::cmp::Ordering::Greater),
            gained: only(&after, &before),
            lost: only(&before, &after),
            made: Broken::new(),
            avoided: Broken::new(),
        });
    }

    fn end(mut self) -> Blame {
        self.actual.end(self.last);
        for (version, mut other) in self.versions.iter_mut().zip(self.others) {
            other.end(self.last);
            version.made = only_in(&self.actual.broken, &other.broken);
            version.avoided = only_in(&other.broken, &self.actual.broken);
        }
        Blame { versions: self.versions, numbers: self.numbers }
    }
}

/// Says what each version changed.
///
/// # Errors
/// The history cannot be read. Nothing of that name is exit code 1.
pub fn run(args: &BlameArgs, history: &History) -> Result<u8, HistoryError> {
    let output = Output::new(&args.output);
    let tenant = args.connect.tenant.as_str();
    let blame = Blame::read(history, tenant, (args.kind, &args.id), Some(&output))?;
    if args.json {
        output.json(&json!({
            "kind": args.kind.as_str(), "id": args.id, "position": history.head,
            "versions": blame.versions.iter().map(|version| blame.to_json(version)).collect::<Vec<_>>(),
        }))?;
    } else {
        blame.print(&output)?;
    }
    if blame.versions.is_empty() {
        output.alarm(&format!(
            "{} {} was never published up to position {}",
            args.kind.as_str(),
            args.id,
            history.head
        ));
        return Ok(exit::REFUSED);
    }
    Ok(exit::DONE)
}

impl Blame {
    fn to_json(&self, version: &Blamed) -> Value {
        let Blamed { record, publication, .. } = version;
        json!({
            "version": publication.version, "position": record.position.get(), "retired": publication.retired,
            "recorded_at": record.recorded_at.to_string(), "effective_from": publication.effective_from.to_string(),
            "actor": {"kind": record.actor.kind.as_str(), "id": record.actor.id}, "caller": record.caller,
            "command_id": record.command_id.to_string(), "config_version": record.version.get(),
            "decisions": version.decisions,
            "due": {"earlier": version.earlier, "later": version.later, "gained": version.gained, "lost": version.lost},
            "breaches_made": self.promises(&version.made), "breaches_avoided": self.promises(&version.avoided),
        })
    }

    fn promises(&self, broken: &Broken) -> Vec<Value> {
        let named = broken.iter().map(|((id, metric, instance), at)| {
            json!({"ticket": self.name(*id), "metric": metric, "instance": instance, "at": at.to_string()})
        });
        named.collect()
    }

    fn name(&self, id: TicketId) -> String {
        self.numbers.get(&id).map_or_else(|| id.to_string(), ToString::to_string)
    }

    fn print(&self, output: &Output) -> Result<(), HistoryError> {
        let header = [
            "VERSION",
            "RECORDED",
            "BY",
            "DECISIONS",
            "DUE EARLIER",
            "LATER",
            "GAINED",
            "LOST",
            "BREACHES MADE",
            "AVOIDED",
        ];
        let rows = self.versions.iter().map(|version| {
            let retired = if version.publication.retired { " (retired)" } else { "" };
            vec![
                format!("{}{retired}", version.publication.version),
                version.record.recorded_at.to_string(),
                version.record.actor.id.clone(),
                version.decisions.to_string(),
                version.earlier.to_string(),
                version.later.to_string(),
                version.gained.to_string(),
                version.lost.to_string(),
                version.made.len().to_string(),
                version.avoided.len().to_string(),
            ]
        });
        output.table(&header, rows.collect())?;
        for version in &self.versions {
            for (what, broken) in
                [("broken because of", &version.made), ("kept because of", &version.avoided)]
            {
                for ((id, metric, instance), at) in broken.iter().take(NAMED_MAX) {
                    let ticket = self.name(*id);
                    let number = version.publication.version;
                    output.line(&format!("{ticket} {metric} {instance} ({at}): {what} version {number}"))?;
                }
                if let Some(more) = broken.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
                    output.line(&format!("... and {more} more; --json names all"))?;
                }
            }
        }
        Ok(())
    }
}
