//! A broker that keeps one stream as JetStream keeps it (anchors.md §6), and loses it as JetStream loses it.
//!
//! A message with an expected sequence is stored behind that sequence or not at all. An answer says that a message is
//! stored, not that it is on disk: a restart may take the end of the stream. A purge keeps the sequence, a stream that
//! is rebuilt begins at 1. Who asks may get no answer, and then nobody knows what was done.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::HeaderMap;
use bytes::Bytes;
use guichet_engine::log::{Copied, CopyError, EventCopy};
use guichet_engine::publish::bus::{Found, Kept, Message, Stored};
use guichet_proof::stream_key::HEADER;
use guichet_proof::{Said, StreamMac};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition};
use tokio::sync::watch;

use crate::sim::Sim;

/// The broker of a run.
#[derive(Clone)]
pub(crate) struct Broker {
    sim: Sim,
    /// It forgets to look at the expected sequence.
    careless: bool,
    inner: Arc<Mutex<Inner>>,
    /// Counts what reaches the stream.
    changed: Arc<watch::Sender<u64>>,
    /// Counts the connections: a restart breaks them.
    connected: Arc<watch::Sender<u64>>,
}

struct Inner {
    up: bool,
    stream: Option<Stream>,
    /// Who consumes is brought this one next, whatever it had.
    repeated: Option<u64>,
}

#[derive(Default)]
struct Stream {
    messages: BTreeMap<u64, Held>,
    last: u64,
    /// Up to here a power cut takes nothing.
    synced: u64,
    misfit: bool,
    /// The log that it is a copy of, as whoever made it wrote on it.
    owner: Option<String>,
}

/// A message as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

impl Held {
    /// The hash that its sender named.
    pub(crate) fn hash(&self) -> Option<Hash> {
        self.header("Guichet-Hash")
    }

    /// The message with what its sender said.
    pub(crate) fn kept(&self) -> Kept {
        Kept { payload: self.payload.clone(), said: self.hash(), says: self.says() }
    }

    /// What its sender said besides.
    pub(crate) fn says(&self) -> Said {
        let text = |name| self.headers.get(name).map(|value| value.as_str());
        Said {
            previous: self.prev_hash(),
            generation: text("Guichet-Generation").and_then(|n| n.parse().ok()).map(Generation),
            mac: text(HEADER).and_then(StreamMac::parse),
        }
    }

    /// The hash of the record before it, as its sender says.
    pub(crate) fn prev_hash(&self) -> Option<Hash> {
        self.header("Guichet-Prev-Hash")
    }

    fn header(&self, name: &str) -> Option<Hash> {
        self.headers.get(name).and_then(|value| Hash::parse(value.as_str()))
    }
}

