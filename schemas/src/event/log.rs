//! The log itself: its starts and its keys.

use crate::hash::Hash;
use crate::ids::KeyId;

mirror! {
    /// An engine took the log over. Written at every start, before any answer.
    pub struct EpochStarted {
        /// Epoch.
        pub epoch: u64,
        /// Lineage of the log: 1, and one more after each restore that gave records up.
        pub generation: u64,
        /// Version of the program.
        pub program: String,
        /// First record that the log had lost and that was brought back from the stream.
        pub repaired_from: Option<u64>,
        /// The last one.
        pub repaired_through: Option<u64>,
        /// The wall clock was behind the newest record by so many milliseconds, and the operator accepted it.
        pub clock_behind_ms: Option<u64>,
        /// The anchor was lost or damaged; it was rebuilt because the stream held nothing that the log did not.
        pub anchor_replaced: Option<bool>,
        /// The log was restored from a backup that ended here.
        pub restored_through: Option<u64>,
        /// Records beyond it had been signed; an operator gave them up, and this is why.
        pub restored_behind: Option<String>,
        /// From this position on the stream held messages that no engine of this log had written; none was taken.
        pub stream_refused_from: Option<u64>,
    }
}

mirror! {
    /// A data subject, the requester of tickets, has a key: their personal texts are sealed under it from here on.
    pub struct KeyCreated {
        /// Identifier of the requester; a pseudonym.
        pub subject: String,
        /// Names the key in every text that is sealed under it.
        pub key_id: KeyId,
        /// SHA-256("kc" ‖ key): nobody can open a text with another key to another text.
        pub commitment: Hash,
    }
}

impl EpochStarted {
    /// A start at which nothing had to be repaired or overlooked.
    #[must_use]
    pub fn uneventful(epoch: u64, generation: u64, program: &str) -> Self {
        Self {
            epoch,
            generation,
            program: program.to_owned(),
            repaired_from: None,
            repaired_through: None,
            clock_behind_ms: None,
            anchor_replaced: None,
            restored_through: None,
            restored_behind: None,
            stream_refused_from: None,
        }
    }
}
