//! The query service over NATS. Always drains its subscription; what it cannot take it answers `busy`.
//!
//! Waiting for a position costs no thread: the waiting and the reading have each a bound of their own, so
//! that neither many patient askers nor a few heavy questions keep the others from an answer.
//!
//! Read models hold personal texts sealed; they are opened here, in the answer, and nowhere before.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod answer;
pub(crate) mod ask;
#[cfg(test)]
mod askers_tests;
pub(crate) mod budget;
mod clocks;
mod control;
mod opened;
pub(crate) mod page;
mod projections;
pub(crate) mod reader;
mod reply;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{select_all, unfold};
use futures_util::{FutureExt as _, StreamExt as _};
use guichet_key_client::Opener;
use guichet_schemas::codec::{Encoding, decode_query, encode_query_reply};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::{self, QUERIES, QuerySubject};
use guichet_service::{
    About, Askers, Endpoint, Full, Metadata, Place, Places, Request, Room, Slots, Turn, Turns, caught,
};
use metrics::counter;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::budget::{Pool, RETRY_AFTER_MS};
use crate::ground::Ground;
use crate::live::Model;
use crate::model;
use crate::model::sla::BooksCache;
pub use ask::{Ask, Question, Queue, Which};
pub(crate) use budget::Budget;
pub use budget::Over;
#[cfg(test)]
pub(crate) use budget::{LIMITS, Limits};
pub(crate) use reader::absent;
use reader::unavailable;
pub use reader::{Found, Reader, Refusal};

/// Questions taken and not yet answered, waiting ones apart.
const PENDING: Room = Room { of: "queries", all: 1_024, each: 256, kept: 1_024, bytes: 16 << 20 };
/// Questions that wait for a position.
const WAITING: Room =
    Room { of: "queries_min_position", all: 1_024, each: 256, kept: 1_024, bytes: 16 << 20 };
/// Questions that read a few entries, each on a thread.
const POINTS: Slots = Slots { of: "queries_point", all: 4, each: 3 };
/// Questions that read much: fewer, so that they leave processors to the others. A report takes several by itself.
const SCANS: Slots = Slots { of: "queries_scan", all: 3, each: 2 };
/// Answers about a ticket that read its clocks at the same time.
const READING_CLOCKS_MAX: usize = 4;
/// Bytes of a question.
const BYTES_MAX: usize = 64 * 1024;
/// How long a question waits for its turn. Who asked has given up by then.
const TURN_WITHIN: Duration = Duration::from_secs(15);
/// Bytes that NATS adds to an answer, with ours.
const HEADERS_MAX: usize = 1_024;
/// How long a question waits for a model that has just started to compare itself with the log.
const PROVEN_WITHIN: Duration = Duration::from_secs(2);

