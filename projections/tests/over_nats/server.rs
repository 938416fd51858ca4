//! A nats-server of the test's own, on a free loopback port, ended with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::port;

/// A running nats-server with JetStream in a folder that outlives its restarts.
pub(crate) struct Server {
    child: Child,
    program: PathBuf,
    port: u16,
    dir: tempfile::TempDir,
}

impl Server {
    /// Starts one; `None`, loudly, where this machine has no nats-server.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = find() else {
            assert!(env("CI").is_none(), "no nats-server: set GUICHET_NATS_SERVER, or put it on the PATH");
            eprintln!("SKIPPED: no nats-server: set GUICHET_NATS_SERVER, or put it on the PATH");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let port = port::free();
        let child = spawn(&program, port, dir.path());
        Some(Self { child, program, port, dir })
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash does, and starts it again in the same place.
    pub(crate) fn crash_and_restart(&mut self) {
        self.kill();
        self.child = spawn(&self.program, self.port, self.dir.path());
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, port: u16, dir: &Path) -> Child {
    let mut child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
        .arg(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let give_up = Instant::now() + Duration::from_secs(20);
    while !port::greets(port) {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() && Instant::now() < give_up, "no nats-server on port {port}: {ended:?}");
        std::thread::yield_now();
    }
    child
}

fn find() -> Option<PathBuf> {
    let home = env("HOME")
        .map(|home| PathBuf::from(home).join(".cache/guichet/tools/nats-server-2.15.1/nats-server"));
    let path = env("PATH").unwrap_or_default();
    env("GUICHET_NATS_SERVER")
        .map(PathBuf::from)
        .into_iter()
        .chain(home)
        .chain(std::env::split_paths(&path).map(|dir| dir.join("nats-server")))
        .find(|program| program.is_file())
}

#[expect(clippy::disallowed_methods, reason = "a test finds its tools by the environment")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
