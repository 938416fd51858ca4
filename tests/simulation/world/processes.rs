//! Processes come and go: who starts them again, and who notices that they are gone.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use guichet_engine::halt::HaltReason;
use guichet_engine::log::{LogReader, OpenError};

use super::{Twin, World};
use crate::disk::FakeDisk;
use crate::judge::{Broken, Invariant, broken};
use crate::sim::Process;

impl World {
    /// Looks for processes that died, or halted, which ends them too.
    pub(super) fn reap(&mut self) -> Result<(), Broken> {
        for number in 0..self.engines.len() {
            let Some(running) = &self.engines[number].running else { continue };
            let halted = running.halt.reason().cloned();
            if let Some(reason) = &halted {
                self.sim.note(format_args!("engine {number} halts: {reason}"));
            } else if running.life.goes_on() {
                continue;
            }
            // Who finds another history in the stream stays where it is; who has the log goes on.
            let foreign = matches!(halted, Some(HaltReason::ForeignStream(_)));
            // Nobody else has the secret of its folder, so nothing in the stream may stop it.
            if foreign && self.twin == Twin::None {
                return Err(broken(Invariant::StreamIsLog, "the one engine takes itself for two"));
            }
            self.engines[number].out |= foreign && matches!(self.twin, Twin::Since(_));
            self.crash(number);
        }
        let halted = self.workers.models().iter().find_map(|model| model.halted().borrow().clone());
        match halted {
            // A person looks, and starts it again.
            Some(why) if matches!(self.twin, Twin::Since(_)) => {
                self.sim.note(format_args!("worker: halts: {why}"));
                self.crash_workers();
                Ok(())
            }
            Some(why) => Err(broken(Invariant::ModelIsFold, format!("the worker halts: {why}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn crash(&mut self, number: usize) {
        if self.engines[number].running.is_none() {
            return;
        }
        self.sim.note(format_args!("engine {number}: crash"));
        self.crashes += 1;
        self.tasks.kill(Process::Engine(number));
        self.engines[number].crash(&self.addresses);
        self.serve_whoever_is_alone();
        if !self.engines[number].out {
            self.start_later(Process::Engine(number));
        }
    }

    pub(crate) fn crash_workers(&mut self) {
        if !self.workers.is_running() {
            return;
        }
        self.sim.note(format_args!("worker: crash"));
        self.crashes += 1;
        self.tasks.kill(Process::Worker(0));
        self.workers.crash();
        self.start_later(Process::Worker(0));
    }

    /// Keeps a process away for a while.
    pub(crate) fn hold(&mut self, process: Process, span: Duration) {
        self.held = Some((process, self.sim.now() + span));
    }

    pub(super) fn start_later(&self, process: Process) {
        let (sim, due) = (self.sim.clone(), Arc::clone(&self.due));
        let pause = sim.span(1, 100);
        sim.clone().spawn(Process::Network, async move {
            sim.sleep(pause).await;
            due.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        });
    }

    pub(super) fn start_due(&mut self) {
        let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
        for process in due {
            if self.held.is_some_and(|(held, until)| held == process && self.sim.now() < until) {
                self.start_later(process);
                continue;
            }
            match process {
                Process::Worker(_) => self.workers.start(),
                Process::Engine(number) => match self.engines[number].start(&self.broker) {
                    Ok(()) => {
                        self.engines[number].listen(&self.addresses);
                        self.serve_whoever_is_alone();
                    }
                    // Its log is not that of the stream: it must not go on, and does not.
                    Err(OpenError::OtherCopy { .. } | OpenError::CopyRefused { .. })
                        if matches!(self.twin, Twin::Since(_)) =>
                    {
                        self.engines[number].out = true;
                        self.serve_whoever_is_alone();
                    }
                    Err(_) => self.start_later(process),
                },
                Process::Network | Process::Client(_) => {}
            }
        }
    }

    /// The log service is that of the one engine that may be believed.
    fn serve_whoever_is_alone(&self) {
        self.serve(self.winner().and_then(|engine| engine.reader()));
    }

    pub(super) fn serve(&self, reader: Option<LogReader<FakeDisk>>) {
        *self.service.lock().unwrap_or_else(PoisonError::into_inner) = reader;
    }
}
