//! `guichet audit`: a copy of the log in a folder of static files, in the form that auditors' tools read
//! (C2SP tlog-tiles): `checkpoint`, `tile/<level>/<number>`, `tile/entries/<number>`.
//!
//! The copy only grows, and every run fetches only what is new. Tiles are made here from the records, so a copy that is
//! written agrees with the checkpoint that was signed; and it is only written where the log still begins with what
//! the copy has.

mod files;
mod folder;
mod live;
mod trust;
mod watch;
mod written;

use std::path::PathBuf;

use clap::Args;
use guichet_proof::{CheckpointError, Edge, FullTile, SignedCheckpoint, TileId, VerifyingKey};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;

pub use self::files::Files;
pub use self::folder::Folder;
pub use self::live::live;
pub use self::watch::{WatchArgs, watch};
pub use self::written::write;
use crate::verify::read_key;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_client::{ClientError, ConnectArgs};

/// What an auditor wants: a copy, a report, or a watch.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet audit /var/www/log                              # a copy that grows from run to run
  guichet audit /var/www/log --key kept-elsewhere.vkey    # every hour, by cron
  guichet audit --report desk.html                        # every check; desk.json beside the page
  guichet audit --report desk.html --source /backup/desk --checkpoint kept-in-march --key log.vkey
  guichet audit --watch --state trusted.json --key kept-elsewhere.vkey --metrics /var/lib/node_exporter/guichet.prom

Any web server may hand a copy out. Exit code 1 when the log does not begin with what the folder has (then it was rolled
back or rewritten, and the folder is left as it is), when a report has findings, and when a watch alarms. A report says
what was not checked, and why. A watch believes the first checkpoint that it sees, unless --checkpoint names one that was
kept. Auditing only reads: `guichet doctor --role auditor` says which rights it needs.")]
pub struct AuditArgs {
    /// Copy the log into this folder, which grows from run to run
    #[arg(value_name = "DIR", required_unless_present_any = ["report", "watch"])]
    #[arg(conflicts_with_all = ["report", "watch"])]
    pub dir: Option<PathBuf>,
    /// Run every check, and write what came of it: a page here, and the same as JSON beside it
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// For a report, read this folder: a stopped data folder, a backup, or a copy [default: the desk]
    #[arg(long, value_name = "DIR", requires = "report")]
    pub source: Option<PathBuf>,
    /// A checkpoint that was kept: the log must begin with what it covers; may be repeated for a report
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub checkpoint: Vec<PathBuf>,
    /// For a report, do not read the stream
    #[arg(long, requires = "report", conflicts_with = "source")]
    pub no_stream: bool,
    /// Public key of the log, a file or the text itself [default: log.vkey in the data folder]
    #[arg(long, value_name = "FILE|KEY")]
    pub key: Option<String>,
    /// Print the report as JSON
    #[arg(long, requires = "report")]
    pub json: bool,
    /// Follow the desk, and alarm once it shows a log that does not begin with what it showed before
    #[arg(long, requires = "state", conflicts_with = "report")]
    pub watch: bool,
    /// How a watch goes on
    #[command(flatten)]
    pub watching: WatchArgs,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// Brings the folder up to the newest checkpoint.
///
/// # Errors
/// Nobody answers, or the folder cannot be written. A log that is not the one of the folder is exit code 1.
pub async fn copy(args: &AuditArgs, dir: PathBuf) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    let beside = args.connect.data_dir.join("log.vkey");
    let key = read_key(args.key.as_deref().unwrap_or(&beside.to_string_lossy()))?;
    let client = args.connect.connect().await?;
    let folder = Folder::open(dir)?;
    let partition = Partition::default();
    let newest = client.checkpoint(partition).await?;
    let newest = match SignedCheckpoint::open(newest.note().as_bytes(), &key) {
        Ok(newest) => newest,
        Err(error) => {
            output.alarm(&format!("the newest checkpoint is not believed: {error}"));
            return Ok(exit::REFUSED);
        }
    };
    let records = async |from| {
        let batch = client.log(partition, from).await?;
        if batch.records.is_empty() {
            let why = "the engine signed more records than it sends";
            return Err(client.strange("the answer of the log".to_owned(), &why));
        }
        Ok(batch.records)
    };
    match extend(&folder, &key, &newest, records, &output).await? {
        Ok(size) => {
            output.line(&format!("{size} records of {} in {}", key.origin(), folder.path().display()))?;
            Ok(exit::DONE)
        }
        Err(refused) => {
            output.alarm(&refused.to_string());
            Ok(exit::REFUSED)
        }
    }
}

