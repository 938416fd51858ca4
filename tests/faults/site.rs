//! The product as three processes that can be killed one by one: nats-server, engine, worker with every read model.

mod program;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use guichet_crash::CrashPoint;
use nix::sys::signal::Signal;
use serde_json::json;
use uuid::Uuid;

use crate::desk::{Desk, new_ticket};
use crate::finding::{Finding, Invariant};
use crate::harness::{HALTED, Nats, Process};
use crate::ledger::is_accepted;

pub(crate) use self::program::{Fault, Injection, Program};

/// A start that takes longer has failed.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// A probe that nobody answered by then was sent too early.
const PROBE_WITHIN: Duration = Duration::from_millis(200);
/// How often we look whether something has started or ended.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A worker or an engine that could not reach NATS ends with this, and is started again as by a supervisor.
const UNREACHABLE: i32 = 3;

/// The three processes and their folders.
pub(crate) struct Site {
    pub(crate) program: Program,
    pub(crate) nats: Nats,
    pub(crate) engine: Option<Process>,
    pub(crate) worker: Option<Process>,
    pub(crate) desk: Desk,
    /// How long each start took until a command was answered.
    pub(crate) restarts: Vec<Duration>,
    dir: PathBuf,
    /// Where the engine keeps its log; another folder once a twin has taken over.
    engine_dir: PathBuf,
    probes: u64,
    road: Option<Road>,
    /// So often a process that halts is started again, as a supervisor does.
    pub(crate) forgives: u32,
}

/// How the engine reaches NATS, where not straight.
#[derive(Debug, Clone)]
pub(crate) struct Road {
    /// The address that it is told.
    pub(crate) url: String,
    /// The network namespace that it lives in.
    pub(crate) namespace: Option<String>,
    /// What engine and worker find in their environment.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Site {
    /// Starts all three in a folder.
    pub(crate) async fn start(program: Program, dir: &Path) -> Result<Self, Finding> {
        let mut site = Self::unstarted(program, dir).await;
        site.launch_engine(None);
        site.launch_worker(None);
        site.engine_ready().await?;
        Ok(site)
    }

    /// Starts nats-server alone.
    pub(crate) async fn unstarted(program: Program, dir: &Path) -> Self {
        let started = Self::on(program, dir).await;
        started.unwrap_or_else(|said| panic!("nats-server ended: {said}"))
    }

    /// The same in a folder that may be damaged: the error is what nats-server said before it ended.
    pub(crate) async fn on(program: Program, dir: &Path) -> Result<Self, String> {
        let mut nats = Nats::planned(dir);
        nats.try_launch().await?;
        let desk = Desk::connect(&nats.url()).await;
        let dir = dir.to_owned();
        let engine_dir = dir.join("engine");
        let (engine, worker, restarts, road) = (None, None, Vec::new(), None);
        Ok(Self {
            program,
            nats,
            engine,
            worker,
            desk,
            restarts,
            dir,
            engine_dir,
            probes: 0,
            road,
            forgives: 0,
        })
    }

