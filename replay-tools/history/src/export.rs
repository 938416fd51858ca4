//! `guichet export`: the history in files that other tools read.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use guichet_client::ConnectArgs;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs, Progress};
use guichet_schemas::time::Timestamp;
use serde_json::json;

use crate::HistoryError;
use crate::filter::{Filter, Sieve};
use crate::lake::{Format, Lake, Manifest, document};
use crate::life::Desk;
use crate::mining::ocel::OcelFile;
use crate::mining::xes::XesFile;
use crate::reader;
use crate::reveal::{self, RevealArgs, Scope};
use crate::rows::Decoded;
use crate::source::{History, SourceArgs};
use crate::table::{ASSIGNMENTS, SLA_INSTANCES, STATUS_INTERVALS, TICKETS};
use crate::write::Events;
use crate::write::csv::CsvEvents;
use crate::write::ndjson::NdjsonFile;

/// Standard output.
const STDOUT: &str = "-";

/// The records to export, and the place for the files.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet export desk/                                    # Parquet: events, tickets, clocks, states, owners
  guichet export desk/                                    # the same again adds what is new
  guichet export lake/ --follow                           # goes on as the desk does, until Ctrl-C
  guichet export - --format ndjson --from 2026-11-01T00:00:00Z --type TicketReopened
  guichet export desk.xes --format xes --source /backup/desk
  guichet export march/ --as-of 2026-03-31T22:00:00Z      # as it was known then
  guichet export out/ --reveal --purpose 'request 2026-7'  # with personal texts; recorded, and refused without the right

docs/EXPORT.md describes every column. An export that was interrupted goes on where it was when the same command runs
again. Personal texts are left out, unless --reveal has the desk record who reads them. Exit code 1 when the log does not fit the folder, or has records that no checkpoint
covers.")]
pub struct ExportArgs {
    /// Folder of the files, which grows from run to run; file, for xes and ocel; or - for standard output
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// The form of the files
    #[arg(long, value_enum, default_value = "parquet")]
    pub format: Format,
    /// With --format xes, write one event each time that this field of a ticket was set, named by its value
    #[arg(long, value_name = "FIELD")]
    pub activity: Option<String>,
    /// First event: a position, or an instant by the engine's clock (RFC 3339) [default: the beginning]
    #[arg(long, value_name = "POSITION|TIME", conflicts_with = "since")]
    pub from: Option<Place>,
    /// Last event: a position, or an instant; the tables are as of it [default: the newest that is signed]
    #[arg(long, visible_alias = "as-of", value_name = "POSITION|TIME", conflicts_with = "follow")]
    pub to: Option<Place>,
    /// Only what comes after this position
    #[arg(long, value_name = "POSITION")]
    pub since: Option<u64>,
    /// Go on as the desk does, until Ctrl-C; writes events only
    #[arg(long)]
    pub follow: bool,
    /// With --follow, how often files are added, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "follow")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// Write only this table; may be repeated [default: all that the format has]
    #[arg(long = "table", value_enum, value_name = "TABLE")]
    pub tables: Vec<TableName>,
    /// Positions that the events of one file come from, at most
    #[arg(long, value_name = "COUNT", default_value_t = 1 << 20)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub file_events: u64,
    /// Personal texts.
    #[command(flatten)]
    pub reveal: RevealArgs,
    /// Which history
    #[command(flatten)]
    pub source: SourceArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Which events.
    #[command(flatten)]
    pub filter: Filter,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// A table of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum TableName {
    /// One row per event
    Events,
    /// One row per ticket
    Tickets,
    /// One row per clock of a ticket
    SlaInstances,
    /// One row per stretch in one state
    StatusIntervals,
    /// One row per stretch with one owner
    Assignments,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Position(u64),
    /// By the engine's clock.
    Time(Timestamp),
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        (text.parse().ok().filter(|p| *p > 0).map(Self::Position))
            .or_else(|| Timestamp::parse(text).map(Self::Time))
            .ok_or("must be a position from 1, or a time such as 2026-11-02T08:00:00Z")
    }
}

