//! A feed that reads a log instead of a stream.

use std::sync::Arc;
use std::time::Duration;

use guichet_schemas::wire::LogBatch;

use super::super::source::{Extent, Hashes, Messages, Next};
use super::*;

/// A log, and what the stream says that it holds at a position.
#[derive(Clone)]
struct Fake {
    log: Arc<Vec<Vec<u8>>>,
    in_stream: fn(u64, &[Vec<u8>]) -> Option<Hashes>,
}

struct Nothing;

impl Messages for Nothing {
    async fn next(&mut self) -> Next {
        std::future::pending().await
    }

    fn ready(&mut self) -> Option<Next> {
        None
    }
}

impl Source for Fake {
    type Messages = Nothing;

    async fn extent(&self) -> Result<Option<Extent>, String> {
        Ok(Some(Extent { first: 1, last: self.log.len() as u64 }))
    }

    async fn hashes_at(&self, sequence: u64) -> Option<Hashes> {
        (self.in_stream)(sequence, &self.log)
    }

    async fn messages(&self, _: u64) -> Result<Nothing, String> {
        Ok(Nothing)
    }

    async fn log(&self, from: u64, events_max: usize) -> Reply {
        let begin = usize::try_from(from - 1).unwrap();
        let records = self.log.iter().skip(begin).take(events_max).cloned().collect();
        Reply::Batch(LogBatch { records, head: self.log.len() as u64, ..LogBatch::default() })
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        Some(work())
    }
}

fn fake(records: u32, in_stream: fn(u64, &[Vec<u8>]) -> Option<Hashes>) -> Fake {
    Fake { log: Arc::new((0..records).map(|n| n.to_be_bytes().to_vec()).collect()), in_stream }
}

fn at(source: &Fake, sequence: usize) -> Place {
    Place { sequence: sequence as u64, hash: Hash::of_record(&source.log[sequence - 1]) }
}

/// What the models of a feed hear of the log behind a position.
async fn heard(source: &Fake, from: Place) -> (Result<Place, Pause>, Vec<(u64, Option<Hash>)>) {
    let feed = Feed::new();
    feed.tell(Portion { messages: Vec::new(), newest: from.sequence }, from.sequence + 1);
    let mut listener = feed.listen(source).await.unwrap();
    let read = feed.read_log(source, from).await;
    let mut heard = Vec::new();
    while let Some(portion) = listener.more() {
        heard.extend(portion.messages.iter().map(|m| (m.arrived.sequence, m.arrived.prev_hash)));
    }
    (read, heard)
}

#[test]
fn many_messages_without_quiet_are_a_flood_and_a_small_portion_ends_it() {
    let mut gauge = Gauge::default();
    assert!((0..15).all(|_| !gauge.rises(256)));
    assert!(gauge.rises(256));
    assert!(!gauge.rises(LULL));
    assert!((0..15).all(|_| !gauge.rises(256)));
    gauge.falls();
    assert!(!gauge.rises(256));
}

#[tokio::test]
async fn every_record_behind_the_place_is_told_once_in_order_and_linked() {
    let source = fake(3_000, |_, _| None);
    let (read, heard) = heard(&source, at(&source, 7)).await;
    assert_eq!(read.unwrap().sequence, 3_000);
    let expected: Vec<_> =
        (8..=3_000_usize).map(|n| (n as u64, Some(Hash::of_record(&source.log[n - 2])))).collect();
    assert!(heard == expected, "{} of {}", heard.len(), expected.len());
}

#[tokio::test]
async fn a_log_of_another_history_is_not_told() {
    let source = fake(3_000, |_, _| None);
    let strange = Place { hash: Hash::ZERO, ..at(&source, 7) };
    let (read, told) = heard(&source, strange).await;
    assert!(matches!(read, Err(Pause::Interrupted(why)) if why.contains("does not continue position 7")));
    assert!(told.is_empty());

    // Another engine answers for the log; the stream knows better.
    let source = fake(3_000, |_, _| Some(Hashes { said: None, actual: Hash::ZERO }));
    let (read, told) = heard(&source, at(&source, 7)).await;
    assert!(matches!(read, Err(Pause::Interrupted(why)) if why.contains("another record at position")));
    assert!(told.is_empty());
}
