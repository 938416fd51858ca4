//! One run: who may do something next is asked again after each step, and the seed chooses. Faults come between any two.

mod faults;
mod processes;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use guichet_engine::log::Step;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use crate::broker::Broker;
use crate::client::{Addresses, Client};
use crate::disk::Lies;
use crate::engine::Engine;
use crate::forger::Forger;
use crate::judge::{Broken, Excused, Invariant, broken, judge, judge_models, judge_stream};
use crate::ledger::Ledger;
use crate::orders::Orders;
use crate::sim::{Process, Sim};
use crate::source::LogService;
use crate::tasks::Tasks;
use crate::worker::Workers;

/// Steps after which a run that is calm must have come to its end.
const STEPS_MAX: u64 = 30_000;
/// Faults go on for so long after the last answer.
const AFTERMATH: Duration = Duration::from_secs(3);
/// Faults begin to stop after so many steps.
const FAULTY_STEPS: u64 = 4_000;

/// What a run is like.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plan {
    pub(crate) lies: Lies,
    /// The broker does not look at the expected sequence.
    pub(crate) careless: bool,
    /// At some moment a second engine starts on a copy of the disk, and no lock keeps it away.
    pub(crate) twin: bool,
    /// Somebody else publishes into the stream.
    pub(crate) forger: Forger,
    /// Keep the trace as text.
    pub(crate) spoken: bool,
}

impl Plan {
    /// What an honest run of this seed is like.
    pub(crate) const fn of(seed: u64) -> Self {
        let lies = Lies { no_sync: false, no_outcomes: false };
        let forger = if seed % 4 == 2 { Forger::Stranger } else { Forger::Nobody };
        Self { lies, careless: false, twin: seed % 8 == 7, forger, spoken: false }
    }
}

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) trace: Hash,
    pub(crate) spoken: Vec<String>,
    pub(crate) events: usize,
    pub(crate) crashes: u64,
    pub(crate) verdict: Result<(), Broken>,
}

/// Everything of a run.
pub(crate) struct World {
    pub(crate) sim: Sim,
    tasks: Tasks,
    pub(crate) broker: Broker,
    /// One, and in some runs a second that should not be there.
    engines: Vec<Engine>,
    pub(crate) workers: Workers,
    /// Where the workers find the log.
    service: LogService,
    addresses: Addresses,
    ledger: Ledger,
    clients: usize,
    /// Processes that are to be started again.
    due: Arc<Mutex<Vec<Process>>>,
    crashes: u64,
    twin: Twin,
    forger: Forger,
    /// A process that nobody starts before this instant.
    held: Option<(Process, Duration)>,
}

/// A second engine on a copy of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twin {
    /// Not in this run.
    None,
    /// At some moment.
    Wanted,
    /// Since this instant.
    Since(Duration),
}

/// Who does something next.
enum Turn {
    Task(u64),
    Writer(usize, Step),
}

/// Whether it goes on.
enum Turned {
    On,
    Over,
    Stuck,
}

/// Runs a seed.
pub(crate) fn run(seed: u64, plan: Plan) -> Ran {
    let mut world = World::of(seed, plan);
    let verdict = world.live().and_then(|()| world.judge());
    let events = world.engines[0].records().len();
    let (trace, spoken) = world.sim.trace();
    Ran { trace, spoken, events, crashes: world.crashes, verdict }
}

impl World {
    pub(crate) fn of(seed: u64, plan: Plan) -> Self {
        let sim = Sim::of(seed, plan.spoken);
        let (addresses, ledger) = (Addresses::default(), Ledger::default());
        let tickets = 1 + sim.below(4);
        let clients = 2 + sim.index(6);
        for number in 0..clients {
            let client = Client {
                sim: sim.clone(),
                number,
                addresses: Arc::clone(&addresses),
                ledger: ledger.clone(),
            };
            let count = 10 + sim.below(30);
            sim.spawn(Process::Client(number), client.run(Orders::of(&sim, number, tickets), count));
        }
        let (broker, service) = (Broker::of(&sim, plan.careless), LogService::default());
        Self {
            tasks: Tasks::of(&sim),
            workers: Workers::new(&sim, &broker, &service),
            service,
            broker,
            engines: vec![Engine::new(&sim, 0, plan.lies)],
            twin: if plan.twin { Twin::Wanted } else { Twin::None },
            forger: plan.forger,
            sim,
            addresses,
            ledger,
            clients,
            due: Arc::new(Mutex::new(vec![Process::Engine(0), Process::Worker(0)])),
            crashes: 0,
            held: None,
        }
    }

