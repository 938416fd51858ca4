//! A desk with a history: `guichet demo`, up and loaded.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::client::{self, Answer};
use crate::harness::{Process, guichet, until};

const LOADED_WITHIN: Duration = Duration::from_secs(120);

/// A running demo.
pub(super) struct Demo {
    process: Process,
    run: Value,
    dir: TempDir,
}

impl Demo {
    /// Six weeks of plausible history.
    pub(super) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut command = guichet();
        command.args(["demo", "--days", "42", "--tickets", "300", "--data-dir"]).arg(dir.path().join("data"));
        let mut process = Process::spawn("demo", command, dir.path());
        let run_file = dir.path().join("data/run.json");
        let run = until("the demo is loaded", LOADED_WITHIN, async || {
            assert!(process.ended().is_none(), "the demo ended: {}", process.said());
            // The link is the last thing that it says.
            process.said().contains("in a browser").then_some(())?;
            serde_json::from_slice(&std::fs::read(&run_file).ok()?).ok()
        })
        .await;
        Self { process, run, dir }
    }

    pub(super) fn word(&self, name: &str) -> &str {
        self.run[name].as_str().unwrap_or_else(|| panic!("run.json has no {name}: {}", self.run))
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn run_file(&self) -> std::path::PathBuf {
        self.dir.path().join("data/run.json")
    }

    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.word("http_token"))
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        let headers = [("Authorization", self.bearer())];
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        client::send(address(self.word("http_url")), "GET", path, &headers).await
    }

    pub(super) async fn stop(self) {
        assert!(self.process.terminate().await.success());
    }
}

/// The address in a URL without a path.
pub(super) fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").expect("http").parse().expect("an address and a port")
}
