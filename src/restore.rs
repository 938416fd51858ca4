//! `guichet restore`: a data folder made from a backup, and never one that goes behind what somebody relies on, unless
//! an operator says why.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use guichet_client::output::{Output, OutputArgs};
use guichet_engine::attachments::{self, ReadError};
use guichet_engine::log::{self, Copied, CopyError, EventCopy, Memory};
use guichet_engine::notary::{self, Anchor};
use guichet_keys::KeyStore;
use guichet_proof::SignedCheckpoint;
use guichet_proof::tile::TILE_WIDTH;
use guichet_schemas::position::LogPosition;
use serde_json::json;

use crate::backup::Backup;
use crate::config::{CACHE_BYTES, ProtectionArgs, WRITE_BUFFER_BYTES};
use crate::node::PARTITION;

/// The backup to restore, and the folder to restore it into.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet restore /backup/desk --data-dir ./new --kek-file kept-elsewhere.kek
  guichet restore /backup/desk --data-dir ./new --checkpoint witness/checkpoint --from-stream
  guichet restore /backup/desk --data-dir ./new --behind 'both disks burnt, ticket OPS-7'

The backup is read whole and proven before anything is written. An anchor that is there, or a checkpoint that you name,
may cover more than the backup. Then --from-stream leaves the rest to the start, which brings it back from the stream
and proves it; --behind gives it up: the log begins a new generation, the stream is rebuilt, and the reason stands in
the log for ever. Without either, nothing is restored (exit code 1).")]
pub(crate) struct RestoreArgs {
    /// Folder of the backup
    #[arg(value_name = "DIR")]
    backup: PathBuf,
    /// Folder of the node; it may hold no log
    #[arg(long, default_value = "./guichet-data", value_name = "DIR")]
    data_dir: PathBuf,
    /// A checkpoint that was kept elsewhere, by a witness or an auditor; may be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Leave what is newer than the backup to the next start, which brings it back from the stream
    #[arg(long)]
    from_stream: bool,
    /// Give up what is newer than the backup, for this reason
    #[arg(long, value_name = "REASON", conflicts_with = "from_stream")]
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    behind: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    protection: ProtectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Restores.
pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let output = Output::new(&args.output);
    let protection = args.protection.within(&args.data_dir, PARTITION);
    let dir = args.data_dir.join(format!("log-{PARTITION}"));
    if dir.join("rocksdb").exists() {
        bail!("{} holds a log already; move it away, or name another --data-dir", dir.display());
    }
    let backup = Backup::open(&args.backup)?;
    let claims = claims(args, &backup, &protection.anchor)?;
    backup.check(&claims, &output)?;
    let newest = claims.iter().max_by_key(|claim| claim.size()).filter(|c| c.size() > backup.signed.size());
    if let (Some(newest), false, None) = (newest, args.from_stream, &args.behind) {
        bail!(
            "the backup ends at {}, but {} records were signed: records {} to {} would be gone. Where the stream still holds them, restore with --from-stream; if they are lost, say why with --behind REASON. Nothing was restored",
            backup.signed.size(),
            newest.size(),
            backup.signed.size() + 1,
            newest.size()
        );
    }
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let kek = protection.kek.load(true).context(
        "personal texts are opened with the key-encryption key, which is not in the backup; give the one of the log with --kek-file or GUICHET_KEK, or put it where the data folder had it",
    )?;
    let made_keys = backup.secrets.restore_keys(&protection, &memory)?;
    let keys = KeyStore::open(&protection.keys, &memory.cache, &memory.write_buffers, kek)?;
    if !made_keys {
        output.note(&format!("{} is there already, and stays as it is", protection.keys.display()));
    }
    backup.secrets.restore_signing_key(&protection)?;
    restore_attachments(&backup, &protection.attachments, &keys, &output)?;
    drop(keys);
    let anchored = newest.filter(|_| args.from_stream).unwrap_or(&backup.signed);
    Anchor::at(&protection.anchor).write(anchored)?;
    let identity = backup.secrets.identity()?;
    let records = Records { backup: &backup };
    let from = log::Backup {
        identity: &identity,
        signed: &backup.signed,
        records: &records,
        answers: Box::new(backup.secrets.answers()?),
    };
    let through = log::restore(&dir, PARTITION, &memory, from, args.behind.as_deref())?;
    let rest = anchored.size().saturating_sub(through.get());
    if args.json {
        output.json(&json!({"records": through.get(), "from_stream": rest, "behind": args.behind}))?;
    } else {
        output.line(&format!("{through} records in {}", dir.display()))?;
        if rest > 0 {
            output
                .line(&format!("the next start brings {rest} more back from the stream, or says why not"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Before the log: whoever has the log has what it names. Each is opened, and must have its digest.
fn restore_attachments(backup: &Backup, to: &Path, keys: &KeyStore, output: &Output) -> anyhow::Result<()> {
    attachments::restore(&backup.named, &backup.attachments(), to)
        .with_context(|| format!("restore attachments to {}", to.display()))?;
    let mut wrong = 0;
    for (place, error) in backup.named.check(to, Some(keys)) {
        // The words of an erased person are as gone as they should be.
        if !matches!(error, ReadError::Erased) {
            output.alarm(&format!("attachment {} of ticket {}: {error}", place.sha256, place.ticket));
            wrong += 1;
        }
    }
    if wrong > 0 {
        bail!("{wrong} attachments are not what the log names; no log was restored");
    }
    Ok(())
}

/// The signed checkpoints of this log that this machine and the caller know.
fn claims(args: &RestoreArgs, backup: &Backup, anchor: &Path) -> anyhow::Result<Vec<SignedCheckpoint>> {
    let key = notary::public_of(&backup.secrets.signing_key())?;
    let mut claims = Vec::new();
    for path in &args.checkpoint {
        let note = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let claim = SignedCheckpoint::open(&note, &key);
        claims.push(claim.with_context(|| format!("{} is not believed", path.display()))?);
    }
    let anchored = Anchor::at(anchor).read(&key);
    claims.extend(anchored.context("move it away if it belongs to another log")?);
    Ok(claims)
}

/// The records of a backup, as a copy of the log.
struct Records<'a> {
    backup: &'a Backup,
}

impl EventCopy for Records<'_> {
    fn last(&self) -> Result<u64, CopyError> {
        Ok(self.backup.signed.size())
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        let (size, mut next) = (self.backup.signed.size(), from.get() - 1);
        let mut found = Vec::with_capacity(most);
        while next < size && found.len() < most {
            let records = self.backup.folder.records(next / TILE_WIDTH, size);
            let records = records.map_err(CopyError::silent)?;
            let skipped = usize::try_from(next % TILE_WIDTH).unwrap_or(usize::MAX);
            found.extend(records.into_iter().skip(skipped).take(most - found.len()));
            next = from.get() - 1 + found.len() as u64;
        }
        Ok(found.into_iter().map(Copied::from).collect())
    }
}
