//! What one answer may cost: time of processors, time on the clock, memory. Looked at inside the loops, so that no
//! question runs longer than its bound, and none outlives the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use guichet_schemas::rejection::{FieldError, Rejection};
use metrics::{counter, gauge};
use nix::time::{ClockId, clock_gettime};

use super::reader::Refusal;

pub(super) const RETRY_AFTER_MS: u64 = 100;

/// Steps between two looks at the clocks: an entry of a table, or 64 bytes of one.
const STEPS_PER_LOOK: u64 = 256;
/// Bytes of an entry that count as one step more.
const BYTES_PER_STEP: usize = 64;

/// Bounds of one answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Time of processors, of all threads together.
    pub(crate) cpu: Duration,
    /// Time on the clock.
    pub(crate) wall: Duration,
    /// Bytes of sums that are held while an answer is made.
    pub(crate) memory: usize,
    /// A list ends its page after so much time of processors, and gives a cursor.
    pub(crate) slice: Duration,
}

/// Of any answer: what takes longer has to be asked for in parts.
pub(crate) const LIMITS: Limits = Limits {
    cpu: Duration::from_secs(60),
    wall: Duration::from_secs(30),
    memory: 48 << 20,
    slice: Duration::from_millis(200),
};
/// Bytes of sums that all answers together hold.
const MEMORY_ALL: usize = 128 << 20;
/// A list ends its page after so much time on the clock, too: it may wait for keys.
const SLICE_WALL: Duration = Duration::from_secs(3);

/// Which bound an answer has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Its time of processors.
    Cpu,
    /// Its time on the clock: the machine has much to do.
    Wall,
    Memory,
    /// The memory of all answers.
    MemoryOfAll,
    /// The service stops.
    Stopping,
    /// Nobody listens for it any more.
    Unheard,
}

impl From<Over> for Refusal {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl Over {
    const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_ms",
            Self::Wall => "wall_ms",
            Self::Memory => "bytes",
            Self::MemoryOfAll => "bytes_of_all",
            Self::Stopping => "stopping",
            Self::Unheard => "unheard",
        }
    }

    /// The refusal for the asker; `field` is the one that makes the question wide. It is counted.
    pub(crate) fn rejection(self, field: &str) -> Rejection {
        if self == Self::Unheard {
            counter!("guichet_queries_cancelled_total").increment(1);
        } else {
            counter!("guichet_queries_over_budget_total", "bound" => self.word()).increment(1);
        }
        let rule = |bound: String| {
            FieldError::new(
                field,
                format!("asks for too much at once: an answer may take {bound}; ask for less"),
            )
            .into()
        };
        match self {
            Self::Cpu => rule(format!("{} ms of processors", LIMITS.cpu.as_millis())),
            Self::Memory => rule(format!("{} bytes of sums", LIMITS.memory)),
            Self::Wall => Rejection::Busy {
                reason: "the answer was not ready within 30 s",
                retry_after_ms: RETRY_AFTER_MS,
            },
            Self::MemoryOfAll => Rejection::Busy {
                reason: "the answers under way hold all the memory that they may",
                retry_after_ms: RETRY_AFTER_MS,
            },
            Self::Stopping => super::reader::unavailable("the read models are stopping"),
            // Told all the same: a server that is wrong about the asker must not leave it without an answer.
            Self::Unheard => super::reader::unavailable(
                "the NATS server said that nobody listens for this answer, so it was given up; ask again",
            ),
        }
    }
}

/// The memory that the answers of a process share.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    used: AtomicUsize,
}

/// The rest of the budget of one answer. Its threads share it.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    began: Instant,
    cpu_ns: AtomicU64,
    memory: AtomicUsize,
    pool: Arc<Pool>,
    stopping: Arc<AtomicBool>,
    unheard: Arc<AtomicBool>,
}

impl Budget {
    /// A whole one. `stopping` becomes true when no answer is wanted any more, `unheard` when this one is not.
    pub(crate) fn new(
        limits: Limits,
        pool: Arc<Pool>,
        stopping: Arc<AtomicBool>,
        unheard: Arc<AtomicBool>,
    ) -> Self {
        let (cpu_ns, memory) = (AtomicU64::new(0), AtomicUsize::new(0));
        Self { limits, began: Instant::now(), cpu_ns, memory, pool, stopping, unheard }
    }

    /// A whole one, shared with nobody.
    #[cfg(test)]
    pub(crate) fn of_test(limits: Limits) -> Self {
        Self::new(limits, Arc::default(), Arc::default(), Arc::default())
    }

