//! `guichet audit`: a copy of the log, a report on it, or a watch over it: from the desk that runs, or from a folder. What is
//! opened here can only be read: a connection as `Reading`, a stopped log as `Files`, a copy as its files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use guichet_audit::{About, Auditor, Check, Report, Source, Unread, audit_source};
use guichet_client::ClientError;
use guichet_client::output::Output;
use guichet_engine::clock;
use guichet_engine::log::{Memory, StoppedLog};
use guichet_engine::notary;
use guichet_engine::protection::Protection;
use guichet_proof::{SignedCheckpoint, VerifyingKey};
use guichet_replay_tools::audit::{self, AuditArgs, Files as Copy};
use guichet_replay_tools::verify::{Claims, read_key};

use crate::config::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use crate::node::{PARTITION, authorship_beside};
use crate::run_file;
use crate::verify::Files;

/// Copies or reports. A finding is exit code 1.
pub(crate) async fn run(args: AuditArgs) -> anyhow::Result<ExitCode> {
    let output = Output::new(&args.output);
    if let Some(dir) = args.dir.clone() {
        return Ok(audit::copy(&args, dir).await?.into());
    }
    if args.watch {
        return Ok(audit::watch(&args, clock::wall).await?.into());
    }
    let Some(page) = args.report.clone() else { bail!("neither a copy nor a report was asked for") };
    let report = match &args.source {
        Some(dir) => tokio::task::block_in_place(|| folder(dir, &args, &output))?,
        None => desk(&args, &output).await?,
    };
    Ok(audit::write(&report, &page, args.json, &output)?.into())
}

fn about(source: String, key: Option<&VerifyingKey>) -> About {
    About {
        source,
        made_at: clock::wall(),
        program: env!("CARGO_PKG_VERSION"),
        key: key.map(ToString::to_string),
    }
}

/// The desk that runs; its folder, where none does.
async fn desk(args: &AuditArgs, output: &Output) -> anyhow::Result<Report> {
    let data_dir = &args.connect.data_dir;
    if !args.connect.access.names_a_server() && !data_dir.join(run_file::NODE).exists() {
        if !data_dir.join(format!("log-{PARTITION}")).exists() {
            return Err(ClientError::NoServer { data_dir: data_dir.clone() }.into());
        }
        return tokio::task::block_in_place(|| stopped(data_dir, args, output));
    }
    let key = key(args, &[data_dir.join("log.vkey")])?;
    let claims = Claims::of_kept(&args.checkpoint, key.as_ref())?;
    let reading = args.connect.connect().await?.reading();
    let authors = (key.as_ref(), authorship_beside(data_dir));
    let about = |source| about(source, key.as_ref());
    Ok(audit::live(&reading, authors, (claims, !args.no_stream), about, output).await?)
}

/// The key that was named, else the first of these that is there.
fn key(args: &AuditArgs, beside: &[PathBuf]) -> Result<Option<VerifyingKey>, ClientError> {
    match &args.key {
        Some(named) => read_key(named).map(Some),
        None => beside
            .iter()
            .find(|path| path.is_file())
            .map(|path| read_key(&path.to_string_lossy()))
            .transpose(),
    }
}

/// What the files of a folder say it is.
fn folder(dir: &Path, args: &AuditArgs, output: &Output) -> anyhow::Result<Report> {
    if dir.join(format!("log-{PARTITION}")).is_dir() {
        return stopped(dir, args, output);
    }
    let (copy, secrets) = (dir.join("log"), dir.join("secrets"));
    if secrets.is_dir() {
        let mut key = key(args, &[])?;
        if key.is_none() {
            key = notary::public_of(&secrets.join("signing.key")).ok();
        }
        return copied(copy, "the backup", key.as_ref(), args, output);
    }
    if dir.join("tile").is_dir() {
        return copied(dir.to_owned(), "the copy", key(args, &[])?.as_ref(), args, output);
    }
    bail!("{} is no data folder, no backup and no copy by `guichet audit`", dir.display())
}

/// The files of a node that does not run.
fn stopped(data_dir: &Path, args: &AuditArgs, output: &Output) -> anyhow::Result<Report> {
    let key = key(args, &[data_dir.join("log.vkey")])?;
    let mut claims = Claims::of_kept(&args.checkpoint, key.as_ref())?;
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let log = StoppedLog::open(&data_dir.join(format!("log-{PARTITION}")), &memory).with_context(|| {
        format!("{} cannot be read; leave --source out for a node that runs", data_dir.display())
    })?;
    let anchor = Protection::within(data_dir, PARTITION).anchor;
    match std::fs::read(&anchor) {
        Ok(note) => claims.add("the anchor", &note, key.as_ref()),
        Err(error) => claims.unchecked.push(format!(
            "the anchor: {} cannot be read ({error}); name it with --checkpoint if it is elsewhere",
            anchor.display()
        )),
    }
    read(&Files(log), data_dir, "the stopped data folder", (claims, key.as_ref()), output)
}

/// Static files, as `guichet audit` and `guichet backup` write them.
fn copied(
    dir: PathBuf,
    what: &str,
    key: Option<&VerifyingKey>,
    args: &AuditArgs,
    output: &Output,
) -> anyhow::Result<Report> {
    let mut claims = Claims::of_kept(&args.checkpoint, key)?;
    let checkpoint = dir.join("checkpoint");
    let note = std::fs::read(&checkpoint).with_context(|| {
        format!("{} cannot be read: nothing says how far the copy goes", checkpoint.display())
    })?;
    claims.add(&format!("the checkpoint of {what}"), &note, key);
    // One with a wrong signature is a finding; the records are read as far as it says all the same.
    let size = SignedCheckpoint::read(&note)
        .with_context(|| format!("{} does not say how far the copy goes", checkpoint.display()))?
        .size();
    read(&Copy::new(dir.clone(), size), &dir, what, (claims, key), output)
}

/// Reads a log that stands still.
fn read(
    source: &dyn Source,
    dir: &Path,
    what: &str,
    (claims, key): (Claims, Option<&VerifyingKey>),
    output: &Output,
) -> anyhow::Result<Report> {
    let refused = |why: Unread| ClientError::File { path: dir.to_owned(), problem: why.to_string() };
    let mut auditor = Auditor::new(&claims.claims);
    let progress = output.progress("records", source.head());
    audit_source(&mut auditor, source, &mut |position| progress.set(position)).map_err(refused)?;
    drop(progress);
    for check in [Check::Authorship, Check::Publication] {
        auditor.unchecked(check, "the stream: it is read beside a desk that runs".to_owned());
    }
    auditor.findings().join(claims.findings);
    for why in claims.unchecked {
        auditor.unchecked(Check::Tree, why);
    }
    let about = about(format!("{what} {}", dir.display()), key);
    Ok(auditor.end(about, &claims.claims, Some(source)).map_err(refused)?)
}
