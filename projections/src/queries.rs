//! The query service over NATS. Always drains its subscription; what it cannot take it answers `busy`.
//!
//! Waiting for a position costs no thread: the waiting and the reading have each a bound of their own, so
//! that neither many patient askers nor a few heavy questions keep the others from an answer.

mod answer;
mod ask;
mod events;
mod page;
mod past;
mod projections;
mod reply;
mod ticket;
mod tickets;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use guichet_schemas::codec::{Encoding, decode_query};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::{QUERIES, QuerySubject};
use guichet_service::{About, Endpoint, Metadata, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::running::Clock;
use crate::status::Status;
use crate::store::Store;
use ask::Ask;

/// Questions taken and not yet answered, waiting ones apart.
const PENDING_MAX: usize = 1_024;
/// Questions that wait for a position.
const WAITING_MAX: usize = 1_024;
/// Questions that read at the same time, each on a thread.
const READING_MAX: usize = 4;
const RETRY_AFTER_MS: u64 = 100;

/// Answers questions about the read model.
pub(crate) struct Queries {
    store: Arc<Store>,
    status: Arc<Status>,
    clock: Clock,
    pending: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    reading: Semaphore,
    stopping: watch::Sender<bool>,
}

/// The service as announced.
pub(crate) struct Service {
    announced: guichet_service::Service,
    receiving: JoinHandle<()>,
    queries: Arc<Queries>,
}

impl Queries {
    pub(crate) fn new(store: Arc<Store>, status: Arc<Status>, clock: Clock) -> Self {
        Self {
            store,
            status,
            clock,
            pending: Arc::new(Semaphore::new(PENDING_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            reading: Semaphore::new(READING_MAX),
            stopping: watch::Sender::new(false),
        }
    }
}

/// Announces the service and begins to answer.
pub(crate) async fn serve(
    queries: Queries,
    client: async_nats::Client,
) -> Result<Service, async_nats::Error> {
    let queries = Arc::new(queries);
    let about = About {
        name: "guichet-projections",
        version: env!("CARGO_PKG_VERSION"),
        description: "Answers questions about tickets from read models",
        metadata: Metadata::from([("contract".to_owned(), "guichet.v1".to_owned())]),
        started: (queries.clock)(),
    };
    let announced = guichet_service::Service::start(&client, about).await?;
    let endpoint = announced.endpoint("query", QUERIES, metadata()).await?;
    let receiving = tokio::spawn(receive(Arc::clone(&queries), endpoint));
    Ok(Service { announced, receiving, queries })
}

impl Service {
    /// Takes no more questions, and waits a while for the answers that are on their way.
    pub(crate) async fn stop(mut self, wait: Duration) {
        self.announced.stop();
        self.queries.stopping.send_replace(true);
        // Without a connection the end of the subscription may never come, so the wait is bounded.
        match tokio::time::timeout(wait, &mut self.receiving).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the query service ended in a panic"),
            Err(_) => {
                tracing::warn!("stopping although questions are unanswered");
                self.receiving.abort();
            }
        }
    }
}

fn metadata() -> Metadata {
    [
        ("schema.request", "guichet.v1.Query"),
        ("schema.response", "guichet.v1.QueryReply"),
        ("content-types", "application/json,application/protobuf"),
        ("format", "application/json,application/protobuf"),
        ("idempotent", "yes"),
        ("docs", "schemas/contract"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Ends with the subscription, and with the last answer.
async fn receive(queries: Arc<Queries>, mut endpoint: Endpoint) {
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            request = endpoint.next() => match request {
                Some(request) => queries.take(request, &mut answers).await,
                None => break,
            },
            Some(_) = answers.join_next() => {}
        }
    }
    while answers.join_next().await.is_some() {}
}

impl Queries {
    async fn take(self: &Arc<Self>, request: Request, answers: &mut JoinSet<()>) {
        match Arc::clone(&self.pending).try_acquire_owned() {
            Ok(place) => {
                let queries = Arc::clone(self);
                answers.spawn(async move { queries.handle(&request, place).await });
            }
            Err(_) => reply::refused(&request, encoding_of(&request).unwrap_or_default(), &busy()).await,
        }
    }

    async fn handle(self: &Arc<Self>, request: &Request, place: OwnedSemaphorePermit) {
        let (encoding, outcome) = match encoding_of(request) {
            Ok(encoding) => (encoding, self.answer(request, encoding, place).await),
            Err(rejection) => (Encoding::default(), Err(rejection)),
        };
        match outcome {
            Ok(body) => reply::accepted(request, encoding, body).await,
            Err(rejection) => reply::refused(request, encoding, &rejection).await,
        }
    }

    async fn answer(
        self: &Arc<Self>,
        request: &Request,
        encoding: Encoding,
        place: OwnedSemaphorePermit,
    ) -> Result<bytes::Bytes, Rejection> {
        let subject = QuerySubject::parse(&request.message.subject)?;
        let query = decode_query(subject.name, encoding, &request.message.payload)?;
        let ask = Ask::check(subject, query, encoding)?;
        let _place = self.reach(&ask, place).await?;
        // Closed never, so an error cannot come; if it did, "busy" would be true.
        let _slot = self.reading.acquire().await.map_err(|_| busy())?;
        let queries = Arc::clone(self);
        tokio::task::spawn_blocking(move || queries.read(&ask))
            .await
            .map_err(|_| unavailable("the answer failed; report this"))?
    }

    /// Waits until the model has folded the position that the asker wants to see. Who waits gives the place
    /// among the pending to others.
    async fn reach(&self, ask: &Ask, place: OwnedSemaphorePermit) -> Result<OwnedSemaphorePermit, Rejection> {
        let mut position = self.status.position();
        if *position.borrow() >= ask.min_position {
            return Ok(place);
        }
        drop(place);
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| busy())?;
        let mut halted = self.status.halted();
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            Ok(_) = position.wait_for(|p| *p >= ask.min_position) => return Ok(place),
            // A model that stands still, or is about to, will not get there.
            _ = halted.wait_for(Option::is_some) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(ask.wait) => {}
        }
        let have = *self.status.position().borrow();
        Err(Rejection::Unavailable {
            reason: format!("the read model is at position {have}, not yet at {}", ask.min_position),
            as_of_position: Some(have),
        })
    }
}

fn encoding_of(request: &Request) -> Result<Encoding, Rejection> {
    let headers = request.message.headers.as_ref();
    Encoding::from_content_type(headers.and_then(|h| h.get("Content-Type")).map(|v| v.as_str()))
}

fn busy() -> Rejection {
    Rejection::Busy { reason: "too many questions at a time", retry_after_ms: RETRY_AFTER_MS }
}

fn unavailable(reason: &str) -> Rejection {
    Rejection::Unavailable { reason: reason.to_owned(), as_of_position: None }
}
