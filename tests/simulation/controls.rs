//! Negative controls: a part that breaks one promise must be found, and by the invariant that guards it. A simulation
//! that has never found anything proves nothing.

use crate::disk::Lies;
use crate::judge::Invariant;
use crate::world::{Plan, run};

/// A fault on purpose, and who must find it.
struct Control {
    name: &'static str,
    plan: Plan,
    found_by: &'static [Invariant],
}

/// Within so many seeds each must be found. The rarest needs an answer of the broker that is lost at the right moment.
const SEEDS: u64 = 500;

/// Every control, with what came of it; `Err`: one was not found.
pub(crate) fn all() -> Vec<Result<String, String>> {
    controls().iter().map(Control::check).collect()
}

fn controls() -> Vec<Control> {
    let lies = |lies: Lies| Plan { lies, ..Plan::default() };
    vec![
        Control {
            name: "ack before sync",
            plan: lies(Lies { no_sync: true, ..Lies::default() }),
            found_by: &[Invariant::AckedIsThere],
        },
        Control {
            name: "no dedup",
            plan: lies(Lies { no_outcomes: true, ..Lies::default() }),
            found_by: &[Invariant::OneOutcome],
        },
        Control {
            name: "publish without the expected sequence",
            plan: Plan { careless: true, ..Plan::default() },
            found_by: &[Invariant::StreamIsLog, Invariant::Recovers],
        },
    ]
}

impl Control {
    fn check(&self) -> Result<String, String> {
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
