//! Instants in whole milliseconds UTC. No clock here: `now` comes in as a value.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The first instant that RFC 3339 can write: the year 0.
    pub const FIRST: Self = Self(-62_167_219_200_000);
    /// The last one: the end of the year 9999.
    pub const LAST: Self = Self(253_402_300_799_999);

    /// The first instant that may be given from outside: the beginning of 1970.
    pub const GIVEN_FIRST: Self = Self(0);
    /// The last one: the beginning of 2200. What is reckoned from such instants stays far from every end of a number.
    pub const GIVEN_LAST: Self = Self(7_258_118_400_000);

    /// An instant that may be given from outside: in a command, a query, a configuration or an export. Logs of today
    /// may hold others, and are read.
    #[must_use]
    pub fn given(ms: i64) -> Option<Self> {
        (Self::GIVEN_FIRST.0..=Self::GIVEN_LAST.0).contains(&ms).then_some(Self(ms))
    }

    /// An instant that RFC 3339 can write.
    #[must_use]
    pub fn new(ms: i64) -> Option<Self> {
        (Self::FIRST.0..=Self::LAST.0).contains(&ms).then_some(Self(ms))
    }

    /// Reads RFC 3339 with any offset and at most three decimals. The 60th second of a leap minute is the
    /// first of the next.
    ///
    /// ```
    /// use guichet_schemas::time::Timestamp;
    /// let t = Timestamp::parse("2026-03-10T10:00:00+01:00").unwrap();
    /// assert_eq!(t.to_string(), "2026-03-10T09:00:00.000Z");
    /// assert_eq!(Timestamp::parse("2026-03-10"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // chrono is milder than the schema: it takes a blank for T, lower case, and any number of decimals.
        let (seconds, rest) = text.split_at_checked(19)?;
        let decimals = rest.strip_prefix('.').map_or(0, |d| d.bytes().take_while(u8::is_ascii_digit).count());
        if seconds.as_bytes()[10] != b'T' || decimals > 3 || rest.ends_with('z') {
            return None;
        }
        Self::new(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
    }

    /// Milliseconds from `earlier` to here; 0 where that is in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The same instant for chrono; `None` beyond its range of 262,000 years.
    #[must_use]
    pub fn to_chrono(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(t: DateTime<Utc>) -> Self {
        Self(t.timestamp_millis())
    }
}

/// RFC 3339 UTC with exactly three decimals and `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_chrono() {
            Some(t) => f.write_str(&t.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
