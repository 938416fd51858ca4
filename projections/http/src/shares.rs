//! A number of places, and how many of them one source may have. Who waits, waits behind those of the own source
//! first: however many ask, the others have their turns.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::source::Source;

/// Sources that are remembered although they hold nothing, before they are forgotten together.
const IDLE_SOURCES_MAX: usize = 1_024;

/// Places.
#[derive(Debug)]
pub(crate) struct Shares {
    all: Arc<Semaphore>,
    per_source: usize,
    sources: Mutex<BTreeMap<Source, Weak<Semaphore>>>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Share {
    _all: OwnedSemaphorePermit,
    _of_source: OwnedSemaphorePermit,
    /// Keeps the count of the source as long as it has something.
    _source: Arc<Semaphore>,
}

/// The bound that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Source,
    /// By all together.
    Total,
}

impl Reached {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Total => "total",
        }
    }
}

impl Shares {
    pub(crate) fn new(all: usize, per_source: usize) -> Self {
        let sources = Mutex::default();
        Self { all: Arc::new(Semaphore::new(all)), per_source, sources }
    }

    fn of(&self, source: Source) -> Arc<Semaphore> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sources.get(&source).and_then(Weak::upgrade) {
            return known;
        }
        if sources.len() >= IDLE_SOURCES_MAX {
            sources.retain(|_, known| known.strong_count() > 0);
        }
        let new = Arc::new(Semaphore::new(self.per_source));
        sources.insert(source, Arc::downgrade(&new));
        new
    }

    /// One at once.
    ///
    /// # Errors
    /// The bound that is reached.
    pub(crate) fn try_take(&self, source: Source) -> Result<Share, Reached> {
        let own = self.of(source);
        let of_source = Arc::clone(&own).try_acquire_owned().map_err(|_| Reached::Source)?;
        let all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Reached::Total)?;
        Ok(Share { _all: all, _of_source: of_source, _source: own })
    }

    /// One within so long.
    ///
    /// # Errors
    /// The bound that kept us waiting.
    pub(crate) async fn take(&self, source: Source, within: Duration) -> Result<Share, Reached> {
        let until = tokio::time::Instant::now() + within;
        let own = self.of(source);
        let of_source = tokio::time::timeout_at(until, Arc::clone(&own).acquire_owned());
        let of_source = of_source.await.ok().and_then(Result::ok).ok_or(Reached::Source)?;
        let all = tokio::time::timeout_at(until, Arc::clone(&self.all).acquire_owned());
        let all = all.await.ok().and_then(Result::ok).ok_or(Reached::Total)?;
        Ok(Share { _all: all, _of_source: of_source, _source: own })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn source(last: u8) -> Source {
        Source::of(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn one_source_has_its_share_and_all_have_the_total() {
        let shares = Shares::new(3, 2);
        let first = shares.try_take(source(1)).unwrap();
        let _second = shares.try_take(source(1)).unwrap();
        assert_eq!(shares.try_take(source(1)).unwrap_err(), Reached::Source);
        let _third = shares.try_take(source(2)).unwrap();
        assert_eq!(shares.try_take(source(2)).unwrap_err(), Reached::Total);
        drop(first);
        assert!(shares.try_take(source(1)).is_ok());
    }

    #[tokio::test]
    async fn who_asks_much_waits_behind_himself() {
        let shares = Arc::new(Shares::new(2, 1));
        let held = shares.try_take(source(1)).unwrap();
        let waits = async |who| shares.take(source(who), Duration::from_millis(50)).await;
        let (mine, others) = tokio::join!(waits(1), waits(2));
        assert_eq!(mine.unwrap_err(), Reached::Source);
        assert!(others.is_ok());
        drop(held);
    }

    #[test]
    fn sources_that_hold_nothing_are_forgotten() {
        let shares = Shares::new(10, 2);
        for n in 0..10_000u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from(n));
            assert!(shares.try_take(Source::of(address)).is_ok());
        }
        assert!(shares.sources.lock().unwrap().len() <= IDLE_SOURCES_MAX);
    }
}