    /// Until every client has what it wants, with faults first and without them in the end.
    pub(crate) fn live(&mut self) -> Result<(), Broken> {
        for step in 0..STEPS_MAX {
            if step == FAULTY_STEPS || self.is_quiet() {
                self.sim.calm_down();
            }
            if self.waits_for_a_person() {
                return Ok(());
            }
            self.start_due();
            match self.turn() {
                Turned::On => {}
                Turned::Over => return Ok(()),
                Turned::Stuck => return Err(broken(Invariant::Recovers, "nobody does anything any more")),
            }
            self.reap()?;
        }
        self.judge()?;
        let content = self.ledger.book().content_since.map_or(0, |(clients, _)| clients);
        let waiting = self.clients - content;
        Err(broken(Invariant::Recovers, format!("{waiting} of {} clients wait for ever", self.clients)))
    }

    fn turn(&mut self) -> Turned {
        let mut turns: Vec<Turn> = self.tasks.ready().into_iter().map(Turn::Task).collect();
        for (number, engine) in self.engines.iter().enumerate() {
            turns.extend(engine.possible().into_iter().map(|step| Turn::Writer(number, step)));
        }
        if turns.is_empty() {
            if self.is_over() {
                return Turned::Over;
            }
            return if self.sim.wake_next() { Turned::On } else { Turned::Stuck };
        }
        let chosen = turns.swap_remove(self.sim.index(turns.len()));
        match chosen {
            Turn::Task(task) => self.tasks.run(task),
            Turn::Writer(number, step) => {
                self.sim.note(format_args!("engine {number}: {step:?}"));
                self.engines[number].make(step);
            }
        }
        self.sim.pass(Duration::from_micros(self.sim.below(60)));
        self.break_something();
        Turned::On
    }

    /// Nobody has asked for anything for a while: what may break has broken.
    fn is_quiet(&self) -> bool {
        self.ledger
            .book()
            .content_since
            .is_some_and(|(clients, since)| clients == self.clients && self.sim.now() > since + AFTERMATH)
    }

    fn is_over(&self) -> bool {
        self.ledger.book().content_since.is_some_and(|(clients, _)| clients == self.clients)
            && self.has_settled()
    }

    /// The engine whose log is the log: the only one that no halt has ended.
    fn winner(&self) -> Option<&Engine> {
        let mut left = self.engines.iter().filter(|engine| !engine.out);
        left.next().filter(|_| left.next().is_none())
    }

    /// Stream and read models are what the log is, as far as it can be seen from here. The rest is for the judge.
    fn has_settled(&self) -> bool {
        let Some(engine) = self.winner().filter(|_| self.sim.is_calm()) else { return false };
        let Some(running) = &engine.running else { return false };
        let head = LogPosition::or_zero(running.steps.reader().head());
        running.progress.published() == head
            && self.workers.have_reached(head)
            && judge_stream(&engine.records(), &self.broker).is_ok()
    }

    /// Both engines have halted, for the stream has messages of both: one's came to stand behind the other's while they
    /// were under way. Nothing says which history is the right one, so nobody goes on.
    fn waits_for_a_person(&self) -> bool {
        self.engines.iter().all(|engine| engine.out) && self.broker.is_mixed()
    }

    pub(crate) fn judge(&self) -> Result<(), Broken> {
        if self.waits_for_a_person() {
            return Ok(());
        }
        let Some(engine) = self.winner() else {
            return Err(broken(Invariant::OneWriter, "two engines, and not exactly one has halted"));
        };
        let excused = match self.twin {
            Twin::Since(at) => Some(Excused { engine: 1 - engine.number, since: at }),
            Twin::None | Twin::Wanted => None,
        };
        let records = engine.records();
        judge(&records, &self.ledger, excused)?;
        judge_stream(&records, &self.broker)?;
        judge_models(&records, self.workers.models())
    }
}
