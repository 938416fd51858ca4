//! The made-up desk of `guichet demo`: a fortnight of a help desk, and a few tickets that are worked on live.
//!
//! The same seed gives the same desk, to the byte: all chance comes from [`StdRng`] under the seed, all time
//! from the instant given. So a second demo on the same folder finds everything done.
//!
//! ```
//! use guichet_demo::{Plan, history};
//! use guichet_schemas::time::Timestamp;
//! let until = Timestamp::parse("2026-11-20T16:00:00Z").unwrap();
//! let plan = Plan { seed: 7, until, days: 14, tickets: 20 };
//! assert_eq!(history(plan).count(), 20);
//! assert_eq!(history(plan).next(), history(plan).next());
//! ```

mod arrivals;
mod calendar;
mod cast;
mod configure;
mod fill;
mod life;
mod live;
mod story;
mod topics;

use guichet_schemas::command::Import;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub use self::configure::configure;
pub use self::fill::{Filled, fill};
pub use self::live::{LiveCommand, live};

/// Name of the system that the facts come from.
pub const SOURCE: &str = "demo";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Chooses everything.
    pub seed: u64,
    /// Nothing happens later.
    pub until: Timestamp,
    /// Days before `until` in which tickets arrive.
    pub days: u32,
    pub tickets: u32,
}

impl Plan {
    /// A fortnight of some 400 tickets.
    #[must_use]
    pub const fn fortnight(seed: u64, until: Timestamp) -> Self {
        Self { seed, until, days: 14, tickets: 400 }
    }
}

/// The history: one import per ticket, in the order of their arrival.
pub fn history(plan: Plan) -> impl Iterator<Item = Import> {
    arrivals::of(plan).into_iter().zip(1_u64..).map(move |(arrival, n)| {
        let external_id = format!("{SOURCE}-{}-{n}", plan.seed);
        let events = life::of(&arrival, &external_id, plan.until, dice(plan.seed, n));
        Import {
            source: label(SOURCE),
            external_id: label(&external_id),
            part: 1,
            parts: 1,
            events,
            mapping_version: None,
            begins_at: None,
            prefix: None,
            replies_complete: true,
        }
    })
}

/// Dice of their own for each ticket, so that the life of one does not shift that of the next.
fn dice(seed: u64, n: u64) -> StdRng {
    // Two odd factors spread neighbouring seeds and tickets over the whole range.
    StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93))
}

fn label(text: &str) -> Label {
    Label::parse(text.to_owned()).expect("the demo's own names are labels")
}

#[cfg(test)]
mod tests;
