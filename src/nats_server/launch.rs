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
use tracing::error;

use super::child::{ended, terminate};
use super::damage::{self, Damaged};
use super::log_tail::tail;
use super::place::Place;
use super::wait::{LOOK_EVERY, stop_asked_within};

/// Memory that the child aims to stay below; it may go beyond when it must.
const MEMORY_SOFT_LIMIT: &str = "80MiB";
/// How long a start may take. JetStream reads its streams back first, which takes long if they are long.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// How long a complaint of the server about its store has to stand before it is believed.
const COMPLAINS_FOR: Duration = Duration::from_secs(1);
/// How many damaged parts of a store one start puts aside before it gives up.
const ASIDE_MAX: usize = 16;

/// A child that is ready.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) port: u16,
}

/// The result of starting a child.
enum Tried {
    Ready(Running),
    /// It cannot read its store.
    Damaged(Damaged, String),
}

/// A child's account of itself.
enum Health {
    /// Nothing yet, or that it is not ready.
    NotYet,
    /// It takes clients at this port.
    Ready(u16),
    /// It will not be: something could not be brought back.
    Damaged(Damaged, String),
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
            // It has no use for our secrets.
            .env_remove("GUICHET_KEK")
            .env_remove("NATS_PASSWORD")
            .env_remove("NATS_TOKEN")
            .env_remove("NATS_URL")
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in the terminal is for us: we drain first and end the child afterwards.
            .process_group(0);
        die_with_parent(&mut command);
        command.spawn().with_context(|| format!("could not run {}", self.server.display()))
    }

    /// Starts the child and waits until it is healthy. What it cannot read of its store is put aside. A child that is
    /// not healthy is gone when this returns.
    pub(super) fn launch(&self, port: u16, orders: &mpsc::Receiver<Infallible>) -> anyhow::Result<Running> {
        self.make_readable();
        let (mut count, mut whole) = (0, false);
        loop {
            let (damaged, why) = match self.misshapen() {
                Some(damaged) => (damaged, "a file stands where a folder has to be".to_owned()),
                None => match self.try_launch(port, orders)? {
                    Tried::Ready(running) => return Ok(running),
                    Tried::Damaged(damaged, why) => (damaged, why),
                },
            };
            let store = self.store_dir.display();
            if count == ASIDE_MAX || whole {
                bail!(
                    "nats-server cannot read its store {store}: {why}; move the folder away, it is rebuilt from the log"
                );
            }
            count += 1;
            whole = damaged == Damaged::Store;
            let aside = self.put_aside(&damaged).with_context(|| {
                format!("nats-server cannot read its store ({why}), and it could not be put aside; move {store} away, it is rebuilt from the log")
            })?;
            error!(
                %why,
                aside = %aside.display(),
                kept = self.kept_aside(),
                "the store of nats-server is damaged; what could not be read was put aside, and is rebuilt from the log. Remove it when nobody wants to look at it any more"
            );
        }
    }

    fn try_launch(&self, port: u16, orders: &mpsc::Receiver<Infallible>) -> anyhow::Result<Tried> {
        self.write_config(port)?;
        self.forget_ports();
        let log_before = fs::metadata(self.log()).map_or(0, |log| log.len());
        let mut child = self.spawn()?;
        let (begun, mut complains) = (Instant::now(), None::<Instant>);
        let why = loop {
            if let Some(how) = ended(&mut child) {
                let why = format!("nats-server ended with {how} before it was ready");
                let said = tail(&self.log(), log_before);
                if damage::ended_over_store(&said) {
                    return Ok(Tried::Damaged(Damaged::Store, format!("{why}; its log ends with{said}")));
                }
                break why;
            }
            match self.health(child.id()) {
                Health::Ready(port) => return Ok(Tried::Ready(Running { child, port })),
                Health::Damaged(damaged, why) => {
                    if complains.get_or_insert_with(Instant::now).elapsed() >= COMPLAINS_FOR {
                        terminate(&mut child);
                        return Ok(Tried::Damaged(damaged, why));
                    }
                }
                Health::NotYet => complains = None,
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

    /// How it is, once it has told its ports.
    fn health(&self, pid: u32) -> Health {
        let told = || -> Option<(u16, u16)> {
            let text = fs::read(self.ports(pid)).ok()?;
            let ports: serde_json::Value = serde_json::from_slice(&text).ok()?;
            let port_in = |field: &str| ports[field][0].as_str()?.rsplit_once(':')?.1.parse::<u16>().ok();
            Some((port_in("nats")?, port_in("monitoring")?))
        };
        let Some((client, monitor)) = told() else { return Health::NotYet };
        let Ok((is_good, body)) = ask_health(monitor) else { return Health::NotYet };
        if is_good {
            return Health::Ready(client);
        }
        damage::complaint(&body).map_or(Health::NotYet, |damaged| {
            Health::Damaged(damaged, String::from_utf8_lossy(&body).into_owned())
        })
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

/// Asks `/healthz`, which is good once JetStream has its streams back; and the body of the answer, which says why not.
fn ask_health(monitor: u16) -> std::io::Result<(bool, Vec<u8>)> {
    let patience = Duration::from_secs(2);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, monitor));
    let mut connection = TcpStream::connect_timeout(&address, patience)?;
    connection.set_read_timeout(Some(patience))?;
    connection.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let is_good = answer.starts_with(b"HTTP/1.0 200 ") || answer.starts_with(b"HTTP/1.1 200 ");
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    Ok((is_good, answer.split_off(body)))
}