/// Answers questions about the read models of this process.
pub(crate) struct Queries {
    models: Vec<Model>,
    ground: Ground,
    opener: Opener,
    askers: Askers,
    pending: Places,
    waiting: Places,
    points: Turns,
    scans: Turns,
    reading_clocks: Semaphore,
    memory: Arc<Pool>,
    books: Arc<BooksCache>,
    /// Held while one model tells another what it knows.
    telling: tokio::sync::Mutex<()>,
    stopping: watch::Sender<bool>,
    /// The same for loops that read, a moment later.
    stop_reading: Arc<AtomicBool>,
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
        let askers = Askers::new(ground.source.client.clone());
        Self {
            models,
            ground,
            opener,
            askers,
            pending: Places::new(PENDING),
            waiting: Places::new(WAITING),
            points: Turns::new(POINTS),
            scans: Turns::new(SCANS),
            reading_clocks: Semaphore::new(READING_CLOCKS_MAX),
            memory: Arc::default(),
            books: Arc::default(),
            telling: tokio::sync::Mutex::default(),
            stopping: watch::Sender::new(false),
            stop_reading: Arc::default(),
        }
    }

    /// What one answer may cost, from now on.
    fn budget(&self, unheard: Arc<AtomicBool>) -> Budget {
        Budget::new(budget::LIMITS, Arc::clone(&self.memory), Arc::clone(&self.stop_reading), unheard)
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
        // Without a connection the end of the subscription may never come, so the wait is bounded; and what still
        // reads then, ends before the stores do.
        let half = wait.checked_div(2).unwrap_or(wait);
        let ended = match tokio::time::timeout(half, &mut self.receiving).await {
            Ok(ended) => Ok(ended),
            Err(_) => {
                self.queries.stop_reading.store(true, Ordering::Relaxed);
                tokio::time::timeout(half, &mut self.receiving).await
            }
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::error!("the query service ended in a panic"),
            Err(_) => {
                tracing::warn!("stopping although questions are unanswered");
                self.receiving.abort();
            }
        }
        self.queries.stop_reading.store(true, Ordering::Relaxed);
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
        let bytes = request.message.payload.len();
        let who = asker(&request.message.subject);
        let no = if bytes > BYTES_MAX {
            Rejection::PayloadTooLarge { what: "the question", max: BYTES_MAX as u64 }
        } else {
            match self.pending.take(&who, bytes) {
                Ok(place) => {
                    let queries = Arc::clone(self);
                    answers.spawn(async move { queries.handle(&request, &who, place).await });
                    return;
                }
                Err(full) => busy(full),
            }
        };
        reply::refused_at_the_door(&request, encoding_of(&request).unwrap_or_default(), &no).await;
    }

    async fn handle(self: &Arc<Self>, request: &Request, who: &str, place: Place) {
        let (encoding, outcome) = match encoding_of(request) {
            Ok(encoding) => {
                let answer = AssertUnwindSafe(self.answer(request, who, encoding, place)).catch_unwind();
                // Whatever panics beside the reading is an answer, too.
                let answer = answer.await.or_else(|panic| caught("query", || resume_unwind(panic)));
                (encoding, answer.flatten())
            }
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
        who: &str,
        encoding: Encoding,
        place: Place,
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
                self.reach(&ask, who, model, place).await?
            }
            None => self.reach_all(&ask, who, place).await?,
        };
        let dues = match (&ask.question, model) {
            (Question::Queue(_) | Question::Queues(_), Some(board)) => {
                let wanted = *board.position().borrow();
                self.clocks_follow(wanted).await;
                self.dues(board).await?
            }
            (_, _) => None,
        };
        let turn = self.turn(&ask, who).await?;
        let _place = place;
        let Some(model) = model.cloned() else {
            let answer = self.projections(&ask).await;
            drop(turn);
            return answer;
        };
        let (queries, encoding, tenant) = (Arc::clone(self), ask.encoding, ask.tenant.clone());
        let looks_back = ask.looks_back();
        let unheard = Arc::<AtomicBool>::default();
        let give_up = Arc::clone(&unheard);
        let mut reading = pin!(blocking(move || queries.read(&model, &ask, unheard)));
        let read = tokio::select! {
            biased;
            read = &mut reading => read,
            () = self.askers.gone(request) => {
                give_up.store(true, Ordering::Relaxed);
                // The turn is somebody else's once the thread has noticed.
                reading.await
            }
        };
        let mut reply = read??;
        reply.sla_as_of_position = dues;
        // Nobody who only reads waits for clocks, or for keys.
        drop(turn);
        if !looks_back {
            self.with_clocks(tenant.as_str(), &mut reply).await?;
        }
        opened::open(&self.opener, tenant.as_str(), &mut reply).await;
        let body = encode_query_reply(&reply, encoding);
        // Only one entry that is larger by itself, as a page ends long before.
        let max = self.ground.source.client.server_info().max_payload.saturating_sub(HEADERS_MAX);
        if max > 0 && body.len() > max {
            return Err(Rejection::PayloadTooLarge { what: "one entry of the answer", max: max as u64 });
        }
        Ok(body)
    }

    /// Waits for a slot among the questions of its kind.
    async fn turn(&self, ask: &Ask, who: &str) -> Result<Turn, Rejection> {
        let turns = if ask.is_point() { &self.points } else { &self.scans };
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            turn = turns.turn(who) => Ok(turn),
            _ = stopping.wait_for(|stopping| *stopping) => Err(unavailable("the read models are stopping")),
            () = tokio::time::sleep(TURN_WITHIN) => {
                counter!("guichet_requests_refused_total", "of" => "queries", "bound" => "turn").increment(1);
                let reason = "no turn to read came within 15 s";
                Err(Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS })
            }
        }
    }

    async fn reach_all(&self, ask: &Ask, who: &str, mut place: Place) -> Result<Place, Rejection> {
        for model in &self.models {
            place = self.reach(ask, who, model, place).await?;
        }
        Ok(place)
    }

    /// Waits a moment, as after a start, until the model has compared itself with the log: before, it may be of
    /// another history, and an answer would be of a desk that never was.
    async fn proven(&self, model: &Model, place: Place) -> Result<Place, Rejection> {
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
    async fn reach(&self, ask: &Ask, who: &str, model: &Model, place: Place) -> Result<Place, Rejection> {
        let mut position = model.position();
        if *position.borrow() >= ask.min_position {
            return Ok(place);
        }
        drop(place);
        let place = self.waiting.take(who, 0).map_err(busy)?;
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

/// The asker: tenant and caller, as the subject names them. Malformed subjects share one line.
fn asker(subject: &str) -> String {
    let who = subject.strip_prefix("guichet.v1.query.").and_then(|rest| rest.rsplit_once('.'));
    who.map_or_else(String::new, |(who, _)| who.to_owned())
}

fn busy(full: Full) -> Rejection {
    let reason = match full {
        Full::All => "too many questions at a time",
        Full::Each => "this caller has as many questions under way as one caller may",
        Full::Bytes => "the questions under way hold as many bytes as they may",
    };
    Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }
}

/// Does what blocks on a thread of its own. A panic there is an answer.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Rejection> {
    let done = tokio::task::spawn_blocking(move || caught("query", work)).await;
    // Only where the process ends before the work has begun.
    done.unwrap_or_else(|_| Err(unavailable("the read models are stopping")))
}