    /// From now on the engine reaches NATS by another road.
    pub(crate) fn take_road(&mut self, road: Road) {
        self.road = Some(road);
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the engine keeps its log.
    pub(crate) fn engine_dir(&self) -> PathBuf {
        self.engine_dir.clone()
    }

    /// A twin has won: it is the engine now.
    pub(crate) fn adopt_engine(&mut self, twin: Process, dir: PathBuf) {
        self.engine = Some(twin);
        self.engine_dir = dir;
    }

    /// Starts the engine, with a crash point armed or none.
    pub(crate) fn launch_engine(&mut self, armed: Option<&str>) {
        self.engine = Some(self.role("engine", self.program.command(), &["engine"], armed));
    }

    /// Starts the engine under strace.
    pub(crate) fn launch_traced_engine(&mut self, injection: &Injection, trace: &Path) {
        self.engine = Some(self.role("engine", self.program.traced(injection, trace), &["engine"], None));
    }

    /// Starts the worker, with a crash point armed or none.
    pub(crate) fn launch_worker(&mut self, armed: Option<&str>) {
        self.worker = Some(self.role("worker", self.program.command(), &["project"], armed));
    }

    fn role(&self, name: &str, mut command: Command, arguments: &[&str], armed: Option<&str>) -> Process {
        if let Some(armed) = armed {
            command.env("GUICHET_CRASH_POINT", armed);
        }
        command.envs(self.road.iter().flat_map(|road| road.environment.clone()));
        let road = self.road.as_ref().filter(|_| name == "engine");
        let url = road.map_or_else(|| self.nats.url(), |road| road.url.clone());
        command.args(arguments).args(["--nats-url", &url]);
        // Small disks are part of the rig.
        let dir = if name == "engine" { self.engine_dir() } else { self.dir.join(name) };
        command.args(["--disk-reserve", "0", "--data-dir"]).arg(dir);
        let namespace = road.and_then(|road| road.namespace.as_ref());
        let command = match namespace {
            Some(namespace) => within(namespace, &command),
            None => command,
        };
        Process::spawn(name, command, &self.dir)
    }

    /// Waits until the engine that was just launched answers a command, and notes how long that took.
    pub(crate) async fn engine_ready(&mut self) -> Result<(), Finding> {
        let took = self.engine_answers().await?;
        self.restarts.push(took);
        Ok(())
    }

    /// Waits until the engine answers a command.
    pub(crate) async fn engine_answers(&mut self) -> Result<Duration, Finding> {
        let started = self.engine_started().await?;
        started.ok_or_else(|| Finding::of(Invariant::I11, "the engine was killed while it started"))
    }

    /// The same, for who expects that it is killed before: then `None`. Starts it again where it could not reach
    /// NATS.
    pub(crate) async fn engine_started(&mut self) -> Result<Option<Duration>, Finding> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended_engine() {
                match status.code() {
                    None if was_killed(status) => return Ok(None),
                    Some(UNREACHABLE) => self.launch_engine(None),
                    Some(HALTED) if self.forgives > 0 => {
                        self.forgives -= 1;
                        self.launch_engine(None);
                    }
                    None | Some(_) => return Err(self.unwanted_end("engine", status)),
                }
            }
            if self.answers_a_command().await {
                return Ok(Some(begun.elapsed()));
            }
            if begun.elapsed() > STARTS_WITHIN {
                return Err(Finding::of(Invariant::I11, "the engine answers no command after its start"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A dry run, which leaves no trace.
    pub(crate) async fn answers_a_command(&mut self) -> bool {
        self.probes += 1;
        let id = Uuid::from_u128(u128::from(self.probes) << 64 | u128::from(std::process::id()));
        let body = json!({
            "command_id": id, "actor": {"kind": "agent", "id": "alice"}, "dry_run": true, "data": new_ticket(0),
        });
        let probe =
            self.desk.client.request("guichet.v1.cmd.default.outside.new.create", body.to_string().into());
        let answer = tokio::time::timeout(PROBE_WITHIN, probe).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|message| is_accepted(&message.payload)))
    }

    /// How the engine ended, if it has.
    pub(crate) fn ended_engine(&mut self) -> Option<ExitStatus> {
        self.engine.as_mut().and_then(Process::ended)
    }

    /// Nobody killed the engine: it must be there, or have lost NATS.
    pub(crate) fn supervise(&mut self) -> Result<(), Finding> {
        if let Some(status) = self.ended_engine() {
            match status.code() {
                Some(UNREACHABLE) => {}
                Some(HALTED) if self.forgives > 0 => self.forgives -= 1,
                None | Some(_) => return Err(self.unwanted_end("engine", status)),
            }
            self.launch_engine(None);
        }
        if let Some(status) = self.worker.as_mut().and_then(Process::ended) {
            if status.code() != Some(UNREACHABLE) {
                return Err(self.unwanted_end("worker", status));
            }
            self.launch_worker(None);
        }
        Ok(())
    }

    /// What we say about a process that ended by itself.
    pub(crate) fn unwanted_end(&self, name: &str, status: ExitStatus) -> Finding {
        let words = self.last_words(name);
        Finding::of(Invariant::I11, format!("the {name} ended by itself with {status}: {words}"))
    }

    fn last_words(&self, name: &str) -> String {
        let said = std::fs::read(self.dir.join(format!("{name}.said"))).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let last: Vec<&str> = said.lines().rev().take(3).collect();
        last.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }

    /// SIGKILL to the engine. It may be dead already.
    pub(crate) fn kill_engine(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.kill();
        }
    }

    /// SIGKILL to the worker.
    pub(crate) fn kill_worker(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.kill();
        }
    }

    /// Asks the read model `projections` until every model has folded this position.
    pub(crate) async fn folded(&mut self, position: u64) -> Result<(), Finding> {
        let begun = Instant::now();
        let mut last_seen = "no answer".to_owned();
        while begun.elapsed() < STARTS_WITHIN {
            self.supervise()?;
            let asked = self.desk.try_query("projections", json!({}));
            if let Ok(Some(reply)) = tokio::time::timeout(Duration::from_secs(1), asked).await
                && let Some(models) = reply.body["data"].as_array()
                && models.len() == guichet_projections::model::ALL.len()
            {
                let at = |model: &serde_json::Value| model["checkpoint"].as_u64().unwrap_or(0);
                if models.iter().all(|model| at(model) >= position) {
                    return Ok(());
                }
                last_seen = reply.body["data"].to_string();
            }
            tokio::time::sleep(10 * LOOK_EVERY).await;
        }
        let what = format!(
            "the read models do not reach position {position}: {last_seen}; the worker said {}",
            self.last_words("worker")
        );
        Err(Finding::of(Invariant::I5, what))
    }
}

/// Waits for the end of a process; `None` where it does not end in time.
pub(crate) async fn end_of(process: &mut Process, within: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = process.ended() {
            return Some(status);
        }
        if begun.elapsed() > within {
            return None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// True for a process that was killed, by itself or by us.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::SIGKILL as i32)
}

/// The same command in a network namespace. `ip` becomes it, so the process number is its own.
fn within(namespace: &str, command: &Command) -> Command {
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    inside
}

/// How a crash point is armed for its n-th hit.
pub(crate) fn armed(point: CrashPoint, hit: u64) -> String {
    format!("{}:{hit}", point.name())
}
