//! The stream stands under load: its store is removed or emptied under the running server, its disk is full, or it
//! cannot be written. Commands are answered all the same, the desk says within seconds that the stream takes nothing,
//! read models go on from the log, and all of it is whole again by itself once the cause is gone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::campaign::Campaign;
use crate::crowd::Crowd;
use crate::desk::Desk;
use crate::disk::Disk;
use crate::finding::{Finding, Invariant};
use crate::harness::{Process, guichet, until};
use crate::judge::Verdict;
use crate::kills::load;
use crate::needs::done;
use crate::published;
use crate::table::{Row, say};

const CLIENTS: u64 = 4;
const NOTE: usize = 8_000;
/// What a client does between two commands: the load goes on for a minute, and is not what is measured.
const THINKS: Duration = Duration::from_millis(10);
/// Nodes at work at once in a full campaign: each mostly waits.
const AT_ONCE: usize = 4;
/// The disk of the stream: sparse, and more than the crowd fills by itself.
const ROOM: u64 = 16 << 30;
/// What does not move for so long must be said.
const HONEST_WITHIN: Duration = Duration::from_secs(5);
/// What one place has said for so long, every place says.
const SAID_BY_ALL_WITHIN: Duration = Duration::from_secs(3);
/// How long a cause lasts.
const LASTS: Duration = Duration::from_secs(9);
const WHOLE_WITHIN: Duration = Duration::from_secs(60);
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Positions that may be on their way to a read model at any time.
const ON_THE_WAY: u64 = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Removed,
    Emptied,
    Full,
    ReadOnly,
}

const CAUSES: [Cause; 4] = [Cause::Removed, Cause::Full, Cause::Emptied, Cause::ReadOnly];

impl Cause {
    const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Full => "full",
            Self::ReadOnly => "read-only",
        }
    }
}

/// The goal: each cause so often.
pub(crate) async fn streams(goal: &str, campaign: &Campaign) -> Vec<Row> {
    // A cause that comes only once leaves a processor to another one.
    let causes = stream::iter(CAUSES).map(|cause| of_one(goal, cause, campaign));
    let rows: Vec<Result<Row, String>> = causes.buffered(campaign.pick(2, 1)).collect().await;
    rows.into_iter().collect::<Result<_, _>>().unwrap_or_else(|why| vec![Row::skipped(goal, why)])
}

async fn of_one(goal: &str, cause: Cause, campaign: &Campaign) -> Result<Row, String> {
    let (mut verdict, mut slowest, mut said) = (Verdict::default(), [Duration::ZERO; 2], Vec::new());
    let wanted = campaign.pick(1, 50);
    let each = (0..wanted).map(|n| on_a_disk(cause, campaign.seed + n));
    let mut each = stream::iter(each).buffer_unordered(AT_ONCE);
    while let Some(came) = each.next().await {
        match came.map_err(|why| format!("this needs root, mkfs.ext4 and loop devices: {why}"))? {
            Ok(seen) => {
                slowest = [slowest[0].max(seen.honest), slowest[1].max(seen.whole)];
                said.extend(seen.reasons);
            }
            Err(finding) => {
                say(&format!("         WRONG {}: {finding}", cause.name()));
                verdict.findings.push(finding);
            }
        }
    }
    said.sort();
    said.dedup();
    let name = format!("{goal}: {}", cause.name());
    let note = format!(
        "said after {} ms at most ({}), whole {} ms after the cause at most",
        slowest[0].as_millis(),
        said.join(", "),
        slowest[1].as_millis()
    );
    Ok(Row::of(&name, format!("{wanted} times"), verdict, Vec::new()).noted(note))
}

/// Once, with a disk for the stream; or why there is none.
async fn on_a_disk(cause: Cause, seed: u64) -> Result<Result<Seen, Finding>, String> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let room = Disk::at(dir.path(), dir.path().join("data/nats"), ROOM)?;
    Ok(once(cause, seed, dir.path(), &room).await)
}

struct Seen {
    /// Longest time for which the stream did not move and nobody said so.
    honest: Duration,
    /// From the end of the cause until everything is whole.
    whole: Duration,
    reasons: Vec<String>,
}

/// A node with its own server.
struct Node {
    process: Process,
    desk: Desk,
    http: String,
}

