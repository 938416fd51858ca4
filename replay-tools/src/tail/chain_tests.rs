//! Breaks of the hash chain are seen.

use guichet_schemas::codec::encode_record;
use guichet_schemas::event::{Actor, Event, TicketCancelled};
use guichet_schemas::ids::{CommandId, EventId};
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{ActorKind, CancelReason, StreamKind};
use uuid::Uuid;

use super::*;

/// A log of three events on two tickets.
fn log() -> Vec<Published> {
    let mut out: Vec<Published> = Vec::new();
    for (position, ticket, version, previous) in [(1, 1, 1, None), (2, 2, 1, None), (3, 1, 2, Some(0))] {
        let prev_hash = previous.map_or(Hash::ZERO, |i: usize| Hash::of_record(&out[i].bytes));
        let bytes = encode_record(record(position, ticket, version, prev_hash));
        let before = out.last().map_or(Hash::ZERO, |m| Hash::of_record(&m.bytes));
        out.push(Published {
            sequence: position,
            hash: Some(Hash::of_record(&bytes)),
            prev_hash: Some(before),
            says: guichet_proof::Said::default(),
            bytes: bytes.into(),
        });
    }
    out
}

fn record(position: u64, ticket: u128, version: u64, prev_hash: Hash) -> Record {
    Record {
        position: LogPosition::new(position).unwrap(),
        partition: Partition(0),
        epoch: Epoch(1),
        tenant: "default".to_owned(),
        stream_kind: StreamKind::Ticket,
        stream_id: Uuid::from_u128(ticket).to_string(),
        version: StreamVersion::new(version).unwrap(),
        event_id: EventId(Uuid::from_u128(9)),
        recorded_at: Timestamp(1),
        occurred_at: Timestamp(1),
        caller: "cli".to_owned(),
        actor: Actor { kind: ActorKind::Agent, id: "bob".to_owned(), on_behalf_of: None },
        command_id: CommandId(Uuid::from_u128(8)),
        request_hash: Hash::ZERO,
        channel: None,
        causation_id: None,
        correlation_id: None,
        traceparent: None,
        config_version: 0,
        prev_hash,
        source_time: None,
        command_index: 0,
        command_count: 1,
        event: Event::from(TicketCancelled { reason: CancelReason::Spam }),
    }
}

fn faults(messages: &[Published]) -> Vec<String> {
    let mut chain = Chain::starting_at(messages[0].sequence);
    messages.iter().flat_map(|m| chain.check(m).broken).collect()
}

#[test]
fn an_unbroken_chain_has_no_faults_wherever_one_begins() {
    assert_eq!(faults(&log()), Vec::<String>::new());
    assert_eq!(faults(&log()[1..]), Vec::<String>::new());
    assert_eq!(faults(&log()[2..]), Vec::<String>::new());
}

#[test]
fn a_missing_message_is_a_fault() {
    let mut messages = log();
    messages.remove(1);
    let faults = faults(&messages);
    assert!(faults.iter().any(|f| f.contains("position 2 was expected")), "{faults:?}");
}

#[test]
fn one_flipped_bit_is_a_fault_of_its_record_and_of_the_links_to_it() {
    let mut messages = log();
    let mut bytes = messages[0].bytes.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 2;
    messages[0].bytes = bytes.into();
    let faults = faults(&messages);
    assert!(faults[0].contains("Guichet-Hash says"), "{faults:?}");
    assert!(faults.iter().any(|f| f.contains("Guichet-Prev-Hash says")), "{faults:?}");
    assert!(
        faults.iter().any(|f| f.contains("prev_hash says") && f.contains("the version before")),
        "{faults:?}"
    );
}

#[test]
fn a_record_that_was_replaced_with_all_its_headers_still_breaks_the_chain_of_its_ticket() {
    let mut messages = log();
    let forged = encode_record(record(1, 1, 1, Hash([7; 32])));
    messages[0].hash = Some(Hash::of_record(&forged));
    messages[1].prev_hash = messages[0].hash;
    messages[0].bytes = forged.into();
    let faults = faults(&messages);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().all(|f| f.contains("prev_hash says")), "{faults:?}");
}

#[test]
fn a_message_without_its_headers_or_of_another_writer_is_a_fault() {
    let mut messages = log();
    messages[1].hash = None;
    messages[2].bytes = vec![0xff].into();
    let faults = faults(&messages);
    assert!(faults.iter().any(|f| f == "Guichet-Hash is missing"), "{faults:?}");
    assert!(faults.iter().any(|f| f.contains("not a protobuf record")), "{faults:?}");
}
