//! `import`: brings in the history of another system.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use guichet_client::Client;
use guichet_client::output::{Output, OutputArgs, printable};
use guichet_engine::clock;
use guichet_import::{self, Balance, Explanation, Export, Mapping, Reason, SendOptions, Summary, Which};
use indicatif::{ProgressBar, ProgressStyle};

/// Files that were not read and are called by their names in the balance.
const NAMES_SHOWN: usize = 20;

#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArgs {
    /// The export: CSV, XES, or JSON as lines or documents, plain or packed (.gz, .zst, .zip); a folder of files that belong
    /// together, or several files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Meaning of its columns: a mapping file, or a shipped one (docs/IMPORT.md lists them)
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "infer")]
    pub(crate) mapping: Option<String>,
    /// Propose a mapping: print it with the reason of each line, what is left to decide, and what --check says with it
    #[arg(long, conflicts_with_all = ["mapping", "check", "explain", "allow", "rejects", "zone"])]
    pub(crate) infer: bool,
    /// Read times without an offset in this zone, instead of the mapping's
    #[arg(long, value_name = "IANA ZONE")]
    pub(crate) zone: Option<String>,
    /// Losses and guesses that are meant to be, by their words in the balance; several with commas
    #[arg(long, value_name = "REASON", value_delimiter = ',', value_parser = reason)]
    pub(crate) allow: Vec<Reason>,
    /// Read and map everything, and write nothing; needs no desk
    #[arg(long, conflicts_with = "explain")]
    pub(crate) check: bool,
    /// Import what comes: a file of JSON lines that grows, or a folder into which files come, until a signal ends it
    #[arg(long, conflicts_with_all = ["check", "explain", "infer"])]
    pub(crate) follow: bool,
    /// Say how the row that begins at this line of the file became facts, and write nothing; needs no desk. Of several
    /// files, name the one: comments.csv:17
    #[arg(long, value_name = "[FILE:]LINE")]
    pub(crate) explain: Option<Which>,
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

impl ImportArgs {
    pub(crate) const fn sends(&self) -> bool {
        !self.check && !self.infer && self.explain.is_none()
    }

    pub(crate) fn export(&self) -> Export {
        Export::from(self.files.as_slice())
    }

    pub(crate) fn mapping(&self) -> anyhow::Result<Mapping> {
        let name = self.mapping.as_deref().context("name a mapping with --mapping")?;
        let mut mapping = Mapping::load(name)?;
        if let Some(zone) = &self.zone {
            mapping = mapping.with_zone(zone)?;
        }
        Ok(mapping.as_of(clock::wall()))
    }
}

fn reason(word: &str) -> Result<Reason, String> {
    Reason::parse(word).ok_or_else(|| {
        let all: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        format!("there is no such reason; there are {}", all.join(", "))
    })
}

/// Imports a file and prints what was done.
pub(crate) async fn run(args: &ImportArgs, client: &Client) -> anyhow::Result<ExitCode> {
    let mapping = mapping_of(args, client).await?;
    if args.follow {
        return crate::follow::run(args, mapping, client).await;
    }
    let started = Instant::now();
    let summary = load(args, &mapping, client).await?;
    report(args, &summary, started.elapsed())?;
    refuse_nothing(args, &summary.balance)?;
    Ok(summary.balance.exit_code(&args.allow).into())
}

/// The mapping for the desk into which is imported: it may list names.
async fn mapping_of(args: &ImportArgs, client: &Client) -> anyhow::Result<Mapping> {
    let mut mapping = args.mapping()?;
    match guichet_replay_tools::config::of_desk(client).await {
        Ok(desk) => mapping = mapping.for_desk(desk, clock::wall()),
        Err(error) => crate::say::say(&format!(
            "the names in the export are not checked, for the configuration of the desk cannot be read: {error}"
        )),
    }
    Ok(mapping)
}

/// Reads a file and says what would become of it, or how one row becomes facts.
pub(crate) fn look(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    if args.infer {
        return crate::infer::run(args.export());
    }
    let mapping = args.mapping()?;
    if let Some(which) = &args.explain {
        let explanation = guichet_import::explain(args.export(), &mapping, which)?;
        show(args, &explanation)?;
        return Ok(ExitCode::SUCCESS);
    }
    let started = Instant::now();
    let reader = guichet_import::open(args.export(), &mapping, args.rejects.as_deref())
        .with_context(|| format!("open {}", args.export().label().display()))?;
    let balance = reader.check()?;
    let took = started.elapsed();
    if args.json {
        let line = serde_json::json!({
            "balance": balance, "adds_up": balance.adds_up(), "findings": balance.findings(&args.allow),
            "seconds": took.as_secs_f64(),
        });
        Output::new(&OutputArgs::default()).json_line(&line)?;
    } else {
        crate::say::say(&format!(
            "{} rows read and mapped in {:.1} s ({:.0} rows/s); nothing was written\n{}",
            balance.rows.read,
            took.as_secs_f64(),
            rate(balance.rows.read, took),
            table(args, &balance)
        ));
    }
    refuse_nothing(args, &balance)?;
    Ok(balance.exit_code(&args.allow).into())
}

/// An export from which nothing comes is none, or not what the mapping says.
fn refuse_nothing(args: &ImportArgs, balance: &Balance) -> anyhow::Result<()> {
    let used = balance.tickets.new + balance.tickets.continued + balance.tickets.unchanged;
    if used == 0 && balance.tickets.rejected == 0 && !args.export().is_empty() {
        return Err(guichet_import::ImportError::Nothing { path: args.export().label() }.into());
    }
    Ok(())
}

