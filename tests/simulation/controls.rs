//! Negative controls: a part that breaks one promise must be found, and by the invariant that guards it. A simulation
//! that has never found anything proves nothing.

use crate::disk::Lies;
use crate::forger::Forger;
use crate::judge::Invariant;
use crate::world::{Plan, run};

/// A fault on purpose, and who must find it.
pub(crate) struct Control {
    pub(crate) name: &'static str,
    plan: Plan,
    found_by: &'static [Invariant],
}

/// Within so many seeds each must be found. The rarest needs an answer of the broker that is lost at the right moment.
const SEEDS: u64 = 500;

/// All of them.
pub(crate) const ALL: &[Control] = &[
    Control {
        name: "ack before sync",
        plan: lying(Lies { no_sync: true, no_outcomes: false }),
        found_by: &[Invariant::AckedIsThere],
    },
    Control {
        name: "no dedup",
        plan: lying(Lies { no_sync: false, no_outcomes: true }),
        found_by: &[Invariant::OneOutcome],
    },
    Control {
        name: "publish without the expected sequence",
        plan: Plan { careless: true, ..Plan::of(0) },
        found_by: &[Invariant::StreamIsLog, Invariant::Recovers],
    },
    // Who has the secret passes every check: so it would be for everybody if a start looked at no MAC.
    Control {
        name: "a forged message with a MAC of ours",
        plan: Plan { forger: Forger::Thief, ..Plan::of(0) },
        found_by: &[Invariant::OneOutcome, Invariant::NoGaps],
    },
];

const fn lying(lies: Lies) -> Plan {
    Plan { lies, ..Plan::of(0) }
}

impl Control {
    /// Where it was found; `Err`: it was not.
    pub(crate) fn check(&self) -> Result<String, String> {
        let found = (0..SEEDS).find_map(|seed| {
            let broken = run(seed, self.plan).verdict.err()?;
            self.found_by.contains(&broken.invariant).then_some((seed, broken))
        });
        match found {
            Some((seed, broken)) => {
                Ok(format!("{}: found at seed {seed} ({:?})", self.name, broken.invariant))
            }
            None => Err(format!("{}: not found in {SEEDS} seeds", self.name)),
        }
    }
}
