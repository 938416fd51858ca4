//! `guichet verify`: reads the whole log and says whether it is what was signed.
//!
//! Every record is hashed, the tree is rebuilt, and its root is compared with every checkpoint at hand: the newest
//! one, the anchor, those that an auditor kept. Positions and the versions of each ticket must have no gap, and every
//! event must name the hash of the one before it. Over NATS the stream must hold the same bytes as the log; in a
//! stopped folder the stored tiles must be those that the records give.

mod over_nats;

use std::path::{Path, PathBuf};

use clap::Args;
pub use guichet_audit::{Check, Claim, Filled, Finding, Findings, Section, Source, Unread, Whole, audit};
use guichet_proof::{SignedCheckpoint, VerifyingKey};
use serde::Serialize;

pub use self::over_nats::over_nats;
pub(crate) use self::over_nats::{Beside, SHORT, read_log};
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::{ClientError, ConnectArgs};

/// The log to verify, and the claims to verify it against.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet verify                                  # the node that runs on ./guichet-data, or the folder if none runs
  guichet verify --key log.vkey --checkpoint kept-in-march
  guichet verify --data-dir /backup/guichet-data --json

Keep a checkpoint now and then, out of reach of whoever runs the desk: a log that was rolled back or rewritten since
then cannot agree with it. Exit code 1 when anything is found.")]
pub struct VerifyArgs {
    /// Public key of the log, a file or the text itself [default: log.vkey in the data folder]
    #[arg(long, value_name = "FILE|KEY")]
    pub key: Option<String>,
    /// A checkpoint that was kept: the log must begin with what it covers; may be repeated
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Vec<PathBuf>,
    /// Read the files of the data folder, of which no engine may run, even where NATS is at hand
    #[arg(long)]
    pub offline: bool,
    /// Do not compare the stream with the log
    #[arg(long, conflicts_with = "offline")]
    pub no_stream: bool,
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

#[derive(Debug, Serialize)]
pub struct Report {
    /// Nothing was found.
    pub ok: bool,
    /// Records read.
    pub events: u64,
    /// Streams of events: tickets, and the log's own.
    pub streams: usize,
    /// Root of the tree over all of them, in hex.
    pub root: String,
    /// Name of the log, where a checkpoint says one.
    pub origin: Option<String>,
    /// The sources that the log was compared with.
    pub compared: Vec<String>,
    /// Checks that could not be made, and why.
    pub unchecked: Vec<String>,
    /// How many faults there are; not all of very many are listed.
    pub faults: u64,
    /// The faults.
    pub findings: Vec<Finding>,
}

/// Checkpoints to compare the log with, and what was found on the way to them.
#[derive(Debug, Default)]
pub struct Claims {
    /// The checkpoints.
    pub claims: Vec<Claim>,
    /// Those that are not believed.
    pub findings: Findings,
    /// Checks that could not be made, and why.
    pub unchecked: Vec<String>,
}

impl Claims {
    /// Checkpoints that somebody kept in files.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of_kept(files: &[PathBuf], key: Option<&VerifyingKey>) -> Result<Self, ClientError> {
        let mut claims = Self::default();
        for path in files {
            let note = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
            claims.add(&format!("the checkpoint {}", path.display()), &note, key);
        }
        if key.is_none() {
            claims.unchecked.push("signatures: no public key is at hand, name it with --key".to_owned());
        }
        Ok(claims)
    }

    /// Adds a checkpoint after a look at its signature.
    pub fn add(&mut self, who: &str, note: &[u8], key: Option<&VerifyingKey>) {
        let read = match key {
            Some(key) => SignedCheckpoint::open(note, key),
            None => SignedCheckpoint::read(note),
        };
        match read {
            Ok(read) => {
                self.claims.push(Claim { who: who.to_owned(), checkpoint: read.checkpoint().clone() });
            }
            Err(error) => self.findings.of_all(Check::Tree, format!("{who} is not believed: {error}")),
        }
    }
}

impl VerifyArgs {
    /// The public key: the named one, else that of the data folder.
    ///
    /// # Errors
    /// What was named is no key.
    pub fn key(&self) -> Result<Option<VerifyingKey>, ClientError> {
        match &self.key {
            Some(named) => read_key(named).map(Some),
            None => {
                let beside = self.connect.data_dir.join("log.vkey");
                if beside.is_file() { read_key(&beside.to_string_lossy()).map(Some) } else { Ok(None) }
            }
        }
    }

    /// The checkpoints that were named.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn kept(&self, key: Option<&VerifyingKey>) -> Result<Claims, ClientError> {
        Claims::of_kept(&self.checkpoint, key)
    }
}

/// A public key from a file, or from the text itself.
///
/// # Errors
/// It is neither.
pub fn read_key(named: &str) -> Result<VerifyingKey, ClientError> {
    if let Ok(key) = VerifyingKey::parse(named) {
        return Ok(key);
    }
    let path = Path::new(named);
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    VerifyingKey::parse(&text).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}

/// Sums up.
#[must_use]
pub fn report(mut whole: Whole, claims: Claims) -> Report {
    whole.findings().join(claims.findings);
    let findings = std::mem::take(whole.findings());
    Report {
        ok: findings.count() == 0,
        events: whole.events(),
        streams: whole.streams(),
        root: whole.root().to_string(),
        origin: claims.claims.first().map(|claim| claim.checkpoint.origin.clone()),
        compared: claims
            .claims
            .iter()
            .map(|claim| format!("{} of {} records", claim.who, claim.checkpoint.size))
            .collect(),
        unchecked: claims.unchecked,
        faults: findings.count(),
        findings: findings.told(),
    }
}

/// Prints the report; the exit code says the same.
///
/// # Errors
/// Nobody takes it.
pub fn print(report: &Report, json: bool, output: &Output) -> Result<u8, ClientError> {
    let code = if report.ok { exit::DONE } else { exit::REFUSED };
    if json {
        output.json(report)?;
        return Ok(code);
    }
    for finding in &report.findings {
        output.line(&output.look().alarm(&finding.to_string()))?;
    }
    let untold = report.faults - report.findings.len() as u64;
    if untold > 0 {
        output.line(&format!("… and {untold} more"))?;
    }
    for unchecked in &report.unchecked {
        output.line(&format!("not checked: {unchecked}"))?;
    }
    let compared =
        if report.compared.is_empty() { "no checkpoint".to_owned() } else { report.compared.join(", ") };
    output.line(&format!(
        "{} records in {} streams, root {}; compared with {compared}: {}",
        report.events,
        report.streams,
        report.root,
        if report.ok { "all is as it was signed".to_owned() } else { format!("{} faults", report.faults) },
    ))?;
    Ok(code)
}
