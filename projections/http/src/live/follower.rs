//! One open stream: turns what is shown into events, at its own pace. Holds at most the events of one announcement.

use std::collections::VecDeque;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::Stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::hub::Shown;
use crate::meters;

/// Reports change slowly and cost more than a board.
const REPORTS_EVERY: Duration = Duration::from_secs(2);

/// A reader, and what it holds on to while it reads.
pub(super) struct Follower<P> {
    shown: watch::Receiver<Shown>,
    stopping: watch::Receiver<bool>,
    pending: VecDeque<Event>,
    /// The last announcement that this reader was told of.
    told: u64,
    reports_from: Instant,
    reports_due: bool,
    _place: P,
}

impl<P: Send + 'static> Follower<P> {
    pub(super) fn new(mut shown: watch::Receiver<Shown>, stopping: watch::Receiver<bool>, place: P) -> Self {
        // The first event says where we are, also to a reader who comes back.
        shown.mark_changed();
        let (pending, told) = (VecDeque::new(), shown.borrow().announcement);
        Self {
            shown,
            stopping,
            pending,
            told,
            reports_from: Instant::now(),
            reports_due: false,
            _place: place,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Event> + Send {
        futures_util::stream::unfold(self, |mut follower| async move {
            follower.next().await.map(|event| (event, follower))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                changed = self.shown.changed() => {
                    changed.ok()?;
                    let shown = *self.shown.borrow_and_update();
                    let new = shown.announcement.saturating_sub(self.told);
                    self.told = shown.announcement;
                    // All that it needs is in the newest; what it missed is only counted.
                    meters::live_skipped(new.saturating_sub(1));
                    self.pending.extend([event("position", shown), event("queues", shown)]);
                    self.reports_due = true;
                }
                () = sleep_until(self.reports_from), if self.reports_due => {
                    self.pending.push_back(event("reports", *self.shown.borrow()));
                    self.reports_due = false;
                    self.reports_from = Instant::now() + REPORTS_EVERY;
                }
            }
        }
    }
}

/// Only `position` has an id: it is what a reader may come back with.
fn event(name: &str, shown: Shown) -> Event {
    let data = format!(r#"{{"position":{},"newest":{}}}"#, shown.position, shown.newest);
    let event = Event::default().event(name).data(data);
    if name == "position" { event.id(shown.position.to_string()) } else { event }
}
