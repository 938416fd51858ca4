//! A set of durations, counted per whole second, so that percentiles are exact.

use std::collections::BTreeMap;

use guichet_schemas::wire::Durations as Wire;

use crate::reports::{Mark, entry_bytes};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Durations {
    counts: BTreeMap<i64, i64>,
    /// How long they are is not kept, only how many there are.
    blunt: Mark,
}

impl Durations {
    /// Adds a duration in milliseconds, or with a count of -1 takes it away.
    pub(crate) fn add(&mut self, ms: i64, count: i64) {
        let seconds = if self.blunt.0 { 0 } else { ms.div_euclid(1000) };
        let now = self.counts.entry(seconds).or_default();
        *now = now.saturating_add(count);
        if *now == 0 {
            self.counts.remove(&seconds);
        }
    }

    /// Adds all of another set.
    pub(crate) fn merge(&mut self, other: Self) {
        for (seconds, count) in other.counts {
            self.add(seconds.saturating_mul(1000), count);
        }
    }

    /// A set that only counts.
    pub(crate) fn blunt() -> Self {
        Self { counts: BTreeMap::new(), blunt: Mark(true) }
    }

    /// Bytes that the set takes.
    pub(crate) fn bytes(&self) -> usize {
        self.counts.len().saturating_mul(entry_bytes(size_of::<(i64, i64)>()))
    }

    /// Each whole second, and how often.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (i64, i64)> {
        self.counts.iter().map(|(seconds, count)| (*seconds, *count))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Count, sum, mean, percentiles by linear interpolation and the longest, in seconds.
    pub(crate) fn figures(&self) -> Wire {
        let n = self.counts.values().copied().fold(0, i64::saturating_add);
        if n <= 0 {
            return Wire::default();
        }
        let each = self.counts.iter().map(|(seconds, count)| seconds.saturating_mul(*count));
        let sum = each.fold(0, i64::saturating_add);
        let [p50, p90, p95] = self.percentiles(n, [0.5, 0.9, 0.95]);
        Wire {
            n: n.unsigned_abs(),
            sum: sum.max(0).unsigned_abs(),
            mean: Some(sum as f64 / n as f64),
            p50: Some(p50),
            p90: Some(p90),
            p95: Some(p95),
            max: self.counts.last_key_value().map(|(seconds, _)| *seconds as f64),
        }
    }

    /// with h = (n - 1) p, the value at floor(h), and the share h - floor(h) of the way to the next.
    fn percentiles<const N: usize>(&self, n: i64, shares: [f64; N]) -> [f64; N] {
        shares.map(|share| {
            let h = n.saturating_sub(1) as f64 * share;
            let mut through = 0_i64;
            let mut low = None;
            for (seconds, count) in &self.counts {
                through = through.saturating_add(*count);
                let value = *seconds as f64;
                if low.is_none() && through > h.floor() as i64 {
                    low = Some(value);
                }
                if let Some(low) = low
                    && through > h.ceil() as i64
                {
                    return low + (value - low) * h.fract();
                }
            }
            0.0
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_interpolate_between_neighbours() {
        // The worked first responses of the golden file, in minutes.
        let mut set = Durations::default();
        for minutes in [5, 20, 30, 45, 240, 5700] {
            set.add(minutes * 60_000, 1);
        }
        let figures = set.figures();
        assert_eq!((figures.n, figures.p50), (6, Some(37.5 * 60.0)));
        assert!((figures.mean.unwrap() / 60.0 - 1_006.666_667).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn figures_are_those_of_the_sorted_list(mut list in proptest::collection::vec(0i64..50, 1..60), more in 0i64..50) {
            let mut set = Durations::default();
            for seconds in list.iter().chain([&more]) {
                set.add(seconds * 1000 + 999, 1);
            }
            set.add(more * 1000, -1);
            list.sort_unstable();
            let naive = |share: f64| {
                let h = (list.len() - 1) as f64 * share;
                let (low, high) = (list[h.floor() as usize] as f64, list[h.ceil() as usize] as f64);
                low + (high - low) * h.fract()
            };
            let figures = set.figures();
            prop_assert_eq!(figures.n as usize, list.len());
            for (share, found) in [(0.5, figures.p50), (0.9, figures.p90), (0.95, figures.p95), (1.0, figures.max)] {
                prop_assert!((found.unwrap() - naive(share)).abs() < 1e-9, "{} {:?}", share, found);
            }
        }
    }
}
