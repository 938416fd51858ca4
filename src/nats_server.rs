//! Finds, starts and supervises the nats-server child of `serve` and `demo`.
//!
//! Owns the files `nats.conf`, `nats.log`, `nats.pid`, `nats.lock` and `nats-server_*.ports` beside the
//! JetStream store. Must never listen on anything but loopback, and never signal a process whose
//! command line does not prove that it is ours.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// The version that `./guichet` fetches.
pub(crate) const PINNED: &str = "2.15.1";
/// Older servers have holes that a client without an account can use: refused.
pub(crate) const FLOOR: &str = "2.12.8";
/// Memory that the child aims to stay below; it may go beyond when it must.
const MEMORY_SOFT_LIMIT: &str = "96MiB";
/// From here on no fault is known that concerns us.
const ADVISED: &str = "2.14.5";

/// How long a start may take. JetStream reads its streams back first, which takes long if they are long.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a server may take to end by itself before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How often we look whether the child is ready, or still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Pause before the first restart; every further one doubles it.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two restarts.
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(5);
/// A child that lived this long was well: the next restart is quick again.
const STEADY_AFTER: Duration = Duration::from_secs(30);
/// How many lines of its log tell why it did not start.
const LOG_TAIL_LINES: usize = 20;
/// How much of its log we read for them.
const LOG_TAIL_BYTES: u64 = 64 * 1024;

/// A nats-server program that is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Absolute path of the program.
    pub(crate) path: PathBuf,
    /// What it says of itself, such as `2.15.1`.
    pub(crate) version: String,
}

/// Where to look, in this order. The values come from the environment, which is not ours to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// `GUICHET_NATS_SERVER`. If there is one, nothing else is tried.
    pub(crate) configured: Option<PathBuf>,
    /// The home directory; `./guichet` keeps below it what it fetched.
    pub(crate) home: Option<PathBuf>,
    /// `PATH`. `/usr/sbin`, where Debian puts the program, is tried after it.
    pub(crate) path: Option<OsString>,
}

/// What we think of a version of nats-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Refused: it has known holes, or does not say its version in a way that we can read.
    TooOld,
    /// Works, with a warning: later versions repair faults that concern us.
    Old,
    /// Nothing to say.
    Good,
}

/// Judges `2.15.1` or `v2.15.1`. What follows a hyphen, as in `2.15.1-RC.1`, does not count.
pub(crate) fn check_version(version: &str) -> Verdict {
    match numbers(version) {
        None => Verdict::TooOld,
        found if found < numbers(FLOOR) => Verdict::TooOld,
        found if found < numbers(ADVISED) => Verdict::Old,
        Some(_) => Verdict::Good,
    }
}

/// The first program on the way that is new enough; the error lists all that was tried.
pub(crate) fn find(search: &Search) -> anyhow::Result<Found> {
    if let Some(configured) = &search.configured {
        return examine(configured)
            .with_context(|| format!("GUICHET_NATS_SERVER names {}", configured.display()));
    }
    let mut tried = String::new();
    for place in places(search) {
        if !place.exists() {
            tried.push_str(&format!("\n    {}: not there", place.display()));
            continue;
        }
        match examine(&place) {
            Ok(found) => return Ok(found),
            Err(why) => tried.push_str(&format!("\n    {}: {why:#}", place.display())),
        }
    }
    bail!("no nats-server {FLOOR} or newer found; tried{tried}")
}

/// A running nats-server that is kept running: if it dies unasked it is started again on the same port.
///
/// Dropping it without [`NatsServer::stop`] ends the child too, but nobody waits for that.
#[derive(Debug)]
pub(crate) struct NatsServer {
    port: u16,
    pid: Arc<AtomicU32>,
    /// Nothing is ever sent: the owner of the child stops it when this end is gone.
    wanted: mpsc::Sender<Infallible>,
    /// Nothing is ever sent: it closes when the owner of the child has ended it.
    over: oneshot::Receiver<Infallible>,
}

