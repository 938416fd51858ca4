//! One start of a nats-server: the child, and the wait until it is healthy.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use super::child::{LOOK_EVERY, ended, stop_asked_within, terminate};
use super::log_tail::tail;
use super::place::Place;

/// Memory that the child aims to stay below; it may go beyond when it must.
const MEMORY_SOFT_LIMIT: &str = "96MiB";
/// How long a start may take. JetStream reads its streams back first, which takes long if they are long.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A child that is ready.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) port: u16,
}

impl Place {
    fn spawn(&self) -> anyhow::Result<Child> {
        // Whatever it says before it opens its log, or when it crashes, goes to the same place.
        let log =
            File::options().create(true).append(true).open(self.log()).context("could not open nats.log")?;
        let mut command = Command::new(&self.server);
        command
            .arg("-c")
            .arg(self.config())
            // Its garbage collector takes what it is given; the whole desk is to fit into a small machine.
            .env("GOMEMLIMIT", MEMORY_SOFT_LIMIT)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in the terminal is for us: we drain first and end the child afterwards.
            .process_group(0);
        die_with_parent(&mut command);
        command.spawn().with_context(|| format!("could not run {}", self.server.display()))
    }

    /// Starts the child and waits until it is healthy. A child that is not is gone when this returns.
    pub(super) fn launch(&self, port: u16, orders: &mpsc::Receiver<Infallible>) -> anyhow::Result<Running> {
        self.write_config(port)?;
        self.forget_ports();
        let log_before = fs::metadata(self.log()).map_or(0, |log| log.len());
        let mut child = self.spawn()?;
        let begun = Instant::now();
        let why = loop {
            if let Some(how) = ended(&mut child) {
                break format!("nats-server ended with {how} before it was ready");
            }
            if let Some(port) = self.ready(child.id()) {
                return Ok(Running { child, port });
            }
            if begun.elapsed() > READY_WITHIN {
                break format!("nats-server was not ready after {} s", READY_WITHIN.as_secs());
            }
            if stop_asked_within(orders, LOOK_EVERY) {
                break "nats-server was stopped before it was ready".to_owned();
            }
        };
        terminate(&mut child);
        bail!("{why}; its log ends with{}", tail(&self.log(), log_before))
    }

    /// Its client port, once it answers that it is healthy.
    fn ready(&self, pid: u32) -> Option<u16> {
        let text = fs::read(self.ports(pid)).ok()?;
        let ports: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let port_in = |field: &str| ports[field][0].as_str()?.rsplit_once(':')?.1.parse::<u16>().ok();
        let (client, monitor) = (port_in("nats")?, port_in("monitoring")?);
        healthy(monitor).unwrap_or(false).then_some(client)
    }

    /// A killed server leaves its ports file, and another process may get the same number one day.
    fn forget_ports(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("nats-server_") && name.ends_with(".ports") {
                fs::remove_file(entry.path()).ok();
            }
        }
    }
}

/// Without this a killed guichet would leave a server that nobody stops, on the port we need again.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only between fork and exec can the child ask for that signal")]
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
        // If the parent died before we asked, no signal will come.
        if u32::try_from(nix::unistd::getppid().as_raw()) != Ok(parent) {
            return Err(nix::errno::Errno::ESRCH.into());
        }
        Ok(())
    };
    // SAFETY: two system calls and no allocation, which is all that is allowed between fork and exec.
    unsafe { command.pre_exec(ask) };
}

/// Other systems do not know that signal; there the next start ends what was left behind, if it can.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

/// Asks `/healthz`, which is good once JetStream has its streams back.
fn healthy(monitor: u16) -> std::io::Result<bool> {
    let patience = Duration::from_secs(2);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, monitor));
    let mut connection = TcpStream::connect_timeout(&address, patience)?;
    connection.set_read_timeout(Some(patience))?;
    connection.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.0 200 ") || answer.starts_with(b"HTTP/1.1 200 "))
}
