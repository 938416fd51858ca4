//! The JSON mapping of the contract: field names as in the `.proto`, 64-bit integers as numbers, lower-case
//! words for enumerations, RFC 3339 times with three decimals, hyphenated UUIDs, hex hashes, `null` as absent.

pub mod command;
pub mod embedded;
pub mod hash;
pub(crate) mod object;
pub(crate) mod path;
pub mod query;
pub mod record;
pub(crate) mod text;
pub mod time;
pub mod uuid;
pub(crate) mod whole;
pub mod word;

use serde::de::{Deserialize, Deserializer};

/// Writes JSON. Our own types always can be.
///
/// # Panics
/// Never: no map of ours has keys that are not texts.
#[must_use]
pub fn to_vec<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("our wire types have only text keys")
}

/// Takes `null` as absent.
pub(crate) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    d: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(d).map(Option::unwrap_or_default)
}

mod personal {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::value::RawValue;

    use super::text::quoted;
    use crate::wire;
    use crate::wire::field_value::Value;

    /// 2^53 - 1: beyond it a double does not hold every whole number.
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;

    impl Serialize for wire::Personal {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            self.form.serialize(s)
        }
    }

    impl<'de> Deserialize<'de> for wire::Personal {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Form {
                #[serde(default)]
                plain: Option<String>,
                #[serde(default, deserialize_with = "crate::json::object::optional")]
                sealed: Option<wire::Sealed>,
            }
            match super::object::optional(d)? {
                Some(Form { plain: Some(text), sealed: None }) => {
                    Ok(Self { form: Some(wire::personal::Form::Plain(text)) })
                }
                Some(Form { plain: None, sealed: Some(sealed) }) => {
                    Ok(Self { form: Some(wire::personal::Form::Sealed(sealed)) })
                }
                _ => Err(D::Error::custom("must hold either plain or sealed")),
            }
        }
    }

    impl Serialize for wire::FieldValue {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            self.value.serialize(s)
        }
    }

    impl<'de> Deserialize<'de> for wire::FieldValue {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            field_value(&Box::<RawValue>::deserialize(d)?).map_err(D::Error::custom)
        }
    }

    /// Reads the value of a custom field. Numbers are read from their text: serde_json alone may miss the
    /// nearest double by one, and the same command would have two hashes.
    pub(crate) fn field_value(raw: &RawValue) -> Result<wire::FieldValue, String> {
        let text = raw.get();
        let value = match text.as_bytes() {
            [b'"', ..] => Value::Text(
                serde_json::from_str(text).map_err(|_| "is not a text of Unicode characters".to_owned())?,
            ),
            b"true" => Value::Flag(true),
            b"false" => Value::Flag(false),
            [b'-' | b'0'..=b'9', ..] => Value::Number(number(text)?),
            _ => return Err("must be a text, a number or a flag".to_owned()),
        };
        Ok(wire::FieldValue { value: Some(value) })
    }

    fn number(text: &str) -> Result<f64, String> {
        let number: f64 = text.parse().map_err(|_| format!("{} is not a number", quoted(text)))?;
        let whole = !text.contains(['.', 'e', 'E']);
        if number.is_finite() && !(whole && number.abs() > EXACT_MAX) {
            Ok(number)
        } else {
            Err(format!("{} is too large for a number; send it as a text", quoted(text)))
        }
    }
}
