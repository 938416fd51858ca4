//! Durations in the figures of the truth's `common.py`: hours, rounded to six decimals; the percentiles with
//! linear interpolation and by nearest rank.

use serde_json::Value;

/// Half of the last decimal that the truth keeps, and a little for the arithmetic of doubles.
const ROUNDING_H: f64 = 0.5e-6 + 1e-9;

/// How many, how long in all, and how they are spread.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spread {
    seconds: Vec<i64>,
}

impl Spread {
    /// Of durations in milliseconds.
    pub(super) fn of_millis(millis: impl IntoIterator<Item = i64>) -> Self {
        let mut seconds: Vec<i64> = millis
            .into_iter()
            .map(|ms| {
                assert_eq!(ms % 1000, 0, "the sources know whole seconds");
                ms / 1000
            })
            .collect();
        seconds.sort_unstable();
        Self { seconds }
    }

    pub(super) fn sum_seconds(&self) -> i64 {
        self.seconds.iter().sum()
    }

    /// Rounded as the truth rounds it.
    pub(super) fn mean_h(&self) -> f64 {
        (hours(self.sum_seconds() as f64 / self.seconds.len() as f64) * 1e6).round() / 1e6
    }

    /// Every figure of the truth, where ours may be longer by so many seconds in all.
    pub(super) fn check(&self, truth: &Value, longer_seconds: i64) {
        let n = self.seconds.len();
        assert_eq!(truth["n"].as_u64(), Some(n as u64), "how many");
        let sum = truth["sum_seconds"].as_i64().expect("a sum");
        assert_eq!(self.sum_seconds(), sum + longer_seconds, "sum of {n}");
        let longer_mean_h = hours(longer_seconds as f64 / n as f64);
        self.figure(truth, "mean_h", hours(self.sum_seconds() as f64 / n as f64) - longer_mean_h);
        self.figure(truth, "median_h", hours(self.linear(0.5)));
        self.figure(truth, "p90_linear_h", hours(self.linear(0.9)));
        self.figure(truth, "p90_nearest_rank_h", hours(self.nearest_rank(0.9)));
        self.figure(truth, "min_h", hours(self.seconds[0] as f64));
        self.figure(truth, "max_h", hours(self.seconds[n - 1] as f64));
    }

    fn figure(&self, truth: &Value, name: &str, ours: f64) {
        let truth = truth[name].as_f64().unwrap_or_else(|| panic!("the truth has {name}"));
        assert!((ours - truth).abs() <= ROUNDING_H, "{name}: truth {truth}, ours {ours}");
    }

    fn linear(&self, share: f64) -> f64 {
        let place = (self.seconds.len() - 1) as f64 * share;
        let below = place.floor() as usize;
        let above = (below + 1).min(self.seconds.len() - 1);
        let (low, high) = (self.seconds[below] as f64, self.seconds[above] as f64);
        low + (high - low) * (place - below as f64)
    }

    fn nearest_rank(&self, share: f64) -> f64 {
        let rank = (self.seconds.len() as f64 * share).ceil() as usize;
        self.seconds[rank.max(1) - 1] as f64
    }
}

fn hours(seconds: f64) -> f64 {
    seconds / 3600.0
}

#[test]
fn percentiles_are_those_of_common_py() {
    let spread = Spread::of_millis([4_000, 1_000, 3_000, 2_000]);
    assert_eq!((spread.linear(0.5), spread.linear(0.9)), (2.5, 3.7));
    assert_eq!((spread.nearest_rank(0.5), spread.nearest_rank(0.9)), (2.0, 4.0));
}
