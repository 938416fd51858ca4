//! What of a ticket's facts the log has.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fact::AlarmKey;
use crate::timer_name::TimerName;

/// The facts of a ticket that the log has. A rule fires in the order of its instances, so the last of them stands for
/// all: a rule that repeats for years takes no more room than one that fired once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    clocks: BTreeSet<AlarmKey>,
    rules: BTreeMap<String, u32>,
}

impl Recorded {
    /// Takes a fact that the log has.
    pub fn insert(&mut self, key: AlarmKey) {
        if let TimerName::Rule(rule) = key.of {
            let last = self.rules.entry(rule).or_default();
            *last = key.instance.max(*last);
        } else {
            self.clocks.insert(key);
        }
    }

    /// True where the log has it, or a later one of the same rule.
    #[must_use]
    pub fn contains(&self, key: &AlarmKey) -> bool {
        match &key.of {
            TimerName::Rule(rule) => self.rules.get(rule).is_some_and(|last| key.instance <= *last),
            TimerName::Clock(_) => self.clocks.contains(key),
        }
    }
}
