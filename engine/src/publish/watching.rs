//! Watches whether the stream takes what the log has, says so, and has the stream rebuilt where it would take
//! nothing for ever.
//!
//! A JetStream that failed to write once (a full disk, a folder that is gone) never acknowledges again, not even when
//! the cause is over, and looks healthy when it is asked. Only a new stream helps, or a new start of the server.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use guichet_schemas::position::LogPosition;
use tokio::sync::watch;

use super::Progress;
use super::jetstream::JetStream;
use super::place::Place;
use super::standing::{Publishing, Reason, Standing};
use crate::clock;
use crate::intake::Pressure;
use crate::log::LogReader;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Nothing moved for so long: publishing stands.
const STANDS_AFTER: Duration = Duration::from_secs(2);
/// A stream that takes nothing without a cause that we see is rebuilt after this: a disk may hang for a while.
const SILENT_FOR: Duration = Duration::from_secs(8);
/// A stream that takes nothing although the cause is over is rebuilt after this.
const FINE_FOR: Duration = Duration::from_secs(5);
/// As `SILENT_FOR`, where the store is not ours to look at.
const SILENT_ELSEWHERE_FOR: Duration = Duration::from_secs(15);
/// Pause after a stream that was rebuilt: doubles as long as it does not help.
const AGAIN_AFTER: Duration = Duration::from_secs(4);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(300);

pub(crate) struct Watch {
    pub(crate) bus: JetStream,
    pub(crate) client: async_nats::Client,
    pub(crate) reader: LogReader,
    pub(crate) progress: Progress,
    /// Told where the stream must be rebuilt.
    pub(crate) damaged: watch::Sender<u64>,
    pub(crate) told: watch::Sender<Publishing>,
    pub(crate) pressure: Arc<Pressure>,
    /// The folder of the stream, where its server is ours.
    pub(crate) place: Option<Place>,
}

struct Seen {
    published: u64,
    /// The last moment at which nothing was to do, or something moved.
    moved: Instant,
    /// Something was wrong with the place, and nothing has moved since.
    blamed: bool,
    /// Since when nothing is wrong with it.
    fine: Instant,
    connected: Instant,
    again_after: Duration,
    not_before: Instant,
}

/// The folder of a stream, where its server is ours.
pub(crate) fn place(store: Option<PathBuf>, stream: String, reserve: u64) -> Option<Place> {
    store.map(|store| Place::new(store, stream, reserve))
}

