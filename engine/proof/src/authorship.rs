//! Tells what the engine of a log wrote into the stream from what it did not.
//!
//! A broker stores what it is sent. Hashes, epochs and generations are no secrets, so they say nothing of who sent a
//! message: its MAC does, which is made under a secret of the data folder ([`crate::stream_key`]). An engine on a copy of
//! the folder has the same secret: what it wrote is told apart by what it wrote, not by the MAC.

use std::cmp::Ordering;

use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition, Partition};

use crate::stream_key::{Placed, StreamKey, StreamMac};

#[derive(Debug, Clone)]
pub struct Authorship {
    key: StreamKey,
    partition: Partition,
    generation: Generation,
    macs_from: Option<u64>,
}

/// A message's own account of where it stands, beside the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// The hash of the record before it.
    pub previous: Option<Hash>,
    /// The lineage.
    pub generation: Option<Generation>,
    pub mac: Option<StreamMac>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// An engine with the secret of this folder, in this lineage.
    Ours,
    /// One with the secret of this folder, in a lineage that was given up.
    Older,
    /// One with the secret of this folder, in a lineage that has given ours up.
    Newer,
    /// Nobody can say: it may be from the time before there were MACs.
    Unproven,
    /// Nobody who has the secret of this folder.
    Stranger,
}

impl Authorship {
    /// Of the log with this key. From the position `macs_from` on every message has a MAC; before it stand messages of a
    /// program that made none, and with `None` all of them may be.
    #[must_use]
    pub const fn new(
        key: StreamKey,
        partition: Partition,
        generation: Generation,
        macs_from: Option<u64>,
    ) -> Self {
        Self { key, partition, generation, macs_from }
    }

    /// Name of the log in the metadata of its stream.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.key.owner()
    }

    #[must_use]
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    /// The lineage that is written now.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// The proof that we wrote the record with this hash here, behind the one with the hash `previous`.
    #[must_use]
    pub fn mac(&self, position: LogPosition, previous: Hash, hash: Hash) -> StreamMac {
        let Self { partition, generation, .. } = *self;
        self.key.mac(&Placed { partition, generation, position, previous, hash })
    }

    /// The author of the record with this hash at this position.
    #[must_use]
    pub fn of(&self, position: LogPosition, hash: Hash, said: &Said) -> Author {
        if let Said { previous: Some(previous), generation: Some(generation), mac: Some(mac) } = *said {
            let partition = self.partition;
            if self.key.wrote(&Placed { partition, generation, position, previous, hash }, &mac) {
                return match generation.cmp(&self.generation) {
                    Ordering::Less => Author::Older,
                    Ordering::Equal => Author::Ours,
                    Ordering::Greater => Author::Newer,
                };
            }
        }
        if self.macs_from.is_none_or(|from| position.get() < from) {
            Author::Unproven
        } else {
            Author::Stranger
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(generation: u64, macs_from: Option<u64>) -> Authorship {
        Authorship::new(StreamKey::of_secret(&[1; 32]), Partition(0), Generation(generation), macs_from)
    }

    fn said(by: &Authorship, position: LogPosition, hash: Hash) -> Said {
        let mac = Some(by.mac(position, Hash::ZERO, hash));
        Said { previous: Some(Hash::ZERO), generation: Some(by.generation()), mac }
    }

    #[test]
    fn who_wrote_it_is_told_by_the_mac_and_the_lineage() {
        let (ours, at, hash) = (of(2, Some(5)), LogPosition::new(7).unwrap(), Hash([3; 32]));
        assert_eq!(ours.of(at, hash, &said(&ours, at, hash)), Author::Ours);
        assert_eq!(ours.of(at, hash, &said(&of(1, None), at, hash)), Author::Older);
        assert_eq!(ours.of(at, hash, &said(&of(3, None), at, hash)), Author::Newer);
        let stranger = Authorship::new(StreamKey::of_secret(&[2; 32]), Partition(0), Generation(2), Some(1));
        assert_eq!(ours.of(at, hash, &said(&stranger, at, hash)), Author::Stranger);
        assert_eq!(ours.of(at.next(), hash, &said(&ours, at, hash)), Author::Stranger, "moved");
        assert_eq!(ours.of(at, Hash([4; 32]), &said(&ours, at, hash)), Author::Stranger, "another body");
        let mut lifted = said(&of(1, None), at, hash);
        lifted.generation = Some(Generation(2));
        assert_eq!(ours.of(at, hash, &lifted), Author::Stranger, "of another generation");
        assert_eq!(ours.of(at, hash, &Said::default()), Author::Stranger, "it says nothing");
    }

    #[test]
    fn what_is_from_before_there_were_macs_is_neither() {
        let at = LogPosition::new(7).unwrap();
        for (macs_from, author) in
            [(None, Author::Unproven), (Some(8), Author::Unproven), (Some(7), Author::Stranger)]
        {
            assert_eq!(of(1, macs_from).of(at, Hash::ZERO, &Said::default()), author, "{macs_from:?}");
        }
    }
}
