//! Somebody who may publish into the stream and reads all of it, but has not the secret of the data folder. A thief has
//! the secret, too: what he writes passes every check, as everything would if nobody checked.

use async_nats::HeaderMap;
use bytes::Bytes;
use guichet_proof::stream_key::HEADER;
use guichet_proof::{Authorship, StreamKey, StreamMac};
use guichet_schemas::codec::{decode_record, encode_record};
use guichet_schemas::event::{Event, TicketCancelled};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, EventId};
use guichet_schemas::position::{Generation, LogPosition, Partition};
use guichet_schemas::words::CancelReason;
use uuid::Uuid;

use crate::broker::{Broker, Held};
use crate::sim::Sim;

/// The secret of every log of a run: the files of a folder are not simulated.
const OURS: [u8; 32] = [0; 32];

/// Who forges in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Forger {
    #[default]
    Nobody,
    /// Without the secret.
    Stranger,
    /// With it.
    Thief,
}

impl Forger {
    /// One or two messages behind the end of the stream, with headers as ours.
    pub(crate) fn forge(self, sim: &Sim, broker: &Broker) {
        for _ in 0..=sim.below(2) {
            let last = broker.look().map_or(0, |found| found.last);
            let Some(before) = broker.message(last) else { return };
            let Some((payload, headers)) = self.message(sim, last, &before, broker) else { return };
            broker.forge(payload, headers);
        }
    }

    fn message(self, sim: &Sim, last: u64, before: &Held, broker: &Broker) -> Option<(Bytes, HeaderMap)> {
        let position = LogPosition::new(last)?.next();
        let payload = match continued(sim, before, position) {
            Some(payload) => payload,
            // A thief wants to get in.
            None if self == Self::Thief => return None,
            None => before.payload.clone(),
        };
        let (hash, previous) = (Hash::of_record(&payload), Hash::of_record(&before.payload));
        let mut headers = HeaderMap::new();
        headers.insert("Guichet-Hash", hash.to_string());
        headers.insert("Guichet-Prev-Hash", previous.to_string());
        headers.insert("Guichet-Generation", "1");
        let key = authorship_of(if self == Self::Thief { OURS } else { [7; 32] });
        let of_before = || before.headers.get(HEADER).and_then(|mac| StreamMac::parse(mac.as_str()));
        let way = if self == Self::Thief { 0 } else { sim.below(5) };
        match way {
            0 | 1 => headers.insert(HEADER, key.mac(position, previous, hash).to_string()),
            2 => headers.insert(HEADER, of_before()?.to_string()),
            // A message of ours once more, at another place.
            3 => {
                let again = broker.message(1 + sim.below(last))?;
                return Some((again.payload, again.headers));
            }
            _ => {}
        }
        Some((payload, headers))
    }
}

/// Who writes the stream of the log of a run.
pub(crate) fn authorship() -> Authorship {
    authorship_of(OURS)
}

fn authorship_of(secret: [u8; 32]) -> Authorship {
    Authorship::new(StreamKey::of_secret(&secret), Partition(0), Generation(1), Some(1))
}

/// A record that continues the one before it and its ticket.
fn continued(sim: &Sim, before: &Held, position: LogPosition) -> Option<Bytes> {
    let mut record = decode_record(&before.payload).ok()?;
    record.ticket_id()?;
    record.prev_hash = Hash::of_record(&before.payload);
    record.position = position;
    record.version = record.version.next();
    record.event_id = EventId(Uuid::from_u128(u128::from(sim.below(u64::MAX))));
    record.command_id = CommandId(Uuid::from_u128(u128::from(sim.below(u64::MAX))));
    (record.command_index, record.command_count) = (0, 1);
    record.event = Event::from(TicketCancelled { reason: CancelReason::Spam });
    Some(encode_record(record).into())
}