impl Broker {
    pub(crate) fn of(sim: &Sim, careless: bool) -> Self {
        Self {
            sim: sim.clone(),
            careless,
            inner: Arc::new(Mutex::new(Inner { up: true, stream: None, repeated: None })),
            changed: Arc::new(watch::Sender::new(0)),
            connected: Arc::new(watch::Sender::new(1)),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.inner().up
    }

    /// Changes at every connection.
    pub(crate) fn connections(&self) -> watch::Receiver<u64> {
        self.connected.subscribe()
    }

    /// Changes with the stream.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Stores a message, or says why not.
    pub(crate) fn store(&self, message: &Message) -> Result<u64, String> {
        let mut inner = self.inner();
        let stream = inner.stream.as_mut().ok_or("no responders")?;
        if let Some(expected) = message.expected_last.filter(|_| !self.careless)
            && expected != stream.last
        {
            return Err(format!("wrong last sequence: {}", stream.last));
        }
        stream.last += 1;
        let held = Held { headers: message.headers.clone(), payload: message.bytes.clone() };
        stream.messages.insert(stream.last, held);
        let sequence = stream.last;
        drop(inner);
        self.sim.note(format_args!("broker: stores {sequence}"));
        self.tell();
        Ok(sequence)
    }

    pub(crate) fn look(&self) -> Option<Found> {
        self.inner().stream.as_ref().map(|stream| Found {
            first: stream.messages.first_key_value().map_or(stream.last + 1, |(first, _)| *first),
            last: stream.last,
            messages: stream.messages.len() as u64,
            misfit: stream.misfit.then(|| "max_age".to_owned()),
            owner: stream.owner.clone(),
        })
    }

    pub(crate) fn make(&self, owner: &str) -> Found {
        self.sim.note(format_args!("broker: the stream is made"));
        self.inner().stream.get_or_insert_default().owner = Some(owner.to_owned());
        self.tell();
        self.look().unwrap_or_default()
    }

    pub(crate) fn restore(&self, owner: &str) {
        if let Some(stream) = &mut self.inner().stream {
            stream.misfit = false;
            stream.owner = Some(owner.to_owned());
        }
    }

    pub(crate) fn remove(&self) {
        self.sim.note(format_args!("broker: the stream is deleted"));
        self.inner().stream = None;
        self.tell();
    }

    /// The message at a sequence.
    pub(crate) fn message(&self, sequence: u64) -> Option<Held> {
        self.inner().stream.as_ref()?.messages.get(&sequence).cloned()
    }

    /// True where a message was written behind another one than it stands behind.
    pub(crate) fn is_mixed(&self) -> bool {
        let inner = self.inner();
        let messages = inner.stream.iter().flat_map(|stream| stream.messages.values());
        messages.clone().zip(messages.skip(1)).any(|(one, next)| next.prev_hash() != one.hash())
    }

    /// The first message from a sequence on.
    pub(crate) fn next(&self, from: u64) -> Option<(u64, Held)> {
        let inner = self.inner();
        let (sequence, held) = inner.stream.as_ref()?.messages.range(from..).next()?;
        Some((*sequence, held.clone()))
    }

    pub(crate) fn messages(&self, from: u64, most: usize) -> Vec<Stored> {
        let inner = self.inner();
        let Some(stream) = &inner.stream else { return Vec::new() };
        let found = stream.messages.range(from..).take(most);
        found.map(|(sequence, held)| Stored { sequence: *sequence, kept: held.kept() }).collect()
    }

    /// What a machine does to its broker. `gently`: it loses nothing.
    pub(crate) fn suffer(&self, gently: bool) {
        let what = if gently { 0 } else { self.sim.below(9) };
        let mut inner = self.inner();
        match what {
            0 | 1 => {
                inner.up = false;
                self.sim.note(format_args!("broker: down"));
            }
            2 => {
                inner.stream = None;
                self.sim.note(format_args!("broker: its disk is gone"));
            }
            _ => {
                if let Some(stream) = &mut inner.stream {
                    stream.suffer(what, &self.sim);
                }
            }
        }
        drop(inner);
        self.tell();
    }

    /// Somebody who may publish, and has not the secret of the folder, sends a message with headers like ours.
    pub(crate) fn forge(&self, payload: Bytes, headers: HeaderMap) {
        let mut inner = self.inner();
        let up = inner.up;
        if let Some(stream) = inner.stream.as_mut().filter(|_| up) {
            stream.last += 1;
            let last = stream.last;
            stream.messages.insert(last, Held { headers, payload });
            self.sim.note(format_args!("broker: a forged message is stored as {last}"));
        }
        drop(inner);
        self.tell();
    }

    /// A bit of a message flips.
    pub(crate) fn flip(&self, at: u64) {
        if let Some(stream) = &mut self.inner().stream {
            stream.flip(at, &self.sim);
        }
        self.tell();
    }

    /// Some consumer is brought a message once more.
    pub(crate) fn repeat(&self, at: u64) {
        self.inner().repeated = Some(at);
        self.tell();
    }

    /// What is to be brought once more, to whoever asks first.
    pub(crate) fn repeated(&self) -> Option<u64> {
        self.inner().repeated.take()
    }

    /// It is there again, and everybody reconnects.
    pub(crate) fn rise(&self) {
        self.inner().up = true;
        self.connected.send_modify(|count| *count += 1);
        self.sim.note(format_args!("broker: up"));
        self.tell();
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    fn suffer(&mut self, what: u64, sim: &Sim) {
        let at = 1 + sim.below(self.last);
        match what {
            3 => self.synced = self.last,
            4 => {
                let keep = self.synced + sim.below(self.last - self.synced + 1);
                sim.note(format_args!(
                    "broker: power cut, the stream ends at {keep} instead of {}",
                    self.last
                ));
                self.messages.retain(|sequence, _| *sequence <= keep);
                self.last = keep;
            }
            5 => {
                sim.note(format_args!("broker: purged at {}", self.last));
                self.messages.clear();
            }
            6 => {
                sim.note(format_args!("broker: message {at} is deleted"));
                self.messages.remove(&at);
            }
            7 => self.flip(at, sim),
            _ => self.misfit = true,
        }
        self.synced = self.synced.min(self.last);
    }

    fn flip(&mut self, at: u64, sim: &Sim) {
        if let Some(held) = self.messages.get_mut(&at) {
            sim.note(format_args!("broker: a bit of message {at} flips"));
            let mut bytes = held.payload.to_vec();
            let place = sim.index(bytes.len());
            bytes[place] ^= 1 << sim.below(8);
            held.payload = bytes.into();
        }
    }
}

impl EventCopy for Broker {
    fn last(&self) -> Result<u64, CopyError> {
        if !self.is_up() {
            return Err(CopyError::silent("it is down"));
        }
        Ok(self.look().map_or(0, |found| found.last))
    }

    fn owner(&self) -> Result<Option<String>, CopyError> {
        Ok(self.look().and_then(|found| found.owner))
    }

    fn give_up(&self) -> Result<(), CopyError> {
        self.remove();
        Ok(())
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        if !self.is_up() {
            return Err(CopyError::silent("it is down"));
        }
        let stored = self.messages(from.get(), most);
        let in_order = stored.into_iter().zip(from.get()..).take_while(|(m, wanted)| m.sequence == *wanted);
        let copied = |Kept { payload: bytes, says, .. }: Kept| Copied { bytes, says };
        Ok(in_order.map(|(message, _)| copied(message.kept)).collect())
    }
}