impl Place {
    /// The first position at or after it.
    pub(crate) fn first(self, history: &History) -> Result<u64, HistoryError> {
        match self {
            Self::Position(position) => Ok(position),
            Self::Time(time) => history.position_at(time),
        }
    }

    /// The last position at or before it.
    pub(crate) fn last(self, history: &History) -> Result<u64, HistoryError> {
        match self {
            Self::Position(position) if position > history.head => Err(HistoryError::usage(format!(
                "position {position} is beyond position {}, the newest that is signed",
                history.head
            ))),
            Self::Position(position) => Ok(position),
            Self::Time(time) => {
                Ok(history.position_at(Timestamp(time.0.saturating_add(1)))?.saturating_sub(1))
            }
        }
    }
}

/// The last position of a range.
pub(crate) fn last(history: &History, to: Option<Place>) -> Result<u64, HistoryError> {
    to.map_or(Ok(history.head), |place| place.last(history))
}

#[derive(Debug, Default)]
pub struct Done {
    /// First position that was looked at.
    pub from: u64,
    /// The last one.
    pub position: u64,
    /// Events that were written by this run.
    pub events: u64,
    /// Personal texts that were left out.
    pub withheld: u64,
    /// Records behind the newest checkpoint, left out.
    pub unsigned: u64,
}

impl ExportArgs {
    /// Checks what can be checked before anything is read.
    ///
    /// # Errors
    /// Words that make no export.
    pub fn check(&self) -> Result<(), HistoryError> {
        self.filter.check()?;
        if self.activity.is_some() && self.format != Format::Xes {
            return Err(HistoryError::usage("--activity names the events of --format xes"));
        }
        if self.format.is_document() && self.follow {
            return Err(HistoryError::usage("--follow adds files to a folder; xes and ocel are one file"));
        }
        if self.is_stdout() && (self.follow || self.format == Format::Parquet) {
            return Err(HistoryError::usage(
                "standard output takes ndjson, csv, xes or ocel, and no --follow",
            ));
        }
        let others = self.tables.iter().any(|table| *table != TableName::Events);
        let has_others =
            matches!(self.format, Format::Parquet | Format::Csv) && !self.is_stdout() && !self.follow;
        if others && !has_others {
            return Err(HistoryError::usage(
                "only a folder of parquet or csv has tables other than events, and --follow writes none of them",
            ));
        }
        if others && !self.filter.types.is_empty() {
            return Err(HistoryError::usage(
                "--type chooses events; name --table events with it, for the other tables are about tickets",
            ));
        }
        Ok(())
    }

    /// What is written, for the record of who reads it.
    #[must_use]
    pub const fn scope(&self) -> Scope<'_> {
        Scope { what: "export of events", filter: &self.filter, from: self.from, to: self.to }
    }

    fn is_stdout(&self) -> bool {
        self.out == Path::new(STDOUT)
    }

    fn writes(&self, table: TableName) -> bool {
        if self.tables.is_empty() {
            let alone = self.follow || self.format == Format::Ndjson || !self.filter.types.is_empty();
            return table == TableName::Events || !alone;
        }
        self.tables.contains(&table)
    }

    fn first(&self, history: &History) -> Result<u64, HistoryError> {
        match (self.since, self.from) {
            (Some(position), _) => Ok(position.saturating_add(1)),
            (None, Some(place)) => place.first(history),
            (None, None) => Ok(1),
        }
    }
}

