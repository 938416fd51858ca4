//! Where records come from: a stream that may be away, damaged or rebuilt, and the log that is right. NATS is one
//! (`nats`); the simulation has another, which doubles, delays, reorders and forgets.

use std::time::Duration;

use guichet_schemas::hash::Hash;
use guichet_schemas::wire::LogBatch;

use super::pause::Pause;
use crate::arrived::Arrived;

/// After this long without a message the stream is asked whether there should have been one.
pub(super) const WATCHDOG: Duration = Duration::from_secs(3);

/// The stream and the log of one partition, and the time that passes while they are asked.
pub trait Source: Clone + Send + Sync + 'static {
    type Messages: Messages;

    /// How far the stream is; none: there is none.
    fn extent(&self) -> impl Future<Output = Result<Option<Extent>, String>> + Send;

    /// The hashes of the message at a sequence; none where it cannot be had.
    fn hashes_at(&self, sequence: u64) -> impl Future<Output = Option<Hashes>> + Send;

    /// All messages from a sequence on, unfiltered. Nothing is acknowledged: the position is ours alone.
    fn messages(&self, from: u64) -> impl Future<Output = Result<Self::Messages, String>> + Send;

    /// Records of the log from a position on; from 0 on, its end alone.
    fn log(&self, from: u64, events_max: usize) -> impl Future<Output = Reply> + Send;

    /// Lets time pass.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;

    /// Does what may block where it holds nobody up; none: it ended in a panic.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send;
}

/// Messages of a consumer that may vanish at any time.
pub trait Messages: Send {
    /// The next one, or why there will be none.
    fn next(&mut self) -> impl Future<Output = Next> + Send;

    /// The next one, if it is here already.
    fn ready(&mut self) -> Option<Next>;
}

/// A message with the newest sequence of the stream when it was sent, or why no more will come.
pub type Next = Result<(Arrived, u64), String>;

/// The hash of a message.
#[derive(Debug, Clone, Copy)]
pub struct Hashes {
    /// As its sender named it.
    pub said: Option<Hash>,
    /// As it is.
    pub actual: Hash,
}

impl Hashes {
    /// The hash of what was sent. None: the message was damaged since, and says nothing about any history.
    #[must_use]
    pub fn whole(&self) -> Option<Hash> {
        self.said.is_none_or(|said| said == self.actual).then_some(self.actual)
    }
}

/// The sequences in the stream, `first` to `last`; empty where `first` is `last` + 1.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub first: u64,
    pub last: u64,
}

#[derive(Debug)]
pub enum Reply {
    /// Records.
    Batch(LogBatch),
    /// No engine is there.
    Nobody,
    /// One may be there, but did not answer, or not clearly.
    Unclear(String),
}

/// Waits for something, for so long at most; `None`: it has not come.
pub(super) async fn within<S: Source, T>(
    source: &S,
    span: Duration,
    what: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        came = what => Some(came),
        () = source.sleep(span) => None,
    }
}

/// Messages that arrived together, with the newest sequence of the stream, and the reason why no more will come.
pub(super) type Drained = (Vec<Arrived>, u64, Option<Pause>);

/// Takes messages, up to the limits of a batch, as long as more are there.
pub(super) fn drain<M: Messages>(
    first: Next,
    messages: &mut M,
    events_max: usize,
    bytes_max: usize,
) -> Result<Drained, Pause> {
    let (mut batch, mut bytes, mut newest) = (Vec::new(), 0, 0);
    let mut next = Some(first);
    while let Some(one) = next {
        match one {
            Ok((arrived, at)) => {
                bytes += arrived.bytes.len();
                newest = at;
                batch.push(arrived);
            }
            Err(why) if batch.is_empty() => return Err(Pause::Interrupted(why)),
            Err(why) => return Ok((batch, newest, Some(Pause::Interrupted(why)))),
        }
        if batch.len() >= events_max || bytes >= bytes_max {
            break;
        }
        next = messages.ready();
    }
    Ok((batch, newest, None))
}

/// The position at which the stream has another record than the log. Compared is the last of these records, from position
/// `from` on, that the stream has too: two engines never write the same record, each event has an id of its own.
pub(super) async fn contradiction<S: Source>(source: &S, from: u64, records: &[Vec<u8>]) -> Option<u64> {
    let last = from + records.len().checked_sub(1)? as u64;
    let mut at = last;
    let mut hashes = source.hashes_at(at).await;
    if hashes.is_none()
        && let Some(extent) = source.extent().await.ok().flatten()
        && (from..last).contains(&extent.last)
    {
        at = extent.last;
        hashes = source.hashes_at(at).await;
    }
    let ours = usize::try_from(at - from).ok().and_then(|n| records.get(n)).map(|r| Hash::of_record(r));
    // A message that is damaged or not there says nothing.
    let theirs = hashes.and_then(|hashes| hashes.whole());
    theirs.is_some_and(|theirs| Some(theirs) != ours).then_some(at)
}
