//! The JSON mapping of the contract: field names as in the `.proto`, 64-bit integers as numbers, lower-case
//! words for enumerations, RFC 3339 times with three decimals, hyphenated UUIDs, hex hashes, `null` as absent.

pub mod command;
pub mod hash;
pub mod query;
pub mod record;
pub mod time;
pub mod uuid;
pub mod word;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

/// Writes JSON. Our own types always can be.
///
/// # Panics
/// Never: no map of ours has keys that are not texts.
#[must_use]
pub fn to_vec<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("our wire types have only text keys")
}

/// Takes `null` as absent.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

/// Reads a map and refuses a key that comes twice.
pub(crate) fn unique_map<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<BTreeMap<String, T>, D::Error> {
    struct Unique<T>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
        type Value = BTreeMap<String, T>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut out = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, T>()? {
                if out.contains_key(&key) {
                    return Err(A::Error::custom(format!("duplicate field `{key}`")));
                }
                out.insert(key, value);
            }
            Ok(out)
        }
    }
    d.deserialize_any(Unique(std::marker::PhantomData))
}

mod personal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::wire;

    impl Serialize for wire::Personal {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            self.form.serialize(s)
        }
    }

    impl<'de> Deserialize<'de> for wire::Personal {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            Ok(Self { form: Some(wire::personal::Form::deserialize(d)?) })
        }
    }

    impl Serialize for wire::FieldValue {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            self.value.serialize(s)
        }
    }

    impl<'de> Deserialize<'de> for wire::FieldValue {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            Ok(Self { value: Some(wire::field_value::Value::deserialize(d)?) })
        }
    }
}
