//! NATS request → command → queue; outcome → NATS reply. Always drains NATS: the client library drops silently
//! behind its own buffer, so it is we who say `busy`.
//!
//! Every queue here is bounded by `quota`, in commands and in bytes, for all and for each caller. What costs time,
//! reading a body, is done by a few threads in fair turns, but for small commands of callers who have little under way.

mod decode;
mod quota;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, HeaderMap, HeaderValue, header};
use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::{Encoding, Outcome, RequestKey, encode_reply};
use guichet_schemas::command::limits;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::{self, CommandSubject};
use guichet_service::{About, Metadata, Request as NatsRequest, Service};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::decode::{Decoder, Waiting};
use self::quota::{Permit, Quota};
use self::turns::Turns;
use crate::clock;
use crate::log::CommandInlet;

/// Name of the service for discovery.
pub const SERVICE: &str = "guichet-engine";

/// Reasons to say `busy` before a command reaches the queue.
#[derive(Debug, Default)]
pub struct Pressure {
    /// The disk is nearly full.
    pub disk_low: AtomicBool,
    /// Events that the stream has not yet.
    pub backlog: AtomicU64,
    /// The disk of the stream is full: nothing more is sent there.
    pub stream_full: AtomicBool,
}

/// How many events the stream may be behind before commands are told `busy`.
pub const BACKLOG_MAX: u64 = 2_000_000;

/// Refusals on their way out; behind as many, the door waits.
const REFUSALS: usize = 1024;
/// Bytes of a body that the task at the door may read itself.
const AT_ONCE_BYTES: usize = 4096;
/// Commands of one caller under way, beyond which its next ones take turns.
const AT_ONCE: usize = 256;

impl Pressure {
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        if self.disk_low.load(Ordering::Relaxed) {
            return Err(Rejection::Busy {
                reason: "the disk reserve is reached; free some space",
                retry_after_ms: 5000,
            });
        }
        if self.backlog.load(Ordering::Relaxed) > BACKLOG_MAX {
            return Err(Rejection::Busy {
                reason: "the stream is too far behind the log",
                retry_after_ms: 1000,
            });
        }
        Ok(())
    }
}

/// An answer on its way out, with the room that its command takes until it has left.
struct Answer {
    request: NatsRequest,
    encoding: Encoding,
    outcome: Outcome,
    /// None: the command was refused at the door.
    permit: Option<Permit>,
}

/// The open ear of the engine.
#[derive(Debug)]
pub struct Intake {
    listening: JoinHandle<()>,
    replying: JoinHandle<()>,
    decoders: Vec<std::thread::JoinHandle<()>>,
    turns: Arc<Turns<Waiting>>,
    quota: Arc<Quota>,
    draining: Arc<AtomicBool>,
}

/// Starts a service that discovery finds.
///
/// # Errors
/// NATS.
pub async fn service(client: &Client) -> Result<Service, async_nats::Error> {
    let about = About {
        name: SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        description: "Takes commands, decides them and makes them durable",
        metadata: Metadata::from([("contract".to_owned(), "guichet.v1".to_owned())]),
        started: clock::wall(),
    };
    Service::start(client, about).await
}

/// Begins to take commands.
///
/// # Errors
/// NATS.
pub async fn start(
    service: &Service,
    inlet: CommandInlet,
    key: RequestKey,
    pressure: Arc<Pressure>,
) -> Result<Intake, async_nats::Error> {
    let metadata = Metadata::from([
        ("format".to_owned(), format!("{},{}", Encoding::JSON, Encoding::PROTOBUF)),
        ("schema.request".to_owned(), "guichet.v1.Command".to_owned()),
        ("schema.response".to_owned(), "guichet.v1.CommandReply".to_owned()),
        ("idempotent".to_owned(), "yes".to_owned()),
    ]);
    let mut endpoint = service.endpoint("commands", subject::COMMANDS, metadata).await?;
    // As many as may be under way: the answer of a command always has room.
    let (answers, outgoing) = mpsc::channel(quota::COMMANDS_MAX);
    let (refusals, refused) = mpsc::channel(REFUSALS);
    let draining = Arc::new(AtomicBool::new(false));
    let (turns, quota) = (Arc::new(Turns::new()), Arc::new(Quota::default()));
    let decoder = Decoder { inlet, key, answers };
    let decoders = decode::start(&decoder, &turns);
    let door =
        Door { decoder, turns: turns.clone(), quota: quota.clone(), pressure, draining: draining.clone() };
    let listening = tokio::spawn(async move {
        while let Some(request) = endpoint.next().await {
            if let Some(refusal) = door.take(request)
                && refusals.send(refusal).await.is_err()
            {
                tracing::debug!("nobody sends answers any more");
            }
        }
    });
    let replying = tokio::spawn(reply(outgoing, refused));
    Ok(Intake { listening, replying, decoders, turns, quota, draining })
}

