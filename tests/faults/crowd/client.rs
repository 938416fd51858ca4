//! One client: sends, waits, notes, and asks again under the same id when it has no answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{ConnectOptions, Request, RequestErrorKind, ServerAddr};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use super::Shared;
use super::orders::{Order, Plan, uuid};
use crate::ledger::End;

/// Nobody hears a command of ours longer than this without an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How soon a client comes back when nobody listened.
const COME_BACK: Duration = Duration::from_millis(3);

pub(super) struct Client {
    nats: async_nats::Client,
    shared: Arc<Shared>,
    dice: StdRng,
}

impl Client {
    pub(super) async fn connect(url: &str, shared: Arc<Shared>, seed: u64) -> Self {
        let options = ConnectOptions::new()
            .max_reconnects(None)
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(20));
        let address: ServerAddr = url.parse().expect("the address is well formed");
        // The library leaves what a URL says about the user to us.
        let options = match address.username().zip(address.password()) {
            Some((user, password)) => options.user_and_password(user.to_owned(), password.to_owned()),
            None => options,
        };
        let nats = options.connect(address).await.expect("the address is well formed");
        Self { nats, shared, dice: StdRng::seed_from_u64(seed) }
    }

    /// Until the crowd ends; then everything that it sent has an answer.
    pub(super) async fn work(mut self) {
        while !self.shared.ending.load(Ordering::Relaxed) {
            if !self.shared.thinks.is_zero() {
                tokio::time::sleep(self.shared.thinks).await;
            }
            match self.shared.tickets.plan(&mut self.dice) {
                Plan::Send(order) => {
                    let entry = self.note(&order);
                    self.see_through(entry).await;
                }
                Plan::Twice(order) => {
                    let entry = self.note(&order);
                    tokio::join!(self.see_through(entry), self.see_through(entry));
                }
                Plan::Again(choice) => {
                    if let Some((entry, _)) = self.shared.ledger.accepted(choice) {
                        self.see_through(entry).await;
                    }
                }
                Plan::Forge(choice) => self.forge(choice).await,
            }
        }
    }

    fn note(&mut self, order: &Order) -> usize {
        let id = uuid(self.dice.random(), self.dice.random());
        let (subject, body) = order.message(id);
        self.shared.ledger.note(id, subject, body.into(), order.dry_run)
    }

    /// Sends a command until it is answered.
    async fn see_through(&self, entry: usize) {
        let (subject, body) = self.shared.ledger.message(entry);
        loop {
            let attempt = self.shared.ledger.begin(entry);
            let end = self.send(subject.clone(), body.clone()).await;
            let answered = matches!(end, End::Answered(_));
            self.shared.ledger.end(entry, attempt, end);
            if answered {
                return;
            }
            // No condition to wait for: who listens on a subject is not told to a client.
            tokio::time::sleep(COME_BACK).await;
        }
    }

    async fn forge(&self, choice: usize) {
        let Some((_, entry)) = self.shared.ledger.accepted(choice) else { return };
        let mut body: Value = serde_json::from_slice(&entry.body).expect("our own JSON");
        body["correlation_id"] = entry.id.to_string().into();
        if let End::Answered(answer) = self.send(entry.subject, body.to_string().into()).await {
            self.shared.ledger.forged(entry.id, serde_json::from_slice(&answer).expect("JSON"));
        }
    }

    async fn send(&self, subject: String, body: Bytes) -> End {
        let mut life = self.shared.life.subscribe();
        let request = Request::new().payload(body).timeout(Some(ANSWER_WITHIN));
        let answer = tokio::select! {
            biased;
            answer = self.nats.send_request(subject, request) => answer,
            _ = life.changed() => return End::Unknown,
        };
        match answer {
            Ok(message) => {
                self.shared.answered.fetch_add(1, Ordering::Relaxed);
                read(message.payload)
            }
            Err(error) if error.kind() == RequestErrorKind::NoResponders => End::NotTaken,
            Err(_) => End::Unknown,
        }
    }
}

/// An answer that is none is not noted as one.
fn read(answer: Bytes) -> End {
    if crate::ledger::is_accepted(&answer) {
        return End::Answered(answer);
    }
    let body: Value = serde_json::from_slice(&answer).expect("every answer is JSON");
    match body["error"]["code"].as_str().expect("a refusal has a code") {
        "outcome_unknown" => End::Unknown,
        "busy" | "unavailable" => End::NotTaken,
        // The rig would test nothing with commands that are never looked at.
        wrong @ ("malformed" | "bad_subject" | "validation_failed" | "forbidden" | "unsupported") => {
            panic!("the rig sent a bad command, {wrong}: {body}")
        }
        _ => End::Answered(answer),
    }
}
