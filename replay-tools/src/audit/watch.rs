//! `guichet audit --watch`: follows a desk, and alarms once it shows a log that does not begin with what it showed before.
//!
//! A desk that is away is no alarm: it is waited for, and the metrics say so. A signature that is wrong, a log that went
//! back, was rewritten or forked is one, and ends the watch; the file of the trust keeps it, so that a watcher that is
//! started again does not go on as if nothing had been.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use guichet_proof::prove::{self, ProveError};
use guichet_proof::{SignedCheckpoint, VerifyingKey};
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::AuditArgs;
use super::trust::{Alarm, Trust, replace};
use crate::verify::read_key;
use guichet_client::exit;
use guichet_client::output::Output;
use guichet_client::{ClientError, Reading};

/// How long a hook may take before the watch ends without it.
const HOOK_WITHIN: Duration = Duration::from_secs(60);

/// How a watch goes on.
#[derive(Debug, Clone, Default, Args)]
pub struct WatchArgs {
    /// For a watch, the file with the checkpoint that is believed; made at the first look
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub state: Option<PathBuf>,
    /// For a watch, keep metrics in this file, in the text format of Prometheus: for its node exporter
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub metrics: Option<PathBuf>,
    /// For a watch, give an alarm to this command of the shell, in GUICHET_ALARM
    #[arg(long, value_name = "COMMAND", requires = "watch")]
    pub hook: Option<String>,
    /// For a watch, look so often, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "watch")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// For a watch, look once, as cron does
    #[arg(long, requires = "watch")]
    pub once: bool,
}

/// What a look came to.
#[derive(Debug)]
enum Look {
    /// A newer checkpoint that begins with what was believed.
    Grown(SignedCheckpoint),
    /// The same as before.
    Same,
    /// Nothing can be said of it: the desk does not hand out what would prove it.
    Unproven(String),
    /// The log is not what it was.
    Alarm { what: String, shown: String },
}

/// How often what was seen.
#[derive(Debug, Default)]
struct Counts {
    grown: u64,
    same: u64,
    unproven: u64,
    unreachable: u64,
    /// Whether the desk answered at the last look.
    up: bool,
    /// When a look last confirmed what is believed.
    confirmed: Option<Timestamp>,
}

/// Watches until a signal or an alarm ends it; an alarm is exit code 1.
///
/// # Errors
/// A file of the watch cannot be read or written; with --once, nobody answers too.
pub async fn watch(args: &AuditArgs, now: fn() -> Timestamp) -> Result<u8, ClientError> {
    let Some(state) = &args.watching.state else {
        return Err(ClientError::Usage("a watch needs --state FILE for what it believes".to_owned()));
    };
    let watch = Watch { args, state, key: key(args)?, output: Output::new(&args.output), now };
    if let Some(alarm) = Trust::read(state)?.and_then(|trust| trust.alarm) {
        watch.output.alarm(&format!(
            "the alarm of {} stands: {}; look into it, then remove {} to watch again",
            alarm.at,
            alarm.what,
            state.display()
        ));
        return Ok(exit::REFUSED);
    }
    let trust = watch.begin()?;
    watch.follow(trust).await
}

fn key(args: &AuditArgs) -> Result<VerifyingKey, ClientError> {
    let beside = args.connect.data_dir.join("log.vkey");
    read_key(args.key.as_deref().unwrap_or(&beside.to_string_lossy()))
}

struct Watch<'a> {
    args: &'a AuditArgs,
    state: &'a Path,
    key: VerifyingKey,
    output: Output,
    now: fn() -> Timestamp,
}

