//! The engine's log service: the records themselves, for what the stream has not or not any more.

use std::time::Duration;

use async_nats::RequestErrorKind;
use bytes::Bytes;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Partition;
use guichet_schemas::subject;
use guichet_schemas::wire::{LogBatch, LogRequest};
use prost::Message as _;

use crate::arrived::Arrived;

/// Bytes of records in one answer; the largest record is 60 KiB, the server takes 1 MiB.
const BYTES_MAX: u32 = 512 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct LogService {
    client: async_nats::Client,
    subject: String,
}

pub(super) enum Reply {
    Batch(LogBatch),
    /// No engine is there.
    Nobody,
    /// One may be there, but did not answer, or not clearly.
    Unclear(String),
}

impl LogService {
    pub(super) fn new(client: async_nats::Client, partition: Partition) -> Self {
        Self { client, subject: subject::log(partition) }
    }

    pub(super) async fn read(&self, from: u64, events_max: usize) -> Reply {
        let max_events = u32::try_from(events_max).unwrap_or(u32::MAX);
        let request = LogRequest { from, max_events, max_bytes: BYTES_MAX }.encode_to_vec();
        let request = async_nats::Request::new().payload(request.into()).timeout(Some(TIMEOUT));
        match self.client.send_request(self.subject.clone(), request).await {
            Ok(message) => match LogBatch::decode(message.payload) {
                Ok(batch) => Reply::Batch(batch),
                Err(_) => Reply::Unclear("the log service answered something that is no LogBatch".to_owned()),
            },
            Err(error) if error.kind() == RequestErrorKind::NoResponders => Reply::Nobody,
            Err(error) => Reply::Unclear(format!("the log service did not answer: {error}")),
        }
    }
}

/// Records from `from` on, each with the hash of the one before it. The first must be the one at the
/// checkpoint, or position 1.
pub(super) fn arrived(from: u64, records: Vec<Vec<u8>>) -> Vec<Arrived> {
    let mut before = Hash::ZERO;
    records
        .into_iter()
        .zip(from..)
        .map(|(bytes, sequence)| {
            let hash = Hash::of_record(&bytes);
            Arrived {
                sequence,
                prev_hash: Some(std::mem::replace(&mut before, hash)),
                hash: Some(hash),
                bytes: Bytes::from(bytes),
            }
        })
        .collect()
}