impl NatsServer {
    /// Starts a server whose JetStream keeps its files in `store_dir` and waits until it is healthy.
    ///
    /// Port 0 takes any free one. The parent of `store_dir` gets the files that this module owns, so a
    /// folder runs one server at a time; one left behind by a killed predecessor is ended first.
    pub(crate) async fn start(server: &Found, store_dir: &Path, port: u16) -> anyhow::Result<NatsServer> {
        match check_version(&server.version) {
            Verdict::TooOld => bail!("nats-server {} is older than {FLOOR}", server.version),
            Verdict::Old => {
                warn!(version = server.version, "nats-server is older than {ADVISED}, update it soon");
            }
            Verdict::Good => {}
        }
        let place = Place::prepare(&server.path, store_dir)?;
        let pid = Arc::new(AtomicU32::new(0));
        let (wanted, orders) = mpsc::channel();
        let (started, ready) = oneshot::channel();
        let (ended, over) = oneshot::channel();
        // A thread of its own, for the kernel sends the signal of the parent's death when the thread
        // that forked ends, and threads of the async runtime come and go.
        let owner = thread::Builder::new().name("nats-server".to_owned());
        let shown_pid = Arc::clone(&pid);
        owner
            .spawn(move || {
                own(&place, port, &orders, &shown_pid, started);
                drop(ended);
            })
            .context("could not start the thread that owns nats-server")?;
        let port = ready.await.context("the thread that owns nats-server ended")??;
        Ok(NatsServer { port, pid, wanted, over })
    }

    /// Where clients connect. Does not change when the child is restarted.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The child's process id; after a restart the new one, in between still the old one.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.load(Ordering::Relaxed)
    }

    /// Asks the child to end, kills it if it does not, and returns when it is gone.
    pub(crate) async fn stop(self) {
        let NatsServer { wanted, over, .. } = self;
        drop(wanted);
        // The only answer is that the other end is gone.
        over.await.ok();
    }
}

fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let release = version.split_once('-').map_or(version, |(release, _)| release);
    let mut parts = release.split('.').map(str::parse);
    let numbers = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    parts.next().is_none().then_some(numbers)
}

fn places(search: &Search) -> Vec<PathBuf> {
    let fetched = search
        .home
        .iter()
        .map(|home| home.join(format!(".cache/guichet/tools/nats-server-{PINNED}/nats-server")));
    let on_path = search.path.iter().flat_map(std::env::split_paths).map(|folder| folder.join("nats-server"));
    let mut places: Vec<PathBuf> = fetched.collect();
    places.extend(on_path.filter(|place| place.exists()));
    places.push(PathBuf::from("/usr/sbin/nats-server"));
    places
}

