//! Checkpoints: origin, size and root of the tree, under the signature of the log (C2SP tlog-checkpoint).

use guichet_schemas::hash::Hash;
use signed_note::{Note, Signer, VerifierList};

use crate::keys::{SigningKey, VerifyingKey};

/// A checkpoint's claim: the log of this name had this root when it had this many records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Leaves of the tree: the newest position that it covers.
    pub size: u64,
    pub root: Hash,
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a checkpoint at all.
    #[error("this is no signed checkpoint in the form of C2SP tlog-checkpoint")]
    Form,
    /// The key is not that of the log that it names.
    #[error("the checkpoint is not signed with this key: it is of another log, or its key was changed")]
    OtherKey,
    /// The signature is wrong.
    #[error("the signature of the checkpoint is wrong: it was changed after it was signed")]
    Signature,
}

/// A checkpoint as it is published and kept: a signed note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: String,
}

impl Checkpoint {
    /// The checkpoint with the signature of its log.
    ///
    /// # Panics
    /// The origin is not one that a key may have; keys have no others.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> SignedCheckpoint {
        let text = tlog_tiles::Checkpoint::new(&self.origin, self.size, tlog_tiles::Hash(self.root.0), "")
            .expect("the origin of a log is not empty")
            .to_bytes();
        let mut note = Note::new(&text, &[]).expect("the text of a checkpoint is a note");
        let signer: &dyn Signer = &key.signer;
        note.add_sigs(&[signer]).expect("the name of a key is one for notes");
        let note = String::from_utf8(note.to_bytes()).expect("a note is text");
        SignedCheckpoint { checkpoint: self, note }
    }
}

impl SignedCheckpoint {
    /// Reads a signed note and checks the signature of the log.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn open(note: &[u8], key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let unchecked = Self::read(note)?;
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::Form)?;
        if unchecked.checkpoint.origin != key.origin() {
            return Err(CheckpointError::OtherKey);
        }
        match parsed.verify(&VerifierList::new(vec![Box::new(key.verifier.clone())])) {
            Ok(_) => Ok(unchecked),
            Err(signed_note::NoteError::InvalidSignature { .. }) => Err(CheckpointError::Signature),
            Err(_) => Err(CheckpointError::OtherKey),
        }
    }

    /// Reads a signed note without a look at its signatures.
    ///
    /// # Errors
    /// It is no checkpoint.
    pub fn read(note: &[u8]) -> Result<Self, CheckpointError> {
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::Form)?;
        let read = tlog_tiles::Checkpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::Form)?;
        let checkpoint =
            Checkpoint { origin: read.origin().to_owned(), size: read.size(), root: Hash(read.hash().0) };
        let note = std::str::from_utf8(note).map_err(|_| CheckpointError::Form)?.to_owned();
        Ok(Self { checkpoint, note })
    }

    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Leaves of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Root of the tree.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.checkpoint.root
    }

    /// The signed note, as it was signed or read.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::new("guichet/test/0", &[n; 32]).unwrap()
    }

    fn signed() -> SignedCheckpoint {
        let root = Hash::of_record(b"a root");
        Checkpoint { origin: "guichet/test/0".to_owned(), size: 923_748, root }.sign(&key(1))
    }

    #[test]
    fn a_checkpoint_is_three_lines_and_a_signature() {
        let signed = signed();
        let lines: Vec<&str> = signed.note().lines().collect();
        assert_eq!(lines[0], "guichet/test/0");
        assert_eq!(lines[1], "923748");
        assert!(lines[4].starts_with("— guichet/test/0 "));
        assert_eq!(SignedCheckpoint::open(signed.note().as_bytes(), key(1).verifying()), Ok(signed));
    }

    #[test]
    fn a_changed_checkpoint_is_not_believed() {
        let note = signed().note().to_owned();
        let open = |note: &str, n| SignedCheckpoint::open(note.as_bytes(), key(n).verifying());
        assert_eq!(open(&note.replace("923748", "923749"), 1), Err(CheckpointError::Signature));
        assert_eq!(open(&note, 2), Err(CheckpointError::OtherKey));
        assert_eq!(
            open(&note.replacen("guichet/test/0", "guichet/other/0", 1), 1),
            Err(CheckpointError::OtherKey)
        );
        assert_eq!(open("nothing of the kind", 1), Err(CheckpointError::Form));
    }
}
