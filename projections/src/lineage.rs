//! Does this message continue the history that we have folded? Decided by position and hash, never by trust.

use guichet_schemas::codec::DecodeError;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;
use metrics::counter;

use crate::arrived::{Arrived, Checked};
use crate::store::Checkpoint;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Folded before.
    Old,
    Next(Hash),
    /// Something between it and the checkpoint is missing.
    Gap,
    /// The bytes are not those that the sender hashed, or the sender is not the engine of this log.
    Damaged,
    /// Not of our history.
    Foreign(Halt),
}

/// Why a worker stands still until a person has looked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Halt {
    #[error(
        "another lineage: at position {position} the read model folded the record with hash {ours}, the log has {theirs}; \
         rebuild the read model if the log is the right one"
    )]
    OtherLineage { position: LogPosition, ours: Hash, theirs: Hash },
    #[error(
        "the read model is at position {checkpoint}, the log ends at {head}: it was restored or replaced; rebuild the read model if the log is the right one"
    )]
    AheadOfLog { checkpoint: LogPosition, head: u64 },
    #[error(
        "a foreign message stands at position {position} of the stream: {what}; find out who else may publish there"
    )]
    Foreign { position: u64, what: &'static str },
    #[error("position {position} cannot be folded: {fault}")]
    Unreadable { position: u64, fault: DecodeError },
    #[error("storage: {0}; free or replace the disk, then restart")]
    Storage(String),
    #[error("the worker failed: {0}; restart it, and report this")]
    Broken(&'static str),
}

/// Compares a message with the checkpoint.
pub(crate) fn examine(checkpoint: &Checkpoint, checked: &Checked) -> Verdict {
    let arrived = &checked.arrived;
    let have = checkpoint.position_or_zero();
    if arrived.sequence < have || arrived.sequence == 0 {
        return Verdict::Old;
    }
    if arrived.sequence > have + 1 {
        return Verdict::Gap;
    }
    let hash = checked.actual;
    if checked.is_forged {
        counter!("guichet_forged_messages_total", "found" => "read_model").increment(1);
        return if arrived.sequence == have { Verdict::Old } else { Verdict::Damaged };
    }
    let (Some(said), Some(before)) = (arrived.hash, arrived.prev_hash) else {
        return foreign(arrived, "it has no header Guichet-Hash or Guichet-Prev-Hash");
    };
    if said != hash {
        // What was folded already is not read again, whatever became of its message.
        return if arrived.sequence == have { Verdict::Old } else { Verdict::Damaged };
    }
    match checkpoint.position {
        Some(position) if arrived.sequence == have => {
            if hash == checkpoint.hash {
                Verdict::Old
            } else {
                other_lineage(position, checkpoint, hash)
            }
        }
        Some(position) if before != checkpoint.hash => other_lineage(position, checkpoint, before),
        None if before != Hash::ZERO => foreign(arrived, "something is said to stand before position 1"),
        Some(_) | None => Verdict::Next(hash),
    }
}

fn other_lineage(position: LogPosition, checkpoint: &Checkpoint, theirs: Hash) -> Verdict {
    Verdict::Foreign(Halt::OtherLineage { position, ours: checkpoint.hash, theirs })
}

fn foreign(arrived: &Arrived, what: &'static str) -> Verdict {
    Verdict::Foreign(Halt::Foreign { position: arrived.sequence, what })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use guichet_proof::{Authorship, Said, StreamKey};
    use guichet_schemas::position::{Generation, Partition};

    use super::*;
    use crate::arrived::Proof;

    fn at(position: u64, bytes: &'static [u8]) -> Checkpoint {
        Checkpoint { generation: 1, position: LogPosition::new(position), hash: Hash::of_record(bytes) }
    }

    fn message(sequence: u64, before: &[u8], bytes: &'static [u8]) -> Checked {
        Checked::of(message_of(sequence, before, bytes))
    }

    fn message_of(sequence: u64, before: &[u8], bytes: &'static [u8]) -> Arrived {
        Arrived {
            sequence,
            prev_hash: Some(Hash::of_record(before)),
            hash: Some(Hash::of_record(bytes)),
            bytes: Bytes::from_static(bytes),
            proof: None,
        }
    }

    #[test]
    fn only_the_next_record_of_the_same_history_is_folded() {
        let checkpoint = at(7, b"seven");
        assert_eq!(
            examine(&checkpoint, &message(8, b"seven", b"eight")),
            Verdict::Next(Hash::of_record(b"eight"))
        );
        assert_eq!(examine(&checkpoint, &message(7, b"six", b"seven")), Verdict::Old);
        assert_eq!(examine(&checkpoint, &message(3, b"two", b"three")), Verdict::Old);
        assert_eq!(examine(&checkpoint, &message(9, b"eight", b"nine")), Verdict::Gap);
    }

    #[test]
    fn another_lineage_is_named_with_both_hashes() {
        let checkpoint = at(7, b"seven");
        let expected = Verdict::Foreign(Halt::OtherLineage {
            position: LogPosition::new(7).unwrap(),
            ours: Hash::of_record(b"seven"),
            theirs: Hash::of_record(b"SEVEN"),
        });
        assert_eq!(examine(&checkpoint, &message(8, b"SEVEN", b"eight")), expected);
        assert_eq!(examine(&checkpoint, &message(7, b"six", b"SEVEN")), expected);
    }

    #[test]
    fn a_message_that_was_changed_or_not_written_by_us_is_refused() {
        let checkpoint = at(7, b"seven");
        // What somebody forged who has not the secret of the log is no more than damage, however well it continues us.
        let stranger = Authorship::new(StreamKey::of_secret(&[1; 32]), Partition(0), Generation(1), Some(1));
        let proof = Some(Proof { authorship: Arc::new(stranger), says: Said::default() });
        let forged = Arrived { proof, ..message_of(8, b"seven", b"eight") };
        assert_eq!(examine(&checkpoint, &Checked::of(forged)), Verdict::Damaged);
        let damaged = Arrived { bytes: Bytes::from_static(b"eighT"), ..message_of(8, b"seven", b"eight") };
        assert_eq!(examine(&checkpoint, &Checked::of(damaged)), Verdict::Damaged);
        // Brought once more, for it has been folded: nobody waits for it to become whole.
        let folded = Arrived { bytes: Bytes::from_static(b"seveN"), ..message_of(7, b"six", b"seven") };
        assert_eq!(examine(&checkpoint, &Checked::of(folded)), Verdict::Old);
        let bare = Checked::of(Arrived { hash: None, ..message_of(8, b"seven", b"eight") });
        assert!(matches!(examine(&checkpoint, &bare), Verdict::Foreign(Halt::Foreign { position: 8, .. })));
        assert!(matches!(
            examine(&Checkpoint::EMPTY, &message(1, b"zero", b"one")),
            Verdict::Foreign(Halt::Foreign { position: 1, .. })
        ));
    }
}