/// Exports, once or until Ctrl-C. `open` gives the history as it is now.
///
/// # Errors
/// The history cannot be read, or the files not written. Records that no checkpoint covers are exit code 1.
pub async fn run(
    args: &ExportArgs,
    open: impl AsyncFn() -> Result<History, HistoryError>,
) -> Result<u8, HistoryError> {
    args.check()?;
    let output = Output::new(&args.output);
    let mut done;
    loop {
        let history = open().await?;
        // A pass is long and waits for files: never on a thread that others need.
        done = tokio::task::block_in_place(|| pass(args, &history, &output))?;
        if !args.follow {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(args.every)) => {}
            stopped = tokio::signal::ctrl_c() => {
                stopped?;
                break;
            }
        }
    }
    tell(args, &done, &output)
}

fn tell(args: &ExportArgs, done: &Done, output: &Output) -> Result<u8, HistoryError> {
    let what = format!(
        "{} events up to position {}, {} personal texts left out",
        done.events, done.position, done.withheld
    );
    if args.is_stdout() {
        output.note(&what);
    } else if args.json {
        output.json(&json!({
            "out": args.out.display().to_string(), "from": done.from, "position": done.position,
            "events": done.events, "personal_texts_left_out": done.withheld, "unsigned_records": done.unsigned,
        }))?;
    } else {
        output.line(&format!("{}: {what}", args.out.display()))?;
    }
    let is_whole = !args.reveal.reveal || reveal::told(done.withheld, |text| output.alarm(text));
    let code = unsigned(done.unsigned, output);
    Ok(if is_whole { code } else { exit::REFUSED })
}

/// Says what was left out because nobody signed it; the exit code says the same.
#[must_use]
pub fn unsigned(records: u64, output: &Output) -> u8 {
    if records == 0 {
        return exit::DONE;
    }
    output.alarm(&format!(
        "the log has {records} more records that no checkpoint covers: they are left out; start the engine, which signs them"
    ));
    exit::REFUSED
}

/// Exports once, as far as the history goes now.
///
/// # Errors
/// The history cannot be read, or the files not written.
pub fn pass(args: &ExportArgs, history: &History, output: &Output) -> Result<Done, HistoryError> {
    let first = args.first(history)?;
    let last = last(history, args.to)?;
    if args.is_stdout() {
        let to = BufWriter::new(io::stdout().lock());
        return stream(args, history, (first, last), to, output);
    }
    if args.format.is_document() {
        return document(&args.out, |to| stream(args, history, (first, last), to, output));
    }
    fill(args, history, (first, last), output)
}

/// Writes one document, or lines.
fn stream(
    args: &ExportArgs,
    history: &History,
    (first, last): (u64, u64),
    to: impl Write + 'static,
    output: &Output,
) -> Result<Done, HistoryError> {
    let mut to: Box<dyn Events> = match args.format {
        Format::Xes => Box::new(XesFile::new(to).with_activity(args.activity.clone())),
        Format::Ocel => Box::new(OcelFile::new(to)?),
        Format::Csv => Box::new(CsvEvents::new(to)?),
        Format::Ndjson | Format::Parquet => Box::new(NdjsonFile(to)),
    };
    let progress = (!args.json).then(|| output.progress("events", last));
    let wanted = (args.connect.tenant.as_str(), &args.filter);
    let done = hand_over(history, wanted, (first, last), &mut *to, progress.as_ref())?;
    to.end()?;
    Ok(done)
}

