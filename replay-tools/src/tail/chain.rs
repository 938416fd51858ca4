//! The chain of hashes, checked link by link.

use std::collections::HashMap;

use guichet_schemas::codec::decode_record_wire;
use guichet_schemas::hash::Hash;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;

use guichet_client::Published;

/// Streams remembered. Beyond, all are forgotten at once: their next events are checked again from the one
/// after, and memory stays below some 20 MiB.
const STREAMS_MAX: usize = 100_000;

/// The verdict on one message.
#[derive(Debug)]
pub(super) struct Seen {
    /// The record, where the bytes are one.
    pub(super) record: Option<wire::Record>,
    /// Its hash, computed here.
    pub(super) hash: Hash,
    /// Everything that is wrong with it.
    pub(super) broken: Vec<String>,
}

/// The newest links.
#[derive(Debug)]
pub(super) struct Chain {
    next: u64,
    last: Option<Hash>,
    epoch: u64,
    /// Version and hash of the newest event of each stream (tenant, kind, id).
    streams: HashMap<(String, i32, String), (u64, Hash)>,
    checked: u64,
    faults: u64,
}

impl Chain {
    /// The first message is expected at this sequence.
    pub(super) fn starting_at(sequence: u64) -> Self {
        Self { next: sequence.max(1), last: None, epoch: 0, streams: HashMap::new(), checked: 0, faults: 0 }
    }

    pub(super) const fn checked(&self) -> u64 {
        self.checked
    }

    pub(super) const fn faults(&self) -> u64 {
        self.faults
    }

    /// Checks the next message.
    pub(super) fn check(&mut self, message: &Published) -> Seen {
        let mut broken = Vec::new();
        let hash = Hash::of_record(&message.bytes);
        if message.sequence != self.next {
            broken.push(format!(
                "position {} was expected, so {} are missing",
                self.next,
                message.sequence.abs_diff(self.next)
            ));
            self.last = None;
        }
        compare(&mut broken, "Guichet-Hash", message.hash, "the record's bytes have", Some(hash));
        if self.next == 1 && message.sequence == 1 {
            self.last = Some(Hash::ZERO);
        }
        compare(&mut broken, "Guichet-Prev-Hash", message.prev_hash, "the record before has", self.last);
        let record = match decode_record_wire(&message.bytes) {
            Ok(record) => {
                self.check_record(message.sequence, &record, hash, &mut broken);
                Some(record)
            }
            Err(error) => {
                broken.push(error.to_string());
                None
            }
        };
        self.next = message.sequence + 1;
        self.last = Some(hash);
        self.checked += 1;
        self.faults += broken.len() as u64;
        Seen { record, hash, broken }
    }

    fn check_record(&mut self, sequence: u64, record: &wire::Record, hash: Hash, broken: &mut Vec<String>) {
        if record.position != sequence {
            broken.push(format!("the record says position {}", record.position));
        }
        if record.epoch < self.epoch {
            broken.push(format!(
                "epoch {} after epoch {}: an engine that was replaced wrote on",
                record.epoch, self.epoch
            ));
        }
        self.epoch = self.epoch.max(record.epoch);
        let stream = (record.tenant.clone(), record.stream_kind, record.stream_id.clone());
        let before = match self.streams.get(&stream) {
            Some(before) => Some(*before),
            None => (record.version == 1).then_some((0, Hash::ZERO)),
        };
        if let Some((version, previous)) = before {
            if record.version != version + 1 {
                broken.push(format!(
                    "version {} of {} follows version {version}",
                    record.version, record.stream_id
                ));
            }
            let claimed = Hash::from_wire(record.prev_hash.clone()).ok();
            compare(broken, "prev_hash", claimed, "the version before has", Some(previous));
        }
        if self.streams.len() >= STREAMS_MAX && !self.streams.contains_key(&stream) {
            self.streams.clear();
        }
        self.streams.insert(stream, (record.version, hash));
    }
}

/// Says where a claim and what we know differ. What we do not know is not judged; a missing claim is.
fn compare(broken: &mut Vec<String>, name: &str, claimed: Option<Hash>, known_as: &str, known: Option<Hash>) {
    match (claimed, known) {
        (Some(claimed), Some(known)) if claimed != known => {
            broken.push(format!("{name} says {claimed}, {known_as} {known}"))
        }
        (None, _) => broken.push(format!("{name} is missing")),
        (Some(_), _) => {}
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