impl Node {
    async fn start(dir: &Path) -> Self {
        let mut command = guichet();
        command.args(["serve", "--disk-reserve", "0", "--data-dir"]).arg(dir.join("data"));
        let mut process = Process::spawn("serve", command, dir);
        let file = dir.join("data/run.json");
        let run: Value = until("serve writes run.json", READY_WITHIN, async || {
            assert!(process.ended().is_none(), "serve ended: {}", process.said());
            serde_json::from_slice(&std::fs::read(&file).ok()?).ok()
        })
        .await;
        let url = run["nats_url"].as_str().expect("a url");
        let http = run["http_url"].as_str().expect("a url").trim_start_matches("http://").to_owned();
        Self { process, desk: Desk::connect(url).await, http: http.trim_end_matches('/').to_owned() }
    }

    /// The stream, as a caller reaches it on the embedded server.
    async fn stream(&self) -> Option<async_nats::jetstream::stream::Stream> {
        let mut context = async_nats::jetstream::with_prefix(self.desk.client.clone(), "_js");
        context.set_timeout(Duration::from_secs(2));
        context.get_stream(published::STREAM).await.ok()
    }

    async fn last_sequence(&self) -> Option<u64> {
        Some(self.stream().await?.cached_info().state.last_sequence)
    }

    /// The stream has no hole, and its last message is the record of the log; each is checked by the engine itself.
    async fn ends_like_its_log(&self) -> Option<bool> {
        let stream = self.stream().await?;
        let state = &stream.cached_info().state;
        let (last, whole) = (state.last_sequence, state.messages == state.last_sequence);
        let message = stream.get_raw_message(last).await.ok()?;
        let log = self.desk.log().await;
        let record = log.get(usize::try_from(last).ok()?.checked_sub(1)?)?;
        Some(whole && message.payload == record[..])
    }

    async fn get(&self, path: &str) -> Option<String> {
        let mut stream = tokio::net::TcpStream::connect(&self.http).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.http);
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        tokio::time::timeout(Duration::from_secs(3), stream.read_to_string(&mut answer)).await.ok()?.ok()?;
        Some(answer)
    }
}

/// One look at everything, at one moment.
struct Look {
    /// The log, before anything else was asked.
    head: u64,
    /// The stream.
    last: Option<u64>,
    /// The answer of the query `projections`.
    told: Value,
    ready: String,
}

async fn look(node: &mut Node) -> Result<Option<Look>, Finding> {
    if let Some(status) = node.process.ended() {
        let what = format!("the node ended with {status}: {}", node.process.said());
        return Err(Finding::of(Invariant::I11, what));
    }
    let Some(head) = node.desk.try_head().await else { return Ok(None) };
    let last = tokio::time::timeout(Duration::from_secs(2), node.last_sequence()).await;
    let asked = tokio::time::timeout(Duration::from_secs(3), node.desk.try_query("projections", json!({})));
    let Ok(Some(reply)) = asked.await else { return Ok(None) };
    let ready = node.get("/readyz").await.unwrap_or_default();
    Ok(Some(Look { head, last: last.ok().flatten(), told: reply.body, ready }))
}

impl Look {
    fn publishing(&self) -> &Value {
        let told = &self.told["publishing"];
        if told.is_null() { &self.told["data"]["publishing"] } else { told }
    }

    fn stands(&self) -> bool {
        self.publishing()["state"] == "standing"
    }

    fn says_ready(&self) -> bool {
        self.ready.contains(" 200 ")
    }
}

async fn once(cause: Cause, seed: u64, dir: &Path, room: &Disk) -> Result<Seen, Finding> {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut node = Node::start(dir).await;
    let mut crowd = Crowd::unhurried(node.desk_url(dir).as_str(), CLIENTS, seed, NOTE, THINKS).await;
    load(&crowd, dice.random_range(50..200)).await?;
    let store = dir.join("data/nats/jetstream");
    bring_about(cause, &store, room);
    let seen = while_it_lasts(&mut node, &crowd).await;
    undo(cause, &store, room);
    let mut seen = seen?;
    let begun = Instant::now();
    whole(&mut node).await?;
    seen.whole = begun.elapsed();
    load(&crowd, 20).await?;
    let settled = crowd.settle().await;
    whole(&mut node).await?;
    if !settled {
        return Err(Finding::of(Invariant::I11, "some commands get no answer although all is whole"));
    }
    Ok(seen)
}

impl Node {
    /// With the credentials of a caller, where the server asks for them.
    fn desk_url(&self, dir: &Path) -> String {
        let run = std::fs::read(dir.join("data/run.json")).unwrap_or_default();
        let run: Value = serde_json::from_slice(&run).unwrap_or_default();
        run["nats_url"].as_str().unwrap_or_default().to_owned()
    }
}

