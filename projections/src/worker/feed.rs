//! The shared reader: one consumer per process, every record hashed and decoded once, for all models.
//!
//! It brings what is new, from the end of the stream on, and promises nothing: a model that is behind, or too
//! slow for a while, sees a gap and fills it by itself. So the feed keeps no position of anybody and waits for
//! nobody, and a model trusts it no more than it trusts the broker.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::flood::{Gauge, Place};
use super::pause::{Backoff, Pause};
use super::source::{Messages as _, Source, WATCHDOG, drain, within};
use crate::arrived::{Arrived, Checked};

/// After this long without a portion a model looks whether it should have more, in the stream or in the log.
const QUIET: Duration = Duration::from_secs(1);
/// Portions kept for models that are busy.
const PORTIONS_KEPT: usize = 128;
/// Messages and bytes of a portion; with [`PORTIONS_KEPT`] this bounds what is kept.
const PORTION_MESSAGES: usize = 256;
const PORTION_BYTES: usize = 512 * 1024;
/// So few are decoded where they arrived: to hand them to another thread takes longer.
const INLINE_MAX: usize = 32;

/// Messages that arrived together.
pub(crate) struct Portion {
    pub(super) messages: Vec<Checked>,
    /// The newest sequence of the stream when they were sent.
    pub(super) newest: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    /// Counts the consumers.
    connection: u64,
    /// The sequence that comes next; 0 while there is no consumer.
    next: u64,
    problem: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Feed {
    portions: broadcast::Sender<Arc<Portion>>,
    state: Arc<watch::Sender<State>>,
}

pub(super) enum Heard {
    Portion(Arc<Portion>),
    /// We were too slow; something was dropped.
    Missed,
    /// The feed begins again, so must we.
    Broken(String),
}

/// A model at the feed.
pub(super) struct Listener<S> {
    source: S,
    portions: broadcast::Receiver<Arc<Portion>>,
    state: watch::Receiver<State>,
    connection: u64,
}

impl Feed {
    pub(crate) fn new() -> Self {
        Self {
            portions: broadcast::Sender::new(PORTIONS_KEPT),
            state: Arc::new(watch::Sender::new(State::default())),
        }
    }

    /// Waits for the feed to be connected, and listens.
    pub(super) async fn listen<S: Source>(&self, source: &S) -> Result<Listener<S>, Pause> {
        let mut state = self.state.subscribe();
        let connected = state.wait_for(|state| state.next > 0);
        if within(source, WATCHDOG, connected).await.is_none() {
            let problem = self.state.borrow().problem.clone();
            return Err(Pause::Interrupted(
                problem.unwrap_or_else(|| "the stream is not read yet".to_owned()),
            ));
        }
        // First the ear, then the place: the feed moves its place before it speaks.
        let portions = self.portions.subscribe();
        let connection = self.state.borrow().connection;
        Ok(Listener { source: source.clone(), portions, state, connection })
    }

