//! UUIDs: lower case with hyphens.

use serde::{Deserializer, Serializer};

type Value = Vec<u8>;

fn write(value: &Value) -> String {
    uuid::Uuid::from_slice(value).map_or_else(|_| hex::encode(value), |u| u.as_hyphenated().to_string())
}

fn read(text: &str) -> Result<Value, String> {
    match uuid::Uuid::try_parse(text) { Ok(u) if text.len() == 36 => Ok(u.as_bytes().to_vec()), _ => Err(format!("{text:?} is not a UUID with hyphens")) }
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
