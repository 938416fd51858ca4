//! `guichet export`, `replay`, `sql`, `explain`, `diff` and `blame-config`: which history is meant, and how it is opened.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use guichet_client::{Client, ClientError, ConnectArgs};
use guichet_engine::log::{Memory, StoppedLog};
use guichet_engine::protection::Protection;
use guichet_history::HistoryError;
use guichet_history::blame::{self, BlameArgs};
use guichet_history::diff::{self, DiffArgs};
use guichet_history::explain::{self, ExplainArgs};
use guichet_history::export::{self, ExportArgs};
#[cfg(feature = "sql")]
use guichet_history::lake::Manifest;
use guichet_history::replay::{self, ReplayArgs};
use guichet_history::reveal::{self, Reveal, RevealArgs, Scope};
use guichet_history::source::{Copied, History, Live, SourceArgs, Stopped};
use guichet_proof::SignedCheckpoint;
use guichet_replay_tools::audit::Folder;
use guichet_replay_tools::verify::read_key;
use guichet_sql::args::SqlArgs;
#[cfg(feature = "sql")]
use guichet_sql::{Past, SqlError};

use crate::backup::Backup;
use crate::config::{CACHE_BYTES, WRITE_BUFFER_BYTES};
use crate::fresh_id;
use crate::node::PARTITION;
use crate::replayed;
use crate::run_file;
use crate::verify::Files;

/// Exports.
pub(crate) async fn export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    args.check()?;
    let meant = Meant::find(&args.source, &args.connect).await?;
    let reveal = meant.reveal(&args.reveal, &args.scope(), &args.connect).await?;
    let open = async || {
        let mut history = meant.open().await?;
        history.reveal.clone_from(&reveal);
        Ok::<_, HistoryError>(history)
    };
    Ok(export::run(args, open).await?.into())
}

/// Replays. A subject is one of the connection, also where the history lies in a folder.
pub(crate) async fn replay(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    args.check()?;
    let meant = Meant::find(&args.source, &args.connect).await?;
    if let Some(dir) = &args.into_folder {
        let history = meant.open().await?;
        return tokio::task::block_in_place(|| replayed::make(args, &history, dir));
    }
    let to = match (&args.to_subject, &meant) {
        (None, _) => None,
        (Some(subject), Meant::Desk(client)) => Some(client.republisher(subject)?),
        (Some(subject), Meant::Copy(..) | Meant::Stopped(_)) => {
            Some(args.connect.connect().await?.republisher(subject)?)
        }
    };
    let reveal = meant.reveal(&args.reveal, &args.scope(), &args.connect).await?;
    let mut history = meant.open().await?;
    history.reveal = reveal;
    let to = match (to, &args.to_stream) {
        (Some(to), Some(stream)) => {
            let origin = history.checkpoint.as_ref().map(|signed| signed.checkpoint().origin.as_str());
            Some(to.into_stream(stream, origin.unwrap_or("guichet")).await?)
        }
        (to, _) => to,
    };
    Ok(tokio::task::block_in_place(|| replay::run(args, &history, to))?.into())
}

/// Answers a question in SQL.
pub(crate) async fn sql(args: &SqlArgs) -> anyhow::Result<ExitCode> {
    args.check()?;
    answer(args).await
}

#[cfg(feature = "sql")]
async fn answer(args: &SqlArgs) -> anyhow::Result<ExitCode> {
    let past = match &args.source.source {
        Some(dir) if Manifest::is_in(dir) => Past::Export(dir.clone()),
        _ => Past::Log(Meant::find(&args.source, &args.connect).await?.open().await?),
    };
    match guichet_sql::run(args, past).await {
        Ok(code) => Ok(code.into()),
        Err(SqlError::History(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(feature = "sql"))]
#[expect(clippy::unused_async, reason = "the other build waits here")]
async fn answer(_: &SqlArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this build has no SQL")
}

/// Says what made a ticket what it is.
pub(crate) async fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let history = Meant::find(&args.source, &args.connect).await?.open().await?;
    Ok(tokio::task::block_in_place(|| explain::run(args, &history))?.into())
}

/// Says what changed between two places of the history.
pub(crate) async fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let history = Meant::find(&args.source, &args.connect).await?.open().await?;
    Ok(tokio::task::block_in_place(|| diff::run(args, &history))?.into())
}

/// Says what each version of an item of the configuration changed.
pub(crate) async fn blame(args: &BlameArgs) -> anyhow::Result<ExitCode> {
    let history = Meant::find(&args.source, &args.connect).await?.open().await?;
    Ok(tokio::task::block_in_place(|| blame::run(args, &history))?.into())
}

