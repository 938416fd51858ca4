//! What waits to be worked on, in fair turns: tenants take turns, and within a tenant its callers, each of whom has a
//! queue of its own. One worker at a time has the queue of a caller, so that its commands stay in the order in which they
//! came.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use guichet_schemas::ids::{CallerId, TenantId};

use super::quota::Who;

/// Bytes of one turn; a single item may have more.
const TURN_BYTES: usize = 64 << 10;
const TURN_ITEMS: usize = 64;

/// Items of many callers.
#[derive(Debug)]
pub(super) struct Turns<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    /// Callers with something that waits or is worked on.
    busy: AtomicUsize,
}

#[derive(Debug)]
struct State<T> {
    lanes: HashMap<Who, Lane<T>>,
    order: Order,
    closed: bool,
    /// Workers that wait.
    idle: usize,
}

/// The order of turns: callers who have something waiting and nobody at work.
#[derive(Debug, Default)]
struct Order {
    /// The next one first.
    tenants: VecDeque<TenantId>,
    /// Of each of these tenants, the next one first.
    callers: HashMap<TenantId, VecDeque<CallerId>>,
}

impl Order {
    fn push(&mut self, (tenant, caller): Who) {
        if let Some(callers) = self.callers.get_mut(&tenant) {
            callers.push_back(caller);
        } else {
            self.tenants.push_back(tenant.clone());
            self.callers.insert(tenant, VecDeque::from([caller]));
        }
    }

    fn pop(&mut self) -> Option<Who> {
        let tenant = self.tenants.pop_front()?;
        let callers = self.callers.get_mut(&tenant)?;
        let caller = callers.pop_front()?;
        if callers.is_empty() {
            self.callers.remove(&tenant);
        } else {
            self.tenants.push_back(tenant.clone());
        }
        Some((tenant, caller))
    }
}

/// The queue of one caller.
#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<(T, usize)>,
    at_work: bool,
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        let state = State { lanes: HashMap::new(), order: Order::default(), closed: false, idle: 0 };
        Self { state: Mutex::new(state), ready: Condvar::new(), busy: AtomicUsize::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that may panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing of this caller waits or is worked on: what it sends now overtakes nothing.
    pub(super) fn has_nothing_of(&self, who: &Who) -> bool {
        self.busy.load(Ordering::Acquire) == 0 || !self.state().lanes.contains_key(who)
    }

    /// Puts something behind what the caller sent before. How much may wait is bounded by whoever lets it in.
    pub(super) fn put(&self, who: Who, item: T, bytes: usize) {
        let mut state = self.state();
        if let Some(lane) = state.lanes.get_mut(&who) {
            lane.waiting.push_back((item, bytes));
            // Its turn is noted already, or comes when who is at work is done.
            return;
        }
        let waiting = VecDeque::from([(item, bytes)]);
        state.lanes.insert(who.clone(), Lane { waiting, at_work: false });
        state.order.push(who);
        self.busy.fetch_add(1, Ordering::Release);
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.ready.notify_one();
        }
    }

    /// Waits for the next turn: a caller, and some of what it sent, in its order. `None`: closed, and nothing is left.
    /// Whoever takes a turn says when it is [`Turns::done`].
    pub(super) fn next(&self) -> Option<(Who, Vec<T>)> {
        let mut state = self.state();
        loop {
            if let Some(who) = state.order.pop() {
                let items = state.lanes.get_mut(&who).map(Lane::turn).unwrap_or_default();
                return Some((who, items));
            }
            // Where somebody is at work more may come, and whoever is at work does it.
            if state.closed {
                return None;
            }
            state.idle = state.idle.saturating_add(1);
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
        }
    }

    /// A turn is over: the caller queues up again, if more of it waits.
    pub(super) fn done(&self, who: Who) {
        let mut state = self.state();
        let Some(lane) = state.lanes.get_mut(&who) else { return };
        lane.at_work = false;
        if lane.waiting.is_empty() {
            state.lanes.remove(&who);
            self.busy.fetch_sub(1, Ordering::Release);
            return;
        }
        state.order.push(who);
        let wake = state.idle > 0;
        drop(state);
        if wake {
            self.ready.notify_one();
        }
    }

    /// No more comes: workers end once nothing waits.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.ready.notify_all();
    }

    /// Items that wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().lanes.values().map(|lane| lane.waiting.len()).sum()
    }
}

