//! `run.json`: how others find a running node. There while the node is ready, gone when it stops.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunFile {
    /// Process of the node.
    pub(crate) pid: u32,
    pub(crate) nats_url: String,
    pub(crate) http_url: Option<String>,
    /// Bearer token of the HTTP API.
    pub(crate) http_token: Option<String>,
    /// Process of the embedded nats-server.
    pub(crate) nats_pid: Option<u32>,
}

/// The file of a whole node.
pub(crate) const NODE: &str = "run.json";
/// The file of the role `http` alone, which may share its folder with a node.
pub(crate) const HTTP: &str = "http.json";

/// Writes the file in one step: whoever reads it reads all of it. It holds a secret, so only its owner may.
pub(crate) fn write(data_dir: &Path, name: &str, run: &RunFile) -> anyhow::Result<()> {
    let (to, draft) = (data_dir.join(name), data_dir.join(format!("{name}.new")));
    write_private(&draft, &serde_json::to_vec(run)?).with_context(|| format!("write {}", draft.display()))?;
    std::fs::rename(&draft, &to).with_context(|| format!("write {}", to.display()))
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A draft that was left behind keeps its permissions, so it goes first.
    if let Err(error) = std::fs::remove_file(path) {
        tracing::trace!(%error, "no draft was left behind");
    }
    std::fs::File::options().create_new(true).write(true).mode(0o600).open(path)?.write_all(bytes)
}

/// Takes the file away.
pub(crate) fn remove(data_dir: &Path, name: &str) {
    if let Err(error) = std::fs::remove_file(data_dir.join(name)) {
        tracing::debug!(%error, name, "nothing to take away");
    }
}
