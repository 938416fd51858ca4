//! A proof in one text that needs nothing else but the record and the key of the log (C2SP tlog-proof).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use guichet_schemas::hash::Hash;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::keys::VerifyingKey;
use crate::prove::{Inclusion, check_inclusion};

/// First line of every such text.
const FORM: &str = "c2sp.org/tlog-proof@v1";
/// A path from a leaf to the root of a tree of 2^64 leaves.
const HASHES_MAX: usize = 64;

/// That a record stands at one place of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    /// Leaf of the record: its position less one.
    pub index: u64,
    /// From the leaf's neighbour up.
    pub proof: Inclusion,
    /// The root that it leads to.
    pub checkpoint: SignedCheckpoint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// Not a proof at all.
    #[error("this is no proof in the form {FORM}")]
    Form,
    /// Its checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Another record, another place, or changed hashes.
    #[error("the record does not stand at this place of the log: it, the place or the proof was changed")]
    Proof,
}

impl ProofFile {
    /// Reads the text, without a look at the signature.
    ///
    /// # Errors
    /// It is no such text.
    pub fn parse(text: &str) -> Result<Self, ProofFileError> {
        let (head, note) = text.split_once("\n\n").ok_or(ProofFileError::Form)?;
        let mut lines = head.lines().peekable();
        if lines.next() != Some(FORM) {
            return Err(ProofFileError::Form);
        }
        // Whatever an application says beside the proof is not proven.
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| number(line.strip_prefix("index ")?));
        let proof: Option<Inclusion> = lines.map(hash).collect();
        let proof = proof.filter(|proof| proof.len() <= HASHES_MAX).ok_or(ProofFileError::Form)?;
        let checkpoint = SignedCheckpoint::read(note.as_bytes())?;
        Ok(Self { index: index.ok_or(ProofFileError::Form)?, proof, checkpoint })
    }

    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{FORM}\nindex {}\n", self.index);
        for hash in &self.proof {
            writeln!(text, "{}", BASE64.encode(hash.0)).expect("a string takes all");
        }
        text.push('\n');
        text.push_str(self.checkpoint.note());
        text
    }

    /// Holds where the log of this key has `record` at this place.
    ///
    /// # Errors
    /// See [`ProofFileError`].
    pub fn check(&self, record: &[u8], key: &VerifyingKey) -> Result<(), ProofFileError> {
        let checkpoint = SignedCheckpoint::open(self.checkpoint.note().as_bytes(), key)?;
        let (size, root, leaf) = (checkpoint.size(), checkpoint.root(), Hash::of_record(record));
        if check_inclusion(&self.proof, size, root, self.index, leaf) {
            Ok(())
        } else {
            Err(ProofFileError::Proof)
        }
    }
}

/// Decimal, as the form prescribes: no sign, no leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

fn hash(line: &str) -> Option<Hash> {
    Hash::from_slice(&BASE64.decode(line).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, Edge, SigningKey};

    fn file() -> (ProofFile, SigningKey) {
        let key = SigningKey::new("guichet/test/0", &[7; 32]).unwrap();
        let mut edge = Edge::new();
        let leaves = [b"one", b"two"].map(|record| Hash::of_record(record));
        leaves.iter().for_each(|leaf| edge.append(*leaf, &mut Vec::new()));
        let checkpoint = Checkpoint { origin: key.origin().to_owned(), size: 2, root: edge.root() };
        (ProofFile { index: 1, proof: vec![leaves[0]], checkpoint: checkpoint.sign(&key) }, key)
    }

    #[test]
    fn a_proof_is_read_back_and_holds_for_its_record_only() {
        let (file, key) = file();
        let read = ProofFile::parse(&file.to_text()).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.check(b"two", key.verifying()), Ok(()));
        assert_eq!(read.check(b"twO", key.verifying()), Err(ProofFileError::Proof));
        let elsewhere = ProofFile { index: 0, ..read };
        assert_eq!(elsewhere.check(b"two", key.verifying()), Err(ProofFileError::Proof));
    }

    #[test]
    fn extra_words_are_skipped_and_other_forms_refused() {
        let text = file().0.to_text();
        assert!(ProofFile::parse(&text.replacen("index", "extra AAAA\nindex", 1)).is_ok());
        for (from, to) in
            [("index 1", "index 01"), ("index 1", "index +1"), ("@v1", "@v2"), ("index 1", "index")]
        {
            assert_eq!(ProofFile::parse(&text.replacen(from, to, 1)), Err(ProofFileError::Form), "{to}");
        }
    }
}
