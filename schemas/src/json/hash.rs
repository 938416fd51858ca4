//! Hashes and other bytes: lower-case hex.

use serde::{Deserializer, Serializer};

type Value = Vec<u8>;

fn write(value: &Value) -> String {
    hex::encode(value)
}

fn read(text: &str) -> Result<Value, String> {
    hex::decode(text).map_err(|_| format!("{text:?} is not hex"))
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

/// The same for a list.
pub(crate) mod list {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Serialize as _};

    use super::{Deserializer, Serializer, Value, read, write};

    pub(crate) fn serialize<S: Serializer>(values: &[Value], s: S) -> Result<S::Ok, S::Error> {
        values.iter().map(write).collect::<Vec<_>>().serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Value>, D::Error> {
        let texts = Option::<Vec<String>>::deserialize(d)?.unwrap_or_default();
        texts.iter().map(|t| read(t)).collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}
