//! When tickets arrive: by day more than by night, on weekdays more than on Sundays, and all at once when the
//! line is down.

use guichet_schemas::time::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::Plan;
use super::calendar::{DAY, HOUR, MINUTE, date, instant, is_weekend};

/// Tickets per hour of a weekday, compared with each other.
const HOURS: [u32; 24] = [1, 1, 1, 1, 1, 1, 3, 8, 22, 34, 30, 24, 14, 16, 28, 26, 20, 14, 8, 5, 4, 3, 2, 2];
/// A day of a weekend is this part of a weekday.
const WEEKEND: f64 = 0.12;
/// Tickets between two outages.
const TICKETS_PER_OUTAGE: u32 = 200;
/// Of the tickets in the time of an outage, those about it.
const OUTAGE_SHARE: f64 = 0.08;

/// A ticket comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival {
    pub(super) at: Timestamp,
    /// It is about an outage: when the line is back.
    pub(super) outage_until: Option<Timestamp>,
    /// The first of its outage: the one that is worked on.
    pub(super) is_first: bool,
}

/// All arrivals, in order.
pub(super) fn of(plan: Plan) -> Vec<Arrival> {
    let mut dice = StdRng::seed_from_u64(plan.seed);
    let outages = outages(plan, &mut dice);
    let mut arrivals: Vec<Arrival> = (0..plan.tickets)
        .map(|_| match outages.get(dice.random_range(0..outages.len().max(1))) {
            Some((from, until)) if dice.random_bool(OUTAGE_SHARE) => {
                // Most people notice at once: the square of an even chance lies near zero.
                let chance: f64 = dice.random();
                let at = Timestamp(from.0 + (chance * chance * 45.0 * MINUTE as f64) as i64);
                Arrival { at: at.min(plan.until), outage_until: Some(*until), is_first: false }
            }
            Some(_) | None => Arrival { at: ordinary(plan, &mut dice), outage_until: None, is_first: false },
        })
        .collect();
    arrivals.sort();
    let mut begun: Vec<Timestamp> = Vec::new();
    for arrival in &mut arrivals {
        if let Some(until) = arrival.outage_until.filter(|until| !begun.contains(until)) {
            arrival.is_first = true;
            begun.push(until);
        }
    }
    arrivals
}

/// When the line goes down, and when it is back: on weekdays, in the morning.
fn outages(plan: Plan, dice: &mut StdRng) -> Vec<(Timestamp, Timestamp)> {
    let days: Vec<Timestamp> = (1..i64::from(plan.days))
        .map(|n| Timestamp(plan.until.0 - n * DAY))
        .filter(|at| !is_weekend(date(*at)))
        .collect();
    if days.is_empty() {
        return Vec::new();
    }
    (0..plan.tickets.div_ceil(TICKETS_PER_OUTAGE))
        .map(|_| {
            let day = date(days[dice.random_range(0..days.len())]);
            let from = instant(day, 9 * HOUR + dice.random_range(0..90 * MINUTE));
            (from, Timestamp(from.0 + 2 * HOUR + dice.random_range(0..2 * HOUR)))
        })
        .collect()
}

fn ordinary(plan: Plan, dice: &mut StdRng) -> Timestamp {
    let first = plan.until.0 - i64::from(plan.days.max(1)) * DAY;
    loop {
        let day = date(Timestamp(first + dice.random_range(0..=i64::from(plan.days)) * DAY));
        // Thrown away again, most of the Sundays.
        if is_weekend(day) && !dice.random_bool(WEEKEND) && plan.days > 3 {
            continue;
        }
        let at = instant(day, hour(dice) * HOUR + dice.random_range(0..HOUR));
        if (first..=plan.until.0).contains(&at.0) {
            return at;
        }
    }
}

fn hour(dice: &mut StdRng) -> i64 {
    let mut left = dice.random_range(0..HOURS.iter().sum::<u32>());
    for (hour, weight) in (0..).zip(HOURS) {
        match left.checked_sub(weight) {
            Some(rest) => left = rest,
            None => return hour,
        }
    }
    0
}
