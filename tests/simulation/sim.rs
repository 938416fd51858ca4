//! What every part of a run shares: the dice, the time, and the trace of both. One seed, one run.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// The instant at which every run begins: 2026-01-01.
const BEGINNING_MS: i64 = 1_767_225_600_000;

/// Which process a task belongs to: a crash ends all of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Process {
    /// What is under way between the others.
    Network,
    /// Who asks.
    Client(usize),
    /// An engine: its publisher.
    Engine(usize),
    /// A worker of a read model.
    Worker(usize),
}

/// A task on its way to the others.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The shared part of a run.
#[derive(Clone)]
pub(crate) struct Sim(Arc<Mutex<Core>>);

struct Core {
    dice: u64,
    trace: Trace,
    now: Duration,
    /// How far somebody has moved the wall clock.
    wall_ahead_ms: i64,
    /// No more faults: everything must come right by itself.
    calm: bool,
    timers: BTreeMap<(Duration, u64), Waker>,
    timers_made: u64,
    begun: Vec<(Process, Work)>,
}

/// A hash over everything that was chosen and everything that came of it.
struct Trace {
    hash: Sha256,
    spoken: Option<Vec<String>>,
}

impl Sim {
    /// A run of this seed. `spoken`: its trace is kept as text.
    pub(crate) fn of(seed: u64, spoken: bool) -> Self {
        Self(Arc::new(Mutex::new(Core {
            dice: seed,
            trace: Trace { hash: Sha256::new(), spoken: spoken.then(Vec::new) },
            now: Duration::ZERO,
            wall_ahead_ms: 0,
            calm: false,
            timers: BTreeMap::new(),
            timers_made: 0,
            begun: Vec::new(),
        })))
    }

    /// A number below `n`, chosen by the seed.
    pub(crate) fn below(&self, n: u64) -> u64 {
        let mut core = self.core();
        let chosen = core.throw() % n.max(1);
        core.trace.hash.update(chosen.to_be_bytes());
        chosen
    }

    /// One of `n` places.
    pub(crate) fn index(&self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).expect("below a usize")
    }

    /// True so many times in a thousand.
    pub(crate) fn chance(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// As [`Sim::chance`], and never once the run is calm.
    pub(crate) fn fault(&self, per_mille: u64) -> bool {
        !self.is_calm() && self.chance(per_mille)
    }

    /// A span of time from `from` up to `to` milliseconds.
    pub(crate) fn span(&self, from: u64, to: u64) -> Duration {
        Duration::from_micros(from * 1000 + self.below((to - from) * 1000 + 1))
    }

    /// Bytes for who needs many: a series of its own, begun by the dice.
    pub(crate) fn series(&self) -> impl FnMut(&mut [u8]) + Send + 'static {
        let mut state = self.core().throw();
        move |bytes| {
            for chunk in bytes.chunks_mut(8) {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                chunk.copy_from_slice(&mixed(state).to_be_bytes()[..chunk.len()]);
            }
        }
    }

    /// Writes into the trace what came of a choice.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let mut core = self.core();
        let now = core.now;
        core.trace.note(now, what);
    }

    pub(crate) fn now(&self) -> Duration {
        self.core().now
    }

    /// What a wall clock shows.
    pub(crate) fn wall(&self) -> Timestamp {
        let core = self.core();
        let elapsed = i64::try_from(core.now.as_millis()).expect("a run is short");
        Timestamp(BEGINNING_MS + elapsed + core.wall_ahead_ms)
    }

    /// Somebody sets the wall clock.
    pub(crate) fn move_wall(&self, by_ms: i64) {
        self.core().wall_ahead_ms += by_ms;
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.core().calm
    }

    /// From now on nothing breaks any more.
    pub(crate) fn calm_down(&self) {
        self.core().calm = true;
    }

    /// Begins a task.
    pub(crate) fn spawn(&self, process: Process, work: impl Future<Output = ()> + Send + 'static) {
        self.core().begun.push((process, Box::pin(work)));
    }

    /// The tasks that were begun since somebody asked.
    pub(crate) fn begun(&self) -> Vec<(Process, Work)> {
        std::mem::take(&mut self.core().begun)
    }

    pub(crate) fn sleep(&self, span: Duration) -> Sleep {
        Sleep { sim: self.clone(), until: self.now() + span, timer: None }
    }

    /// Lets a little time pass.
    pub(crate) fn pass(&self, span: Duration) {
        let mut core = self.core();
        core.now += span;
        let now = core.now;
        while let Some(first) = core.timers.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().wake();
        }
    }

    /// Lets time pass until somebody wakes. False: nobody ever will.
    pub(crate) fn wake_next(&self) -> bool {
        let next = self.core().timers.first_key_value().map(|((at, _), _)| *at);
        let Some(at) = next else { return false };
        let now = self.now();
        self.pass(at.saturating_sub(now));
        true
    }

    /// The hash of the trace, and its text where that was kept.
    pub(crate) fn trace(&self) -> (Hash, Vec<String>) {
        let core = self.core();
        let hash = Hash(core.trace.hash.clone().finalize().into());
        (hash, core.trace.spoken.clone().unwrap_or_default())
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    fn throw(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.dice)
    }
}

/// A mixer of 64 bits (splitmix).
const fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Trace {
    fn note(&mut self, now: Duration, what: fmt::Arguments<'_>) {
        self.hash.update(now.as_nanos().to_be_bytes());
        // Writing into a hash cannot fail.
        write!(Into(&mut self.hash), "{what}").unwrap_or_default();
        if let Some(spoken) = &mut self.spoken {
            spoken.push(format!("{:>12.3} ms  {what}", now.as_secs_f64() * 1000.0));
        }
    }
}

/// Text that goes into a hash.
struct Into<'a>(&'a mut Sha256);

impl fmt::Write for Into<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Ends at an instant.
pub(crate) struct Sleep {
    sim: Sim,
    until: Duration,
    timer: Option<(Duration, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let sim = self.sim.clone();
        let mut core = sim.core();
        if core.now >= self.until {
            return Poll::Ready(());
        }
        let timer = self.timer.unwrap_or_else(|| {
            core.timers_made += 1;
            (self.until, core.timers_made)
        });
        core.timers.insert(timer, context.waker().clone());
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            // The waker is dropped when nobody holds the core any more.
            let _waker = self.sim.core().timers.remove(&timer);
        }
    }
}
