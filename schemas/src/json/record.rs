//! Records, facts and timeline entries as JSON: `data` is the content of the event. Readers ignore what they do not know.

use serde::{Serialize, Serializer};

use crate::wire;

macro_rules! event_data {
    (
        Ticket: TicketEvent { $($family:ident { $($fact:ident,)* })* }
        $($about:ident: $about_event:ident { $($other:ident,)* })*
    ) => {
        /// Content of a record.
        pub(crate) struct RecordData<'a>(pub(crate) Option<&'a wire::record::Data>);

        impl Serialize for RecordData<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                use wire::record::Data;
                match self.0 {
                    $($(Some(Data::$fact(e)) => e.serialize(s),)*)*
                    $($(Some(Data::$other(e)) => e.serialize(s),)*)*
                    None => s.serialize_none(),
                }
            }
        }

        /// The content of an event as JSON, as it stands in `data` of its record, into a buffer.
        ///
        /// # Panics
        /// Never: no map of ours has keys that are not texts.
        pub fn content_to(out: &mut Vec<u8>, content: &wire::record::Data) {
            serde_json::to_writer(out, &RecordData(Some(content))).expect("our wire types have only text keys");
        }

        /// The content of an event of a type, from JSON as [`content_to`] writes it. Personal texts that were taken away
        /// are empty.
        ///
        /// # Errors
        /// This program does not know the type, or the content is none of it.
        pub fn content_from(r#type: &str, json: &str) -> Result<wire::record::Data, serde_json::Error> {
            use wire::record::Data;
            let mut content = match r#type {
                $($(stringify!($fact) => super::path::read("data", json.as_bytes()).map(Data::$fact),)*)*
                $($(stringify!($other) => super::path::read("data", json.as_bytes()).map(Data::$other),)*)*
                _ => Err(serde::de::Error::custom(format!("this program does not know the type {type}"))),
            }?;
            crate::personal::fill(&mut content);
            Ok(content)
        }

        /// Content of an imported fact.
        pub(crate) struct FactData<'a>(pub(crate) Option<&'a wire::fact::Data>);

        impl Serialize for FactData<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self.0 {
                    $($(Some(wire::fact::Data::$fact(e)) => e.serialize(s),)*)*
                    None => s.serialize_none(),
                }
            }
        }
    };
}

each_event!(event_data);

impl Serialize for wire::Record {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        RecordForm { hash: None, record: self }.serialize(s)
    }
}

impl Serialize for wire::RecordView {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let record = self.record.clone().unwrap_or_default();
        RecordForm { hash: Some(&self.hash), record: &record }.serialize(s)
    }
}

struct RecordForm<'a> {
    hash: Option<&'a Vec<u8>>,
    record: &'a wire::Record,
}

impl Serialize for RecordForm<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Out<'a> {
            position: u64,
            partition: u32,
            epoch: u64,
            tenant: &'a str,
            #[serde(serialize_with = "crate::json::word::one_to::<wire::StreamKind, _>")]
            stream_kind: i32,
            stream_id: &'a str,
            version: u64,
            #[serde(with = "crate::json::uuid")]
            event_id: Vec<u8>,
            r#type: &'a str,
            schema_version: u32,
            #[serde(with = "crate::json::time")]
            recorded_at: i64,
            #[serde(with = "crate::json::time")]
            occurred_at: i64,
            caller: &'a str,
            actor: &'a Option<wire::Actor>,
            #[serde(with = "crate::json::uuid")]
            command_id: Vec<u8>,
            #[serde(with = "crate::json::hash")]
            request_hash: Vec<u8>,
            #[serde(
                serialize_with = "crate::json::word::optional_to::<wire::Channel, _>",
                skip_serializing_if = "Option::is_none"
            )]
            channel: Option<i32>,
            #[serde(with = "crate::json::uuid::optional", skip_serializing_if = "Option::is_none")]
            causation_id: Option<Vec<u8>>,
            #[serde(with = "crate::json::uuid::optional", skip_serializing_if = "Option::is_none")]
            correlation_id: Option<Vec<u8>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            traceparent: Option<&'a str>,
            config_version: u64,
            #[serde(with = "crate::json::hash")]
            prev_hash: Vec<u8>,
            #[serde(with = "crate::json::time::optional", skip_serializing_if = "Option::is_none")]
            source_time: Option<i64>,
            command_index: u32,
            command_count: u32,
            #[serde(with = "crate::json::hash::optional", skip_serializing_if = "Option::is_none")]
            hash: Option<Vec<u8>>,
            data: RecordData<'a>,
        }
        let r = self.record;
        Out {
            position: r.position,
            partition: r.partition,
            epoch: r.epoch,
            tenant: &r.tenant,
            stream_kind: r.stream_kind,
            stream_id: &r.stream_id,
            version: r.version,
            event_id: r.event_id.clone(),
            r#type: &r.r#type,
            schema_version: r.schema_version,
            recorded_at: r.recorded_at,
            occurred_at: r.occurred_at,
            caller: &r.caller,
            actor: &r.actor,
            command_id: r.command_id.clone(),
            request_hash: r.request_hash.clone(),
            channel: r.channel,
            causation_id: r.causation_id.clone(),
            correlation_id: r.correlation_id.clone(),
            traceparent: r.traceparent.as_deref(),
            config_version: r.config_version,
            prev_hash: r.prev_hash.clone(),
            source_time: r.source_time,
            command_index: r.command_index,
            command_count: r.command_count,
            hash: self.hash.cloned(),
            data: RecordData(r.data.as_ref()),
        }
        .serialize(s)
    }
}

impl Serialize for wire::TimelineEntry {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Out<'a> {
            position: u64,
            version: u64,
            r#type: &'a str,
            #[serde(with = "crate::json::time")]
            recorded_at: i64,
            #[serde(with = "crate::json::time")]
            occurred_at: i64,
            actor: &'a Option<wire::Actor>,
            caller: &'a str,
            #[serde(with = "crate::json::uuid")]
            command_id: Vec<u8>,
            #[serde(with = "crate::json::uuid::optional")]
            causation_id: Option<Vec<u8>>,
            #[serde(with = "crate::json::hash")]
            hash: Vec<u8>,
            #[serde(with = "crate::json::hash")]
            prev_hash: Vec<u8>,
            data: RecordData<'a>,
            sentence: &'a str,
        }
        Out {
            position: self.position,
            version: self.version,
            r#type: &self.r#type,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            actor: &self.actor,
            caller: &self.caller,
            command_id: self.command_id.clone(),
            causation_id: self.causation_id.clone(),
            hash: self.hash.clone(),
            prev_hash: self.prev_hash.clone(),
            data: RecordData(self.data.as_ref().and_then(|r| r.data.as_ref())),
            sentence: &self.sentence,
        }
        .serialize(s)
    }
}