fn bring_about(cause: Cause, store: &Path, room: &Disk) {
    match cause {
        Cause::Removed => drop(std::fs::remove_dir_all(store)),
        Cause::Emptied => files(store).iter().for_each(|file| drop(std::fs::remove_file(file))),
        Cause::Full => room.fill(),
        // Root writes where a mode forbids it; not where the file system does.
        Cause::ReadOnly => immutable(store, "+i").expect("ext4 keeps files from being changed"),
    }
}

fn undo(cause: Cause, store: &Path, room: &Disk) {
    match cause {
        Cause::Removed | Cause::Emptied => {}
        Cause::Full => room.free(),
        Cause::ReadOnly => immutable(store, "-i").expect("what was kept can be freed"),
    }
}

fn immutable(store: &Path, flag: &str) -> Result<(), String> {
    done("chattr", &["-R", "-f", flag], &[store])
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Looks again and again: what does not move is said to stand, and read models stand still for nobody.
async fn while_it_lasts(node: &mut Node, crowd: &Crowd) -> Result<Seen, Finding> {
    let mut seen = Seen { honest: Duration::ZERO, whole: Duration::ZERO, reasons: Vec::new() };
    let begun = Instant::now();
    let (mut last, mut moved, mut heads) = (0, Instant::now(), Vec::new());
    // Since when it is said without a break that the stream stands.
    let mut said: Option<(Value, Instant)> = None;
    while begun.elapsed() < LASTS {
        crowd.hears(1, Duration::from_secs(2)).await;
        let Some(look) = look(node).await? else { continue };
        heads.push((Instant::now(), look.head));
        if look.last.is_some_and(|now| now > last || now >= look.head) {
            (last, moved) = (look.last.unwrap_or(last), Instant::now());
        }
        if look.stands() {
            let (reason, since) = (&look.publishing()["reason"], &look.publishing()["since"]);
            let (_, first) =
                said.take().filter(|(of, _)| of == since).unwrap_or((since.clone(), Instant::now()));
            // Readiness is asked a moment later than the state: only what lasts must be the same in both.
            if look.says_ready() && first.elapsed() > SAID_BY_ALL_WITHIN {
                let what = format!("{reason} for {} ms, and {}", first.elapsed().as_millis(), look.ready);
                return Err(Finding::of(Invariant::I11, what));
            }
            said = Some((since.clone(), first));
            seen.reasons.push(reason.as_str().unwrap_or_default().to_owned());
        } else {
            said = None;
            seen.honest = seen.honest.max(moved.elapsed());
        }
        if seen.honest > HONEST_WITHIN {
            let what = format!("the stream stands at {last}, the log is at {}: {}", look.head, look.told);
            return Err(Finding::of(Invariant::I11, what));
        }
        models_follow(&look, &heads)?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(seen)
}

/// No read model is behind where the log was some seconds ago without saying so, and its lag is counted from the log.
fn models_follow(look: &Look, heads: &[(Instant, u64)]) -> Result<(), Finding> {
    let old = heads.iter().rev().find(|(at, _)| at.elapsed() > HONEST_WITHIN).map_or(0, |(_, head)| *head);
    for model in look.told["data"].as_array().into_iter().flatten() {
        let (checkpoint, lag) =
            (model["checkpoint"].as_u64().unwrap_or(0), model["lag"].as_u64().unwrap_or(0));
        if model["state"] == "live" && checkpoint + ON_THE_WAY < old {
            return Err(Finding::of(Invariant::I11, format!("it is behind {old} and live: {model}")));
        }
        if checkpoint + lag + ON_THE_WAY < old {
            return Err(Finding::of(Invariant::I11, format!("its lag is not counted from {old}: {model}")));
        }
    }
    Ok(())
}

/// Waits until the stream is the log, and everybody says so.
async fn whole(node: &mut Node) -> Result<(), Finding> {
    let begun = Instant::now();
    loop {
        let look = look(node).await?;
        if let Some(look) = &look
            && look.last.is_some_and(|last| last >= look.head)
            && !look.stands()
            && look.says_ready()
            && node.ends_like_its_log().await == Some(true)
        {
            return Ok(());
        }
        if begun.elapsed() > WHOLE_WITHIN {
            let last = look.map(|look| {
                format!("log {}, stream {:?}, {}, {}", look.head, look.last, look.told, look.ready)
            });
            let what = format!("it does not become whole: {}", last.unwrap_or_default());
            return Err(Finding::of(Invariant::I11, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