enum Meant {
    /// The folder that was named.
    Copy(PathBuf, Option<String>),
    /// The desk that runs.
    Desk(Client),
    /// Its folder, where none runs.
    Stopped(PathBuf),
}

impl Meant {
    async fn find(source: &SourceArgs, connect: &ConnectArgs) -> Result<Self, ClientError> {
        if let Some(dir) = &source.source {
            return Ok(Self::Copy(dir.clone(), source.key.clone()));
        }
        if runs(connect) {
            return connect.connect().await.map(Self::Desk);
        }
        if connect.data_dir.join(format!("log-{PARTITION}")).exists() {
            return Ok(Self::Stopped(connect.data_dir.clone()));
        }
        Err(ClientError::NoServer { data_dir: connect.data_dir.clone() })
    }

    /// Has an access recorded, at the desk that runs: by itself a folder opens no text.
    async fn reveal(
        &self,
        wanted: &RevealArgs,
        scope: &Scope<'_>,
        connect: &ConnectArgs,
    ) -> Result<Option<Reveal>, HistoryError> {
        if !wanted.reveal {
            return Ok(None);
        }
        let desk = match self {
            Self::Desk(client) => client.clone(),
            Self::Copy(..) if runs(connect) => connect.connect().await?,
            Self::Copy(..) | Self::Stopped(_) => return Err(reveal::needs_a_desk()),
        };
        wanted.reveal(&desk, scope, fresh_id()).await
    }

    async fn open(&self) -> Result<History, HistoryError> {
        match self {
            Self::Copy(dir, key) => folder(dir, key.as_deref()),
            Self::Desk(client) => live(client).await,
            Self::Stopped(dir) => stopped(dir),
        }
    }
}

fn runs(connect: &ConnectArgs) -> bool {
    connect.access.names_a_server() || connect.data_dir.join(run_file::NODE).exists()
}

/// A desk that runs, as far as it is signed.
pub(crate) async fn live(client: &Client) -> Result<History, HistoryError> {
    let checkpoint = client.checkpoint(PARTITION).await?;
    let source = Live::new(client.clone(), tokio::runtime::Handle::current());
    let signed = checkpoint.size();
    Ok(History::new(Box::new(source), signed, Some(checkpoint)))
}

/// The kind of a folder, by its files.
fn folder(dir: &Path, key: Option<&str>) -> Result<History, HistoryError> {
    if dir.join(format!("log-{PARTITION}")).is_dir() {
        return stopped(dir);
    }
    if dir.join("secrets").is_dir() {
        let backup = Backup::open(dir).map_err(|error| unusable(dir, &format!("{error:#}")))?;
        return Ok(copied(backup.folder, backup.signed));
    }
    if dir.join("checkpoint").is_file() {
        return audited(dir, key);
    }
    Err(unusable(dir, "it is no data folder, no backup and no copy by `guichet audit`"))
}

/// The files of a node that does not run.
fn stopped(data_dir: &Path) -> Result<History, HistoryError> {
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let log = StoppedLog::open(&data_dir.join(format!("log-{PARTITION}")), &memory)
        .context("a running node is read over NATS: leave --source out")
        .map_err(|error| unusable(data_dir, &format!("{error:#}")))?;
    let anchor = Protection::within(data_dir, PARTITION).anchor;
    let checkpoint = match std::fs::read(&anchor) {
        Ok(note) => {
            Some(SignedCheckpoint::read(&note).map_err(|error| unusable(&anchor, &error.to_string()))?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unusable(&anchor, &error.to_string())),
    };
    let head = log.head();
    Ok(History::new(Box::new(Stopped(Files(log))), head, checkpoint))
}

fn audited(dir: &Path, key: Option<&str>) -> Result<History, HistoryError> {
    let Some(key) = key else {
        return Err(HistoryError::Client(ClientError::Usage(format!(
            "name the public key of the log with --key, so that the checkpoint of {} can be believed",
            dir.display()
        ))));
    };
    let key = read_key(key)?;
    let folder = Folder::open(dir.to_owned())?;
    match folder.checkpoint(&key)? {
        Ok(Some(signed)) => Ok(copied(folder, signed)),
        Ok(None) => Err(unusable(dir, "it has no checkpoint: the copy did not end")),
        Err(refused) => Err(unusable(dir, &refused.to_string())),
    }
}

fn copied(folder: Folder, signed: SignedCheckpoint) -> History {
    let size = signed.size();
    History::new(Box::new(Copied::new(folder, size)), size, Some(signed))
}

fn unusable(path: &Path, problem: &str) -> HistoryError {
    HistoryError::Client(ClientError::File { path: path.to_owned(), problem: problem.to_owned() })
}
