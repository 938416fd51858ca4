//! `guichet import` as a person runs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::harness::{Process, guichet};

const WITHIN: Duration = Duration::from_secs(600);

/// One export and how to read it.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    pub(crate) file: PathBuf,
    /// A shipped mapping.
    pub(crate) mapping: &'static str,
    pub(crate) zone: Option<&'static str>,
    /// Commands on their way at once; `None`: as it is by default.
    pub(crate) window: Option<&'static str>,
}

/// What `import --json` says at the end.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub(crate) struct Summary {
    pub(crate) rows: u64,
    pub(crate) tickets: u64,
    pub(crate) rejected_rows: u64,
    pub(crate) accepted: u64,
    pub(crate) replayed: u64,
    pub(crate) unchanged: u64,
    pub(crate) refused: u64,
    pub(crate) retries: u64,
    pub(crate) position: u64,
}

impl Export {
    /// Starts an import. What it says is in `dir`.
    pub(crate) fn start(&self, url: &str, dir: &Path) -> Process {
        let mut command = guichet();
        command.env("NATS_URL", url).arg("import").arg(&self.file).args([
            "--mapping",
            self.mapping,
            "--json",
        ]);
        command.args(self.zone.iter().flat_map(|zone| ["--zone", zone]));
        command.args(self.window.iter().flat_map(|window| ["--window", window]));
        Process::spawn("import", command, dir)
    }

    /// Imports and returns the summary.
    pub(crate) async fn run(&self, url: &str, dir: &Path) -> Summary {
        finish(self.start(url, dir)).await
    }
}

/// Waits for the end of an import, which must be a good one.
pub(crate) async fn finish(mut import: Process) -> Summary {
    let status = import.exit(WITHIN).await;
    let said = import.said();
    assert!(status.success(), "import ended with {status}: {said}");
    let line =
        said.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no summary in: {said}"));
    serde_json::from_str(line).expect("the summary is JSON")
}
