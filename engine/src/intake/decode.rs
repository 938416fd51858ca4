//! Reads bodies: on a few threads, a turn of one caller at a time, or at once at the door.

use std::sync::Arc;

use async_nats::HeaderValue;
use guichet_schemas::codec::{Encoding, Outcome, Request, RequestKey, decode_command};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject::CommandSubject;
use guichet_service::{Request as NatsRequest, caught};
use tokio::sync::mpsc;

use super::Answer;
use super::quota::Permit;
use super::turns::Turns;
use crate::log::{CommandInlet, Responder};

/// Threads that read bodies.
const DECODERS: usize = 2;

/// A command that was let in and not read yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) request: NatsRequest,
    pub(super) subject: CommandSubject,
    pub(super) encoding: Encoding,
    pub(super) permit: Permit,
}

/// Reads commands and hands them in.
#[derive(Clone)]
pub(super) struct Decoder {
    pub(super) inlet: CommandInlet,
    pub(super) key: RequestKey,
    pub(super) answers: mpsc::Sender<Answer>,
}

/// Starts the threads. They end when the turns are closed and nothing waits.
pub(super) fn start(decoder: &Decoder, turns: &Arc<Turns<Waiting>>) -> Vec<std::thread::JoinHandle<()>> {
    let one = |n: usize| {
        let (decoder, turns) = (decoder.clone(), turns.clone());
        let work = move || {
            while let Some((who, turn)) = turns.next() {
                for waiting in turn {
                    decoder.work(waiting, CommandInlet::hand_in);
                }
                turns.done(who);
            }
        };
        std::thread::Builder::new()
            .name(format!("guichet-decode-{n}"))
            .spawn(work)
            .expect("the system gives us two threads")
    };
    (0..DECODERS).map(one).collect()
}

impl Decoder {
    /// Reads one command and hands it in, or answers why not. A panic is the answer of this command alone.
    pub(super) fn work(&self, waiting: Waiting, hand_in: impl FnOnce(&CommandInlet, Request, Responder)) {
        let read = caught("decode", || read(&waiting, &self.key)).and_then(|read| read);
        let Waiting { request, encoding, permit, .. } = waiting;
        let answers = self.answers.clone();
        let answer = move |outcome: Outcome| {
            let answer = Answer { request, encoding, outcome, permit: Some(permit) };
            // There is room for as many as may be under way, so it can only be that nobody sends any more.
            if answers.try_send(answer).is_err() {
                tracing::debug!("nobody sends answers any more");
            }
        };
        match read {
            Ok(command) => hand_in(&self.inlet, command, Box::new(answer)),
            Err(rejection) => answer(Err(rejection)),
        }
    }
}

fn read(waiting: &Waiting, key: &RequestKey) -> Result<Request, Rejection> {
    let message = &waiting.request.message;
    let traceparent = message.headers.as_ref().and_then(|h| h.get("traceparent")).map(HeaderValue::as_str);
    decode_command(
        waiting.subject.clone(),
        waiting.encoding,
        &message.payload,
        traceparent.map(str::to_owned),
        key,
    )
}