/// Hands the events of a desk between two positions over that a filter takes.
pub(crate) fn hand_over(
    history: &History,
    (tenant, filter): (&str, &Filter),
    (first, last): (u64, u64),
    to: &mut dyn Events,
    progress: Option<&Progress>,
) -> Result<Done, HistoryError> {
    let mut done = Done { from: first, position: last, unsigned: history.unsigned, ..Done::default() };
    let mut sieve = Sieve::new(tenant, filter.clone());
    let begin = if sieve.needs_the_beginning() { 1 } else { first };
    let mut decoded = Decoded::revealing(history.reveal.clone());
    reader::each(history, (begin, last), progress, |head| {
        let wanted = sieve.takes(head).map_err(|problem| wrong(head.position, problem))?;
        if wanted && head.position >= first {
            decoded.read(head)?;
            to.event(head, &decoded)?;
            done.events += 1;
            done.withheld += decoded.withheld;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(done)
}

/// Goes on with a folder.
fn fill(
    args: &ExportArgs,
    history: &History,
    (first, last): (u64, u64),
    output: &Output,
) -> Result<Done, HistoryError> {
    let tenant = args.connect.tenant.as_str();
    let mut wanted =
        Manifest::new(args.format, history, tenant, args.filter.clone(), (first, args.file_events));
    wanted.revealed = args.reveal.reveal;
    let mut lake = Lake::open(args.out.clone(), wanted)?;
    let next = lake.manifest().position.saturating_add(1);
    if last.saturating_add(1) < next {
        return Err(HistoryError::OtherExport {
            dir: args.out.clone(),
            problem: format!("it goes on to position {}, and was to end at {last}", next.saturating_sub(1)),
        });
    }
    let with_events = args.writes(TableName::Events);
    let of_tickets = [TableName::Tickets, TableName::StatusIntervals, TableName::Assignments];
    let with_clocks = args.writes(TableName::SlaInstances);
    let with_desk = with_clocks || of_tickets.iter().any(|table| args.writes(*table));
    let mut desk = with_desk.then(|| Desk::new(with_clocks));
    let mut sieve = Sieve::new(tenant, args.filter.clone());
    let begin = if with_desk || (with_events && sieve.needs_the_beginning()) { 1 } else { next };
    let (mut decoded, mut events) = (Decoded::revealing(history.reveal.clone()), 0);
    let progress = (!args.json).then(|| output.progress("events", last));
    reader::each(history, (begin, last), progress.as_ref(), |head| {
        let is_new = with_events && head.position >= next;
        let sieved = is_new || (with_events && sieve.needs_the_beginning());
        let takes = sieved && sieve.takes(head).map_err(|problem| wrong(head.position, problem))?;
        let wanted = is_new && takes;
        if wanted {
            decoded.read(head)?;
            events += 1;
        }
        match &mut desk {
            // What is decoded for its row need not be decoded again.
            Some(desk) if wanted => decoded.lend(head, |record| desk.take(record))?,
            Some(desk) if head.tenant == tenant => {
                desk.take(&head.record().map_err(|problem| wrong(head.position, problem))?);
            }
            Some(_) | None => {}
        }
        if is_new {
            lake.take(head, wanted.then_some(&decoded))?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    drop(progress);
    if with_events {
        lake.reached(last, history)?;
    }
    if let Some(desk) = &desk {
        write_tables(args, &mut lake, desk, last)?;
    }
    let withheld = lake.manifest().withheld;
    Ok(Done { from: lake.manifest().from, position: last, events, withheld, unsigned: history.unsigned })
}

fn write_tables(args: &ExportArgs, lake: &mut Lake, desk: &Desk, position: u64) -> Result<(), HistoryError> {
    let at = match args.to {
        Some(Place::Time(time)) => time.max(desk.last()),
        Some(Place::Position(_)) | None => desk.last(),
    };
    let (filter, of) = (&args.filter, (position, at));
    if args.writes(TableName::Tickets) {
        lake.table(&TICKETS, of, |take| desk.tickets(filter, take))?;
    }
    if args.writes(TableName::SlaInstances) {
        lake.table(&SLA_INSTANCES, of, |take| desk.clocks(filter, at, take))?;
    }
    if args.writes(TableName::StatusIntervals) {
        lake.table(&STATUS_INTERVALS, of, |take| desk.statuses(filter, take))?;
    }
    if args.writes(TableName::Assignments) {
        lake.table(&ASSIGNMENTS, of, |take| desk.assignments(filter, take))?;
    }
    Ok(())
}

fn wrong(position: u64, problem: guichet_schemas::codec::DecodeError) -> HistoryError {
    HistoryError::Record { position, problem }
}
