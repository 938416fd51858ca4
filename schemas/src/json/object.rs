//! Objects, and nothing else where an object is due: what serde derives would take an array of the values too.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::wire;

/// Reads an object, or `null` as absent.
pub(crate) fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    struct Optional<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Optional<T> {
        type Value = Option<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }
    d.deserialize_any(Optional(PhantomData))
}

/// Reads a list of objects; `null` is an empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of objects")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(value) = seq.next_element_seed(Required(PhantomData))? {
                out.push(value);
            }
            Ok(out)
        }
    }
    d.deserialize_any(List(PhantomData))
}

/// Reads an object key by key and refuses a key that comes twice; `null` values are absent.
pub(crate) fn unique<'de, D: Deserializer<'de>, T>(
    d: D,
    parse: fn(&RawValue) -> Result<T, String>,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct Unique<T>(fn(&RawValue) -> Result<T, String>);
    impl<'de, T> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut raw: BTreeMap<String, Option<Box<RawValue>>> = BTreeMap::new();
            while let Some((key, value)) = map.next_entry()? {
                if raw.contains_key(&key) {
                    return Err(A::Error::custom(format!("duplicate field `{key}`")));
                }
                raw.insert(key, value);
            }
            raw.into_iter()
                .filter_map(|(key, value)| value.map(|v| (key, v)))
                .map(|(key, value)| match (self.0)(&value) {
                    Ok(value) => Ok((key, value)),
                    Err(rule) => Err(A::Error::custom(format!(".{key}: {rule}"))),
                })
                .collect()
        }
    }
    d.deserialize_any(Unique(parse))
}

/// Reads custom fields.
pub(crate) fn fields<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<BTreeMap<String, wire::FieldValue>, D::Error> {
    unique(d, super::personal::field_value)
}

struct Required<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Required<T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        optional(d)?.ok_or_else(|| D::Error::custom("must be an object, not null"))
    }
}
