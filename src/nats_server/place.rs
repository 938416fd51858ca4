//! The files of one nats-server, and the orphan that may still use them.

use std::convert::Infallible;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tracing::warn;

use super::accounts::{self, EVENTS};
use super::keys::{Keys, write_private};
use super::wait::{LOOK_EVERY, STOP_WITHIN, stop_asked_within};

/// The disk is the limit of the stream, and the publisher watches it. The server's own is three quarters of what is free
/// when it starts: a long stream would not fit any more after the next start, and free space would not help.
const NO_LIMIT: &str = "1PB";

/// How long a folder may seem to be taken.
const LOCKED_WITHIN: Duration = Duration::from_secs(1);

/// The files of one server.
pub(super) struct Place {
    pub(super) server: PathBuf,
    pub(super) store_dir: PathBuf,
    /// The parent of the store. Absolute and without links, for it shows up in the child's command line.
    pub(super) dir: PathBuf,
    /// Its users.
    pub(super) keys: Arc<Keys>,
    /// Held as long as we run: without it a second guichet would take our child for an orphan.
    _lock: File,
}

impl Place {
    pub(super) fn prepare(server: &Path, store_dir: &Path) -> anyhow::Result<Place> {
        let create = || -> anyhow::Result<(PathBuf, PathBuf)> {
            fs::create_dir_all(store_dir)?;
            let store_dir = store_dir.canonicalize()?;
            let dir = store_dir.parent().context("it has no parent")?.to_owned();
            Ok((store_dir, dir))
        };
        let (store_dir, dir) =
            create().with_context(|| format!("could not prepare the folder {}", store_dir.display()))?;
        let lock = File::create(dir.join("nats.lock")).context("could not create nats.lock")?;
        // A process that was forked a moment ago holds the locks of its parent until it becomes another program.
        let begun = Instant::now();
        while let Err(fault) = lock.try_lock() {
            if begun.elapsed() > LOCKED_WITHIN {
                let what = format!("another guichet already runs a nats-server in {}", dir.display());
                return Err(anyhow::Error::new(fault).context(what));
            }
            thread::sleep(LOOK_EVERY / 5);
        }
        move_store(&store_dir)?;
        let keys = Arc::new(Keys::prepare(&dir)?);
        Ok(Place { server: server.to_owned(), store_dir, dir, keys, _lock: lock })
    }

    pub(super) fn config(&self) -> PathBuf {
        self.dir.join("nats.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("nats.log")
    }

    pub(super) fn ports(&self, pid: u32) -> PathBuf {
        self.dir.join(format!("nats-server_{pid}.ports"))
    }

    /// Loopback only, users of our own only, and nothing switched on that we do not use.
    pub(super) fn write_config(&self, port: u16) -> anyhow::Result<()> {
        let listen = if port == 0 { -1 } else { i32::from(port) };
        let text = format!(
            "# Written by guichet at every start: changes here are lost.\n\
             server_name: \"guichet\"\n\
             host: \"127.0.0.1\"\n\
             port: {listen}\n\
             http: \"127.0.0.1:-1\"\n\
             ports_file_dir: {dir}\n\
             pid_file: {pid_file}\n\
             logfile: {log}\n\
             logfile_size_limit: 10MB\n\
             logfile_max_num: 3\n\
             logtime_utc: true\n\
             max_connections: {connections}\n\
             max_subscriptions: 2000\n\
             max_subscription_tokens: 16\n\
             max_pending: 32MB\n\
             jetstream {{ store_dir: {store_dir}, max_file_store: {NO_LIMIT} }}\n\
             {accounts}",
            // So that its streams always have a descriptor.
            connections = connections(),
            dir = quoted(&self.dir)?,
            pid_file = quoted(&self.dir.join("nats.pid"))?,
            log = quoted(&self.log())?,
            store_dir = quoted(&self.store_dir)?,
            accounts = accounts::accounts(&self.keys)?,
        );
        write_private(&self.config(), text.as_bytes()).context("could not write nats.conf")
    }

    /// A predecessor that was killed may have left its child, which still ends or even still serves.
    pub(super) fn end_orphan(&self, orders: &mpsc::Receiver<Infallible>) -> anyhow::Result<()> {
        let Ok(text) = fs::read_to_string(self.dir.join("nats.pid")) else { return Ok(()) };
        let Ok(pid) = text.trim().parse::<i32>() else { return Ok(()) };
        for (signal, patience) in [(Signal::SIGTERM, STOP_WITHIN), (Signal::SIGKILL, STOP_WITHIN)] {
            if !self.is_ours(pid) {
                return Ok(());
            }
            warn!(pid, %signal, "ending the nats-server that a killed guichet left behind");
            // It may be gone by now, which is what we want.
            kill(Pid::from_raw(pid), signal).ok();
            let begun = Instant::now();
            while self.is_ours(pid) && begun.elapsed() < patience {
                ensure!(!stop_asked_within(orders, LOOK_EVERY), "stopped before it was ready");
            }
        }
        ensure!(!self.is_ours(pid), "the nats-server of a killed guichet, process {pid}, does not end");
        Ok(())
    }

    /// Only our child was started with our configuration file. A zombie has no command line any more.
    fn is_ours(&self, pid: i32) -> bool {
        let config = self.config();
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            line.split(|byte| *byte == 0).any(|word| word == config.as_os_str().as_encoded_bytes())
        })
    }
}

/// Clients at the same time. The child is allowed as many descriptors as we are; its streams and it itself keep theirs.
fn connections() -> u64 {
    const MOST: u64 = 65_536;
    const OWN: u64 = 128;
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    limit.min(MOST).saturating_sub(OWN).max(64)
}

/// Before there were users, the stream was in the account that everybody is in, and that nobody gets into any more.
fn move_store(store_dir: &Path) -> anyhow::Result<()> {
    let all = store_dir.join("jetstream");
    let (from, to) = (all.join("$G"), all.join(EVENTS));
    if from.is_dir() && !to.exists() {
        fs::rename(&from, &to)
            .with_context(|| format!("move the stream from {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}

/// A path as a string of nats-server's configuration language.
fn quoted(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("the path {} is not UTF-8", path.display()))?;
    ensure!(!text.contains(char::is_control), "the path {} has control characters", path.display());
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
