//! UUIDs: lower case with hyphens.

use serde::{Deserializer, Serializer};

use super::text;

fn write(value: &Vec<u8>) -> String {
    uuid::Uuid::from_slice(value).map_or_else(|_| hex::encode(value), |u| u.as_hyphenated().to_string())
}

fn read(text: &str) -> Result<Vec<u8>, String> {
    match uuid::Uuid::try_parse(text) {
        Ok(u) if text.len() == 36 => Ok(u.as_bytes().to_vec()),
        _ => Err(format!("{} is not a UUID with hyphens", text::quoted(text))),
    }
}

pub(crate) fn serialize<S: Serializer>(value: &Vec<u8>, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&write(value))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
    optional::deserialize(d).map(Option::unwrap_or_default)
}

/// The same for a field that may be absent.
pub(crate) mod optional {
    use serde::Serialize as _;

    use super::{Deserializer, Serializer, read, text, write};

    pub(crate) fn serialize<S: Serializer>(value: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(write).serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<u8>>, D::Error> {
        text::optional(d, read)
    }
}

/// The same for a list.
pub(crate) mod list {
    use super::{Deserializer, Serializer, read, text, write};

    pub(crate) fn serialize<S: Serializer>(values: &[Vec<u8>], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(values.iter().map(write))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
        text::list(d, read)
    }
}
