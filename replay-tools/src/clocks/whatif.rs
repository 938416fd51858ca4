//! `guichet whatif`: the recorded history under other promises. The same fold, another rulebook; nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use guichet_config::{Configuration, Draft, Kind as ConfigKind, Publication};
use guichet_schemas::event::{Event, SlaEvent};
use guichet_schemas::ids::TicketId;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use serde::Serialize;

use super::course::{Broken, Course, Promise, only_in};
use super::each_record;
use super::feasible::{self, Feasible, Taken};
use crate::client::{ClientError, ConnectArgs};
use crate::config::{desk, file};
use crate::exit;
use crate::output::{Output, OutputArgs};

/// Tickets that are named in a text; with `--json` all are.
const NAMED_MAX: usize = 20;

/// Which promises, and when.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet whatif --config draft.toml
  guichet whatif --config draft.toml --from 2026-01-01T00:00:00Z --to 2026-04-01T00:00:00Z --json
  guichet whatif --config draft.toml --kept-in 90     # which targets nine of ten promises would have kept")]
pub struct WhatifArgs {
    /// Policies, calendars and time rules as they would have been all along; what the file leaves out stays as it was
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Count what was broken from this instant on (RFC 3339)
    #[arg(long, value_parser = instant, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// ... and before this one; default: the last record
    #[arg(long, value_parser = instant, value_name = "TIME")]
    pub to: Option<Timestamp>,
    /// Name the target that so many percent of the promises would have kept
    #[arg(long, value_name = "PERCENT", default_value_t = 95, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub kept_in: u32,
    /// Print JSON: every figure, and every ticket
    #[arg(long)]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "an instant such as 2026-03-10T09:00:00Z".to_owned())
}

/// Metric, priority and group.
type By = (String, Option<String>, Option<String>);

#[derive(Debug, Serialize)]
struct Answer {
    from: Option<String>,
    to: String,
    as_of_position: u64,
    /// By metric, and by the priority and the group that the ticket has at the end.
    rows: Vec<Line>,
    /// How long the promises under the draft took that began in the span, and which target would have been kept.
    feasible: Vec<Feasible>,
    kept_in_percent: u32,
    newly_broken: Vec<Named>,
    no_longer_broken: Vec<Named>,
    /// Broken under what was in force, and not recorded so; or recorded, and not found. None where all is well.
    differences_to_the_record: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Line {
    metric: String,
    priority: Option<String>,
    group: Option<String>,
    before: u64,
    after: u64,
}

#[derive(Debug, Serialize)]
struct Named {
    ticket: String,
    metric: String,
    instance: u32,
    at: String,
}

/// Folds the history twice and compares.
///
/// # Errors
/// The file cannot be read or used, or nobody answers.
pub async fn run(args: WhatifArgs) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let mut drafts = match file::read(&args.config)? {
        Ok(drafts) => drafts,
        Err(fault) => {
            output.alarm(&format!("{}: {fault}", args.config.display()));
            return Ok(exit::REFUSED);
        }
    };
    // As if it had held all along.
    drafts.iter_mut().for_each(|draft| draft.effective_from = None);
    let client = args.connect.connect().await?;
    let mut configured = Configuration::new(client.tenant().as_str());
    let entries = desk::published(&client).await?;
    entries.iter().for_each(|entry| configured.evolve(&entry.event));
    let now = entries.iter().map(|entry| entry.recorded_at.max(entry.effective_from)).max();
    if let Err((draft, fault)) = file::published(configured, &drafts, now.unwrap_or_default()) {
        output.alarm(&format!("{} {}: {fault}", draft.kind, draft.id));
        return Ok(exit::REFUSED);
    }
    let mut replay = Replay::new(&drafts);
    let position = each_record(&client, &output, |record| replay.take(&record)).await?;
    let answer = replay.end(&args, position);
    if args.json {
        output.json(&answer)?;
    } else {
        print(&output, &answer)?;
    }
    let honest = answer.differences_to_the_record.is_empty();
    Ok(if honest { exit::DONE } else { exit::REFUSED })
}

/// How long the promises of a course took that began within a span.
fn taken(course: &Course, span: (Option<Timestamp>, Timestamp), synthetic: &BTreeSet<TicketId>) -> Taken {
    let mut taken = Taken::default();
    #[expect(clippy::iter_over_hash_type, reason = "what is taken is sorted")]
    for (id, ticket) in &course.tickets {
        if synthetic.contains(id) {
            continue;
        }
        let of = |name: &str| ticket.attribute(name).first().cloned();
        for clock in ticket.clocks(span.1, &course.book) {
            taken.take(&clock, (of("priority"), of("group")), span);
        }
    }
    taken
}

struct Replay {
    before: Course,
    after: Course,
    drafted: BTreeSet<(ConfigKind, String)>,
    recorded: Broken,
    numbers: BTreeMap<TicketId, u64>,
    synthetic: BTreeSet<TicketId>,
    last: Timestamp,
}

impl Replay {
    fn new(drafts: &[Draft]) -> Self {
        let mut after = Course::default();
        let always = Timestamp(i64::MIN);
        for draft in drafts {
            let publication = Publication {
                kind: draft.kind,
                id: draft.id.clone(),
                version: 1,
                effective_from: always,
                apply: draft.apply,
                retired: false,
                body: Arc::clone(&draft.body),
            };
            after.book.take(always, &publication);
        }
        Self {
            before: Course::default(),
            after,
            drafted: drafts.iter().map(|draft| (draft.kind, draft.id.clone())).collect(),
            recorded: Broken::new(),
            numbers: BTreeMap::new(),
            synthetic: BTreeSet::new(),
            last: Timestamp(0),
        }
    }

