//! A caller over a network that delays, doubles and loses. It asks again, under the same id, until it knows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use guichet_engine::log::CommandInlet;
use guichet_schemas::codec::{Outcome, Request};
use guichet_schemas::rejection::Rejection;
use tokio::sync::oneshot;

use crate::ledger::{Ledger, Sent};
use crate::life::Life;
use crate::orders::Orders;
use crate::sim::{Process, Sim};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Where commands reach an engine: several, while there is a second one that should not be.
pub(crate) type Addresses = Arc<Mutex<Vec<Address>>>;

/// One engine that listens.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) engine: usize,
    pub(crate) desk: CommandInlet,
    pub(crate) life: Life,
}

/// One caller.
pub(crate) struct Client {
    pub(crate) sim: Sim,
    pub(crate) number: usize,
    pub(crate) addresses: Addresses,
    pub(crate) ledger: Ledger,
}

impl Client {
    /// Asks for so many things, one after the other.
    pub(crate) async fn run(self, mut orders: Orders, count: u64) {
        for _ in 0..count {
            self.sim.sleep(self.sim.span(0, 20)).await;
            let request = orders.next();
            while !self.ask(&request).await {
                self.sim.sleep(self.sim.span(1, 30)).await;
            }
            if self.sim.fault(30) {
                self.send(&orders.twisted(&request));
            }
        }
        let mut book = self.ledger.book();
        let content = book.content_since.map_or(0, |(clients, _)| clients);
        book.content_since = Some((content + 1, self.sim.now()));
    }

    /// True: there is a clear answer.
    async fn ask(&self, request: &Request) -> bool {
        let answer = self.send(request);
        if self.sim.fault(100) {
            // Impatient: the same command once more, while the first is under way.
            self.send(request);
        }
        let patience = self.sim.sleep(PATIENCE);
        match select(answer, Box::pin(patience)).await {
            Either::Left((Ok(outcome), _)) => is_clear(&outcome),
            Either::Left((Err(_), _)) | Either::Right(_) => false,
        }
    }

    /// Puts a command on its way, and gives the answer, if one ever comes.
    fn send(&self, request: &Request) -> oneshot::Receiver<Outcome> {
        let (told, answer) = oneshot::channel();
        let (sim, ledger) = (self.sim.clone(), self.ledger.clone());
        ledger.ask(request, sim.now());
        if sim.fault(20) {
            sim.note(format_args!("client {}: request lost", self.number));
            return answer;
        }
        let (addresses, request, number) = (Arc::clone(&self.addresses), request.clone(), self.number);
        let (at, delay) = (sim.now(), delay(&sim));
        sim.clone().spawn(Process::Network, async move {
            sim.sleep(delay).await;
            let address = {
                let listening = addresses.lock().unwrap_or_else(PoisonError::into_inner);
                // A queue group: one of those that listen gets it.
                if listening.is_empty() { None } else { Some(listening[sim.index(listening.len())].clone()) }
            };
            let Some(Address { engine, desk, life }) = address.filter(|address| address.life.goes_on())
            else {
                return;
            };
            let sent = Sent { request: request.clone(), at };
            let answer = move |outcome: Outcome| {
                if life.goes_on() {
                    sim.note(format_args!("engine {engine} answers client {number}: {}", said(&outcome)));
                    deliver(sim, ledger, sent, engine, outcome, told);
                }
            };
            desk.submit(request, Box::new(answer));
        });
        answer
    }
}

/// Brings an answer to the client, unless the network loses it.
fn deliver(
    sim: Sim,
    ledger: Ledger,
    sent: Sent,
    engine: usize,
    outcome: Outcome,
    told: oneshot::Sender<Outcome>,
) {
    if sim.fault(20) {
        return;
    }
    let delay = delay(&sim);
    sim.clone().spawn(Process::Network, async move {
        sim.sleep(delay).await;
        ledger.tell(&sent, engine, sim.now(), outcome.clone());
        // An error means that the client has given up; the ledger heard it all the same.
        told.send(outcome).unwrap_or_default();
    });
}

fn delay(sim: &Sim) -> Duration {
    if sim.fault(10) { sim.span(50, 500) } else { sim.span(0, 3) }
}

/// False: the client must ask again.
fn is_clear(outcome: &Outcome) -> bool {
    !matches!(
        outcome,
        Err(Rejection::OutcomeUnknown | Rejection::Unavailable { .. } | Rejection::Busy { .. })
    )
}

/// An answer in few words, for the trace.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Ok(accepted) => format!("position {} version {}", accepted.position, accepted.version),
        Err(rejection) => rejection.to_string(),
    }
}