fn show(args: &ImportArgs, e: &Explanation) -> std::io::Result<()> {
    let out = Output::new(&OutputArgs::default());
    if args.json {
        let values: Vec<_> = e
            .values
            .iter()
            .map(|(key, column, value)| serde_json::json!({ "key": key, "column": column, "value": value }))
            .collect();
        let said: Vec<_> = e
            .said
            .iter()
            .map(|(reason, text)| serde_json::json!({ "reason": reason.word(), "text": text }))
            .collect();
        return out.json(&serde_json::json!({
            "file": e.file, "line": e.line, "ticket": e.ticket, "occurred_at": e.at.map(|at| at.to_string()), "values": values,
            "said": said, "facts": e.facts,
        }));
    }
    let mut text = format!("line {}", e.line);
    if let Some(file) = &e.file {
        text.push_str(&format!(" of {file}"));
    }
    if let Some(ticket) = &e.ticket {
        text.push_str(&format!(" of ticket {ticket:?}"));
    }
    if let Some(at) = e.at {
        text.push_str(&format!(", {at}"));
    }
    for (key, column, value) in &e.values {
        let value = value.as_ref().map_or("nothing".to_owned(), |value| format!("{value:?}"));
        text.push_str(&format!("\n  {key} = {column:?} says {value}"));
    }
    for (reason, what) in &e.said {
        text.push_str(&format!("\n! {reason}: {what}"));
    }
    for fact in &e.facts {
        let fact = String::from_utf8_lossy(&guichet_schemas::json::to_vec(fact)).into_owned();
        text.push_str(&format!("\n=> {fact}"));
    }
    if e.facts.is_empty() && e.said.is_empty() {
        text.push_str("\n=> no fact: it says nothing that the row before it did not say");
    }
    out.line(&printable(&text))
}

/// Imports a file, with progress on a terminal.
pub(crate) async fn load(args: &ImportArgs, mapping: &Mapping, client: &Client) -> anyhow::Result<Summary> {
    if mapping.is_unnamed() {
        crate::say::say(&format!(
            "the mapping names no source: its tickets are known as those of {:?}; give each desk a name of its own in source.name",
            mapping.name()
        ));
    }
    let reader = guichet_import::open(args.export(), mapping, args.rejects.as_deref())
        .with_context(|| format!("open {}", args.export().label().display()))?;
    let bar = ProgressBar::new(reader.progress().bytes_total);
    bar.set_style(ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left")?);
    let options = SendOptions { window: args.window.into(), patience: Duration::from_secs(args.patience) };
    let summary =
        guichet_import::send(client.nats(), client.tenant(), client.caller(), reader, options, |s| {
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
            "balance": s.balance, "adds_up": s.balance.adds_up(), "findings": s.balance.findings(&args.allow),
        });
        return Output::new(&OutputArgs::default()).json_line(&line);
    }
    crate::say::say(&format!(
        "{} rows of {} tickets read in {:.1} s ({:.0} rows/s)\n{} commands accepted, {} were here before, {} unchanged, {} refused; {} events, newest position {}\n{}",
        s.read.rows,
        s.read.tickets,
        took.as_secs_f64(),
        rate(s.read.rows, took),
        s.accepted,
        s.replayed,
        s.unchanged,
        s.refused,
        s.events,
        s.position,
        table(args, &s.balance)
    ));
    Ok(())
}

fn rate(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64().max(0.001)
}

/// Says what was lost or guessed, and where to look.
pub(crate) fn complain(args: &ImportArgs, s: &Summary) {
    if !s.balance.adds_up() || !s.balance.findings(&args.allow).is_empty() {
        crate::say::say(&table(args, &s.balance));
    }
}

/// The balance, for a person.
pub(crate) fn table(args: &ImportArgs, b: &Balance) -> String {
    let (r, t) = (&b.rows, &b.tickets);
    let rejected: u64 = r.rejected.values().sum();
    let mut text = format!(
        "rows: {} read = {} used + {} without effect + {} duplicates + {} filtered + {rejected} rejected\n\
         tickets: {} met = {} new + {} continued + {} unchanged + {} rejected",
        r.read,
        r.used,
        r.without_effect,
        r.duplicates,
        r.filtered,
        t.met,
        t.new,
        t.continued,
        t.unchanged,
        t.rejected
    );
    for (what, counts) in [("rejected", &r.rejected), ("noted", &b.noted)] {
        for (reason, n) in counts {
            let allowed = if args.allow.contains(reason) { " (allowed)" } else { "" };
            text.push_str(&format!("\n{what}: {n} × {reason}{allowed}: {}", reason.says()));
        }
    }
    if !b.left_out.is_empty() {
        let names: Vec<_> =
            b.left_out.iter().take(NAMES_SHOWN).map(|name| printable(name).into_owned()).collect();
        let more = b.left_out.len().saturating_sub(NAMES_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("\nnot read: {}{more}", names.join(", ")));
    }
    if !b.adds_up() {
        text.push_str("\nthe balance does not add up: this is a fault of the importer, please report it");
    }
    if !b.findings(&args.allow).is_empty() {
        let place = args.rejects.as_ref().map_or_else(
            || "give --rejects FILE to see which and why".to_owned(),
            |file| format!("see {}", file.display()),
        );
        text.push_str(&format!(
            "\nsomething was lost or guessed: {place}; what is meant, --allow takes by its word"
        ));
    }
    text
}
