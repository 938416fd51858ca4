//! Which history is asked, up to where, and what was folded of it.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use guichet_history::HistoryError;
use guichet_history::life::Desk;
use guichet_history::reader;
use guichet_history::source::History;
use guichet_schemas::codec::Head;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;

use crate::error::outside;
use crate::figures::Figures;
use crate::lake::Lake;

/// Records between two looks at the memory.
const WEIGH_EVERY: u64 = 1024;

/// Threads that fold at the same time...
const THREADS_MAX: usize = 4;
/// ... each at least so many positions.
const PART_MIN: u64 = 4096;

/// A history that can be asked.
pub enum Past {
    /// Records, wherever they lie.
    Log(History),
    /// A folder of `guichet export`.
    Export(PathBuf),
}

/// What of it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// The last position.
    pub(crate) last: u64,
    /// The first instant that does not count any more.
    pub(crate) before: Option<Timestamp>,
}

/// The history that is asked, as all tables see it.
pub(crate) struct Ground {
    held: Held,
    tenant: String,
    pub(crate) cut: Cut,
    /// Some table needs the clocks: they are folded with the rest, for a second fold would cost as much again.
    clocks_wanted: AtomicBool,
    /// The question does not show in which order events were read: parts of the log may be read at once.
    any_order: AtomicBool,
    desk: Mutex<Option<Folded<Desk>>>,
    figures: Mutex<Option<Folded<Figures>>>,
}

struct Folded<T> {
    with_clocks: bool,
    what: Arc<T>,
    /// Held as long as the history is asked.
    _memory: MemoryReservation,
}

pub(crate) enum Held {
    Log(History),
    Lake(Lake),
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground").field("tenant", &self.tenant).field("cut", &self.cut).finish_non_exhaustive()
    }
}

/// What is folded of all records of a desk.
pub(crate) trait Fold {
    /// Takes the next one.
    fn take(&mut self, record: &Record);
    /// About how many bytes it holds.
    fn bytes(&self) -> usize;
}

impl Ground {
    pub(crate) fn new(held: Held, tenant: String, cut: Cut) -> Self {
        let (clocks_wanted, any_order) = (AtomicBool::new(false), AtomicBool::new(false));
        Self {
            held,
            tenant,
            cut,
            clocks_wanted,
            any_order,
            desk: Mutex::default(),
            figures: Mutex::default(),
        }
    }

    pub(crate) const fn held(&self) -> &Held {
        &self.held
    }

    /// Says, before anything is folded, that clocks will be asked for.
    pub(crate) fn want_clocks(&self) {
        self.clocks_wanted.store(true, Ordering::Release);
    }

    /// Says that the order of events does not show in the answer.
    pub(crate) fn take_any_order(&self) {
        self.any_order.store(true, Ordering::Release);
    }

