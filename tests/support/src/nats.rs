//! A nats-server that can be killed and started again on the same port and store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use tempfile::TempDir;

use crate::needs::missing;
use crate::{Process, port, until};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A nats-server with JetStream on loopback.
pub struct Nats {
    process: Option<Process>,
    port: u16,
    dir: PathBuf,
    /// What stands in its configuration beside address and store.
    configured: Option<PathBuf>,
    /// A folder that goes with it.
    own: Option<TempDir>,
}

impl Nats {
    /// Starts one in a folder that goes with it; `None`, loudly, where this machine has no nats-server.
    pub async fn start_where_there_is_one() -> Option<Self> {
        let name = program();
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|dir| dir.join(&name).is_file()) {
            missing(&format!("{} is not there; set GUICHET_NATS_SERVER", name.display()));
            return None;
        }
        let own = tempfile::tempdir().expect("a temporary folder");
        let mut nats = Self::planned(own.path());
        nats.own = Some(own);
        nats.launch().await;
        Some(nats)
    }

    /// Starts one whose files are in `dir`, and waits until it takes connections.
    pub async fn start(dir: &Path) -> Self {
        let mut nats = Self::planned(dir);
        nats.launch().await;
        nats
    }

    /// One that has its port and is not started yet.
    pub fn planned(dir: &Path) -> Self {
        Self { process: None, port: port::free(), dir: dir.to_owned(), configured: None, own: None }
    }

    /// Starts one with accounts and users of its own.
    pub async fn configured(dir: &Path, text: &str) -> Self {
        let file = dir.join("nats.conf");
        std::fs::write(&file, text).expect("the folder is ours");
        let mut nats = Self { configured: Some(file), ..Self::planned(dir) };
        nats.launch().await;
        nats
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Sends a signal, where it runs.
    pub fn signal(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.signal(signal);
        }
    }

    /// Asks it to stop, and waits until it has put its store in order.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            process.terminate().await;
        }
    }

    /// Starts it, again or for the first time, and waits until it takes connections.
    pub async fn launch(&mut self) {
        self.try_launch().await.unwrap_or_else(|said| panic!("nats-server ended: {said}"));
    }

    /// The same on a store that may be damaged: the error is what it said before it ended.
    pub async fn try_launch(&mut self) -> Result<(), String> {
        let mut command = Command::new(program());
        command
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.dir.join("jetstream"));
        if let Some(file) = &self.configured {
            command.arg("-c").arg(file);
        }
        let process = self.process.insert(Process::spawn("nats-server", command, &self.dir));
        until("nats-server greets", READY_WITHIN, async || {
            if process.ended().is_some() {
                return Some(Err(process.said()));
            }
            port::greets(self.port).then_some(Ok(()))
        })
        .await
    }

    /// Everything that it said, with what it said before it was started again.
    pub fn said(&self) -> String {
        self.process.as_ref().map(Process::said).unwrap_or_default()
    }
}

/// The same places as the product, so that both use the same server.
fn program() -> PathBuf {
    let configured = std::env::var_os("GUICHET_NATS_SERVER").filter(|v| !v.is_empty()).map(PathBuf::from);
    let fetched =
        std::env::home_dir().map(|home| home.join(".cache/guichet/tools/nats-server-2.15.1/nats-server"));
    configured.or(fetched.filter(|path| path.exists())).unwrap_or_else(|| PathBuf::from("nats-server"))
}
