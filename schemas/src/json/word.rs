//! Enumerations: lower-case words.

use serde::{Deserializer, Serialize as _, Serializer};

use super::text;

/// An enumeration of the wire with its words.
pub(crate) trait Words {
    /// Word and number of each value but the unspecified one.
    const WORDS: &'static [(&'static str, i32)];
}

include!(concat!(env!("OUT_DIR"), "/json_enums.rs"));

fn write<E: Words>(value: i32) -> Option<&'static str> {
    E::WORDS.iter().find(|(_, n)| *n == value).map(|(w, _)| *w)
}

fn read<E: Words>(text: &str) -> Result<i32, String> {
    E::WORDS.iter().find(|(w, _)| *w == text).map(|(_, n)| *n).ok_or_else(|| {
        let words: Vec<_> = E::WORDS.iter().map(|(w, _)| *w).collect();
        format!("{} is not one of {}", text::quoted(text), words.join(", "))
    })
}

pub(crate) fn one_to<E: Words, S: Serializer>(value: &i32, s: S) -> Result<S::Ok, S::Error> {
    write::<E>(*value).serialize(s)
}

pub(crate) fn one_from<'de, E: Words, D: Deserializer<'de>>(d: D) -> Result<i32, D::Error> {
    optional_from::<E, D>(d).map(Option::unwrap_or_default)
}

pub(crate) fn optional_to<E: Words, S: Serializer>(value: &Option<i32>, s: S) -> Result<S::Ok, S::Error> {
    value.and_then(write::<E>).serialize(s)
}

pub(crate) fn optional_from<'de, E: Words, D: Deserializer<'de>>(d: D) -> Result<Option<i32>, D::Error> {
    text::optional(d, read::<E>)
}
