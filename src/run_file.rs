//! `run.json`: how others find a running node. There while the node is ready, gone when it stops.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// What stands in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunFile {
    /// Process of the node.
    pub(crate) pid: u32,
    /// Where NATS is.
    pub(crate) nats_url: String,
    /// Where HTTP is; none: this build has no HTTP API yet.
    pub(crate) http_url: Option<String>,
    /// Bearer token of the HTTP API.
    pub(crate) http_token: Option<String>,
    /// Process of the embedded nats-server.
    pub(crate) nats_pid: Option<u32>,
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run.json")
}

/// Writes the file in one step: whoever reads it reads all of it.
pub(crate) fn write(data_dir: &Path, run: &RunFile) -> anyhow::Result<()> {
    let (to, draft) = (path(data_dir), data_dir.join("run.json.new"));
    std::fs::write(&draft, serde_json::to_vec(run)?).with_context(|| format!("write {}", draft.display()))?;
    std::fs::rename(&draft, &to).with_context(|| format!("write {}", to.display()))
}

/// Takes the file away.
pub(crate) fn remove(data_dir: &Path) {
    if let Err(error) = std::fs::remove_file(path(data_dir)) {
        tracing::debug!(%error, "no run.json to take away");
    }
}
