//! Three counters, three types: the whole log, one stream, and JetStream's own.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The first.
            pub const FIRST: Self = Self(NonZeroU64::MIN);

            /// `None` for 0, which stands for "none yet".
            #[must_use]
            pub const fn new(value: u64) -> Option<Self> {
                match NonZeroU64::new(value) {
                    Some(v) => Some(Self(v)),
                    None => None,
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0.get()
            }

            /// The next one. Nothing is counted to 2^64 - 1; a number from outside that says so is its own next.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The one after `last`, or the first.
            #[must_use]
            pub const fn after(last: Option<Self>) -> Self {
                match last {
                    Some(v) => v.next(),
                    None => Self::FIRST,
                }
            }

            /// The one before; `None` before the first.
            #[must_use]
            pub const fn previous(self) -> Option<Self> {
                Self::new(self.0.get().saturating_sub(1))
            }

            /// The number, 0 for none: how it stands on the wire and in JSON.
            #[must_use]
            pub fn or_zero(last: Option<Self>) -> u64 {
                last.map_or(0, Self::get)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// Place of an event in the whole log. Starts at 1, never skips, is never reused.
    LogPosition
);
counter!(
    /// Place of an event in its stream, such as one ticket. Starts at 1, never skips.
    StreamVersion
);
counter!(
    /// JetStream's sequence of a message. Equal to the position of the record in it, or the stream is foreign.
    BrokerSequence
);

/// The partition of the log. There is one, 0, until scale-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Partition(pub u32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One start of an engine. Each start has a higher one, so that an old engine can be told from the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// Lineage of a log: 1, and one more after each restore that gave records up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);
