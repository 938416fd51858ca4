//! What breaks, and when. Everything that one machine does to another here has happened to somebody.

use super::{Twin, World};
use crate::forger::Forger;
use crate::sim::Process;

impl World {
    /// Between two steps, now and then.
    pub(super) fn break_something(&mut self) {
        self.break_engine();
        self.break_workers();
        if self.sim.fault(2) {
            // Two histories in one stream that also forgets: then nobody but a person can say which is right.
            // And where somebody forges, a hole in the stream could be one of ours or of theirs.
            let gently = matches!(self.twin, Twin::Since(_)) || self.forger != Forger::Nobody;
            self.broker.suffer(gently);
            if !self.broker.is_up() {
                let (sim, broker) = (self.sim.clone(), self.broker.clone());
                self.sim.spawn(Process::Network, async move {
                    sim.sleep(sim.span(1, 3_000)).await;
                    broker.rise();
                });
            }
        }
        if self.forger != Forger::Nobody && self.broker.is_up() && self.sim.fault(3) {
            self.forger.forge(&self.sim, &self.broker);
        }
        if self.sim.fault(1) {
            let by = i64::try_from(self.sim.below(40 * 60_000)).unwrap_or(0) - 20 * 60_000;
            self.sim.note(format_args!("the wall clock jumps by {by} ms"));
            self.sim.move_wall(by);
        }
    }

    fn break_engine(&mut self) {
        let number = self.sim.index(self.engines.len());
        if self.sim.fault(2) {
            self.crash(number);
        }
        if self.sim.fault(3)
            && let Some(running) = &self.engines[number].running
        {
            self.sim.note(format_args!("engine {number}: flush"));
            running.disk.flush();
        }
        if self.twin == Twin::Wanted && self.engines[0].running.is_some() && self.sim.fault(4) {
            self.sim.note(format_args!("a second engine, on a copy of the disk"));
            self.twin = Twin::Since(self.sim.now());
            self.engines.push(self.engines[0].copied(1));
            // Which of the two would answer, nobody can say. The workers have the stream.
            self.serve(None);
            self.start_later(Process::Engine(1));
        }
    }

    fn break_workers(&mut self) {
        if self.sim.fault(2) {
            self.crash_workers();
        }
        if self.sim.fault(3) && self.workers.is_running() {
            self.sim.note(format_args!("worker: flush"));
            self.workers.flush();
        }
    }
}