impl<T> Lane<T> {
    fn turn(&mut self) -> Vec<T> {
        self.at_work = true;
        let (mut items, mut bytes) = (Vec::new(), 0_usize);
        while let Some((_, more)) = self.waiting.front() {
            bytes = bytes.saturating_add(*more);
            if !items.is_empty() && (bytes > TURN_BYTES || items.len() >= TURN_ITEMS) {
                break;
            }
            items.extend(self.waiting.pop_front().map(|(item, _)| item));
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(caller: &str) -> Who {
        (TenantId::default_tenant(), CallerId::parse(caller).unwrap())
    }

    #[test]
    fn a_caller_with_thousands_waits_for_one_with_a_single_item() {
        let turns = Turns::new();
        for n in 0..5_000 {
            turns.put(who("greedy"), n, 300_000);
        }
        turns.put(who("polite"), 9_999, 100);
        let (first, items) = turns.next().unwrap();
        assert_eq!((first.clone(), items), (who("greedy"), vec![0]), "a large item is a turn of its own");
        turns.done(first);
        assert_eq!(turns.next().unwrap(), (who("polite"), vec![9_999]));
    }

    #[test]
    fn a_tenant_with_thousands_of_callers_has_one_turn_in_two() {
        let turns = Turns::new();
        for n in 0..2_000 {
            turns.put(who(&format!("greedy-{n}")), n, 100);
        }
        let polite = (TenantId::parse("polite").unwrap(), CallerId::parse("one").unwrap());
        turns.put(polite.clone(), 9_999, 100);
        let next: Vec<_> = (0..3).map(|_| turns.next().unwrap().0).collect();
        assert_eq!(next, [who("greedy-0"), polite, who("greedy-1")]);
    }

    #[test]
    fn the_order_of_one_caller_stays_with_several_at_work() {
        let turns = std::sync::Arc::new(Turns::new());
        let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let (turns, seen) = (turns.clone(), seen.clone());
                std::thread::spawn(move || {
                    while let Some((who, items)) = turns.next() {
                        for item in items {
                            std::thread::yield_now();
                            seen.lock().unwrap().push((who.clone(), item));
                        }
                        turns.done(who);
                    }
                })
            })
            .collect();
        for n in 0..2_000 {
            turns.put(who(if n % 2 == 0 { "a" } else { "b" }), n, 100);
        }
        turns.close();
        for worker in workers {
            worker.join().unwrap();
        }
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 2_000);
        for caller in ["a", "b"] {
            let of: Vec<_> = seen.iter().filter(|(w, _)| *w == who(caller)).map(|(_, n)| *n).collect();
            assert!(of.is_sorted(), "the commands of {caller} changed their order");
        }
        assert!(turns.has_nothing_of(&who("a")));
        assert_eq!(turns.waiting(), 0);
    }

    #[test]
    fn who_is_at_work_or_waits_is_overtaken_by_nothing() {
        let turns = Turns::new();
        assert!(turns.has_nothing_of(&who("a")));
        turns.put(who("a"), 1, 1);
        assert!(!turns.has_nothing_of(&who("a")));
        let (at_work, _) = turns.next().unwrap();
        assert!(!turns.has_nothing_of(&who("a")), "it is not handed in yet");
        assert!(turns.has_nothing_of(&who("b")));
        turns.done(at_work);
        assert!(turns.has_nothing_of(&who("a")));
    }
}