/// Why a log is not believed. The copy is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Unbelieved {
    /// The checkpoint of the copy is not signed by the key, or is none.
    #[error("{path} is not believed: {cause}")]
    Checkpoint { path: PathBuf, cause: CheckpointError },
    /// The log has fewer records than were copied.
    #[error("the log has {log} records, but the copy has {copy}: the log was rolled back")]
    RolledBack { log: u64, copy: u64 },
    /// The files of the copy do not have the root that its checkpoint says.
    #[error("the files of the copy do not belong to its checkpoint: they were changed")]
    FilesChanged,
    /// The records do not have the root that was signed.
    #[error(
        "the records do not have the root that was signed at {size}: they were changed, or do not begin with what the copy has"
    )]
    OtherRoot { size: u64 },
}

/// Brings a folder up to `newest` with the records that are asked for by position: at least one each time. Gives the
/// size of the copy, or why the log is not believed; the folder is left as it is then.
///
/// # Errors
/// The records cannot be had, or the folder not written.
pub async fn extend(
    folder: &Folder,
    key: &VerifyingKey,
    newest: &SignedCheckpoint,
    records: impl AsyncFn(u64) -> Result<Vec<Vec<u8>>, ClientError>,
    output: &Output,
) -> Result<Result<u64, Unbelieved>, ClientError> {
    let copied = match folder.checkpoint(key)? {
        Ok(copied) => copied,
        Err(refused) => return Ok(Err(refused)),
    };
    let size = copied.as_ref().map_or(0, SignedCheckpoint::size);
    if newest.size() < size {
        return Ok(Err(Unbelieved::RolledBack { log: newest.size(), copy: size }));
    }
    let mut edge = folder.edge(size)?;
    if copied.is_some_and(|copied| edge.root() != copied.root()) {
        return Ok(Err(Unbelieved::FilesChanged));
    }
    let progress = output.progress("records", newest.size());
    let mut full = Vec::new();
    let mut bundle = folder.open_bundle(size)?;
    while edge.size() < newest.size() {
        for record in records(edge.size() + 1).await? {
            if edge.size() == newest.size() {
                break;
            }
            edge.append(Hash::of_record(&record), &mut full);
            bundle.push(&record)?;
            for tile in full.drain(..) {
                folder.write_tile(whole(&tile), &tile.hashes)?;
                if tile.level == 0 {
                    folder.write_bundle(whole(&tile), &bundle.take())?;
                }
            }
        }
        progress.set(edge.size());
    }
    drop(progress);
    if edge.root() != newest.root() {
        return Ok(Err(Unbelieved::OtherRoot { size: newest.size() }));
    }
    write_edge(folder, &edge, &bundle.take())?;
    folder.write_checkpoint(newest)?;
    Ok(Ok(newest.size()))
}

/// The tiles that are not full, at the width that they have now.
fn write_edge(folder: &Folder, edge: &Edge, bundle: &[u8]) -> Result<(), ClientError> {
    for tile in TileId::new_in(0, edge.size()).into_iter().filter(|tile| tile.width < 256) {
        if let Some(hashes) = edge.tile(tile) {
            folder.write_tile(tile, hashes)?;
            if tile.level == 0 {
                folder.write_bundle(tile, bundle)?;
            }
        }
    }
    Ok(())
}

fn whole(tile: &FullTile) -> TileId {
    TileId { level: tile.level, index: tile.index, width: 256 }
}
