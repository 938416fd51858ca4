//! Headers of an event message: CloudEvents 1.0 in binary mode, and our own. None holds personal data.

use async_nats::HeaderMap;
use async_nats::header::HeaderName;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::Generation;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use uuid::Uuid;

macro_rules! names {
    ($($name:ident = $text:literal;)*) => { $(const $name: HeaderName = HeaderName::from_static($text);)* };
}
names! {
    SPEC_VERSION = "ce-specversion"; ID = "ce-id"; SOURCE = "ce-source"; TYPE = "ce-type"; SUBJECT = "ce-subject";
    TIME = "ce-time"; RECORDED_TIME = "ce-recordedtime"; CORRELATION = "ce-correlationid"; CAUSATION = "ce-causationid";
    SEQUENCE = "ce-sequence"; PARTITION_KEY = "ce-partitionkey"; AUTH_ID = "ce-authid"; DATA_SCHEMA = "ce-dataschema";
    CONTENT_TYPE = "content-type"; TRACE_PARENT = "traceparent"; EPOCH = "Guichet-Epoch";
    GENERATION = "Guichet-Generation"; HASH = "Guichet-Hash"; PREV_HASH = "Guichet-Prev-Hash";
}

/// The headers of one record. `previous` is the hash of the record at position − 1.
pub(super) fn of(record: &wire::Record, hash: Hash, previous: Hash, generation: Generation) -> HeaderMap {
    let mut h = HeaderMap::new();
    h.insert(SPEC_VERSION, "1.0");
    h.insert(ID, uuid(&record.event_id).as_str());
    h.insert(SOURCE, format!("/guichet/{}", record.partition).as_str());
    h.insert(TYPE, format!("guichet.{}.v{}", record.r#type, record.schema_version).as_str());
    h.insert(SUBJECT, record.stream_id.as_str());
    h.insert(TIME, Timestamp(record.occurred_at).to_string().as_str());
    h.insert(RECORDED_TIME, Timestamp(record.recorded_at).to_string().as_str());
    h.insert(CAUSATION, uuid(&record.command_id).as_str());
    if let Some(id) = &record.correlation_id {
        h.insert(CORRELATION, uuid(id).as_str());
    }
    // The sequence extension sorts as text, so it is padded.
    h.insert(SEQUENCE, format!("{:020}", record.position).as_str());
    h.insert(PARTITION_KEY, record.stream_id.as_str());
    h.insert(AUTH_ID, record.caller.as_str());
    h.insert(DATA_SCHEMA, "guichet/v1/record.proto#Record");
    h.insert(CONTENT_TYPE, "application/protobuf");
    if let Some(traceparent) = &record.traceparent {
        h.insert(TRACE_PARENT, traceparent.as_str());
    }
    h.insert(EPOCH, record.epoch.to_string().as_str());
    h.insert(GENERATION, generation.0.to_string().as_str());
    h.insert(HASH, hash.to_string().as_str());
    h.insert(PREV_HASH, previous.to_string().as_str());
    h
}

fn uuid(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).unwrap_or_default().as_hyphenated().to_string()
}
