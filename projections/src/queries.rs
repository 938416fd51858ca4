//! The query service over NATS. Always drains its subscription; what it cannot take it answers `busy`.
//!
//! Waiting for a position costs no thread: the waiting and the reading have each a bound of their own, so
//! that neither many patient askers nor a few heavy questions keep the others from an answer.
//!
//! Read models hold personal texts sealed; they are opened here, in the answer, and nowhere before.

mod answer;
mod ask;
mod clocks;
mod control;
pub(crate) mod desk;
mod events;
pub(crate) mod line;
mod opened;
pub(crate) mod page;
mod past;
mod projections;
mod queue;
mod reply;
mod ticket;
mod tickets;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{select_all, unfold};
use guichet_key_client::Opener;
use guichet_schemas::codec::{Encoding, decode_query, encode_query_reply};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::{self, QUERIES, QuerySubject};
use guichet_service::{About, Endpoint, Metadata, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::live::Model;
use crate::model;
use crate::model::sla::BooksCache;
use crate::running::Ground;
pub(crate) use answer::absent;
pub use answer::{Found, Reader, Refusal};
pub use ask::{Ask, Question, Queue, Which};

/// Questions taken and not yet answered, waiting ones apart.
const PENDING_MAX: usize = 1_024;
/// Questions that wait for a position.
const WAITING_MAX: usize = 1_024;
/// Questions that read at the same time, each on a thread.
const READING_MAX: usize = 4;
const RETRY_AFTER_MS: u64 = 100;
/// How long a question waits for a model that has just started to compare itself with the log.
const PROVEN_WITHIN: Duration = Duration::from_secs(2);

/// Answers questions about the read models of this process.
pub(crate) struct Queries {
    models: Vec<Model>,
    ground: Ground,
    opener: Opener,
    pending: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    reading: Semaphore,
    books: Arc<BooksCache>,
    /// Held while one model tells another what it knows.
    telling: tokio::sync::Mutex<()>,
    stopping: watch::Sender<bool>,
}

/// The service as announced.
pub(crate) struct Service {
    announced: guichet_service::Service,
    receiving: JoinHandle<()>,
    control: JoinHandle<()>,
    queries: Arc<Queries>,
}

impl Queries {
    pub(crate) fn new(models: Vec<Model>, ground: Ground) -> Self {
        let opener = Opener::new(ground.source.client.clone(), ground.settings.partition);
        Self {
            models,
            ground,
            opener,
            pending: Arc::new(Semaphore::new(PENDING_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            reading: Semaphore::new(READING_MAX),
            books: Arc::default(),
            telling: tokio::sync::Mutex::default(),
            stopping: watch::Sender::new(false),
        }
    }
}

/// Announces the service and begins to answer.
///
/// With all models in the process it takes every question, also those that nobody can answer. With some, it
/// takes what these answer, so that the processes of a desk complement each other.
pub(crate) async fn serve(queries: Queries) -> Result<Service, async_nats::Error> {
    let queries = Arc::new(queries);
    let about = About {
        name: "guichet-projections",
        version: env!("CARGO_PKG_VERSION"),
        description: "Answers questions about tickets from read models",
        metadata: Metadata::from([("contract".to_owned(), "guichet.v1".to_owned())]),
        started: (queries.ground.clock)(),
    };
    let announced = guichet_service::Service::start(&queries.ground.source.client, about).await?;
    let mut endpoints = Vec::new();
    if queries.models.len() == model::ALL.len() {
        endpoints.push(announced.endpoint("query", QUERIES, metadata()).await?);
    } else {
        let answers = queries.models.iter().flat_map(|model| model.model().answers);
        for name in answers.chain(&["projections"]) {
            endpoints.push(announced.endpoint(name, subject::queries_named(name), metadata()).await?);
        }
    }
    let control = control::serve(Arc::clone(&queries)).await?;
    let receiving = tokio::spawn(receive(Arc::clone(&queries), endpoints));
    Ok(Service { announced, receiving, control, queries })
}

impl Service {
    /// Takes no more questions, and waits a while for the answers that are on their way.
    pub(crate) async fn stop(mut self, wait: Duration) {
        self.announced.stop();
        self.queries.stopping.send_replace(true);
        self.control.abort();
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

/// Ends with the last subscription, and with the last answer.
async fn receive(queries: Arc<Queries>, endpoints: Vec<Endpoint>) {
    let requests = |endpoint: Endpoint| {
        unfold(endpoint, |mut endpoint| async { endpoint.next().await.map(|request| (request, endpoint)) })
    };
    let mut requests = select_all(endpoints.into_iter().map(|endpoint| Box::pin(requests(endpoint))));
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            request = requests.next() => match request {
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
        let name = subject.name;
        let ask = Ask::check(subject, query, encoding)?;
        let model = self.models.iter().find(|model| model.model().answers.contains(&name));
        // What no model answers is about all of them.
        let place = match model {
            Some(model) => {
                let place = self.proven(model, place).await?;
                self.reach(&ask, model, place).await?
            }
            None => self.reach_all(&ask, place).await?,
        };
        let dues = match (&ask.question, model) {
            (Question::Queue(_) | Question::Queues(_), Some(board)) => {
                let wanted = *board.position().borrow();
                self.clocks_follow(wanted).await;
                self.dues(board).await?
            }
            (_, _) => None,
        };
        // Closed never, so an error cannot come; if it did, "busy" would be true.
        let slot = self.reading.acquire().await.map_err(|_| busy())?;
        let _place = place;
        let Some(model) = model.cloned() else { return self.projections(&ask).await };
        let (queries, encoding, tenant) = (Arc::clone(self), ask.encoding, ask.tenant.clone());
        let looks_back = ask.looks_back();
        let read = tokio::task::spawn_blocking(move || queries.read(&model, &ask)).await;
        let mut reply = read.map_err(|_| unavailable("the answer failed; report this"))??;
        reply.sla_as_of_position = dues;
        // Nobody who only reads waits for clocks, or for keys.
        drop(slot);
        if !looks_back {
            self.with_clocks(tenant.as_str(), &mut reply).await?;
        }
        opened::open(&self.opener, tenant.as_str(), &mut reply).await;
        Ok(encode_query_reply(&reply, encoding))
    }

    async fn reach_all(
        &self,
        ask: &Ask,
        mut place: OwnedSemaphorePermit,
    ) -> Result<OwnedSemaphorePermit, Rejection> {
        for model in &self.models {
            place = self.reach(ask, model, place).await?;
        }
        Ok(place)
    }

    /// Waits a moment, as after a start, until the model has compared itself with the log: before, it may be of
    /// another history, and an answer would be of a desk that never was.
    async fn proven(
        &self,
        model: &Model,
        place: OwnedSemaphorePermit,
    ) -> Result<OwnedSemaphorePermit, Rejection> {
        let mut verified = model.status.verified();
        let mut halted = model.halted();
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            Ok(_) = verified.wait_for(|verified| *verified) => return Ok(place),
            // Why it halted is told by the answer.
            Ok(_) = halted.wait_for(Option::is_some) => return Ok(place),
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(PROVEN_WITHIN) => {}
        }
        Err(unavailable(
            "the read model has not yet been able to compare itself with the log or the stream; is the engine running?",
        ))
    }

    /// Waits until the model has folded the position that the asker wants to see. Who waits gives the place
    /// among the pending to others.
    async fn reach(
        &self,
        ask: &Ask,
        model: &Model,
        place: OwnedSemaphorePermit,
    ) -> Result<OwnedSemaphorePermit, Rejection> {
        let mut position = model.position();
        if *position.borrow() >= ask.min_position {
            return Ok(place);
        }
        drop(place);
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| busy())?;
        let mut halted = model.halted();
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            Ok(_) = position.wait_for(|p| *p >= ask.min_position) => return Ok(place),
            // A model that stands still, or is about to, will not get there.
            _ = halted.wait_for(Option::is_some) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = tokio::time::sleep(ask.wait) => {}
        }
        let have = *model.position().borrow();
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