impl Intake {
    /// From now on every command is told that the engine is stopping.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Shows the bounds of the intake in the metrics of the process, for as long as it is held.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        Gauges { turns: self.turns.clone(), quota: self.quota.clone() }
    }

    /// After the stop of the service: refuses what has arrived and lets go of the inlet. Answers under way still
    /// go out. Without a connection the end of the subscription may never come, so the wait is bounded.
    pub async fn close(mut self, wait: Duration) {
        match tokio::time::timeout(wait, &mut self.listening).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the intake panicked"),
            Err(_) => {
                tracing::warn!("NATS does not answer; stopping without it");
                self.listening.abort();
                // Only a task that has ended has let go of the inlet.
                (&mut self.listening).await.ok();
            }
        }
        self.turns.close();
        let decoders = self.decoders;
        let ended = tokio::task::spawn_blocking(move || {
            decoders.into_iter().map(std::thread::JoinHandle::join).filter(Result::is_err).count()
        });
        if !matches!(ended.await, Ok(0)) {
            tracing::error!("a decoder panicked");
        }
        // The replier ends when the last command that waits for the disk has its answer.
        if self.replying.await.is_err() {
            tracing::error!("the replier panicked");
        }
    }
}

/// Counts of waiting commands and of those under way, for `/metrics`.
#[derive(Debug)]
pub struct Gauges {
    turns: Arc<Turns<Waiting>>,
    quota: Arc<Quota>,
}

impl Gauges {
    /// Sets the gauges.
    pub fn set(&self) {
        let (used, callers) = self.quota.used();
        metrics::gauge!("guichet_commands_under_way").set(used.commands as f64);
        metrics::gauge!("guichet_commands_under_way_bytes").set(used.bytes as f64);
        metrics::gauge!("guichet_commands_callers").set(callers as f64);
        metrics::gauge!("guichet_commands_undecoded").set(self.turns.waiting() as f64);
    }
}

/// Lets commands in, or says why not. It never waits for anything, and reads no body that is not small.
struct Door {
    decoder: Decoder,
    turns: Arc<Turns<Waiting>>,
    quota: Arc<Quota>,
    pressure: Arc<Pressure>,
    draining: Arc<AtomicBool>,
}

impl Door {
    /// Takes a command; gives the answer where it is refused.
    fn take(&self, request: NatsRequest) -> Option<Answer> {
        crash_point(CrashPoint::CommandReceived);
        let content_type = request.message.headers.as_ref().and_then(|h| h.get("Content-Type"));
        let encoding = Encoding::from_content_type(content_type.map(HeaderValue::as_str));
        let refuse = |request, rejection| {
            let encoding = *encoding.as_ref().unwrap_or(&Encoding::Json);
            Some(Answer { request, encoding, outcome: Err(rejection), permit: None })
        };
        match encoding.clone().and_then(|encoding| self.admit(&request, encoding)) {
            Ok((subject, encoding, permit)) => {
                self.let_in(Waiting { request, subject, encoding, permit });
                None
            }
            Err(rejection) => refuse(request, rejection),
        }
    }

    fn admit(
        &self,
        request: &NatsRequest,
        encoding: Encoding,
    ) -> Result<(CommandSubject, Encoding, Permit), Rejection> {
        let subject = CommandSubject::parse(&request.message.subject)?;
        let body = request.message.payload.len();
        if body > limits::COMMAND_BYTES {
            return Err(Rejection::PayloadTooLarge {
                what: "the command",
                max: limits::COMMAND_BYTES as u64,
            });
        }
        if self.draining.load(Ordering::Relaxed) {
            return Err(draining_answer());
        }
        self.pressure.check()?;
        let who = (subject.tenant.clone(), subject.caller.clone());
        let permit = self.quota.admit(&who, body).map_err(|(rejection, bound)| {
            metrics::counter!("guichet_commands_busy_total", "bound" => bound).increment(1);
            rejection
        })?;
        Ok((subject, encoding, permit))
    }

    /// Where little is under way a small command goes on at once: a thread between would cost more than it saves.
    fn let_in(&self, waiting: Waiting) {
        let who = (waiting.subject.tenant.clone(), waiting.subject.caller.clone());
        let body = waiting.request.message.payload.len();
        let at_once = body <= AT_ONCE_BYTES
            && waiting.permit.place <= AT_ONCE
            && self.decoder.inlet.has_room()
            && self.turns.has_nothing_of(&who);
        if at_once {
            self.decoder.work(waiting, CommandInlet::submit);
        } else {
            self.turns.put(who, waiting, body);
        }
    }
}

fn draining_answer() -> Rejection {
    Rejection::Unavailable {
        reason: "the engine is stopping; send the command again".to_owned(),
        as_of_position: None,
    }
}

async fn reply(mut outgoing: mpsc::Receiver<Answer>, mut refused: mpsc::Receiver<Answer>) {
    loop {
        // Answers first: they hold room for others.
        let Answer { request, encoding, outcome, permit } = tokio::select! {
            biased;
            Some(answer) = outgoing.recv() => answer,
            Some(refusal) = refused.recv() => refusal,
            else => return,
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HeaderName::from_static("Content-Type"), encoding.content_type());
        let refusal = outcome.as_ref().err().map(|r| (r.number(), r.code()));
        let body = encode_reply(outcome, encoding);
        let sent = match refusal {
            Some((number, word)) => request.refuse(number, word, body, headers).await,
            None => request.answer(body, headers).await,
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "could not answer a command; its outcome stands, a retry will find it");
        }
        drop(permit);
    }
}
