//! What happened to a clock.

use std::borrow::Cow;

use guichet_config::{HoursKind, OnTargetChange};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{ClockStep, Moment, MomentClock};
use serde::{Deserialize, Serialize};

use crate::instant;
use crate::timer_name::TimerName;

/// One fact about one clock or time rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    #[serde(with = "instant")]
    pub at: Timestamp,
    /// About what.
    pub of: TimerName,
    /// Which clock of its metric, from 1.
    pub instance: u32,
    pub kind: Kind,
}

impl Fact {
    /// What the figures count of it, found by the record at a position.
    #[must_use]
    pub fn counted(&self, position: u64) -> Option<Moment> {
        let TimerName::Clock(metric) = &self.of else { return None };
        let step = match &self.kind {
            Kind::Breached { .. } => ClockStep::Breached,
            Kind::Voided { .. } => ClockStep::Voided,
            Kind::Fulfilled { outcome: Outcome::Met, reason, .. } if reason == "resolved" => {
                ClockStep::MetByResolve
            }
            Kind::Fulfilled { outcome: Outcome::Met, .. } => ClockStep::Met,
            Kind::Resumed { after_reopen: true, .. } => ClockStep::Resumed,
            Kind::Started { .. }
            | Kind::Paused { .. }
            | Kind::Resumed { .. }
            | Kind::TargetChanged { .. }
            | Kind::Rescheduled { .. }
            | Kind::Warned { .. }
            | Kind::Fulfilled { .. }
            | Kind::Cancelled { .. }
            | Kind::Armed { .. }
            | Kind::Disarmed { .. }
            | Kind::Fired { .. } => return None,
        };
        let clock = MomentClock { metric: metric.to_wire(), instance: self.instance, step: step as i32 };
        Some(Moment { position, at: self.at.0, what: Some(What::Clock(clock)) })
    }
}

/// Identifies a fact that the log has at most once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlarmKey {
    /// About what.
    pub of: TimerName,
    /// Which clock of its metric, or how often the rule was armed.
    pub instance: u32,
    /// Of a warning, its share of the target.
    pub pct: Option<u32>,
}

impl Fact {
    /// Its name in the log; `None`: it is not recorded there.
    #[must_use]
    pub fn alarm(&self) -> Option<AlarmKey> {
        let pct = if let Kind::Warned { pct, .. } = &self.kind { Some(*pct) } else { None };
        self.kind.is_alarm().then(|| AlarmKey { of: self.of.clone(), instance: self.instance, pct })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// In time.
    Met,
    /// Not in time.
    Breached,
    /// Not in time, and a supervisor said that it does not count.
    Voided,
}

impl Outcome {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Breached => "breached",
            Self::Voided => "voided",
        }
    }
}

/// The kind of a fact. Times are instants, consumed time whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Started {
        policy: String,
        policy_version: u32,
        target_s: u32,
        hours: HoursKind,
        calendar: Option<String>,
        #[serde(with = "instant::option")]
        due_at: Option<Timestamp>,
    },
    Paused {
        consumed_s: i64,
    },
    Resumed {
        consumed_s: i64,
        #[serde(with = "instant::option")]
        due_at: Option<Timestamp>,
        /// After a reopen, not a pause.
        after_reopen: bool,
    },
    TargetChanged {
        policy: String,
        policy_version: u32,
        target_s: u32,
        revision: u32,
        mode: OnTargetChange,
        consumed_s: i64,
        #[serde(with = "instant::option")]
        due_at: Option<Timestamp>,
    },
    Rescheduled {
        #[serde(with = "instant::option")]
        due_before: Option<Timestamp>,
        #[serde(with = "instant::option")]
        due_at: Option<Timestamp>,
        cause: String,
    },
    Warned {
        pct: u32,
        #[serde(with = "instant::option")]
        due_at: Option<Timestamp>,
        /// A change jumped over the threshold.
        immediate: bool,
    },
    Breached {
        #[serde(with = "instant")]
        due_at: Timestamp,
        consumed_s: i64,
        policy: String,
        policy_version: u32,
        /// It was past due when it was found, because of a change.
        immediate: bool,
    },
    Voided {
        by: String,
        reason: String,
    },
    Fulfilled {
        reason: Cow<'static, str>,
        consumed_s: i64,
        outcome: Outcome,
    },
    Cancelled {
        reason: Cow<'static, str>,
        consumed_s: i64,
    },
    Armed {
        #[serde(with = "instant::option")]
        due_at: Option<Timestamp>,
    },
    Disarmed {
        reason: Cow<'static, str>,
    },
    Fired {
        rule: String,
        /// So many further times it was due in the past, all of which this stands for.
        skipped: u32,
    },
}

impl Kind {
    /// Its name in lists.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "SlaClockStarted",
            Self::Paused { .. } => "SlaClockPaused",
            Self::Resumed { .. } => "SlaClockResumed",
            Self::TargetChanged { .. } => "SlaTargetChanged",
            Self::Rescheduled { .. } => "SlaDueRescheduled",
            Self::Warned { .. } => "SlaWarned",
            Self::Breached { .. } => "SlaBreached",
            Self::Voided { .. } => "SlaBreachVoided",
            Self::Fulfilled { .. } => "SlaClockFulfilled",
            Self::Cancelled { .. } => "SlaClockCancelled",
            Self::Armed { .. } => "TimeRuleArmed",
            Self::Disarmed { .. } => "TimeRuleDisarmed",
            Self::Fired { .. } => "TimeRuleFired",
        }
    }

    /// True for what time finds and other people must know of: it is recorded in the log.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        matches!(self, Self::Warned { .. } | Self::Breached { .. } | Self::Fired { .. })
    }

    /// Place among the facts of one instant and one clock, and among those of the same place.
    const fn rank(&self) -> (u8, u32) {
        match self {
            Self::Started { .. } | Self::Armed { .. } => (0, 0),
            Self::Resumed { .. } => (1, 0),
            Self::TargetChanged { .. } => (2, 0),
            Self::Rescheduled { .. } => (3, 0),
            Self::Warned { pct, .. } => (4, *pct),
            Self::Breached { .. } | Self::Fired { .. } => (5, 0),
            Self::Voided { .. } => (6, 0),
            Self::Paused { .. } => (7, 0),
            Self::Fulfilled { .. } | Self::Cancelled { .. } | Self::Disarmed { .. } => (8, 0),
        }
    }
}

/// Puts facts into the order in which they are listed: by instant, metric, instance and kind.
pub fn order(facts: &mut [Fact]) {
    facts.sort_by(|a, b| {
        let key = |f: &Fact| (f.at, f.instance, f.kind.rank());
        let ((at_a, instance_a, rank_a), (at_b, instance_b, rank_b)) = (key(a), key(b));
        at_a.cmp(&at_b)
            .then_with(|| a.of.cmp(&b.of))
            .then_with(|| instance_a.cmp(&instance_b))
            .then_with(|| rank_a.cmp(&rank_b))
    });
}
