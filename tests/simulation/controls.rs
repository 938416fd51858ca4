//! Negative controls: a part that breaks one promise must be found, and by the invariant that guards it. A simulation
//! that has never found anything proves nothing.

use crate::disk::Lies;
use crate::judge::{Broken, Invariant};
use crate::stories;
use crate::world::{Plan, run};

/// A fault on purpose, and who must find it.
pub(crate) struct Control {
    pub(crate) name: &'static str,
    broken: On,
    found_by: &'static [Invariant],
}

/// Where the fault is.
enum On {
    /// In every run of such a plan.
    Runs(Plan),
    /// In what is told here.
    Story(fn() -> Result<(), Broken>),
}

/// Within so many seeds each must be found. The rarest needs an answer of the broker that is lost at the right moment.
const SEEDS: u64 = 500;

/// All of them.
pub(crate) const ALL: &[Control] = &[
    Control {
        name: "ack before sync",
        broken: lying(Lies { no_sync: true, no_outcomes: false }),
        found_by: &[Invariant::AckedIsThere],
    },
    Control {
        name: "no dedup",
        broken: lying(Lies { no_sync: false, no_outcomes: true }),
        found_by: &[Invariant::OneOutcome],
    },
    Control {
        name: "publish without the expected sequence",
        broken: On::Runs(Plan { careless: true, ..Plan::of(0) }),
        found_by: &[Invariant::StreamIsLog, Invariant::Recovers],
    },
    // Who has the secret passes every check: so it would be for everybody if a start looked at no MAC.
    Control {
        name: "a forged message with a MAC of ours",
        broken: On::Story(stories::a_thief_forges_in_the_night),
        found_by: &[Invariant::OneOutcome],
    },
];

const fn lying(lies: Lies) -> On {
    On::Runs(Plan { lies, ..Plan::of(0) })
}

impl Control {
    /// Where it was found; `Err`: it was not.
    pub(crate) fn check(&self) -> Result<String, String> {
        let is_it = |broken: &Broken| self.found_by.contains(&broken.invariant);
        let found = match self.broken {
            On::Runs(plan) => (0..SEEDS).find_map(|seed| {
                let broken = run(seed, plan).verdict.err().filter(is_it)?;
                Some((seed, broken))
            }),
            On::Story(tell) => tell().err().filter(is_it).map(|broken| (0, broken)),
        };
        match found {
            Some((seed, broken)) => {
                Ok(format!("{}: found at seed {seed} ({:?})", self.name, broken.invariant))
            }
            None => Err(format!("{}: not found in {SEEDS} seeds", self.name)),
        }
    }
}
