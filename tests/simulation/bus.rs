//! The way between an engine and the broker: messages arrive in their order, late, or not at all, and so do answers.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use guichet_engine::halt::HaltReason;
use guichet_engine::publish::bus::{Bus, Found, Kept, Message, Repair, Stored, Unrestored};
use tokio::sync::oneshot;

use crate::broker::Broker;
use crate::sim::{Process, Sim};

/// After so long an answer is not waited for any more, as in the client library.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connection of one engine.
#[derive(Clone)]
pub(crate) struct FakeBus {
    sim: Sim,
    broker: Broker,
    /// Name of the log that it publishes.
    owner: String,
    /// When the message before arrives: none overtakes another.
    line: Arc<Mutex<Duration>>,
}

impl FakeBus {
    pub(crate) fn of(sim: &Sim, broker: &Broker, owner: &str) -> Self {
        Self { sim: sim.clone(), broker: broker.clone(), owner: owner.to_owned(), line: Arc::default() }
    }

    /// Asks, and waits for the answer. Where none comes, the broker may have done it all the same.
    pub(crate) async fn ask<T>(&self, question: impl FnOnce(&Broker) -> T) -> Result<T, String> {
        self.sim.sleep(self.sim.span(0, 3)).await;
        let answered = self.broker.is_up() && !self.sim.fault(15);
        let done = answered || self.broker.is_up() && self.sim.chance(500);
        let answer = done.then(|| question(&self.broker));
        match answer.filter(|_| answered) {
            Some(answer) => {
                self.sim.sleep(self.sim.span(0, 3)).await;
                Ok(answer)
            }
            None => {
                self.sim.sleep(PATIENCE).await;
                Err("timed out".to_owned())
            }
        }
    }

    /// When a message that is sent now arrives.
    fn arrival(&self) -> Duration {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let late = if self.sim.fault(2) { self.sim.span(100, 7_000) } else { self.sim.span(0, 2) };
        *line = (*line + Duration::from_nanos(1)).max(self.sim.now() + late);
        *line
    }
}

impl Bus for FakeBus {
    type Ack = Pin<Box<dyn Future<Output = Result<u64, String>> + Send>>;

    fn check_server(&self) -> Result<(), HaltReason> {
        Ok(())
    }

    async fn send(&self, message: Message) -> Result<Self::Ack, String> {
        let (told, answer) = oneshot::channel();
        let (sim, broker, arrival) = (self.sim.clone(), self.broker.clone(), self.arrival());
        let connection = *broker.connections().borrow();
        sim.clone().spawn(Process::Network, async move {
            sim.sleep(arrival.saturating_sub(sim.now())).await;
            let same = *broker.connections().borrow() == connection;
            // What a broken connection still held may arrive long after its sender has given up.
            if !broker.is_up() || !same && sim.chance(700) || sim.fault(4) {
                sim.note(format_args!("bus: a message is lost"));
                return;
            }
            let answer = broker.store(&message);
            if sim.fault(10) {
                sim.note(format_args!("bus: an ack is lost"));
                return;
            }
            sim.sleep(sim.span(0, 2)).await;
            // An error means that nobody waits any more.
            told.send(answer).unwrap_or_default();
        });
        let sim = self.sim.clone();
        Ok(Box::pin(async move {
            let patience = Box::pin(sim.sleep(PATIENCE));
            match select(answer, patience).await {
                Either::Left((Ok(answer), _)) => answer,
                // Lost: only time tells.
                Either::Left((Err(_), patience)) => {
                    patience.await;
                    Err("timed out".to_owned())
                }
                Either::Right(_) => Err("timed out".to_owned()),
            }
        }))
    }

    async fn look(&self) -> Result<Option<Found>, String> {
        self.ask(Broker::look).await
    }

    async fn make(&self) -> Result<Found, Repair> {
        self.ask(|broker| broker.make(&self.owner)).await.map_err(Repair::Unknown)
    }

    async fn restore(&self) -> Result<(), Unrestored> {
        self.ask(|broker| broker.restore(&self.owner)).await.map_err(Unrestored::Unknown)
    }

    async fn remove(&self) -> Result<(), String> {
        self.ask(Broker::remove).await
    }

    async fn message(&self, sequence: u64) -> Result<Kept, String> {
        let held = self.ask(|broker| broker.message(sequence)).await?;
        held.map(|held| held.kept()).ok_or_else(|| "no message found".to_owned())
    }

    async fn messages(&self, from: u64, most: usize) -> Result<Vec<Stored>, String> {
        self.ask(|broker| broker.messages(from, most)).await
    }

    async fn sleep(&self, span: Duration) {
        self.sim.sleep(span).await;
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        Ok(work())
    }
}
