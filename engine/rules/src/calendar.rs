//! Business time: when a desk is open, and how much open time lies between two instants.
//!
//! An instant is open where its local wall clock lies in a window of its date, or in a window of the date before that
//! passes midnight, and the date of that window is not a holiday. So an hour that a clock change leaves out does not
//! exist, and one that it repeats counts twice: business time is physical time inside open windows.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod definition;
mod hours;
mod segments;
mod year;

use std::sync::Arc;

use guichet_schemas::time::Timestamp;

pub use self::definition::{CalendarError, Definition};
pub use self::hours::Hours;

/// A target that lies farther away is taken for one that is never reached.
pub const HORIZON_YEARS: i64 = 15;
/// The same, milliseconds.
pub const HORIZON_MS: i64 = HORIZON_YEARS * 366 * 86_400_000;

/// The first instant of which a calendar knows anything, 1970-01-01: before, no desk is open.
pub const FIRST: Timestamp = Timestamp(0);
/// The end of what a calendar knows, 2201-01-01: from then on, no desk is open. So the work of a question is bounded,
/// whatever instants a log holds.
pub const END: Timestamp = Timestamp(7_289_654_400_000);

/// The hours of a desk over time: each version holds from its instant on, the first also before.
#[derive(Debug, Clone)]
pub struct Calendar {
    versions: Vec<(Timestamp, Arc<Hours>)>,
}

impl Calendar {
    /// A calendar that always has these hours.
    #[must_use]
    pub fn new(hours: Hours) -> Self {
        Self { versions: vec![(Timestamp(i64::MIN), Arc::new(hours))] }
    }

    /// Gives it other hours from an instant on, whatever was planned for then and later.
    pub fn publish(&mut self, effective_from: Timestamp, hours: Hours) {
        self.versions.retain(|(from, _)| *from == Timestamp(i64::MIN) || *from < effective_from);
        self.versions.push((effective_from, Arc::new(hours)));
    }

    /// Open milliseconds from one instant to another; 0 where the second is not later.
    ///
    /// `elapsed(a, b) + elapsed(b, c) == elapsed(a, c)` for a ≤ b ≤ c.
    #[must_use]
    pub fn elapsed(&self, from: Timestamp, to: Timestamp) -> i64 {
        let (from, to) = (from.max(FIRST), to.min(END));
        self.pieces(from, to).map(|(hours, from, to)| hours.elapsed(from, to)).fold(0, i64::saturating_add)
    }

    /// The earliest instant at which so many open milliseconds have passed; `None`: not within fifteen years. Where
    /// they run out exactly at closing time, it is the closing time.
    ///
    /// `elapsed(s, add(s, x)) == x`.
    #[must_use]
    pub fn add(&self, from: Timestamp, open_ms: i64) -> Option<Timestamp> {
        self.add_until(from, open_ms, Timestamp(from.0.saturating_add(HORIZON_MS)))
    }

    /// The same, but looked for up to an instant, and it included.
    #[must_use]
    pub fn add_until(&self, from: Timestamp, open_ms: i64, until: Timestamp) -> Option<Timestamp> {
        if open_ms <= 0 {
            return Some(from);
        }
        let mut rest = open_ms;
        for (hours, from, to) in self.pieces(from.max(FIRST), until.min(END)) {
            match hours.reach(from, to, rest) {
                Ok(reached) => return Some(reached),
                Err(passed) => rest = rest.saturating_sub(passed),
            }
        }
        None
    }

    /// The hours that hold, piece by piece.
    fn pieces(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (&Hours, Timestamp, Timestamp)> {
        let ends = self.versions.iter().skip(1).map(|(from, _)| *from).chain([Timestamp(i64::MAX)]);
        self.versions.iter().zip(ends).filter_map(move |((begins, hours), ends)| {
            let (from, to) = (from.max(*begins), to.min(ends));
            (from < to).then_some((&**hours, from, to))
        })
    }
}

#[cfg(test)]
mod tests;
