//! One engine: a disk, the writer on it, and its starts and crashes.

use std::sync::{Arc, PoisonError};

use guichet_engine::clock::{IdSource, TimeSource};
use guichet_engine::halt::Halt;
use guichet_engine::log::{Beginning, LogReader, OpenError, Step, Steps, Store};
use guichet_engine::publish::{Progress, Publisher};
use guichet_keys::Dice;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;

use crate::broker::Broker;
use crate::bus::FakeBus;
use crate::client::{Address, Addresses};
use crate::disk::{FakeDisk, Lies, Platter};
use crate::life::Life;
use crate::shelf::{Kept, Shelf};
use crate::sim::{Process, Sim};

/// An engine with its machine.
pub(crate) struct Engine {
    sim: Sim,
    pub(crate) number: usize,
    lies: Lies,
    kept: Kept,
    platter: Option<Platter>,
    pub(crate) running: Option<Running>,
    /// It halted to protect data, and waits for a person.
    pub(crate) out: bool,
}

/// An engine that runs.
pub(crate) struct Running {
    pub(crate) disk: FakeDisk,
    pub(crate) life: Life,
    pub(crate) halt: Halt,
    pub(crate) steps: Steps<FakeDisk>,
    pub(crate) progress: Progress,
}

impl Engine {
    pub(crate) fn new(sim: &Sim, number: usize, lies: Lies) -> Self {
        let platter = Some(Platter::empty());
        Self { sim: sim.clone(), number, lies, kept: Kept::default(), platter, running: None, out: false }
    }

    /// Another machine, with a copy of the disk as it is now: what must never be, and happens.
    pub(crate) fn copied(&self, number: usize) -> Self {
        let platter = match &self.running {
            Some(running) => Some(running.disk.platter().after_crash(&self.sim)),
            None => self.platter.clone(),
        };
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            sim: self.sim.clone(),
            number,
            lies: self.lies,
            kept: Kept::new(std::sync::Mutex::new(kept)),
            platter,
            running: None,
            out: false,
        }
    }

    /// Starts on what lies on the disk, and begins to publish.
    ///
    /// # Errors
    /// The log does not open.
    pub(crate) fn start(&mut self, broker: &Broker) -> Result<(), OpenError> {
        let Some(platter) = self.platter.take() else { return Ok(()) };
        let (sim, life, halt) = (&self.sim, Life::begin(), Halt::new());
        let disk = FakeDisk::open(sim, &life, self.lies, platter);
        let begun = Steps::begin(Beginning {
            store: Arc::new(Store::on(disk.clone())),
            keys: Arc::new(Shelf { sim: sim.clone(), life: life.clone(), kept: self.kept.clone() }),
            copy: broker,
            partition: Partition(0),
            time: Box::new(SimTime(sim.clone())),
            ids: IdSource::at(u128::from(sim.below(u64::MAX)) << 64),
            dice: (dice(sim), dice(sim)),
            still_ours: Box::new(|| Ok(())),
            halt: halt.clone(),
        });
        match begun {
            Ok(steps) => {
                let head = steps.head();
                sim.note(format_args!(
                    "engine {} begins epoch {} at {}",
                    self.number, head.epoch.0, head.position
                ));
                let authorship = steps.authorship();
                let bus = FakeBus::of(sim, broker, authorship.owner());
                let (reader, halted) = (steps.reader(), halt.clone());
                let connections = broker.connections();
                let (publisher, progress) =
                    Publisher::new(bus, reader, authorship, halted, Arc::default(), connections);
                sim.spawn(Process::Engine(self.number), publisher.run());
                self.running = Some(Running { disk, life, halt, steps, progress });
                Ok(())
            }
            Err(error) => {
                sim.note(format_args!("engine {} does not start: {error}", self.number));
                self.platter = Some(disk.platter().after_crash(sim));
                Err(error)
            }
        }
    }

    /// Tells the world where it listens.
    pub(crate) fn listen(&self, addresses: &Addresses) {
        if let Some(Running { life, steps, .. }) = &self.running {
            let address = Address { engine: self.number, desk: steps.inlet(), life: life.clone() };
            addresses.lock().unwrap_or_else(PoisonError::into_inner).push(address);
        }
    }

    /// The process is gone; what its disk keeps stays.
    pub(crate) fn crash(&mut self, addresses: &Addresses) {
        if let Some(running) = self.running.take() {
            running.life.end();
            let number = self.number;
            addresses.lock().unwrap_or_else(PoisonError::into_inner).retain(|a| a.engine != number);
            self.platter = Some(running.disk.platter().after_crash(&self.sim));
        }
    }

    /// Which steps its writer can make.
    pub(crate) fn possible(&self) -> Vec<Step> {
        self.running.as_ref().filter(|r| r.life.goes_on()).map_or_else(Vec::new, |r| r.steps.possible())
    }

    pub(crate) fn make(&mut self, step: Step) {
        if let Some(running) = &mut self.running {
            running.steps.make(step);
        }
    }

    pub(crate) fn reader(&self) -> Option<LogReader<FakeDisk>> {
        self.running.as_ref().map(|running| running.steps.reader())
    }

    /// The records that a crash would leave it now, by position.
    pub(crate) fn records(&self) -> Vec<Vec<u8>> {
        let platter = match &self.running {
            Some(running) => Some(running.disk.platter()),
            None => self.platter.clone(),
        };
        let left = platter.map(|platter| platter.after_crash(&self.sim).into_records());
        left.unwrap_or_default().into_values().collect()
    }
}

/// The clock of the run, as an engine reads it.
struct SimTime(Sim);

impl std::fmt::Debug for SimTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimTime")
    }
}

impl TimeSource for SimTime {
    fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    fn elapsed(&self) -> std::time::Duration {
        self.0.now()
    }
}

fn dice(sim: &Sim) -> Dice {
    let mut series = sim.series();
    Dice::loaded(Box::new(move |bytes| {
        series(bytes);
        Ok(())
    }))
}