    /// Ranges of a log, in order, that are to be read at the same time: one where that gains nothing, or where the order
    /// would show.
    pub(crate) fn ranges(
        &self,
        history: &History,
        (first, last): (u64, u64),
        anyhow: bool,
    ) -> Vec<(u64, u64)> {
        let last = last.min(self.cut.last);
        let settled = anyhow || self.any_order.load(Ordering::Acquire);
        if first > last || !settled || !history.source.is_here() {
            return vec![(first, last)];
        }
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX) as u64;
        let each = last.saturating_sub(first).div_ceil(threads).max(PART_MIN);
        let firsts = (first..=last).step_by(usize::try_from(each).unwrap_or(usize::MAX));
        let ends = |first: u64| first.saturating_add(each).saturating_sub(1).min(last);
        firsts.map(|first| (first, ends(first))).collect()
    }

    /// Shows the events of the desk in a range of positions, as far as they count.
    pub(crate) fn heads(
        &self,
        history: &History,
        (first, last): (u64, u64),
        mut visit: impl FnMut(&Head<'_>) -> Result<ControlFlow<()>, HistoryError>,
    ) -> Result<(), HistoryError> {
        let last = last.min(self.cut.last);
        if first > last {
            return Ok(());
        }
        reader::each(history, (first, last), None, |head| {
            let counts = self.cut.before.is_none_or(|before| head.occurred_at < before.0);
            if counts && head.tenant == self.tenant { visit(head) } else { Ok(ControlFlow::Continue(())) }
        })
    }

    /// What the tickets were. Folded once, by whoever asks first; the others wait.
    pub(crate) fn desk(&self, memory: MemoryReservation) -> Result<Arc<Desk>, DataFusionError> {
        self.folded(&self.desk, memory, Desk::new)
    }

    /// What the reports are made of. Folded once, as [`Ground::desk`].
    pub(crate) fn figures(&self, memory: MemoryReservation) -> Result<Arc<Figures>, DataFusionError> {
        let new = |with_clocks| Figures::new(&self.tenant, with_clocks);
        match &self.held {
            Held::Log(history) if history.source.is_here() && !self.clocks_wanted.load(Ordering::Acquire) => {
                let apart = |memory: &MemoryReservation| self.apart(history, memory);
                self.once(&self.figures, memory, |_, memory| apart(memory))
            }
            Held::Log(_) | Held::Lake(_) => self.folded(&self.figures, memory, new),
        }
    }

    /// Folds parts of the log at the same time. What is told of a ticket in one goes on in the next.
    fn apart(&self, history: &History, memory: &MemoryReservation) -> Result<Figures, DataFusionError> {
        let ranges = self.ranges(history, (1, self.cut.last), true);
        thread::scope(|scope| {
            let parts: Vec<_> = ranges
                .iter()
                .map(|range| scope.spawn(|| self.part(history, *range, memory.new_empty())))
                .collect();
            let mut whole = Figures::new(&self.tenant, false);
            for part in parts {
                whole.then(part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            whole.publish();
            Ok(whole)
        })
    }

    fn part(
        &self,
        history: &History,
        range: (u64, u64),
        memory: MemoryReservation,
    ) -> Result<Figures, DataFusionError> {
        let mut part = Figures::new(&self.tenant, false);
        let mut refused = None;
        self.heads(history, range, |head| {
            part.take_head(head)?;
            if head.position.is_multiple_of(WEIGH_EVERY)
                && let Err(error) = memory.try_resize(part.bytes())
            {
                refused = Some(error);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })
        .map_err(outside)?;
        refused.map_or(Ok(part), Err)
    }

    fn folded<T: Fold>(
        &self,
        place: &Mutex<Option<Folded<T>>>,
        memory: MemoryReservation,
        new: impl Fn(bool) -> T,
    ) -> Result<Arc<T>, DataFusionError> {
        self.once(place, memory, |with_clocks, memory| {
            let mut what = new(with_clocks);
            self.records(|record| {
                what.take(record);
                if record.position.get().is_multiple_of(WEIGH_EVERY) {
                    memory.try_resize(what.bytes())?;
                }
                Ok(())
            })?;
            Ok(what)
        })
    }

    /// What is there already, or what is made now.
    fn once<T: Fold>(
        &self,
        place: &Mutex<Option<Folded<T>>>,
        memory: MemoryReservation,
        make: impl Fn(bool, &MemoryReservation) -> Result<T, DataFusionError>,
    ) -> Result<Arc<T>, DataFusionError> {
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let with_clocks = self.clocks_wanted.load(Ordering::Acquire);
        if let Some(folded) = place.as_ref().filter(|folded| folded.with_clocks || !with_clocks) {
            return Ok(Arc::clone(&folded.what));
        }
        *place = None;
        let what = make(with_clocks, &memory)?;
        memory.try_resize(what.bytes())?;
        let folded = Folded { with_clocks, what: Arc::new(what), _memory: memory };
        Ok(Arc::clone(&place.insert(folded).what))
    }

    /// Shows every record of the desk that counts, oldest first.
    fn records(
        &self,
        mut visit: impl FnMut(&Record) -> Result<(), DataFusionError>,
    ) -> Result<(), DataFusionError> {
        let mut refused = None;
        let mut show = |record: &Record| match visit(record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                refused = Some(error);
                ControlFlow::Break(())
            }
        };
        match &self.held {
            Held::Log(history) => self.heads(history, (1, self.cut.last), |head| {
                let wrong = |problem| HistoryError::Record { position: head.position, problem };
                Ok(show(&head.record().map_err(wrong)?))
            }),
            Held::Lake(lake) => lake.records(self.cut, show),
        }
        .map_err(outside)?;
        refused.map_or(Ok(()), Err)
    }
}

impl Fold for Desk {
    fn take(&mut self, record: &Record) {
        Self::take(self, record);
    }

    fn bytes(&self) -> usize {
        self.bytes_about()
    }
}
