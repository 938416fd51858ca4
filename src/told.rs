//! `guichet explain`, `guichet diff` and `guichet blame-config`: which history is meant.

use std::path::Path;
use std::process::ExitCode;

use guichet_history::blame::{self, BlameArgs};
use guichet_history::diff::{self, DiffArgs};
use guichet_history::explain::{self, ExplainArgs};
use guichet_history::source::History;
use guichet_replay_tools::client::{ClientError, ConnectArgs};

use crate::export::{folder, is_stopped, live, runs, stopped};

/// Says what made a ticket what it is.
pub(crate) async fn explain(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let history = history(args.source.as_deref(), args.key.as_deref(), &args.connect).await?;
    // The log is read on a thread that may wait.
    Ok(tokio::task::block_in_place(|| explain::run(args, &history))?.into())
}

/// Says what changed between two places of the history.
pub(crate) async fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let history = history(args.source.as_deref(), args.key.as_deref(), &args.connect).await?;
    Ok(tokio::task::block_in_place(|| diff::run(args, &history))?.into())
}

/// Says what each version of an item of the configuration changed.
pub(crate) async fn blame(args: &BlameArgs) -> anyhow::Result<ExitCode> {
    let history = history(args.source.as_deref(), args.key.as_deref(), &args.connect).await?;
    Ok(tokio::task::block_in_place(|| blame::run(args, &history))?.into())
}

/// The folder that is named, else the desk that runs, else its stopped folder.
async fn history(source: Option<&Path>, key: Option<&str>, connect: &ConnectArgs) -> anyhow::Result<History> {
    let history = match source {
        Some(dir) => folder(dir, key)?,
        None if runs(connect) => live(&connect.connect().await?).await?,
        None if is_stopped(connect) => stopped(&connect.data_dir)?,
        None => return Err(ClientError::NoServer { data_dir: connect.data_dir.clone() }.into()),
    };
    Ok(history)
}