    /// Reads the stream until it is stopped.
    pub(crate) async fn run<S: Source>(self, source: S, mut stop: watch::Receiver<bool>) {
        let mut backoff = Backoff::default();
        loop {
            let before = self.state.borrow().next;
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                problem = self.follow(&source) => {
                    if self.state.borrow().next > before {
                        backoff = Backoff::default();
                    }
                    tracing::debug!(%problem, "the stream is not read");
                    self.state.send_modify(|state| {
                        state.next = 0;
                        state.problem = Some(problem);
                    });
                }
            }
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = source.sleep(backoff.next()) => {}
            }
        }
    }

    async fn follow<S: Source>(&self, source: &S) -> String {
        match self.try_follow(source).await {
            Ok(never) => match never {},
            Err(Pause::Interrupted(why)) => why,
            Err(Pause::Stopped) => "stopped".to_owned(),
            Err(Pause::Halted(halt)) => halt.to_string(),
        }
    }

    async fn try_follow<S: Source>(&self, source: &S) -> Result<std::convert::Infallible, Pause> {
        let Some(extent) = source.extent().await.map_err(Pause::Interrupted)? else {
            return Err(Pause::Interrupted("the stream does not exist".to_owned()));
        };
        let mut next = extent.last + 1;
        let mut messages = source.messages(next).await.map_err(Pause::Interrupted)?;
        self.state.send_modify(|state| {
            *state = State { connection: state.connection + 1, next, problem: None };
        });
        loop {
            let place = self.read_stream(source, messages, next).await?;
            next = self.read_log(source, place).await?.sequence + 1;
            messages = source.messages(next).await.map_err(Pause::Interrupted)?;
        }
    }

    /// Reads the stream until it brings a flood. Gives the newest message.
    async fn read_stream<S: Source>(
        &self,
        source: &S,
        mut messages: S::Messages,
        mut next: u64,
    ) -> Result<Place, Pause> {
        let mut gauge = Gauge::default();
        loop {
            let Some(first) = within(source, WATCHDOG, messages.next()).await else {
                gauge.falls();
                watch(source, next).await?;
                continue;
            };
            let (arrived, newest, ended) = drain(first, &mut messages, PORTION_MESSAGES, PORTION_BYTES)?;
            let portion = Portion { messages: check(source, arrived).await?, newest };
            let flood = gauge.rises(portion.messages.len());
            let place = portion.messages.last().map(|last| (last.arrived.sequence, last.actual));
            if let Some((sequence, _)) = place {
                // Where the log was read further than the stream, what the stream brings then is told again.
                next = next.max(sequence + 1);
            }
            self.tell(portion, next);
            if let Some(why) = ended {
                return Err(why);
            }
            if let Some((sequence, hash)) = place.filter(|_| flood) {
                return Ok(Place { sequence, hash });
            }
        }
    }

    /// Hands a portion to the models, and says what comes next.
    pub(super) fn tell(&self, portion: Portion, next: u64) {
        self.state.send_if_modified(|state| {
            state.next = next;
            // Nobody is woken for it: who waits, waits for a portion or for a problem.
            false
        });
        // An error means that no model listens now.
        let _heard = self.portions.send(Arc::new(portion));
    }

    /// Portions that the slowest model has not heard yet.
    pub(super) fn waiting(&self) -> usize {
        self.portions.len()
    }
}

impl<S: Source> Listener<S> {
    /// The sequence before the one that comes next.
    pub(super) fn reaches(&self) -> u64 {
        self.state.borrow().next.saturating_sub(1)
    }

    /// Waits for what comes; `None` where nothing came for a while.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        let connection = self.connection;
        let heard = tokio::select! {
            biased;
            portion = self.portions.recv() => match portion {
                Ok(portion) => Heard::Portion(portion),
                Err(broadcast::error::RecvError::Lagged(_)) => Heard::Missed,
                Err(broadcast::error::RecvError::Closed) => Heard::Broken("the feed ended".to_owned()),
            },
            state = self.state.wait_for(|state| state.next == 0 || state.connection != connection) => {
                let problem = state.ok().and_then(|state| state.problem.clone());
                Heard::Broken(problem.unwrap_or_else(|| "the stream is read again".to_owned()))
            }
            () = self.source.sleep(QUIET) => return None,
        };
        Some(heard)
    }

    pub(super) fn more(&mut self) -> Option<Arc<Portion>> {
        // What was missed is a gap in what comes next, and is found there.
        self.portions.try_recv().ok()
    }
}

/// Hashes and decodes what arrived.
pub(super) async fn check<S: Source>(source: &S, arrived: Vec<Arrived>) -> Result<Vec<Checked>, Pause> {
    let check = |arrived: Vec<Arrived>| arrived.into_iter().map(Checked::of).collect();
    if arrived.len() <= INLINE_MAX {
        return Ok(check(arrived));
    }
    let checked = source.blocking(move || check(arrived)).await;
    checked.ok_or_else(|| Pause::Interrupted("a message could not be read".to_owned()))
}

/// Nothing came for a while. Should it have?
async fn watch<S: Source>(source: &S, next: u64) -> Result<(), Pause> {
    match source.extent().await.map_err(Pause::Interrupted)? {
        Some(extent) if extent.last + 1 != next || extent.first > next => Err(Pause::Interrupted(format!(
            "the stream is at {}, the consumer waits for {next}",
            extent.last
        ))),
        Some(_) => Ok(()),
        None => Err(Pause::Interrupted("the stream is gone".to_owned())),
    }
}
