//! `import`: brings in the history of another system.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use guichet_engine::clock;
use guichet_replay_tools::import::{self, Mapping, SendOptions, Summary};
use guichet_replay_tools::output::{Output, OutputArgs};
use guichet_schemas::ids::{CallerId, TenantId};
use indicatif::{ProgressBar, ProgressStyle};

/// What to import, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// The export: CSV, XES, or JSON as lines or documents, plain or packed (.gz, .zst, .zip)
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What its columns mean: a mapping file, or a shipped one (servicenow, bpi2013)
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) mapping: String,
    /// Read times without an offset in this zone, instead of the mapping's
    #[arg(long, value_name = "IANA ZONE")]
    pub(crate) zone: Option<String>,
    /// Where unusable rows and refused tickets go, with line number and reason; a CSV file that is not there yet
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Commands on their way at once
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) window: u16,
    /// How long to wait for an engine that does not answer, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=604_800))]
    pub(crate) patience: u64,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Imports a file and prints what was done.
pub(crate) async fn run(
    args: &ImportArgs,
    client: async_nats::Client,
    tenant: &TenantId,
    caller: &CallerId,
) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let summary = load(args, client, tenant, caller).await?;
    report(args, &summary, started.elapsed())?;
    Ok(if summary.refused > 0 || summary.read.rejected > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Imports a file, with progress on a terminal.
pub(crate) async fn load(
    args: &ImportArgs,
    client: async_nats::Client,
    tenant: &TenantId,
    caller: &CallerId,
) -> anyhow::Result<Summary> {
    let mut mapping = Mapping::load(&args.mapping)?.as_of(clock::wall());
    if let Some(zone) = &args.zone {
        mapping = mapping.with_zone(zone)?;
    }
    let reader = import::open(&args.file, &mapping, args.rejects.as_deref())
        .with_context(|| format!("open {}", args.file.display()))?;
    let bar = ProgressBar::new(reader.progress().bytes_total);
    bar.set_style(ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left")?);
    let options = SendOptions { window: args.window.into(), patience: Duration::from_secs(args.patience) };
    let summary = import::send(client, tenant, caller, reader, options, |s| {
        bar.set_position(s.read.bytes_read);
        bar.set_message(format!("{} rows, {} tickets, {} events", s.read.rows, s.read.tickets, s.events));
    })
    .await;
    bar.finish_and_clear();
    Ok(summary?)
}

fn report(args: &ImportArgs, s: &Summary, took: Duration) -> std::io::Result<()> {
    if args.json {
        let line = serde_json::json!({
            "rows": s.read.rows, "tickets": s.read.tickets, "rejected_rows": s.read.rejected, "duplicate_rows": s.read.duplicates,
            "accepted": s.accepted, "replayed": s.replayed, "unchanged": s.unchanged, "refused": s.refused,
            "events": s.events, "retries": s.retries, "position": s.position, "seconds": took.as_secs_f64(),
        });
        return Output::new(&OutputArgs::default()).json_line(&line);
    }
    let rate = s.read.rows as f64 / took.as_secs_f64().max(0.001);
    crate::say::say(&format!(
        "{} rows of {} tickets read in {:.1} s ({rate:.0} rows/s)\n{} commands accepted, {} were here before, {} unchanged, {} refused; {} events, newest position {}",
        s.read.rows,
        s.read.tickets,
        took.as_secs_f64(),
        s.accepted,
        s.replayed,
        s.unchanged,
        s.refused,
        s.events,
        s.position
    ));
    complain(args, s);
    Ok(())
}

/// Says what could not be used, and where to look.
pub(crate) fn complain(args: &ImportArgs, s: &Summary) {
    if s.unchanged > 0 {
        crate::say::say(&format!(
            "{} commands were about tickets that are here already, with other facts: nothing was written. After a first import of this file it means that the rows of a ticket do not stand together; set grouped = false in the mapping",
            s.unchanged
        ));
    }
    if s.read.rejected + s.refused > 0 {
        let place =
            args.rejects.as_ref().map_or("give --rejects FILE to see which and why".to_owned(), |f| {
                format!("see {}", f.display())
            });
        crate::say::say(&format!(
            "{} rows were unusable, {} tickets were refused: {place}",
            s.read.rejected, s.refused
        ));
    }
}
