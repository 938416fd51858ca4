//! What the rig finds: a broken promise, by the name that the design gives it. Data, not a panic: the negative
//! controls want to see them.

use std::fmt;

/// The promises, numbered as in the design of reliability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// What was acknowledged is in the log, at the position of the answer.
    I1,
    /// One outcome for each command id, and the same answer to each that asks.
    I2,
    /// Positions, versions and numbers have no gap, and every chain holds.
    I3,
    /// The stream is the log, byte by byte.
    I4,
    /// A read model is a function of the log.
    I5,
    /// After a doubt about storage nothing is acknowledged.
    I7,
    /// One writer.
    I8,
    /// Everything comes back by itself.
    I11,
    /// Cost does not grow with history.
    I12,
    /// The time of records never goes back, and is near the true one.
    I13,
    /// The rules, run again over the log, give what the desk shows.
    K2,
    /// Who was answered before another asked stands before it.
    K6,
}

impl Invariant {
    const fn promise(self) -> &'static str {
        match self {
            Self::I1 => "I1 acknowledged is on disk",
            Self::I2 => "I2 one outcome",
            Self::I3 => "I3 no gaps",
            Self::I4 => "I4 the stream is the log",
            Self::I5 => "I5 read models follow from the log",
            Self::I7 => "I7 fail-stop",
            Self::I8 => "I8 one writer",
            Self::I11 => "I11 comes back alone",
            Self::I12 => "I12 bounded cost",
            Self::I13 => "I13 time",
            Self::K2 => "K2 the rules again",
            Self::K6 => "K6 real-time order",
        }
    }
}

/// A broken promise.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) broken: Invariant,
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn of(broken: Invariant, what: impl Into<String>) -> Self {
        Self { broken, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.broken.promise(), self.what)
    }
}