impl Watch {
    /// Runs until it is aborted.
    pub(crate) async fn run(mut self) {
        let now = Instant::now();
        let mut seen = Seen {
            published: 0,
            moved: now,
            blamed: false,
            fine: now,
            connected: now,
            again_after: AGAIN_AFTER,
            not_before: now,
        };
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.look(&mut seen).await;
        }
    }

    async fn look(&mut self, seen: &mut Seen) {
        let head = LogPosition::or_zero(self.reader.head());
        let published = self.progress.published();
        if published >= head || published > seen.published {
            (seen.moved, seen.blamed) = (Instant::now(), false);
            // What was rebuilt goes well again.
            if published >= head {
                seen.again_after = AGAIN_AFTER;
            }
        }
        seen.published = published;
        if self.client.connection_state() == State::Connected {
            seen.connected = Instant::now();
        }
        let wrong = self.place_is_wrong(seen).await;
        if wrong.is_some() {
            (seen.blamed, seen.fine) = (true, Instant::now());
        }
        let full = wrong.as_ref().is_some_and(|(reason, _)| *reason == Reason::Full);
        self.pressure.stream_full.store(full, Ordering::Relaxed);
        let stands = seen.moved.elapsed() >= STANDS_AFTER;
        let reason = self.reason(seen, stands, wrong.clone());
        self.tell(reason, published, head);
        if stands || wrong.as_ref().is_some_and(|(reason, _)| *reason == Reason::Gone) {
            self.rebuild_stream(seen, wrong.map(|(reason, _)| reason), published).await;
        }
    }

    async fn place_is_wrong(&mut self, seen: &Seen) -> Option<(Reason, String)> {
        let mut place = self.place.take()?;
        // A trial writes, so it is made only where nothing moves.
        let stands = seen.moved.elapsed() >= STANDS_AFTER;
        let looked = tokio::task::spawn_blocking(move || {
            let wrong = place.look().or_else(|| stands.then(|| place.try_to_write()).flatten());
            (place, wrong)
        });
        match looked.await {
            Ok((place, wrong)) => {
                self.place = Some(place);
                wrong
            }
            Err(error) => {
                tracing::error!(%error, "looking at the folder of the stream panicked; it is not looked at again until the next start");
                None
            }
        }
    }

    fn reason(&self, seen: &Seen, stands: bool, wrong: Option<(Reason, String)>) -> Option<(Reason, String)> {
        let (asked, sent) = self.bus.signs().read();
        if seen.connected.elapsed() >= STANDS_AFTER {
            let detail = "the connection to NATS is broken".to_owned();
            return Some((Reason::Unreachable, detail));
        }
        let of_sign = |sign: super::standing::Sign| (sign.reason, sign.detail);
        let lasting = asked.filter(|sign| sign.lasts() >= STANDS_AFTER);
        match wrong {
            Some(wrong) if stands || wrong.0 == Reason::Gone => Some(wrong),
            _ if lasting.is_some() => lasting.map(of_sign),
            _ if stands => {
                Some(sent.map_or_else(|| (Reason::Silent, Reason::Silent.text().to_owned()), of_sign))
            }
            Some(_) | None => None,
        }
    }

    fn tell(&self, reason: Option<(Reason, String)>, published: u64, head: u64) {
        self.told.send_if_modified(|told| {
            let before = told.clone();
            told.standing = reason.map(|(reason, detail)| {
                let same = told.standing.take().filter(|standing| standing.reason == reason);
                let since = same.map_or_else(clock::wall, |standing| standing.since);
                let detail = format!("{}: {detail}", reason.text());
                Standing { reason, detail, since }
            });
            match (&before.standing, &told.standing) {
                (None, Some(now)) => {
                    tracing::error!(reason = ?now.reason, detail = %now.detail, published, head, "publishing stands; commands are answered all the same");
                }
                (Some(_), None) => tracing::warn!(published, head, "publishing goes on"),
                (Some(_), Some(_)) | (None, None) => {}
            }
            *told != before
        });
    }

    /// Has the stream rebuilt, where that helps and it is time for it.
    async fn rebuild_stream(&self, seen: &mut Seen, wrong: Option<Reason>, published: u64) {
        let silent_for = if self.place.is_some() { SILENT_FOR } else { SILENT_ELSEWHERE_FOR };
        let is_time = match wrong {
            // The server would go on writing into files that nobody finds again.
            Some(Reason::Gone) => true,
            // Not before there is room.
            Some(
                Reason::Full | Reason::ReadOnly | Reason::Silent | Reason::Unreachable | Reason::Refused,
            ) => false,
            // The cause was seen, and is over: who publishes has had the time to find that out.
            None if seen.blamed => seen.fine.elapsed() >= FINE_FOR,
            None => seen.moved.elapsed() >= silent_for,
        };
        if !is_time || Instant::now() < seen.not_before || *self.damaged.borrow() > 0 {
            return;
        }
        // Who does not answer is not told to make anything; a stream that is not there is made by who publishes.
        if !matches!(self.bus.exists().await, Ok(true)) {
            return;
        }
        tracing::error!(
            published,
            "the stream takes nothing any more, though nothing is in its way; it is rebuilt from the log"
        );
        seen.not_before = Instant::now() + seen.again_after;
        seen.again_after = (seen.again_after * 2).min(AGAIN_AFTER_MAX);
        (seen.blamed, seen.moved) = (false, Instant::now());
        self.damaged.send_replace(published + 1);
    }
}
