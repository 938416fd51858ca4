//! Commands and their answers as JSON: `data` is chosen by the verb, an answer says `ok` first.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::path;
use crate::command::fact_data;
use crate::wire;
use crate::wire::command::Data;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    #[serde(default, with = "crate::json::uuid")]
    command_id: Vec<u8>,
    #[serde(default, deserialize_with = "crate::json::object::optional")]
    actor: Option<wire::Actor>,
    #[serde(default, deserialize_with = "crate::json::whole::optional")]
    expected_version: Option<u64>,
    #[serde(default, with = "crate::json::uuid::optional")]
    correlation_id: Option<Vec<u8>>,
    #[serde(default, with = "crate::json::uuid::optional")]
    causation_id: Option<Vec<u8>>,
    #[serde(default, deserialize_with = "crate::json::word::optional_from::<wire::Channel, _>")]
    channel: Option<i32>,
    #[serde(default, deserialize_with = "crate::json::null_as_default")]
    dry_run: bool,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

macro_rules! verbs {
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        fn read_data(verb: &str, json: &str) -> Result<Option<Data>, serde_json::Error> {
            match verb {
                $(stringify!($verb) => path::read("data", json.as_bytes()).map(|d| Some(Data::$variant(d))),)*
                _ => Ok(None),
            }
        }

        fn write_data<S: Serializer>(data: &Data, s: S) -> Result<S::Ok, S::Error> {
            match data { $(Data::$variant(d) => d.serialize(s),)* }
        }
    };
}
each_verb!(verbs);

/// Reads a command whose verb stands in the subject.
///
/// # Errors
/// What is not as the schema says, and where.
pub fn read(verb: &str, body: &[u8]) -> Result<wire::Command, serde_json::Error> {
    path::shallow(body)?;
    let e: Envelope<'_> = path::read("", body)?;
    // An absent data is an empty one: `close` has nothing to say.
    let data = read_data(verb, e.data.map_or("{}", RawValue::get))?;
    Ok(wire::Command {
        command_id: e.command_id,
        actor: e.actor,
        expected_version: e.expected_version,
        correlation_id: e.correlation_id,
        causation_id: e.causation_id,
        channel: e.channel,
        dry_run: e.dry_run,
        data,
    })
}

impl Serialize for wire::Command {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        struct Payload<'a>(&'a Data);
        impl Serialize for Payload<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                write_data(self.0, s)
            }
        }
        #[derive(Serialize)]
        struct Out<'a> {
            #[serde(with = "crate::json::uuid")]
            command_id: Vec<u8>,
            actor: &'a Option<wire::Actor>,
            #[serde(skip_serializing_if = "Option::is_none")]
            expected_version: Option<u64>,
            #[serde(with = "crate::json::uuid::optional", skip_serializing_if = "Option::is_none")]
            correlation_id: Option<Vec<u8>>,
            #[serde(with = "crate::json::uuid::optional", skip_serializing_if = "Option::is_none")]
            causation_id: Option<Vec<u8>>,
            #[serde(
                serialize_with = "crate::json::word::optional_to::<wire::Channel, _>",
                skip_serializing_if = "Option::is_none"
            )]
            channel: Option<i32>,
            dry_run: bool,
            data: Option<Payload<'a>>,
        }
        Out {
            command_id: self.command_id.clone(),
            actor: &self.actor,
            expected_version: self.expected_version,
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
            channel: self.channel,
            dry_run: self.dry_run,
            data: self.data.as_ref().map(Payload),
        }
        .serialize(s)
    }
}

impl<'de> Deserialize<'de> for wire::Fact {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            r#type: String,
            #[serde(with = "crate::json::time")]
            occurred_at: i64,
            #[serde(default, deserialize_with = "crate::json::object::optional")]
            actor: Option<wire::Actor>,
            data: Box<RawValue>,
        }
        let form = Form::deserialize(d)?;
        let data = fact_data(&form.r#type, form.data.get()).map_err(serde::de::Error::custom)?;
        Ok(Self { r#type: form.r#type, occurred_at: form.occurred_at, actor: form.actor, data: Some(data) })
    }
}

impl Serialize for wire::Fact {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("type", &self.r#type)?;
        map.serialize_entry("occurred_at", &crate::time::Timestamp(self.occurred_at).to_string())?;
        if let Some(actor) = &self.actor {
            map.serialize_entry("actor", actor)?;
        }
        map.serialize_entry("data", &super::record::FactData(self.data.as_ref()))?;
        map.end()
    }
}

impl Serialize for wire::CommandReply {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Ok_<'a> {
            ok: bool,
            #[serde(flatten)]
            accepted: &'a wire::Accepted,
        }
        match &self.outcome {
            Some(wire::command_reply::Outcome::Accepted(accepted)) => Ok_ { ok: true, accepted }.serialize(s),
            Some(wire::command_reply::Outcome::Error(error)) => {
                Refused { ok: false, error: ErrorForm(error) }.serialize(s)
            }
            None => Refused { ok: false, error: ErrorForm(&wire::Error::default()) }.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for wire::CommandReply {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let mut map = serde_json::Map::deserialize(d)?;
        let outcome = match map.remove("ok") {
            Some(serde_json::Value::Bool(true)) => serde_json::from_value(map.into())
                .map(wire::command_reply::Outcome::Accepted)
                .map_err(D::Error::custom)?,
            _ => {
                let error = map.remove("error").ok_or_else(|| D::Error::missing_field("error"))?;
                serde_json::from_value(error)
                    .map(wire::command_reply::Outcome::Error)
                    .map_err(D::Error::custom)?
            }
        };
        Ok(Self { outcome: Some(outcome) })
    }
}

/// A refusal: `{"ok": false, "error": {...}}`.
#[derive(Serialize)]
pub(crate) struct Refused<'a> {
    pub(crate) ok: bool,
    pub(crate) error: ErrorForm<'a>,
}

/// An error with every field written, absent ones as `null`: a program sees what could be there.
pub(crate) struct ErrorForm<'a>(pub(crate) &'a wire::Error);

impl Serialize for ErrorForm<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        struct Details<'a>(&'a wire::ErrorDetails);
        impl Serialize for Details<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                let serde_json::Value::Object(mut map) =
                    serde_json::to_value(self.0).map_err(serde::ser::Error::custom)?
                else {
                    return s.serialize_none();
                };
                if self.0.missed_count.is_none() {
                    map.remove("missed");
                }
                map.serialize(s)
            }
        }
        let mut map = s.serialize_map(Some(5))?;
        map.serialize_entry("code", &self.0.code)?;
        map.serialize_entry("message", &self.0.message)?;
        map.serialize_entry("field", &self.0.field)?;
        map.serialize_entry("details", &self.0.details.as_ref().map(Details))?;
        map.serialize_entry("retry_after_ms", &self.0.retry_after_ms)?;
        map.end()
    }
}
