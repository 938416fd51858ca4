//! Instants: RFC 3339 UTC with three decimals and `Z`.

use serde::{Deserializer, Serializer};

use super::text;
use crate::time::Timestamp;

fn write(value: i64) -> String {
    Timestamp(value).to_string()
}

fn read(text: &str) -> Result<i64, String> {
    Timestamp::parse(text)
        .map(|t| t.0)
        .ok_or_else(|| format!("{} is not an RFC 3339 time with at most three decimals", text::quoted(text)))
}

pub(crate) fn serialize<S: Serializer>(value: &i64, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&write(*value))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    optional::deserialize(d).map(Option::unwrap_or_default)
}

/// The same for a field that may be absent.
pub(crate) mod optional {
    use serde::Serialize as _;

    use super::{Deserializer, Serializer, read, text, write};

    pub(crate) fn serialize<S: Serializer>(value: &Option<i64>, s: S) -> Result<S::Ok, S::Error> {
        value.map(write).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
        text::optional(d, read)
    }
}
