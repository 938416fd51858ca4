//! A text that holds a JSON object: in JSON, the object itself. It is kept in one canonical form (keys in order, no
//! white space, nothing that is null), so that the same object always is the same text, with the same hash.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The contract refuses what is nested deeper; the object itself stands in `data`, two levels down.
const DEPTH_MAX: usize = 14;

pub(crate) fn serialize<S: Serializer>(text: &String, s: S) -> Result<S::Ok, S::Error> {
    let object = if text.is_empty() { "null" } else { text };
    match serde_json::from_str::<&RawValue>(object) {
        Ok(object) => object.serialize(s),
        // Never written so: whoever shows a damaged record shows it as it is.
        Err(_) => s.serialize_str(text),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    match (Level { above: 0 }).deserialize(d)? {
        Tree::Null => Ok(String::new()),
        Tree::Object(object) => text(&Tree::Object(object)).map_err(D::Error::custom),
        Tree::Flag(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) => {
            Err(D::Error::custom("must be a JSON object"))
        }
    }
}

/// The canonical form of a text that holds a JSON object.
///
/// # Errors
/// It holds something else, a key twice, or is nested too deeply.
pub fn canonical(json: &str) -> Result<String, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let tree = Level { above: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    match tree {
        Tree::Object(_) => text(&tree),
        Tree::Null | Tree::Flag(_) | Tree::Number(_) | Tree::Text(_) | Tree::List(_) => {
            Err(<serde_json::Error as Error>::custom("must be a JSON object"))
        }
    }
}

fn text(tree: &Tree) -> Result<String, serde_json::Error> {
    serde_json::to_string(tree)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Tree {
    Null,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// Reads one value so many levels down.
#[derive(Clone, Copy)]
struct Level {
    above: usize,
}

impl Level {
    fn below<E: Error>(self) -> Result<Self, E> {
        if self.above < DEPTH_MAX {
            Ok(Self { above: self.above.saturating_add(1) })
        } else {
            Err(E::custom("is nested too deeply"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Tree;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Tree, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Tree;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        let number = serde_json::Number::from_f64(number);
        number.map(Tree::Number).ok_or_else(|| E::custom("must be a finite number"))
    }
    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(below)? {
            list.push(value);
        }
        Ok(Tree::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let below = self.below()?;
        let mut object = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate field `{key}`")));
            }
            object.insert(key, map.next_value_seed(below)?);
        }
        // In the contract, null is absent.
        object.retain(|_, value| !matches!(value, Tree::Null));
        Ok(Tree::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn the_same_object_is_the_same_text() {
        let one = canonical("{\"b\": [1, 2.5, \"x\"],\n \"a\": {\"d\": null, \"c\": true}}").unwrap();
        assert_eq!(one, r#"{"a":{"c":true},"b":[1,2.5,"x"]}"#);
        assert_eq!(canonical(&one).unwrap(), one);
    }

    #[test]
    fn only_an_object_of_bounded_depth_without_doubles_is_one() {
        for wrong in ["[]", "null", "1", "{\"a\":1,\"a\":2}", "{\"x\":{\"a\":1,\"a\":1}}", "{} {}"] {
            assert!(canonical(wrong).is_err(), "{wrong}");
        }
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(canonical(&nested(13)).is_ok());
        assert!(canonical(&nested(14)).is_err());
    }
}
