//! What is asked.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use guichet_client::ConnectArgs;
use guichet_client::output::OutputArgs;
use guichet_history::HistoryError;
use guichet_history::source::SourceArgs;
use guichet_schemas::time::Timestamp;

/// A question, and of which history.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet sql \"select state, count(*) from tickets group by state\"
  guichet sql \"select period, created, backlog_ratio from reports.backlog\" --set zone=Europe/Paris
  guichet sql \"select * from report('backlog', 'period=month', 'group_by=channel')\" --format csv
  guichet sql \"select * from events where type = 'TicketReopened' limit 10\" --source /backup/desk
  guichet sql \"select count(*) from tickets where state = 'open'\" --as-of 2026-03-01T00:00:00Z
  guichet sql \"show tables\"; guichet sql \"describe tickets\"

docs/SQL.md describes every table. The history is that of the desk that runs, or with --source of a stopped data folder,
a backup, a copy by `guichet audit` or a Parquet export. Personal texts are in no table. Exit code 1 when the answer does
not fit the memory or was cut, or when the log has records that no checkpoint covers; 2 when the question is wrong.")]
pub struct SqlArgs {
    /// The question in SQL; - reads it from standard input
    #[arg(value_name = "SQL")]
    pub question: String,
    /// Only events that happened before this instant (RFC 3339); what is told of tickets and in reports is as of then
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub as_of: Option<Timestamp>,
    /// Only what the desk knew at this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    pub as_of_position: Option<u64>,
    /// A field of the tables reports.*: from, to, zone, period, group_by, window_days or calendar; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How the answer is written [default: by the name of the file, or a table]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write to this file instead of printing; it gets its name when it is complete
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Memory for sorting, grouping and joining, in MiB; what does not fit goes to a temporary folder
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u64).range(16..=1 << 20))]
    pub memory: u64,
    /// Which history
    #[command(flatten)]
    pub source: SourceArgs,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: at most 10,000 rows
    Table,
    /// RFC 4180, with a header
    Csv,
    /// One JSON object a line
    Json,
    /// Parquet, packed with zstd: only into a file
    Parquet,
}

impl Format {
    /// By the ending of a file.
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "json" | "jsonl" | "ndjson" => Some(Self::Json),
            "parquet" => Some(Self::Parquet),
            "txt" => Some(Self::Table),
            _ => None,
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("must be a time such as 2026-11-02T08:00:00Z")
}

impl SqlArgs {
    /// Checks what can be checked before anything is read.
    ///
    /// # Errors
    /// Words that make no question; and every question where this build has nobody to answer it.
    pub fn check(&self) -> Result<(), HistoryError> {
        if cfg!(not(feature = "datafusion")) {
            return Err(HistoryError::usage(
                "this build has no SQL: run ./guichet sql in the checkout, which builds it on first use, or build with \
                 cargo build --features sql",
            ));
        }
        if self.form()? == Format::Parquet && self.out.is_none() {
            return Err(HistoryError::usage("parquet goes into a file: name it with --out FILE"));
        }
        Ok(())
    }

    /// How the answer is to be written.
    ///
    /// # Errors
    /// A file whose name does not say it.
    pub fn form(&self) -> Result<Format, HistoryError> {
        match (self.json, self.format, &self.out) {
            (true, _, _) => Ok(Format::Json),
            (false, Some(format), _) => Ok(format),
            (false, None, None) => Ok(Format::Table),
            (false, None, Some(file)) => Format::of(file).ok_or_else(|| {
                HistoryError::usage(format!(
                    "the name {} does not say its format: name it with --format, or end it with .csv, .jsonl or .parquet",
                    file.display()
                ))
            }),
        }
    }
}