    fn take(&mut self, record: &Record) {
        self.last = self.last.max(record.recorded_at);
        if let Some(publication) = Publication::of(&record.event) {
            self.before.book.take(record.recorded_at, &publication);
            if !self.drafted.contains(&(publication.kind, publication.id.clone())) {
                self.after.book.take(record.recorded_at, &publication);
            }
        }
        let Some(id) = record.ticket_id() else { return };
        if let Some(e) = record.event.created() {
            self.numbers.insert(id, e.number);
            if e.synthetic {
                self.synthetic.insert(id);
            }
        }
        if let Event::Sla(SlaEvent::SlaBreached(e)) = &record.event {
            self.recorded.insert((id, e.metric.as_str(), e.instance), record.occurred_at);
        }
        self.before.take(id, record);
        self.after.take(id, record);
    }

    fn end(mut self, args: &WhatifArgs, position: u64) -> Answer {
        let (from, to) = (args.from, args.to.unwrap_or(self.last));
        self.before.end(to);
        self.after.end(to);
        let counts = |broken: &Broken| -> Broken {
            let within = |at: Timestamp| from.is_none_or(|from| at >= from) && at < to;
            let counts = |(key, at): (&Promise, &Timestamp)| {
                (within(*at) && !self.synthetic.contains(&key.0)).then_some((*key, *at))
            };
            broken.iter().filter_map(counts).collect()
        };
        let (before, after) = (counts(&self.before.broken), counts(&self.after.broken));
        let recorded = counts(&self.recorded);
        let mut rows: BTreeMap<By, (u64, u64)> = BTreeMap::new();
        for (broken, side, second) in [(&before, &self.before, false), (&after, &self.after, true)] {
            for (id, metric, _) in broken.keys() {
                let of = |name: &str| side.tickets.get(id)?.attribute(name).first().cloned();
                let row = rows.entry(((*metric).to_owned(), of("priority"), of("group"))).or_default();
                if second { row.1 += 1 } else { row.0 += 1 }
            }
        }
        let named = |key: &Promise, at: &Timestamp| Named {
            ticket: self
                .numbers
                .get(&key.0)
                .map_or_else(|| key.0.to_string(), |number| guichet_schemas::codec::number_text(*number)),
            metric: key.1.to_owned(),
            instance: key.2,
            at: at.to_string(),
        };
        let only_in = |these: &Broken, those: &Broken| -> Vec<Named> {
            only_in(these, those).iter().map(|(key, at)| named(key, at)).collect()
        };
        let other = |these: &Broken, those: &Broken| -> Vec<Named> {
            let differs = these.iter().filter(|(key, at)| those.get(*key) != Some(*at));
            differs.map(|(key, at)| named(key, at)).collect()
        };
        let mut differences = other(&before, &recorded);
        differences.extend(only_in(&recorded, &before));
        Answer {
            from: from.map(|from| from.to_string()),
            to: to.to_string(),
            as_of_position: position,
            rows: rows
                .into_iter()
                .map(|((metric, priority, group), (before, after))| Line {
                    metric,
                    priority,
                    group,
                    before,
                    after,
                })
                .collect(),
            feasible: taken(&self.after, (from, to), &self.synthetic).rows(args.kept_in),
            kept_in_percent: args.kept_in,
            newly_broken: only_in(&after, &before),
            no_longer_broken: only_in(&before, &after),
            differences_to_the_record: differences,
        }
    }
}

fn print(output: &Output, answer: &Answer) -> Result<(), ClientError> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = answer.rows.iter().map(|row| {
        vec![
            row.metric.clone(),
            or_dash(&row.priority),
            or_dash(&row.group),
            row.before.to_string(),
            row.after.to_string(),
        ]
    });
    output.table(&["METRIC", "PRIORITY", "GROUP", "BROKEN", "UNDER THE DRAFT"], rows.collect())?;
    let named = format!("KEPT IN {} %, SECONDS", answer.kept_in_percent);
    let header: Vec<&str> = feasible::HEADER.into_iter().chain([named.as_str()]).collect();
    output.table(&header, answer.feasible.iter().map(Feasible::cells).collect())?;
    let sum = |of: fn(&Line) -> u64| answer.rows.iter().map(of).sum::<u64>();
    output.line(&format!(
        "{} promises were broken, {} would have been; as of position {}",
        sum(|row| row.before),
        sum(|row| row.after),
        answer.as_of_position
    ))?;
    for (what, list) in [
        ("would have been broken too", &answer.newly_broken),
        ("would have been kept", &answer.no_longer_broken),
        (
            "is otherwise in the log: its worker has not caught up, or something is wrong",
            &answer.differences_to_the_record,
        ),
    ] {
        for one in list.iter().take(NAMED_MAX) {
            output.line(&format!("{} {} {} {what} ({})", one.ticket, one.metric, one.instance, one.at))?;
        }
        if list.len() > NAMED_MAX {
            output.line(&format!("... and {} more; --json names all", list.len() - NAMED_MAX))?;
        }
    }
    Ok(())
}
