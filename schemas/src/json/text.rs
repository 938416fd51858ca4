//! Texts that must parse: times, UUIDs, hashes and words. They are parsed inside the visitor, because only
//! there serde_json still knows where it stands, and an error can name its field.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

/// Parses one text, or says why not.
pub(crate) type Parse<T> = fn(&str) -> Result<T, String>;

/// Reads a text, or `null` as absent.
pub(crate) fn optional<'de, D: Deserializer<'de>, T>(d: D, parse: Parse<T>) -> Result<Option<T>, D::Error> {
    struct Optional<T>(Parse<T>);
    impl<'de, T> Visitor<'de> for Optional<T> {
        type Value = Option<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
            One(self.0).deserialize(d).map(Some)
        }
    }
    d.deserialize_option(Optional(parse))
}

/// Reads a list of texts; `null` is an empty one.
pub(crate) fn list<'de, D: Deserializer<'de>, T>(d: D, parse: Parse<T>) -> Result<Vec<T>, D::Error> {
    struct List<T>(Parse<T>);
    impl<'de, T> Visitor<'de> for List<T> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of strings")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(value) = seq.next_element_seed(One(self.0))? {
                out.push(value);
            }
            Ok(out)
        }
    }
    d.deserialize_any(List(parse))
}

/// The beginning of a text in quotes: an answer does not repeat all that came.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

struct One<T>(Parse<T>);

impl<'de, T> DeserializeSeed<'de> for One<T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<T, D::Error> {
        d.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for One<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}