    /// Counts what the thread that calls does from now on.
    pub(crate) fn meter(&self) -> Meter<'_> {
        Meter { budget: self, cpu: thread_cpu(), steps: 0 }
    }

    /// Takes memory, until [`Budget::give_back`] or the end of the answer.
    pub(crate) fn grow(&self, bytes: usize) -> Result<(), Over> {
        let mine = self.memory.fetch_add(bytes, Relaxed).saturating_add(bytes);
        let all = self.pool.used.fetch_add(bytes, Relaxed).saturating_add(bytes);
        gauge!("guichet_queries_bytes").set(all as f64);
        if mine > self.limits.memory {
            return Err(Over::Memory);
        }
        if all > MEMORY_ALL { Err(Over::MemoryOfAll) } else { Ok(()) }
    }

    /// Gives all memory back: what held it is gone, or has become somebody else's.
    pub(crate) fn give_back(&self) {
        let mine = self.memory.swap(0, Relaxed);
        let all = self.pool.used.fetch_sub(mine, Relaxed).saturating_sub(mine);
        gauge!("guichet_queries_bytes").set(all as f64);
    }

    fn check(&self) -> Result<(), Over> {
        if self.stopping.load(Relaxed) {
            Err(Over::Stopping)
        } else if self.unheard.load(Relaxed) {
            Err(Over::Unheard)
        } else if self.cpu() > self.limits.cpu {
            Err(Over::Cpu)
        } else if self.began.elapsed() > self.limits.wall {
            Err(Over::Wall)
        } else {
            Ok(())
        }
    }

    fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Relaxed))
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Counts the work of one thread.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    cpu: Duration,
    steps: u64,
}

impl Meter<'_> {
    /// An entry was read, of so many bytes.
    pub(crate) fn entry(&mut self, bytes: usize) -> Result<(), Over> {
        let more = u64::try_from(bytes / BYTES_PER_STEP).unwrap_or(u64::MAX);
        self.steps = self.steps.saturating_add(more).saturating_add(1);
        if self.steps < STEPS_PER_LOOK {
            return Ok(());
        }
        self.look()
    }

    /// Looks at the clocks.
    pub(crate) fn look(&mut self) -> Result<(), Over> {
        self.steps = 0;
        let now = thread_cpu();
        let more = u64::try_from(now.saturating_sub(self.cpu).as_nanos()).unwrap_or(u64::MAX);
        self.cpu = now;
        self.budget.cpu_ns.fetch_add(more, Relaxed);
        self.budget.check()
    }

    /// Whether a list has had its slice of time, so that its page ends here. Never before the clocks were looked at.
    pub(crate) fn slice_is_over(&self) -> bool {
        self.budget.cpu() > self.budget.limits.slice || self.budget.began.elapsed() > SLICE_WALL
    }
}

/// Time that the processors have spent on this thread.
fn thread_cpu() -> Duration {
    // Where there is no such clock, that on the wall is left.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: Limits) -> (Budget, Arc<AtomicBool>) {
        let stopping = Arc::new(AtomicBool::new(false));
        (Budget::new(limits, Arc::default(), Arc::clone(&stopping), Arc::default()), stopping)
    }

    /// Reads entries until it is told to end.
    fn run(budget: &Budget, bytes: usize) -> Over {
        let mut meter = budget.meter();
        loop {
            if let Err(over) = meter.entry(bytes) {
                return over;
            }
        }
    }

    #[test]
    fn a_loop_without_end_ends_by_its_time_of_processors() {
        let (budget, _) = budget(Limits { cpu: Duration::from_millis(20), ..LIMITS });
        assert_eq!(run(&budget, 0), Over::Cpu);
        assert!(budget.meter().slice_is_over() || LIMITS.slice > budget.cpu());
    }

    #[test]
    fn threads_share_the_time() {
        let (budget, _) = budget(Limits { cpu: Duration::from_millis(20), ..LIMITS });
        std::thread::scope(|scope| {
            let ends: Vec<_> = (0..3).map(|_| scope.spawn(|| run(&budget, 1_000))).collect();
            ends.into_iter().for_each(|end| assert_eq!(end.join().unwrap(), Over::Cpu));
        });
    }

    #[test]
    fn a_loop_without_end_ends_when_the_service_stops() {
        let (budget, stopping) = budget(LIMITS);
        stopping.store(true, Relaxed);
        assert_eq!(run(&budget, 0), Over::Stopping);
    }

    #[test]
    fn a_loop_that_only_waits_ends_by_the_clock() {
        let (budget, _) = budget(Limits { wall: Duration::ZERO, ..LIMITS });
        assert_eq!(run(&budget, 0), Over::Wall);
    }

    #[test]
    fn memory_is_bounded_for_one_and_for_all_and_comes_back() {
        let (pool, stopping) = (Arc::<Pool>::default(), Arc::<AtomicBool>::default());
        let new = || Budget::new(LIMITS, Arc::clone(&pool), Arc::clone(&stopping), Arc::default());
        let (first, second, third) = (new(), new(), new());
        assert_eq!(first.grow(LIMITS.memory), Ok(()));
        assert_eq!(first.grow(1), Err(Over::Memory));
        assert_eq!(second.grow(LIMITS.memory), Ok(()));
        assert_eq!(third.grow(LIMITS.memory), Err(Over::MemoryOfAll));
        drop((first, second, third));
        assert_eq!(pool.used.load(Relaxed), 0);
        let later = new();
        assert_eq!(later.grow(LIMITS.memory), Ok(()));
        later.give_back();
        assert_eq!(pool.used.load(Relaxed), 0);
    }
}
