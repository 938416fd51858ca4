//! NATS request → command → queue; outcome → NATS reply. Always drains NATS: the client library drops silently
//! behind its own buffer, so it is we who say `busy`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_nats::{Client, HeaderMap, HeaderValue, header};
use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::codec::{Encoding, Outcome, Request, RequestKey, decode_command, encode_reply};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::{self, CommandSubject};
use guichet_service::{About, Metadata, Request as NatsRequest, Service};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::clock;
use crate::log::Desk;

/// Name of the service for discovery.
pub const SERVICE: &str = "guichet-engine";

/// Reasons to say `busy` before a command reaches the queue.
#[derive(Debug, Default)]
pub struct Pressure {
    /// The disk is nearly full.
    pub disk_low: AtomicBool,
    /// Events that the stream has not yet.
    pub backlog: AtomicU64,
}

/// How many events the stream may be behind before commands are told `busy`.
pub const BACKLOG_MAX: u64 = 2_000_000;

impl Pressure {
    fn check(&self) -> Result<(), Rejection> {
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

/// An answer on its way out.
type Answer = (NatsRequest, Encoding, Outcome);

/// The open ear of the engine.
#[derive(Debug)]
pub struct Intake {
    listening: JoinHandle<()>,
    replying: JoinHandle<()>,
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
    desk: Desk,
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
    let (answers, outgoing) = mpsc::unbounded_channel::<Answer>();
    let draining = Arc::new(AtomicBool::new(false));
    let closed = draining.clone();
    let listening = tokio::spawn(async move {
        while let Some(request) = endpoint.next().await {
            take(request, &desk, &key, &pressure, &answers, closed.load(Ordering::Relaxed));
        }
    });
    Ok(Intake { listening, replying: tokio::spawn(reply(outgoing)), draining })
}

impl Intake {
    /// From now on every command is told that the engine is stopping.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// After the stop of the service: refuses what has arrived and lets go of the desk. Answers under way still
    /// go out. Without a connection the end of the subscription may never come, so the wait is bounded.
    pub async fn close(mut self, wait: Duration) {
        match tokio::time::timeout(wait, &mut self.listening).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the intake panicked"),
            Err(_) => {
                tracing::warn!("NATS does not answer; stopping without it");
                self.listening.abort();
                // Only a task that has ended has let go of the desk.
                (&mut self.listening).await.ok();
            }
        }
        // The replier ends when the last command that waits for the disk has its answer.
        if self.replying.await.is_err() {
            tracing::error!("the replier panicked");
        }
    }
}

fn take(
    request: NatsRequest,
    desk: &Desk,
    key: &RequestKey,
    pressure: &Pressure,
    answers: &mpsc::UnboundedSender<Answer>,
    draining: bool,
) {
    crash_point(CrashPoint::CommandReceived);
    let (encoding, read) = read(&request, key);
    let admitted =
        read.and_then(|r| if draining { Err(draining_answer()) } else { pressure.check().map(|()| r) });
    let send = answers.clone();
    let answer = move |outcome: Outcome| {
        if send.send((request, encoding, outcome)).is_err() {
            tracing::debug!("nobody sends answers any more");
        }
    };
    match admitted {
        Ok(command) => desk.submit(command, Box::new(answer)),
        Err(rejection) => answer(Err(rejection)),
    }
}

fn draining_answer() -> Rejection {
    Rejection::Unavailable {
        reason: "the engine is stopping; send the command again".to_owned(),
        as_of_position: None,
    }
}

fn read(request: &NatsRequest, key: &RequestKey) -> (Encoding, Result<Request, Rejection>) {
    let headers = request.message.headers.as_ref();
    let header = |name: &str| headers.and_then(|h| h.get(name)).map(HeaderValue::as_str);
    let encoding = match Encoding::from_content_type(header("Content-Type")) {
        Ok(encoding) => encoding,
        Err(rejection) => return (Encoding::Json, Err(rejection)),
    };
    let command = CommandSubject::parse(&request.message.subject).and_then(|subject| {
        decode_command(
            subject,
            encoding,
            &request.message.payload,
            header("traceparent").map(str::to_owned),
            key,
        )
    });
    (encoding, command)
}

async fn reply(mut outgoing: mpsc::UnboundedReceiver<Answer>) {
    while let Some((request, encoding, outcome)) = outgoing.recv().await {
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
    }
}
