//! What the feed does while the engine records more than the stream should bring one by one: it reads the log, hundreds of
//! records to an answer. The stream would cost several times the processor time, most of it for headers, and a reader
//! close behind its end makes nats-server keep in memory whatever was written within ten seconds.
//!
//! The log has no patience to lose and no memory to fill: the feed waits for the slowest model, for a while.

use std::time::Duration;

use guichet_schemas::hash::Hash;

use super::feed::{Feed, Portion, check};
use super::of_log;
use super::pause::Pause;
use super::source::{Reply, Source, contradiction};

/// So many messages without a moment of quiet are a flood.
const MESSAGES: usize = 4_096;
/// A portion of so few messages is a moment of quiet. Where processors are short, those of a flood are small.
const LULL: usize = 12;
/// Records of one answer of the log, beside its own bound in bytes.
const RECORDS: usize = 768;
/// The flood is over once the log had so often no more than so few records to tell, and how long to wait in between.
const CALM: u32 = 5;
const FEW: usize = 32;
const BREATH: Duration = Duration::from_millis(20);
/// Portions that may wait for the slowest model, and for how many breaths: one that stands still holds up nobody.
const WAITING: usize = 6;
const BREATHS: u32 = 100;
/// Answers of the log between two looks at the stream: a second engine that has lost may answer for the log too. Each look
/// makes the server keep a part of the stream in memory for a while.
const LOOK_EVERY: u32 = 64;

/// Notices a flood.
#[derive(Debug, Default)]
pub(super) struct Gauge(usize);

impl Gauge {
    /// A portion of so many messages came. True: it is a flood.
    pub(super) const fn rises(&mut self, messages: usize) -> bool {
        self.0 = if messages > LULL { self.0.saturating_add(messages) } else { 0 };
        self.0 >= MESSAGES
    }

    /// Nothing came.
    pub(super) const fn falls(&mut self) {
        self.0 = 0;
    }
}

/// The newest record that the feed has given: the next answer of the log must begin with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) hash: Hash,
}

impl Feed {
    /// Reads the log until the flood is over, or nobody answers for the log. Gives the newest record.
    pub(super) async fn read_log<S: Source>(&self, source: &S, mut at: Place) -> Result<Place, Pause> {
        let (mut calm, mut answers) = (0, 0_u32);
        while calm < CALM {
            self.wait_for_models(source).await;
            let Reply::Batch(batch) = source.log(at.sequence, RECORDS).await else { break };
            if batch.records.first().map(|bytes| Hash::of_record(bytes)) != Some(at.hash) {
                return Err(Pause::Interrupted(format!(
                    "the log service does not continue position {}",
                    at.sequence
                )));
            }
            if answers.is_multiple_of(LOOK_EVERY)
                && let Some(position) = contradiction(source, at.sequence, &batch.records).await
            {
                return Err(Pause::Interrupted(format!(
                    "the log service has another record at position {position} than the stream"
                )));
            }
            answers = answers.wrapping_add(1);
            let mut arrived = of_log(at.sequence, batch.records);
            arrived.remove(0);
            let more = arrived.len() > FEW;
            if let Some(last) = arrived.last()
                && let Some(hash) = last.hash
            {
                at = Place { sequence: last.sequence, hash };
                let portion = Portion { messages: check(source, arrived).await?, newest: batch.head };
                self.tell(portion, at.sequence.saturating_add(1));
            }
            calm = if more { 0 } else { calm.saturating_add(1) };
            if !more {
                source.sleep(BREATH).await;
            }
        }
        Ok(at)
    }

    async fn wait_for_models<S: Source>(&self, source: &S) {
        for _ in 0..BREATHS {
            if self.waiting() < WAITING {
                return;
            }
            source.sleep(BREATH).await;
        }
    }
}

#[cfg(test)]
#[path = "flood_tests.rs"]
mod tests;
