//! A service of ours whose answers are made by work that blocks: a fixed number under way, a bounded line, fair turns,
//! and `busy` beyond. Its requests name no caller, so an asker is who asks from one inbox.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::caught;
use crate::endpoint::{Endpoint, Request};
use crate::places::{Place, Places, Room};
use crate::turns::{Slots, Turns};

/// How long an answer may take to leave. Until it has left it holds its slot, so that the answers of those who do not
/// read do not gather in memory.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// How long a refusal may take to leave. Who refuses must go on receiving.
const REFUSE_WITHIN: Duration = Duration::from_millis(250);
/// When to come back after `busy`, in milliseconds.
pub const RETRY_AFTER_MS: u64 = 100;
/// The header that says so: the bodies of these services have no room for it.
pub const RETRY_AFTER_HEADER: &str = "Guichet-Retry-After-Ms";

#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The name of the answers in the metrics.
    pub of: &'static str,
    /// Answers that are made or leave at a time.
    pub under_way: usize,
    /// Requests that are held, those under way included.
    pub held: usize,
    /// Of these, from one inbox.
    pub held_each: usize,
    pub request_bytes: usize,
}

/// A refusal: the number and the word of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct No(pub u16, pub &'static str);

impl No {
    /// The body is not what is asked for here.
    pub const MALFORMED: Self = Self(400, "malformed");
    /// The body asks for too much at a time.
    pub const TOO_LARGE: Self = Self(413, "payload_too_large");
    /// The data behind the answer cannot be read.
    pub const UNAVAILABLE: Self = Self(503, "unavailable");
    const BUSY: Self = Self(429, "busy");
    const INTERNAL: Self = Self(500, "internal");
}

/// Answers until the service is stopped, and then what has arrived. `answer` makes the body of an answer out of that of
/// a request; it may block, and a panic of it is an answer.
pub async fn serve(
    endpoint: Endpoint,
    bounds: Bounds,
    answer: impl Fn(Bytes) -> Result<Bytes, No> + Send + Sync + 'static,
) {
    let answer = move |message: &Message| match answer(message.payload.clone()) {
        Ok(body) => Ok((body, HeaderMap::new())),
        Err(no) => Err((no, Bytes::new())),
    };
    serve_messages(endpoint, bounds, answer).await;
}

/// As [`serve`], for answers that depend on the subject too, have headers, or say why not in a body.
pub async fn serve_messages(
    mut endpoint: Endpoint,
    bounds: Bounds,
    answer: impl Fn(&Message) -> Result<(Bytes, HeaderMap), (No, Bytes)> + Send + Sync + 'static,
) {
    let answer = Arc::new(answer);
    let each = bounds.under_way.saturating_sub(1).max(1);
    let turns = Turns::new(Slots { of: bounds.of, all: bounds.under_way, each });
    let places = Places::new(Room {
        of: bounds.of,
        all: bounds.held,
        each: bounds.held_each,
        kept: bounds.held,
        bytes: bounds.held.saturating_mul(bounds.request_bytes),
    });
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            request = endpoint.next() => {
                let Some(request) = request else { break };
                let bytes = request.message.payload.len();
                if bytes > bounds.request_bytes {
                    refuse(&request, No::TOO_LARGE, Bytes::new()).await;
                    continue;
                }
                match places.take(request.asker(), bytes) {
                    Ok(place) => drop(answers.spawn(one(request, place, turns.clone(), Arc::clone(&answer), bounds.of))),
                    Err(_) => refuse(&request, No::BUSY, Bytes::new()).await,
                }
            }
            Some(_) = answers.join_next() => {}
        }
    }
    while answers.join_next().await.is_some() {}
}

async fn one<A>(request: Request, place: Place, turns: Turns, answer: Arc<A>, of: &'static str)
where
    A: Fn(&Message) -> Result<(Bytes, HeaderMap), (No, Bytes)> + Send + Sync + 'static,
{
    let _turn = turns.turn(request.asker()).await;
    let message = request.message.clone();
    let made = tokio::task::spawn_blocking(move || caught(of, || answer(&message))).await;
    drop(place);
    match made {
        Ok(Ok(Ok((body, headers)))) => {
            let leave = async {
                match request.answer(body, headers).await {
                    Ok(()) => request.left().await,
                    Err(error) => tracing::warn!(%error, of, "an answer could not be sent"),
                }
            };
            if tokio::time::timeout(LEAVE_WITHIN, leave).await.is_err() {
                tracing::warn!(of, "an answer has not left in time; is the connection to NATS slow?");
            }
        }
        Ok(Ok(Err((no, body)))) => refuse(&request, no, body).await,
        Ok(Err(_)) | Err(_) => refuse(&request, No::INTERNAL, Bytes::new()).await,
    }
}

/// Says no, or gives up soon: who asked will time out and ask again.
async fn refuse(request: &Request, No(number, word): No, body: Bytes) {
    let mut headers = HeaderMap::new();
    if number == No::BUSY.0 {
        headers.insert(RETRY_AFTER_HEADER, RETRY_AFTER_MS.to_string());
    }
    let sent = request.refuse(number, word, body, headers);
    match tokio::time::timeout(REFUSE_WITHIN, sent).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a refusal could not be sent"),
        Err(_) => tracing::debug!("a refusal has not left in time"),
    }
}
