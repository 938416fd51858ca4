//! What a worker hears of the stream and of the log: late, twice, with gaps, and sometimes nothing at all.

use std::sync::Arc;
use std::time::Duration;

use guichet_engine::log::LogReader;
use guichet_projections::worker::source::{Extent, Hashes, Messages, Next, Reply, Source};
use guichet_projections::{Arrived, Proof};
use guichet_proof::{Author, Authorship};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;
use guichet_schemas::wire::LogBatch;
use tokio::sync::watch;

use crate::broker::Broker;
use crate::bus::FakeBus;
use crate::disk::FakeDisk;
use crate::sim::Sim;

/// The log service of whichever engine runs.
pub(crate) type LogService = std::sync::Arc<std::sync::Mutex<Option<LogReader<FakeDisk>>>>;

/// The connection of one process of workers.
#[derive(Clone)]
pub(crate) struct FakeSource {
    pub(crate) sim: Sim,
    pub(crate) broker: Broker,
    pub(crate) bus: FakeBus,
    pub(crate) service: LogService,
    pub(crate) authorship: Arc<Authorship>,
}

/// A consumer.
pub(crate) struct Consumer {
    sim: Sim,
    broker: Broker,
    changes: watch::Receiver<u64>,
    connection: u64,
    next: u64,
    authorship: Arc<Authorship>,
}

impl Source for FakeSource {
    type Messages = Consumer;

    async fn extent(&self) -> Result<Option<Extent>, String> {
        let found = self.bus.ask(Broker::look).await?;
        Ok(found.map(|found| Extent { first: found.first, last: found.last }))
    }

    async fn hashes_at(&self, sequence: u64) -> Option<Hashes> {
        let held = self.bus.ask(|broker| broker.message(sequence)).await.ok()?;
        let (held, at) = (held?, LogPosition::new(sequence)?);
        let actual = Hash::of_record(&held.payload);
        let author = self.authorship.of(at, actual, &held.says());
        (author != Author::Stranger).then_some(Hashes { said: held.hash(), actual })
    }

    async fn messages(&self, from: u64) -> Result<Consumer, String> {
        let there = self.bus.ask(|broker| broker.look().is_some()).await?;
        there.then_some(()).ok_or("no consumer: there is no stream")?;
        Ok(Consumer {
            sim: self.sim.clone(),
            broker: self.broker.clone(),
            changes: self.broker.changes(),
            connection: *self.broker.connections().borrow(),
            next: from,
            authorship: Arc::clone(&self.authorship),
        })
    }

    async fn log(&self, from: u64, events_max: usize) -> Reply {
        self.sim.sleep(self.sim.span(0, 3)).await;
        if self.sim.fault(15) {
            self.sim.sleep(Duration::from_secs(5)).await;
            return Reply::Unclear("the log service did not answer".to_owned());
        }
        let service = self.service.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let Some(reader) = service else { return Reply::Nobody };
        let head = LogPosition::or_zero(reader.head());
        let read = LogPosition::new(from).map(|from| reader.read(from, events_max, 512 << 10)).transpose();
        match read {
            Ok(records) => {
                let records = records.unwrap_or_default().into_iter().map(Vec::from).collect();
                Reply::Batch(LogBatch { head, records, ..LogBatch::default() })
            }
            Err(fault) => Reply::Unclear(fault.to_string()),
        }
    }

    async fn sleep(&self, span: Duration) {
        self.sim.sleep(span).await;
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        Some(work())
    }
}

impl Consumer {
    fn bring(&mut self) -> Option<Next> {
        if *self.broker.connections().borrow() != self.connection {
            return Some(Err("the consumer is gone".to_owned()));
        }
        if !self.broker.is_up() {
            return None;
        }
        // What was delivered is delivered again, or something is left out: neither is believed.
        let from = if let Some(repeated) = self.broker.repeated() {
            repeated
        } else if self.sim.fault(10) {
            1 + self.sim.below(self.next)
        } else if self.sim.fault(10) {
            self.next + self.sim.below(3)
        } else {
            self.next
        };
        let (sequence, held) = self.broker.next(from)?;
        self.next = sequence + 1;
        let newest = self.broker.look().map_or(sequence, |found| found.last);
        let (prev_hash, hash) = (held.prev_hash(), held.hash());
        let proof = Some(Proof { authorship: Arc::clone(&self.authorship), says: held.says() });
        Some(Ok((Arrived { sequence, prev_hash, hash, bytes: held.payload, proof }, newest)))
    }
}

impl Messages for Consumer {
    async fn next(&mut self) -> Next {
        self.sim.sleep(self.sim.span(0, 2)).await;
        loop {
            self.changes.mark_unchanged();
            if self.sim.fault(3) {
                return Err("the consumer failed".to_owned());
            }
            if let Some(next) = self.bring() {
                return next;
            }
            // The broker of a run outlives it.
            self.changes.changed().await.unwrap_or_default();
        }
    }

    fn ready(&mut self) -> Option<Next> {
        if self.sim.chance(300) { None } else { self.bring() }
    }
}
