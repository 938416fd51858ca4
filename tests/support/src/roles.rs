//! The roles of the product: `serve` as one process, or nats-server, engine and worker as three.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use crate::desk::Desk;
use crate::{Nats, Process, until};

const READY_WITHIN: Duration = Duration::from_secs(60);
/// The exit code of a process that halted to protect data.
pub const HALTED: i32 = 4;
/// The exit code of a process that could not reach NATS.
pub const UNREACHABLE: i32 = 3;

/// The product, with an environment of which nothing leaks in. Cargo builds it for the tests of its package, beside
/// their folder.
pub fn guichet() -> Command {
    let test = std::env::current_exe().expect("this program has a path");
    let folder = test.parent().and_then(Path::parent).expect("it is in target/debug/deps");
    let mut command = Command::new(folder.join("guichet"));
    for name in ["NATS_URL", "NATS_CONTEXT", "NATS_USER", "NATS_PASSWORD", "GUICHET_LOG", "GUICHET_KEK"] {
        command.env_remove(name);
    }
    command
}

/// The same, allowed so many open files and no more.
fn with_open_files(most: u64) -> Command {
    let product = guichet();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {most} && exec \"$0\" \"$@\"")).arg(product.get_program());
    for (name, value) in product.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Starts `guichet engine`. Its log is in `dir/engine`.
pub fn engine(url: &str, dir: &Path) -> Process {
    role("engine", &["engine"], url, dir)
}

/// Starts `guichet project ticket`. Its read model is in `dir/worker`.
pub fn worker(url: &str, dir: &Path) -> Process {
    role("worker", &["project", "ticket"], url, dir)
}

/// Starts `guichet project sla`. Its read model is in `dir/clocks`.
pub fn clocks(url: &str, dir: &Path) -> Process {
    role("clocks", &["project", "sla"], url, dir)
}

fn role(name: &str, arguments: &[&str], url: &str, dir: &Path) -> Process {
    let mut command = guichet();
    command.args(arguments).args(["--nats-url", url, "--data-dir"]).arg(dir.join(name));
    Process::spawn(name, command, dir)
}

/// How a node is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Free MiB below which it says busy; `None`: as it is by default.
    pub disk_reserve: Option<u64>,
    /// What it logs, where not warnings alone.
    pub log: Option<&'static str>,
    /// How many times as fast as the wall's its clock goes.
    pub clock_rate: Option<u32>,
    /// How many files it may have open.
    pub open_files: Option<u64>,
}

/// `guichet serve` with everything in it. Its data outlives a stop.
pub struct Serve {
    process: Option<Process>,
    url: String,
    settings: Settings,
    dir: TempDir,
}

impl Serve {
    /// Starts a node on an empty folder and waits until it says that it is ready.
    pub async fn start(settings: Settings) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut node = Self { process: None, url: String::new(), settings, dir };
        node.launch().await;
        node
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it was started")
    }

    pub async fn desk(&self) -> Desk {
        Desk::connect(&self.url).await
    }

    /// The desk as one of its own parts sees it: with the key of that user.
    pub async fn user(&self, name: &str) -> Desk {
        let file = self.data().join(format!("nats-keys/{name}.nk"));
        let seed = std::fs::read_to_string(file).expect("a key");
        Desk::connect_with(&self.url, |options| {
            options.nkey(seed.trim().to_owned()).custom_inbox_prefix(format!("_INBOX_{name}"))
        })
        .await
    }

    /// SIGKILL to the node. Its nats-server goes with it.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// SIGTERM; how the node ended, once it has.
    pub async fn stop(&mut self) -> ExitStatus {
        self.process.take().expect("it was started").terminate().await
    }

    /// What a ready node writes about itself.
    pub fn run_file(&self) -> PathBuf {
        self.data().join("run.json")
    }

    /// Starts the node, again or for the first time.
    pub async fn launch(&mut self) {
        let mut command = self.settings.open_files.map_or_else(guichet, with_open_files);
        command.args(["serve", "--data-dir"]).arg(self.data());
        if let Some(mebibytes) = self.settings.disk_reserve {
            command.args(["--disk-reserve", &mebibytes.to_string()]);
        }
        if let Some(times) = self.settings.clock_rate {
            command.args(["--clock-rate", &times.to_string()]);
        }
        if let Some(filter) = self.settings.log {
            command.env("GUICHET_LOG", filter);
        }
        let run_file = self.run_file();
        let process = self.process.insert(Process::spawn("serve", command, self.dir.path()));
        let pid = process.pid();
        self.url = until("serve writes run.json", READY_WITHIN, async || {
            assert!(process.ended().is_none(), "serve ended: {}", process.said());
            let run: serde_json::Value = serde_json::from_slice(&std::fs::read(&run_file).ok()?).ok()?;
            // A killed predecessor leaves its own.
            (run["pid"] == pid).then(|| run["nats_url"].as_str().expect("a url").to_owned())
        })
        .await;
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

/// nats-server, engine and worker, each a process of its own.
pub struct Trio {
    pub engine: Option<Process>,
    pub worker: Option<Process>,
    pub nats: Nats,
    dir: TempDir,
}

impl Trio {
    /// Starts all three and waits until they answer.
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let nats = Nats::start(dir.path()).await;
        let mut trio = Self { engine: None, worker: None, nats, dir };
        trio.launch_engine();
        trio.launch_worker();
        trio.desk().await.ready().await;
        trio
    }

    pub fn url(&self) -> String {
        self.nats.url()
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub async fn desk(&self) -> Desk {
        Desk::connect(&self.url()).await
    }

    /// Starts the engine; it may take a while until it answers.
    pub fn launch_engine(&mut self) {
        self.engine = Some(engine(&self.url(), self.dir.path()));
    }

    /// Starts the worker; it may take a while until it answers.
    pub fn launch_worker(&mut self) {
        self.worker = Some(worker(&self.url(), self.dir.path()));
    }

    pub fn kill_engine(&mut self) {
        self.engine.take().expect("the engine was started").kill();
    }

    pub fn kill_worker(&mut self) {
        self.worker.take().expect("the worker was started").kill();
    }

    /// Starts a role again that ended because NATS was away, as a supervisor would; any other end fails the test.
    pub fn supervise(&mut self) {
        for (name, process) in [("engine", &mut self.engine), ("worker", &mut self.worker)] {
            let Some(running) = process else { continue };
            let Some(status) = running.ended() else { continue };
            assert_eq!(status.code(), Some(UNREACHABLE), "{name}: {}", running.said());
            *process = None;
        }
        if self.engine.is_none() {
            self.launch_engine();
        }
        if self.worker.is_none() {
            self.launch_worker();
        }
    }

    /// SIGTERM to engine and worker. Both must drain and end well.
    pub async fn stop_roles(&mut self) {
        for (name, process) in [("engine", self.engine.take()), ("worker", self.worker.take())] {
            let Some(process) = process else { continue };
            let status = process.terminate().await;
            assert!(status.success(), "{name} ended with {status}");
        }
    }
}
