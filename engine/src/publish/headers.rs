//! Headers of an event message: CloudEvents 1.0 in binary mode, and our own. None holds personal data.

use async_nats::HeaderMap;
use async_nats::header::HeaderName;
use bytes::Bytes;
use guichet_proof::{Authorship, Said, StreamMac, stream_key};
use guichet_schemas::codec::Head;
use guichet_schemas::hash::Hash;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::{Generation, LogPosition};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;
use uuid::Uuid;

use super::bus::Kept;

macro_rules! names {
    ($($name:ident = $text:expr;)*) => { $(const $name: HeaderName = HeaderName::from_static($text);)* };
}

/// The headers that differ from message to message.
const OF_EACH: [HeaderName; 13] = [
    ID,
    TYPE,
    SUBJECT,
    TIME,
    RECORDED_TIME,
    CAUSATION,
    SEQUENCE,
    PARTITION_KEY,
    AUTH_ID,
    EPOCH,
    HASH,
    PREV_HASH,
    MAC,
];

names! {
    SPEC_VERSION = "ce-specversion"; ID = "ce-id"; SOURCE = "ce-source"; TYPE = "ce-type"; SUBJECT = "ce-subject";
    TIME = "ce-time"; RECORDED_TIME = "ce-recordedtime"; CORRELATION = "ce-correlationid"; CAUSATION = "ce-causationid";
    SEQUENCE = "ce-sequence"; PARTITION_KEY = "ce-partitionkey"; AUTH_ID = "ce-authid"; DATA_SCHEMA = "ce-dataschema";
    CONTENT_TYPE = "content-type"; TRACE_PARENT = "traceparent"; EPOCH = "Guichet-Epoch";
    GENERATION = "Guichet-Generation"; HASH = "Guichet-Hash"; PREV_HASH = "Guichet-Prev-Hash";
    MAC = stream_key::HEADER;
}

/// Makes the headers of one partition's messages.
pub(super) struct Headers {
    /// Every header that all messages have. A copy has room for all of them: a map that grows header by header
    /// takes longer than all the rest.
    template: HeaderMap,
    authorship: Authorship,
}

impl Headers {
    pub(super) fn new(authorship: Authorship) -> Self {
        let mut template = HeaderMap::new();
        let fixed = [
            (SPEC_VERSION, "1.0".to_owned()),
            (SOURCE, format!("/guichet/{}", authorship.partition())),
            (DATA_SCHEMA, "guichet/v1/record.proto#Record".to_owned()),
            (CONTENT_TYPE, "application/protobuf".to_owned()),
            (GENERATION, authorship.generation().0.to_string()),
        ];
        for (name, value) in fixed {
            template.insert(name, value);
        }
        for name in OF_EACH {
            template.insert(name, "");
        }
        Self { template, authorship }
    }

    /// The headers of one record. `previous` is the hash of the record at position − 1.
    pub(super) fn of(
        &self,
        position: LogPosition,
        record: &Head<'_>,
        hash: Hash,
        previous: Hash,
    ) -> HeaderMap {
        let mut h = self.template.clone();
        let occurred = Timestamp(record.occurred_at).to_string();
        let recorded = if record.recorded_at == record.occurred_at {
            occurred.clone()
        } else {
            Timestamp(record.recorded_at).to_string()
        };
        // A requester is named in records only: whoever gives them names or addresses as ids keeps those out of here.
        let about = if record.stream_kind == StreamKind::Subject.to_wire() {
            StreamKind::Subject.as_str()
        } else {
            record.stream_id
        };
        h.insert(ID, uuid(record.event_id));
        h.insert(TYPE, format!("guichet.{}.v{}", record.r#type, record.schema_version));
        h.insert(SUBJECT, about);
        h.insert(TIME, occurred);
        h.insert(RECORDED_TIME, recorded);
        h.insert(CAUSATION, uuid(record.command_id));
        // The sequence extension sorts as text, so it is padded.
        h.insert(SEQUENCE, format!("{:020}", record.position));
        h.insert(PARTITION_KEY, about);
        h.insert(AUTH_ID, record.caller);
        h.insert(EPOCH, record.epoch.to_string());
        h.insert(HASH, hash.to_string());
        h.insert(PREV_HASH, previous.to_string());
        h.insert(MAC, self.authorship.mac(position, previous, hash).to_string());
        if let Some(id) = record.correlation_id {
            h.insert(CORRELATION, uuid(id));
        }
        if let Some(traceparent) = record.traceparent {
            h.insert(TRACE_PARENT, traceparent);
        }
        h
    }
}

/// The lineage that a message says it is of.
fn generation(headers: &HeaderMap) -> Option<Generation> {
    headers.get(GENERATION)?.as_str().parse().ok().map(Generation)
}

/// A message with what its headers say.
pub(super) fn kept(headers: &HeaderMap, payload: Bytes) -> Kept {
    let hash = |name| headers.get(name).and_then(|value| Hash::parse(value.as_str()));
    let mac = headers.get(MAC).and_then(|value| StreamMac::parse(value.as_str()));
    let says = Said { previous: hash(PREV_HASH), generation: generation(headers), mac };
    Kept { payload, said: hash(HASH), says }
}

fn uuid(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes)
        .unwrap_or_default()
        .as_hyphenated()
        .encode_lower(&mut Uuid::encode_buffer())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use guichet_proof::{Author, StreamKey};
    use guichet_schemas::position::Partition;

    use super::*;

    #[test]
    fn every_header_of_every_message_has_a_value() {
        let record = Head {
            position: 7,
            r#type: "TicketClosed",
            schema_version: 1,
            stream_id: "01980000-0000-7000-8000-000000000001",
            caller: "cli",
            event_id: &[1; 16],
            command_id: &[2; 16],
            ..Head::default()
        };
        let key = StreamKey::of_secret(&[7; 32]);
        let authorship = Authorship::new(key, Partition(0), Generation(1), Some(1));
        let position = LogPosition::new(7).unwrap();
        let headers = Headers::new(authorship.clone()).of(position, &record, Hash::ZERO, Hash::ZERO);
        assert_eq!(headers.len(), 18);
        let kept = kept(&headers, Bytes::new());
        assert_eq!(authorship.of(position, Hash::ZERO, &kept.says), Author::Ours);
        assert!(headers.iter().all(|(_, v)| v.len() == 1 && !v[0].as_str().is_empty()), "{headers:?}");
        assert_eq!(headers.get(SEQUENCE).map(|v| v.as_str()), Some("00000000000000000007"));
        assert_eq!(headers.get(TYPE).map(|v| v.as_str()), Some("guichet.TicketClosed.v1"));
        assert_eq!(headers.get(ID).map(|v| v.as_str()), Some("01010101-0101-0101-0101-010101010101"));
    }
}
