//! What a fact is about: a clock or a time rule.

use guichet_schemas::words::SlaMetric;
use serde::{Deserialize, Serialize};

use crate::metric_number;

/// The subject of a fact: a clock, or a time rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TimerName {
    Clock(#[serde(with = "metric_number")] SlaMetric),
    /// A time rule, by its id. After all clocks.
    Rule(String),
}

impl std::fmt::Display for TimerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Clock(metric) => f.write_str(metric.as_str()),
            Self::Rule(id) => write!(f, "rule:{id}"),
        }
    }
}
