//! Instants: RFC 3339 UTC with three decimals and `Z`.

use serde::{Deserializer, Serializer};

use crate::time::Timestamp;

type Value = i64;

fn write(value: &Value) -> String {
    Timestamp(*value).to_string()
}

fn read(text: &str) -> Result<Value, String> {
    Timestamp::parse(text).map(|t| t.0).ok_or_else(|| format!("{text:?} is not an RFC 3339 time with at most three decimals"))
}

pub(crate) fn serialize<S: Serializer>(value: &Value, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&write(value))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Value, D::Error> {
    optional::deserialize(d).map(Option::unwrap_or_default)
}

/// The same for a field that may be absent.
pub(crate) mod optional {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Serialize as _};

    use super::{Deserializer, Serializer, Value, read, write};

    pub(crate) fn serialize<S: Serializer>(value: &Option<Value>, s: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(write).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
        Option::<std::borrow::Cow<'de, str>>::deserialize(d)?.map(|t| read(&t)).transpose().map_err(D::Error::custom)
    }
}