impl Watch<'_> {
    /// What was believed when the last watch ended; else a checkpoint that was kept, if one is named.
    fn begin(&self) -> Result<Option<SignedCheckpoint>, ClientError> {
        if let Some(trust) = Trust::read(self.state)? {
            return trust.signed(self.state, &self.key).map(Some);
        }
        let Some(kept) = self.args.checkpoint.first() else { return Ok(None) };
        let wrong = |problem: String| ClientError::File { path: kept.clone(), problem };
        let note = std::fs::read(kept).map_err(|e| wrong(e.to_string()))?;
        let signed = SignedCheckpoint::open(&note, &self.key).map_err(|e| wrong(e.to_string()))?;
        Trust::of(&signed, (self.now)()).keep(self.state)?;
        Ok(Some(signed))
    }

    async fn follow(&self, mut trusted: Option<SignedCheckpoint>) -> Result<u8, ClientError> {
        let watching = &self.args.watching;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ClientError::Output)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(ClientError::Output)?;
        let (mut counts, mut desk) = (Counts::default(), None);
        loop {
            let looked = tokio::select! {
                looked = self.look(&mut desk, trusted.as_ref()) => looked,
                _ = interrupt.recv() => return Ok(exit::DONE),
                _ = terminate.recv() => return Ok(exit::DONE),
            };
            counts.up = looked.is_ok();
            match looked {
                Ok(Look::Grown(newest)) => {
                    counts.grown += 1;
                    counts.confirmed = Some((self.now)());
                    self.believe(&newest, trusted.as_ref())?;
                    trusted = Some(newest);
                }
                Ok(Look::Same) => {
                    counts.same += 1;
                    counts.confirmed = Some((self.now)());
                }
                Ok(Look::Unproven(why)) => {
                    counts.unproven += 1;
                    self.output.note(&format!("not proven, and not believed yet: {why}"));
                }
                Ok(Look::Alarm { what, shown }) => {
                    self.metrics(&counts, trusted.as_ref(), true)?;
                    return self.alarm(trusted.as_ref(), what, shown).await;
                }
                Err(error) if watching.once => {
                    self.metrics(&counts, trusted.as_ref(), false)?;
                    return Err(error);
                }
                Err(error) => {
                    counts.unreachable += 1;
                    if desk.take().is_some() || counts.unreachable == 1 {
                        self.output.note(&format!("waiting for the desk: {error}"));
                    }
                }
            }
            self.metrics(&counts, trusted.as_ref(), false)?;
            if watching.once {
                return Ok(if counts.unproven > 0 { exit::REFUSED } else { exit::DONE });
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(watching.every)) => {}
                _ = interrupt.recv() => return Ok(exit::DONE),
                _ = terminate.recv() => return Ok(exit::DONE),
            }
        }
    }

    fn believe(
        &self,
        newest: &SignedCheckpoint,
        before: Option<&SignedCheckpoint>,
    ) -> Result<(), ClientError> {
        Trust::of(newest, (self.now)()).keep(self.state)?;
        match before {
            None => self.output.note(&format!(
                "believed at first sight: {} records of {}, root {}",
                newest.size(),
                self.key.origin(),
                newest.root()
            )),
            Some(before) => tracing::info!(from = before.size(), to = newest.size(), "the log has grown"),
        }
        Ok(())
    }

    async fn look(
        &self,
        desk: &mut Option<Reading>,
        trusted: Option<&SignedCheckpoint>,
    ) -> Result<Look, ClientError> {
        // A desk that was started again may be at another address.
        let reading = match desk {
            Some(reading) => reading,
            None => desk.insert(self.args.connect.connect().await?.reading()),
        };
        judge(reading, &self.key, trusted).await
    }

    async fn alarm(
        &self,
        trusted: Option<&SignedCheckpoint>,
        what: String,
        shown: String,
    ) -> Result<u8, ClientError> {
        let now = (self.now)();
        self.output.alarm(&format!("ALARM: {what}"));
        let mut trust = trusted.map_or_else(
            || Trust { checkpoint: String::new(), since: now.to_string(), alarm: None },
            |trusted| Trust::of(trusted, now),
        );
        if let Some(kept) = Trust::read(self.state)? {
            trust = kept;
        }
        trust.alarm = Some(Alarm { at: now.to_string(), what: what.clone(), shown });
        trust.keep(self.state)?;
        self.hook(&what).await;
        Ok(exit::REFUSED)
    }

    /// Tells the hook. What becomes of it is said; the alarm stands in any case.
    async fn hook(&self, what: &str) {
        let Some(hook) = &self.args.watching.hook else { return };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", hook]).env("GUICHET_ALARM", what).stdin(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(HOOK_WITHIN, command.status()).await {
            Ok(Ok(status)) if status.success() => {}
            Ok(Ok(status)) => self.output.alarm(&format!("the hook failed: {status}")),
            Ok(Err(error)) => self.output.alarm(&format!("the hook could not be run: {error}")),
            Err(_) => {
                self.output.alarm(&format!("the hook was stopped after {} s", HOOK_WITHIN.as_secs()));
            }
        }
    }

    fn metrics(
        &self,
        counts: &Counts,
        trusted: Option<&SignedCheckpoint>,
        alarm: bool,
    ) -> Result<(), ClientError> {
        let Some(path) = &self.args.watching.metrics else { return Ok(()) };
        replace(path, text(counts, trusted, alarm).as_bytes(), false)
    }
}

