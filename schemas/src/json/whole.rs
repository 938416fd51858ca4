//! Whole numbers of a caller: what is no number is malformed, what is one and lies outside its range breaks a rule.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

use crate::command::limits;

/// A range of whole numbers.
pub(crate) trait Whole: TryFrom<u64> + Default {
    /// The rule that a number outside it breaks.
    const RULE: &str;
    /// The last one.
    const MAX: u64;
}

impl Whole for u32 {
    const RULE: &str = "must be a whole number from 0 to 4294967295";
    const MAX: u64 = u32::MAX as u64;
}

impl Whole for u64 {
    const RULE: &str = "must be a whole number from 0 to 9007199254740991";
    const MAX: u64 = limits::WHOLE_MAX;
}

/// Splits what [`super::path`] says of a number outside its range into field and rule; `None`: it says something else.
pub(crate) fn beyond_range(message: &str) -> Option<(&str, &'static str)> {
    [u32::RULE, u64::RULE]
        .into_iter()
        .find_map(|rule| Some((message.strip_suffix(rule)?.strip_suffix(": ")?, rule)))
}

/// Reads a number, or `null` as absent.
pub(crate) fn optional<'de, N: Whole, D: Deserializer<'de>>(d: D) -> Result<Option<N>, D::Error> {
    d.deserialize_any(Reader(PhantomData))
}

/// Reads a number; `null` is 0.
pub(crate) fn one<'de, N: Whole, D: Deserializer<'de>>(d: D) -> Result<N, D::Error> {
    optional(d).map(Option::unwrap_or_default)
}

struct Reader<N>(PhantomData<N>);

impl<N: Whole> Visitor<'_> for Reader<N> {
    type Value = Option<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let within =
            Some(number).filter(|number| *number <= N::MAX).and_then(|number| N::try_from(number).ok());
        within.map(Some).ok_or_else(|| E::custom(N::RULE))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        u64::try_from(number).map_err(|_| E::custom(N::RULE)).and_then(|number| self.visit_u64(number))
    }

    /// Numbers too large for 64 bits come here; fractions are no whole numbers.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        if number.abs() > limits::WHOLE_MAX as f64 {
            Err(E::custom(N::RULE))
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Float(number), &self))
        }
    }
}
