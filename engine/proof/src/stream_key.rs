//! What proves that a message of the stream was written by the engine of this log: a MAC under a secret of the data
//! folder.
//!
//! The signed checkpoint proves what is old; it comes up to half a second after the records. For what stands behind it
//! in the stream there is only this. Whoever may publish there can imitate hashes, epochs and generations, for they are
//! no secrets; the MAC they cannot.
//!
//! ```text
//! secret   = the 32 bytes of the data folder under which requests are hashed, too
//! key      = SHA-256("guichet/stream-mac/v1" ‖ 0x00 ‖ secret)
//! MAC      = HMAC-SHA-256(key, partition u32 ‖ generation u64 ‖ position u64 ‖ hash before [32] ‖ hash [32])
//! owner    = the first 16 bytes of SHA-256("guichet/stream-owner/v1" ‖ 0x00 ‖ secret)
//! ```
//!
//! Numbers are big-endian, all fields have a fixed length, and `hash` is over every byte of the record, its epoch among
//! them. Request hashes are HMACs under the secret itself and stand in every record, so the key is not derived with
//! HMAC: no request can be worded so that its hash is the key.

use std::fmt;

use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition, Partition};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Bytes that a MAC is over.
const BYTES: usize = 4 + 8 + 8 + 32 + 32;

/// Name of the header that carries the MAC, as 64 hex digits.
pub const HEADER: &str = "Guichet-Mac";

/// Makes and checks the MACs of one log.
#[derive(Clone)]
pub struct StreamKey {
    /// With the key in it: the two blocks that every MAC begins with are hashed once.
    keyed: Hmac<Sha256>,
    owner: String,
}

/// The claim that a MAC vouches for: this record, here, behind that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub partition: Partition,
    /// Of this lineage.
    pub generation: Generation,
    /// Where it stands, in the log and in the stream.
    pub position: LogPosition,
    /// Hash of the record before it; zero before the first.
    pub previous: Hash,
    /// Its own.
    pub hash: Hash,
}

/// A MAC that has not been checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StreamMac([u8; 32]);

impl StreamKey {
    /// The key of the log whose data folder has this secret.
    #[must_use]
    pub fn of_secret(secret: &[u8; 32]) -> Self {
        let key = derived("guichet/stream-mac/v1", secret);
        let owner = derived("guichet/stream-owner/v1", secret);
        let keyed = Hmac::new_from_slice(&key).expect("HMAC takes a key of any length");
        Self { keyed, owner: Hash(owner).to_string()[..32].to_owned() }
    }

    /// Names the log: 32 hex digits, no secret. Stands in the metadata of its stream.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The MAC of a record at its place.
    #[must_use]
    pub fn mac(&self, placed: &Placed) -> StreamMac {
        StreamMac(self.over(placed).finalize().into_bytes().into())
    }

    /// True where whoever made this MAC had the key. Takes the same time for every wrong one.
    #[must_use]
    pub fn wrote(&self, placed: &Placed, mac: &StreamMac) -> bool {
        self.over(placed).verify_slice(&mac.0).is_ok()
    }

    fn over(&self, placed: &Placed) -> Hmac<Sha256> {
        let mut bytes = [0; BYTES];
        let mut rest = &mut bytes[..];
        let mut put = |field: &[u8]| {
            let (here, behind) = std::mem::take(&mut rest).split_at_mut(field.len());
            here.copy_from_slice(field);
            rest = behind;
        };
        put(&placed.partition.0.to_be_bytes());
        put(&placed.generation.0.to_be_bytes());
        put(&placed.position.get().to_be_bytes());
        put(&placed.previous.0);
        put(&placed.hash.0);
        let mut mac = self.keyed.clone();
        mac.update(&bytes);
        mac
    }
}

fn derived(what_for: &str, secret: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(what_for).chain_update([0]).chain_update(secret).finalize().into()
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamKey").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl StreamMac {
    /// From the 64 lower-case hex digits of a header.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Hash::parse(text).map(|hash| Self(hash.0))
    }
}

impl fmt::Display for StreamMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash(self.0).fmt(f)
    }
}

impl fmt::Debug for StreamMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACED: Placed = Placed {
        partition: Partition(0),
        generation: Generation(1),
        position: LogPosition::FIRST,
        previous: Hash::ZERO,
        hash: Hash([7; 32]),
    };

    #[test]
    fn a_mac_holds_for_its_own_place_and_record_alone() {
        let key = StreamKey::of_secret(&[1; 32]);
        let mac = key.mac(&PLACED);
        assert!(key.wrote(&PLACED, &mac));
        let others = [
            Placed { partition: Partition(1), ..PLACED },
            Placed { generation: Generation(2), ..PLACED },
            Placed { position: PLACED.position.next(), ..PLACED },
            Placed { previous: Hash([1; 32]), ..PLACED },
            Placed { hash: Hash([8; 32]), ..PLACED },
        ];
        for other in others {
            assert!(!key.wrote(&other, &mac), "{other:?}");
        }
        assert!(!StreamKey::of_secret(&[2; 32]).wrote(&PLACED, &mac), "another log's");
        for bit in 0..256 {
            let mut flipped = mac;
            flipped.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.wrote(&PLACED, &flipped), "bit {bit}");
        }
    }

    /// Others write checkers after this text; the form must not change without a new version in it.
    #[test]
    fn the_form_is_the_one_that_is_written_down() {
        let key = StreamKey::of_secret(&[1; 32]);
        assert_eq!(key.owner(), "e2a245232d567ee1de12ca70c546dcca");
        assert_eq!(
            key.mac(&PLACED).to_string(),
            "0dcd69ef270829ea3bc4e52485afd2cad5e569bc31b54eabc607c581cc7f2149"
        );
        let read = StreamMac::parse(&key.mac(&PLACED).to_string()).unwrap();
        assert!(key.wrote(&PLACED, &read));
        assert_eq!(StreamMac::parse("7"), None);
    }
}