fn examine(program: &Path) -> anyhow::Result<Found> {
    let path = std::path::absolute(program)?;
    let output = Command::new(&path).arg("-v").stdin(Stdio::null()).output().context("cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.trim().strip_prefix("nats-server: v").context("is not a nats-server")?.to_owned();
    ensure!(check_version(&version) != Verdict::TooOld, "{version} is older than {FLOOR}");
    Ok(Found { path, version })
}

/// The files of one server.
struct Place {
    server: PathBuf,
    store_dir: PathBuf,
    /// The parent of the store. Absolute and without links, for it shows up in the child's command line.
    dir: PathBuf,
    /// Held as long as we run: without it a second guichet would take our child for an orphan.
    _lock: File,
}

/// A child that is ready.
struct Running {
    child: Child,
    port: u16,
}

impl Place {
    fn prepare(server: &Path, store_dir: &Path) -> anyhow::Result<Place> {
        let create = || -> anyhow::Result<(PathBuf, PathBuf)> {
            fs::create_dir_all(store_dir)?;
            let store_dir = store_dir.canonicalize()?;
            let dir = store_dir.parent().context("it has no parent")?.to_owned();
            Ok((store_dir, dir))
        };
        let (store_dir, dir) =
            create().with_context(|| format!("could not prepare the folder {}", store_dir.display()))?;
        let lock = File::create(dir.join("nats.lock")).context("could not create nats.lock")?;
        lock.try_lock()
            .with_context(|| format!("another guichet already runs a nats-server in {}", dir.display()))?;
        Ok(Place { server: server.to_owned(), store_dir, dir, _lock: lock })
    }

    fn config(&self) -> PathBuf {
        self.dir.join("nats.conf")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("nats.log")
    }

    fn ports(&self, pid: u32) -> PathBuf {
        self.dir.join(format!("nats-server_{pid}.ports"))
    }

    /// Loopback only, and nothing switched on that we do not use.
    fn write_config(&self, port: u16) -> anyhow::Result<()> {
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
             jetstream {{ store_dir: {store_dir} }}\n",
            dir = quoted(&self.dir)?,
            pid_file = quoted(&self.dir.join("nats.pid"))?,
            log = quoted(&self.log())?,
            store_dir = quoted(&self.store_dir)?,
        );
        fs::write(self.config(), text).context("could not write nats.conf")
    }

    /// A predecessor that was killed may have left its child, which still ends or even still serves.
    fn end_orphan(&self, orders: &mpsc::Receiver<Infallible>) -> anyhow::Result<()> {
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
    fn launch(&self, port: u16, orders: &mpsc::Receiver<Infallible>) -> anyhow::Result<Running> {
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

/// The life of the owner's thread: one child after the other, until nobody wants one any more.
fn own(
    place: &Place,
    port: u16,
    orders: &mpsc::Receiver<Infallible>,
    pid: &AtomicU32,
    started: oneshot::Sender<anyhow::Result<u16>>,
) {
    let launched = place.end_orphan(orders).and_then(|()| place.launch(port, orders));
    let Running { mut child, port } = match launched {
        Ok(running) => running,
        Err(why) => {
            // If nobody waits for the answer any more, nobody needs it.
            started.send(Err(why)).ok();
            return;
        }
    };
    pid.store(child.id(), Ordering::Relaxed);
    info!(pid = child.id(), port, "nats-server is ready");
    started.send(Ok(port)).ok();

    let mut pause = RESTART_PAUSE;
    loop {
        let since = Instant::now();
        let Some(how) = watch(&mut child, orders) else {
            terminate(&mut child);
            info!(pid = child.id(), "nats-server has ended");
            return;
        };
        error!(pid = child.id(), how, "nats-server died and will be started again");
        if since.elapsed() > STEADY_AFTER {
            pause = RESTART_PAUSE;
        }
        child = loop {
            if stop_asked_within(orders, pause) {
                return;
            }
            pause = (pause * 2).min(RESTART_PAUSE_MAX);
            match place.launch(port, orders) {
                Ok(running) => break running.child,
                // Being told to stop while we wait for it is no fault.
                Err(_) if stop_asked_within(orders, Duration::ZERO) => return,
                Err(why) => error!("{why:#}"),
            }
        };
        pid.store(child.id(), Ordering::Relaxed);
        warn!(pid = child.id(), port, "nats-server is ready again");
    }
}

/// Until the child ends by itself, then says how; or until we shall stop it, then says nothing.
fn watch(child: &mut Child, orders: &mpsc::Receiver<Infallible>) -> Option<String> {
    loop {
        if let Some(how) = ended(child) {
            return Some(how);
        }
        if stop_asked_within(orders, LOOK_EVERY) {
            return None;
        }
    }
}

/// Sleeps, but wakes up when the child is no longer wanted, and says so.
fn stop_asked_within(orders: &mpsc::Receiver<Infallible>, pause: Duration) -> bool {
    match orders.recv_timeout(pause) {
        Err(RecvTimeoutError::Timeout) => false,
        Err(RecvTimeoutError::Disconnected) => true,
    }
}

fn ended(child: &mut Child) -> Option<String> {
    match child.try_wait() {
        Ok(status) => status.map(|status| status.to_string()),
        Err(fault) => Some(fault.to_string()),
    }
}

fn terminate(child: &mut Child) {
    if ended(child).is_some() {
        return;
    }
    // Not waited for yet, so the number still belongs to our child.
    if let Ok(pid) = i32::try_from(child.id()) {
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
    let begun = Instant::now();
    while begun.elapsed() < STOP_WITHIN {
        if ended(child).is_some() {
            return;
        }
        thread::sleep(LOOK_EVERY / 5);
    }
    warn!(pid = child.id(), "nats-server does not end and is killed");
    child.kill().ok();
    child.wait().ok();
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

/// A path as a string of nats-server's configuration language.
fn quoted(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().with_context(|| format!("the path {} is not UTF-8", path.display()))?;
    ensure!(!text.contains(char::is_control), "the path {} has control characters", path.display());
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The last lines that were written since the log had `before` bytes, each on a line of its own.
fn tail(log: &Path, before: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        // A log that shrank was begun anew meanwhile.
        let from = if length < before { 0 } else { before };
        file.seek(SeekFrom::Start(from.max(length.saturating_sub(LOG_TAIL_BYTES))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
    if last.is_empty() {
        return " nothing".to_owned();
    }
    last.iter().map(|line| format!("\n    {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (version, verdict) in [
            ("2.15.1", Verdict::Good),
            ("v2.15.1", Verdict::Good),
            ("2.14.5", Verdict::Good),
            ("3.0.0", Verdict::Good),
            ("2.15.0-RC.2", Verdict::Good),
            ("2.14.4", Verdict::Old),
            ("2.12.8", Verdict::Old),
            ("2.12.7", Verdict::TooOld),
            ("2.9.15", Verdict::TooOld),
            ("1.99.99", Verdict::TooOld),
        ] {
            assert_eq!(check_version(version), verdict, "{version}");
        }
    }

    #[test]
    fn a_version_that_cannot_be_read_is_too_old() {
        for version in ["", "v", "2", "2.15", "2.15.1.9", "two", "2.15.x", "-2.15.1"] {
            assert_eq!(check_version(version), Verdict::TooOld, "{version}");
        }
    }

    /// A program that answers like a nats-server of that version.
    fn pretender(folder: &Path, version: &str) -> PathBuf {
        let path = folder.join("nats-server");
        fs::create_dir_all(folder).unwrap();
        // Written by another process: if we had it open for writing while another test forks, it would be
        // busy when we run it.
        let write = r#"printf '#!/bin/sh\necho "nats-server: v%s"\n' "$1" >"$0" && chmod 755 "$0""#;
        let written = Command::new("sh").arg("-c").arg(write).arg(&path).arg(version).status().unwrap();
        assert!(written.success());
        path
    }

    #[test]
    fn the_fetched_server_comes_before_the_path() {
        let temp = tempfile::tempdir().unwrap();
        let on_path = pretender(&temp.path().join("bin"), "2.15.0");
        let mut search = Search {
            configured: None,
            home: Some(temp.path().join("home")),
            path: Some(temp.path().join("bin").into_os_string()),
        };
        assert_eq!(find(&search).unwrap(), Found { path: on_path, version: "2.15.0".to_owned() });
        let tools = temp.path().join(format!("home/.cache/guichet/tools/nats-server-{PINNED}"));
        let fetched = pretender(&tools, PINNED);
        assert_eq!(find(&search).unwrap().path, fetched);
        let configured = pretender(&temp.path().join("own"), "2.14.5");
        search.configured = Some(configured.clone());
        assert_eq!(find(&search).unwrap().path, configured);
    }

    #[test]
    fn a_configured_server_that_is_too_old_is_an_error_and_not_skipped() {
        let temp = tempfile::tempdir().unwrap();
        let search = Search {
            configured: Some(pretender(&temp.path().join("own"), "2.9.15")),
            home: None,
            path: Some(pretender(&temp.path().join("bin"), "2.15.1").parent().unwrap().into()),
        };
        let told = format!("{:#}", find(&search).unwrap_err());
        assert!(
            told.contains("GUICHET_NATS_SERVER") && told.contains("2.9.15 is older than 2.12.8"),
            "{told}"
        );
    }

    #[test]
    fn what_was_tried_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let old = pretender(&temp.path().join("bin"), "2.9.15");
        let search = Search {
            configured: None,
            home: Some(temp.path().join("home")),
            path: Some(temp.path().join("bin").into_os_string()),
        };
        // A machine with a good one in /usr/sbin finds that, which is right too.
        let Err(told) = find(&search) else { return };
        let told = told.to_string();
        assert!(told.contains(&format!("{}: 2.9.15 is older than", old.display())), "{told}");
        assert!(told.contains("home/.cache/guichet/tools"), "{told}");
    }

    #[test]
    fn the_log_tail_starts_after_what_was_there_before() {
        let temp = tempfile::tempdir().unwrap();
        let log = temp.path().join("nats.log");
        assert_eq!(tail(&log, 0), " nothing");
        fs::write(&log, "old\n").unwrap();
        assert_eq!(tail(&log, 4), " nothing");
        fs::write(&log, "old\none\ntwo\n").unwrap();
        assert_eq!(tail(&log, 4), "\n    one\n    two");
        assert_eq!(tail(&log, 400), "\n    old\n    one\n    two");
        fs::write(&log, "line\n".repeat(50)).unwrap();
        assert_eq!(tail(&log, 0).lines().count(), LOG_TAIL_LINES + 1);
    }

    /// The one that `./guichet test` exports, else the one it fetched, else none and the test is void.
    fn real_server() -> Option<Found> {
        let configured = std::env::var_os("GUICHET_NATS_SERVER").map(PathBuf::from);
        find(&Search { configured, home: std::env::home_dir(), path: None }).ok()
    }

    async fn eventually(what: &str, condition: impl Fn() -> bool) {
        let begun = Instant::now();
        while !condition() {
            assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn answers(server: &NatsServer) -> bool {
        let Ok(mut connection) = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)) else { return false };
        let mut greeting = [0; 5];
        connection.read_exact(&mut greeting).is_ok() && &greeting == b"INFO "
    }

    fn is_alive(pid: u32) -> bool {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
    }

    fn signal(pid: u32, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
    }

    #[tokio::test]
    async fn a_killed_server_comes_back_on_its_port_and_a_stopped_one_does_not() {
        let Some(found) = real_server() else { return };
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path().join("odd \"name\" {1} $HOME \\x #é/nats");
        let server = NatsServer::start(&found, &store, 0).await.unwrap();
        assert!(answers(&server) && server.url().starts_with("nats://127.0.0.1:"));
        let first = server.pid();
        signal(first, Signal::SIGKILL);
        eventually("it is back", || server.pid() != first && answers(&server)).await;
        let second = server.pid();
        server.stop().await;
        assert!(!is_alive(first) && !is_alive(second));
    }

    #[tokio::test]
    async fn a_second_guichet_leaves_the_server_of_the_first_alone() {
        let Some(found) = real_server() else { return };
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path().join("data/nats");
        let server = NatsServer::start(&found, &store, 0).await.unwrap();
        let told = NatsServer::start(&found, &store, 0).await.unwrap_err();
        assert!(format!("{told:#}").contains("another guichet"), "{told:#}");
        assert!(answers(&server));
        server.stop().await;
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_with_the_log() {
        let Some(found) = real_server() else { return };
        let temp = tempfile::tempdir().unwrap();
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let told = NatsServer::start(&found, &temp.path().join("data/nats"), port).await.unwrap_err();
        let told = format!("{told:#}");
        assert!(told.contains("address already in use"), "{told}");
    }

    /// The signal of the parent's death may come too late, and other systems do not have it.
    #[tokio::test]
    async fn an_orphan_in_the_same_folder_is_ended_first() {
        let Some(found) = real_server() else { return };
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path().join("data/nats");
        NatsServer::start(&found, &store, 0).await.unwrap().stop().await;
        // The same command line and pid file as a child of ours, but nobody owns it.
        let config = temp.path().canonicalize().unwrap().join("data/nats.conf");
        let mut orphan =
            Command::new(&found.path).arg("-c").arg(config).stderr(Stdio::null()).spawn().unwrap();
        let written = || fs::read_to_string(temp.path().join("data/nats.pid")).unwrap_or_default();
        eventually("it wrote its pid", || written() == orphan.id().to_string()).await;
        let server = NatsServer::start(&found, &store, 0).await.unwrap();
        assert!(orphan.try_wait().unwrap().is_some());
        assert!(answers(&server));
        server.stop().await;
    }

    #[tokio::test]
    async fn a_stranger_with_the_number_of_the_pid_file_is_left_alone() {
        let Some(found) = real_server() else { return };
        let temp = tempfile::tempdir().unwrap();
        let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
        fs::create_dir_all(temp.path().join("data")).unwrap();
        fs::write(temp.path().join("data/nats.pid"), stranger.id().to_string()).unwrap();
        let server = NatsServer::start(&found, &temp.path().join("data/nats"), 0).await.unwrap();
        server.stop().await;
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
