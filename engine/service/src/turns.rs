//! Fair turns at a fixed number of slots: who asks much waits behind those who ask little, and nobody has all slots.
//!
//! Askers stand in a round. A slot that becomes free goes to the next of the round who waits and has not yet as many as
//! one asker may have; the questions of one asker are answered in the order in which they came.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::gauge;
use tokio::sync::oneshot;

#[derive(Debug, Clone, Copy)]
pub struct Slots {
    /// Their name in the metrics.
    pub of: &'static str,
    /// All of them.
    pub all: usize,
    /// Those that one asker may have at a time: fewer, where there is more than one.
    pub each: usize,
}

/// Slots, and who waits for them. Clones share them.
#[derive(Debug, Clone)]
pub struct Turns {
    slots: Slots,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    waiting: usize,
    askers: BTreeMap<Arc<str>, Asker>,
    /// Waiting askers, in the order of their next turns.
    round: VecDeque<Arc<str>>,
    last_id: u64,
}

#[derive(Debug, Default)]
struct Asker {
    running: usize,
    line: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// A slot, until it is dropped.
#[derive(Debug)]
#[must_use = "the slot is free again as soon as this is dropped"]
pub struct Turn {
    turns: Turns,
    who: Arc<str>,
    id: u64,
}

impl Turns {
    /// All slots free.
    #[must_use]
    pub fn new(slots: Slots) -> Self {
        let turns = Self { slots, state: Arc::default() };
        turns.show(&turns.state());
        turns
    }

    /// Waits for a slot. Who gives up the wait leaves the line.
    pub async fn turn(&self, who: &str) -> Turn {
        let (granted, wait) = oneshot::channel();
        let turn = {
            let mut state = self.state();
            state.last_id = state.last_id.wrapping_add(1);
            let (who, id) = (Arc::<str>::from(who), state.last_id);
            let asker = state.askers.entry(Arc::clone(&who)).or_default();
            let first = asker.line.is_empty();
            asker.line.push_back((id, granted));
            if first {
                state.round.push_back(Arc::clone(&who));
            }
            state.waiting = state.waiting.saturating_add(1);
            self.grant(&mut state);
            Turn { turns: self.clone(), who, id }
        };
        // The sender is only dropped with the turn itself, so an error cannot come.
        drop(wait.await);
        turn
    }

    /// Gives free slots to those who are next.
    fn grant(&self, state: &mut State) {
        let mut passed = 0;
        while state.running < self.slots.all && passed < state.round.len() {
            let Some(who) = state.round.pop_front() else { break };
            let Some(asker) = state.askers.get_mut(&who) else { continue };
            if asker.running >= self.slots.each {
                state.round.push_back(who);
                passed = passed.saturating_add(1);
                continue;
            }
            let Some((_, granted)) = asker.line.pop_front() else { continue };
            asker.running = asker.running.saturating_add(1);
            if !asker.line.is_empty() {
                state.round.push_back(who);
            }
            state.running = state.running.saturating_add(1);
            state.waiting = state.waiting.saturating_sub(1);
            passed = 0;
            // Who gave up in between gives the slot back when the turn is dropped.
            granted.send(()).ok();
        }
        self.show(state);
    }

    /// Ends a turn, or takes one that waits out of the line.
    fn leave(&self, who: &Arc<str>, id: u64) {
        let mut state = self.state();
        let Some(asker) = state.askers.get_mut(who) else { return };
        if let Some(at) = asker.line.iter().position(|(waits, _)| *waits == id) {
            asker.line.remove(at);
            if asker.line.is_empty() {
                state.round.retain(|waits| waits != who);
            }
            state.waiting = state.waiting.saturating_sub(1);
        } else {
            asker.running = asker.running.saturating_sub(1);
            state.running = state.running.saturating_sub(1);
        }
        if state.askers.get(who).is_some_and(|asker| asker.running == 0 && asker.line.is_empty()) {
            state.askers.remove(who);
        }
        self.grant(&mut state);
    }

    fn show(&self, state: &State) {
        gauge!("guichet_answers_running", "of" => self.slots.of).set(state.running as f64);
        gauge!("guichet_answers_waiting", "of" => self.slots.of).set(state.waiting as f64);
        gauge!("guichet_answers_slots", "of" => self.slots.of).set(self.slots.all as f64);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.leave(&self.who, self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Waiting<'a> = std::pin::Pin<Box<dyn Future<Output = Turn> + 'a>>;

    fn turns(all: usize, each: usize) -> Turns {
        Turns::new(Slots { of: "test", all, each })
    }

    /// Begins to wait.
    fn wait<'a>(turns: &'a Turns, who: &'a str) -> Waiting<'a> {
        let mut waiting: Waiting<'a> = Box::pin(turns.turn(who));
        assert!(poll(&mut waiting).is_none(), "{who} has to wait");
        waiting
    }

    fn poll(waiting: &mut Waiting<'_>) -> Option<Turn> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn at_once(turns: &Turns, who: &str) -> Turn {
        poll(&mut (Box::pin(turns.turn(who)) as Waiting<'_>)).unwrap()
    }

    #[test]
    fn who_asks_little_goes_before_who_asks_much() {
        let turns = turns(1, 1);
        let running = at_once(&turns, "greedy");
        let mut greedy: Vec<_> = (0..100).map(|_| wait(&turns, "greedy")).collect();
        let mut polite = wait(&turns, "polite");
        drop(running);
        let second = poll(&mut greedy[0]).expect("one of the greedy stood there before");
        drop(second);
        assert!(poll(&mut polite).is_some(), "then the polite one, before 99 others");
        assert!(poll(&mut greedy[1]).is_some());
    }

    #[test]
    fn one_asker_has_not_all_slots() {
        let turns = turns(3, 2);
        let _two = (at_once(&turns, "greedy"), at_once(&turns, "greedy"));
        let mut third = wait(&turns, "greedy");
        let polite = at_once(&turns, "polite");
        let mut other = wait(&turns, "other");
        drop(polite);
        assert!(poll(&mut third).is_none());
        assert!(poll(&mut other).is_some());
    }

    #[test]
    fn who_gives_up_leaves_the_line_and_what_was_given() {
        let turns = turns(1, 1);
        let running = at_once(&turns, "a");
        let (gone, granted, mut last) = (wait(&turns, "b"), wait(&turns, "c"), wait(&turns, "d"));
        drop(gone);
        drop(running);
        // It was given the slot and never looked.
        drop(granted);
        drop(poll(&mut last).expect("the slot came on"));
        assert!(turns.state().askers.is_empty() && turns.state().round.is_empty());
    }
}
