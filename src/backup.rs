//! `guichet backup`: a log, running or not, copied to where `guichet restore` makes it again.
//!
//! `DIR/log` holds the records with their tree and checkpoint, as `guichet audit` writes them: anybody's tools check
//! it, and every run adds what is new. `DIR/secrets` holds the rest, and is replaced by every run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use guichet_client::ClientError;
use guichet_client::output::{Output, OutputArgs};
use guichet_engine::attachments::{self, Named};
use guichet_engine::backup::Secrets;
use guichet_engine::log::{LiveLog, Memory};
use guichet_engine::notary::{self, Anchor};
use guichet_proof::tile::TILE_WIDTH;
use guichet_proof::{Edge, SignedCheckpoint};
use guichet_replay_tools::audit::{self, Folder};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;
use serde_json::json;

use crate::config::{CACHE_BYTES, ProtectionArgs, WRITE_BUFFER_BYTES};
use crate::node::PARTITION;

/// Records read at a time.
const STRETCH: usize = 4_096;

/// The folder to copy into, and how.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet backup /backup/desk                                # every hour, by cron, while the desk runs
  guichet backup /backup/desk --check                        # reads the whole backup again
  guichet restore /backup/desk --data-dir ./new --kek-file kept-elsewhere.kek

The records are proven by the newest checkpoint that was signed, at most a second old. The key-encryption key is NOT in
the backup: keep it elsewhere (default: the file kek of the data folder), or no personal text can be read again.
Exit code 1 when the log is not the one that the backup holds, or the backup was changed.")]
pub(crate) struct BackupArgs {
    /// Folder of the backup; it grows from run to run
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Folder of the node, on this machine
    #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// Copy nothing; read the backup as a restore would, and say whether it is whole
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    protection: ProtectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Copies, or checks.
pub(crate) async fn run(args: BackupArgs) -> anyhow::Result<ExitCode> {
    let output = Output::new(&args.output);
    let backup = if args.check {
        tokio::task::block_in_place(|| {
            let backup = Backup::open(&args.dir)?;
            backup.check(&[], &output)?;
            Ok::<_, anyhow::Error>(backup)
        })?
    } else {
        take(&args, &output).await?
    };
    let (size, key_rows) = (backup.signed.size(), backup.secrets.key_rows());
    let files = backup.named.len();
    let taken_at = backup.secrets.taken_at().map(|at| at.to_string());
    if args.json {
        let origin = backup.signed.checkpoint().origin.clone();
        let root = backup.signed.root().to_string();
        output.json(&json!({
            "records": size, "root": root, "origin": origin, "key_rows": key_rows, "attachments": files,
            "taken_at": taken_at,
        }))?;
    } else {
        let done = if args.check { "is whole" } else { "is up to date" };
        output.line(&format!(
            "{} {done}: {size} records, {key_rows} rows of keys, {files} attachments",
            args.dir.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn take(args: &BackupArgs, output: &Output) -> anyhow::Result<Backup> {
    let protection = args.protection.within(&args.data_dir, PARTITION);
    let key = notary::public_of(&protection.signing_key)
        .with_context(|| format!("{} holds no log that could be copied", args.data_dir.display()))?;
    // In this order: the log has all that the anchor covers, and the keys all that the log uses.
    let newest = Anchor::at(&protection.anchor).read(&key)?;
    let Some(newest) = newest.filter(|newest| newest.size() > 0) else {
        bail!("nothing was signed yet in {}; try again in a second", protection.anchor.display());
    };
    std::fs::create_dir_all(&args.dir).with_context(|| format!("make {}", args.dir.display()))?;
    let work = tempfile::tempdir_in(&args.dir).with_context(|| format!("write to {}", args.dir.display()))?;
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let dir = args.data_dir.join(format!("log-{PARTITION}"));
    let log = tokio::task::block_in_place(|| LiveLog::open(&dir, &work.path().join("log"), &memory))?;
    let secrets = tokio::task::block_in_place(|| {
        let work = work.path().join("keys");
        Secrets::take(&args.dir.join("secrets"), &log, &protection, &memory, &work)
    })?;
    let folder = Folder::open(args.dir.join("log"))?;
    let records = async |from| {
        let from = LogPosition::new(from).unwrap_or(LogPosition::FIRST);
        let found = tokio::task::block_in_place(|| log.read(from, STRETCH));
        let found = found.map_err(|fault| problem(&dir, &fault))?;
        if found.is_empty() { Err(problem(&dir, &"it ends before what was signed")) } else { Ok(found) }
    };
    match audit::extend(&folder, &key, &newest, records, output).await? {
        Ok(_) => {
            let named = tokio::task::block_in_place(|| named(&folder, newest.size()))?;
            take_attachments(&named, &protection.attachments, &args.dir, output)?;
            Ok(Backup { secrets, folder, signed: newest, named, dir: args.dir.clone() })
        }
        Err(refused) => bail!(
            "{refused}. The records of the backup are left as they are; copy this log to a folder of its own"
        ),
    }
}

/// The attachments that the records name.
fn named(folder: &Folder, size: u64) -> anyhow::Result<Named> {
    let mut named = Named::default();
    for index in 0..size.div_ceil(TILE_WIDTH) {
        for record in folder.records(index, size).map_err(damage)? {
            named.take(&record).map_err(|why| anyhow!("the backup is damaged: {why}"))?;
        }
    }
    Ok(named)
}

/// After the records: each of the bytes was on disk before the record that names it.
fn take_attachments(named: &Named, from: &Path, backup: &Path, output: &Output) -> anyhow::Result<()> {
    let to = attachments::within(backup);
    if named.is_empty() && !to.exists() {
        return Ok(());
    }
    let done = attachments::back_up(named, from, &to).with_context(|| format!("copy to {}", to.display()))?;
    if done.removed > 0 {
        output.note(&format!("{} attachments were redacted and left the backup", done.removed));
    }
    if done.missing.is_empty() {
        return Ok(());
    }
    for place in &done.missing {
        output.alarm(&format!("attachment {} of ticket {} is missing", place.sha256, place.ticket));
    }
    bail!(
        "{} attachments that the log names are neither in {} nor in the backup; all the rest is copied",
        done.missing.len(),
        from.display()
    )
}

fn problem(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}

/// Damage of a backup is a finding, not a wrong use of the command.
fn damage(error: ClientError) -> anyhow::Error {
    anyhow!("the backup is damaged: {error}")
}

/// A backup whose secrets are as they were written, and whose checkpoint is believed.
pub(crate) struct Backup {
    pub(crate) secrets: Secrets,
    pub(crate) folder: Folder,
    pub(crate) signed: SignedCheckpoint,
    /// The attachments that its records name.
    pub(crate) named: Named,
    dir: PathBuf,
}

impl Backup {
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        let secrets = Secrets::open(&dir.join("secrets"))?;
        let key = notary::public_of(&secrets.signing_key())?;
        let folder = Folder::open(dir.join("log"))?;
        match folder.checkpoint(&key)? {
            Ok(Some(signed)) => {
                let named = named(&folder, signed.size())?;
                Ok(Self { secrets, folder, signed, named, dir: dir.to_owned() })
            }
            Ok(None) => bail!("{} has no checkpoint: the backup did not end", folder.path().display()),
            Err(refused) => bail!(refused),
        }
    }

    /// Reads every record and tile: they must have the root that was signed, and those of the `claims` that are not
    /// newer.
    pub(crate) fn check(&self, claims: &[SignedCheckpoint], output: &Output) -> anyhow::Result<()> {
        let (size, mut edge, mut full) = (self.signed.size(), Edge::default(), Vec::new());
        let progress = output.progress("records", size);
        for index in 0..size.div_ceil(TILE_WIDTH) {
            for record in self.folder.records(index, size).map_err(damage)? {
                edge.append(Hash::of_record(&record), &mut full);
                for claim in claims.iter().chain([&self.signed]).filter(|c| c.size() == edge.size()) {
                    if claim.root() != edge.root() {
                        bail!(
                            "the first {} records of the backup are not those that were signed: they were changed",
                            edge.size()
                        );
                    }
                }
            }
            for tile in full.drain(..) {
                self.folder.check_tile(&tile).map_err(damage)?;
            }
            progress.set(edge.size());
        }
        drop(progress);
        self.check_attachments(output)
    }

    /// The folder of its attachments.
    pub(crate) fn attachments(&self) -> PathBuf {
        attachments::within(&self.dir)
    }

    /// Reads every attachment as it was sealed: the keys are wrapped here.
    fn check_attachments(&self, output: &Output) -> anyhow::Result<()> {
        let dir = self.attachments();
        let wrong = attachments::check_copy(&self.named, &dir);
        let wrong = wrong.with_context(|| format!("read {}", dir.display()))?;
        for (place, why) in &wrong {
            output.alarm(&format!("attachment {} of ticket {} {why}", place.sha256, place.ticket));
        }
        if !wrong.is_empty() {
            bail!("the backup is damaged: {} of its attachments are missing or were changed", wrong.len());
        }
        Ok(())
    }
}