/// Compares what a desk shows with what is believed.
async fn judge(
    desk: &Reading,
    key: &VerifyingKey,
    trusted: Option<&SignedCheckpoint>,
) -> Result<Look, ClientError> {
    let partition = Partition::default();
    let shown = desk.checkpoint(partition).await?;
    let alarm = |what: String| Ok(Look::Alarm { what, shown: shown.note().to_owned() });
    let newest = match SignedCheckpoint::open(shown.note().as_bytes(), key) {
        Ok(newest) => newest,
        Err(error) => return alarm(format!("the newest checkpoint is not believed: {error}")),
    };
    let Some(trusted) = trusted else { return Ok(Look::Grown(newest)) };
    let (before, now) = (trusted.size(), newest.size());
    if now < before {
        return alarm(format!("the log has {now} records, and had {before}: it was rolled back"));
    }
    if now == before {
        if newest.root() == trusted.root() {
            return Ok(Look::Same);
        }
        return alarm(format!(
            "two roots are signed at {now} records, {} and {}: the log has forked",
            trusted.root(),
            newest.root()
        ));
    }
    if before == 0 {
        return Ok(Look::Grown(newest));
    }
    let tiles = desk.tiles(partition, &prove::tiles_for_consistency(now, before)).await?;
    match prove::consistency(now, newest.root(), before, trusted.root(), &tiles) {
        Ok(_) => Ok(Look::Grown(newest)),
        Err(ProveError::OtherRoot) => alarm(format!(
            "the log of {now} records does not begin with the {before} that were shown before: it was rewritten, or has \
             forked"
        )),
        Err(why @ (ProveError::Missing(_) | ProveError::NotInTree { .. })) => {
            Ok(Look::Unproven(why.to_string()))
        }
        Err(ProveError::Source(never)) => match never {},
    }
}

/// The metrics as Prometheus reads them.
fn text(counts: &Counts, trusted: Option<&SignedCheckpoint>, alarm: bool) -> String {
    let size = trusted.map_or(0, SignedCheckpoint::size);
    let confirmed = counts.confirmed.map_or(0, |at| u64::try_from(at.0 / 1000).unwrap_or(0));
    let looks = [
        ("{result=\"grown\"}", counts.grown),
        ("{result=\"same\"}", counts.same),
        ("{result=\"unproven\"}", counts.unproven),
        ("{result=\"unreachable\"}", counts.unreachable),
    ];
    [
        metric("alarm", "gauge", "1: the log is not what it was", &[("", u64::from(alarm))]),
        metric("up", "gauge", "1: the desk answered at the last look", &[("", u64::from(counts.up))]),
        metric("trusted_records", "gauge", "records under the checkpoint that is believed", &[("", size)]),
        metric(
            "confirmed_timestamp_seconds",
            "gauge",
            "when a look last confirmed what is believed; 0: none did",
            &[("", confirmed)],
        ),
        metric("looks_total", "counter", "looks by what they came to", &looks),
    ]
    .concat()
}

fn metric(name: &str, kind: &str, help: &str, values: &[(&str, u64)]) -> String {
    let head = format!("# HELP guichet_audit_{name} {help}\n# TYPE guichet_audit_{name} {kind}\n");
    let values = values.iter().map(|(label, value)| format!("guichet_audit_{name}{label} {value}\n"));
    std::iter::once(head).chain(values).collect()
}
