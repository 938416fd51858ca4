//! The key of one data subject, its id, and the hash that commits to it.

use std::fmt;

use guichet_schemas::hash::Hash;
use guichet_schemas::ids::KeyId;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::dice::{Dice, NoDice};

/// A new id, in the form of a UUID of version 4.
///
/// # Errors
/// The system gives no random bytes.
pub fn random_key_id(dice: &mut Dice) -> Result<KeyId, NoDice> {
    Ok(KeyId(uuid::Builder::from_random_bytes(dice.bytes()?).into_uuid()))
}

/// SHA-256("kc" ‖ key). AES-GCM-SIV alone lets a clever writer make a ciphertext that opens under two keys, to two
/// texts; who knows the commitment, which stands in the log, takes only the key that was meant.
pub type Commitment = Hash;

/// The key of one data subject: 32 bytes that are wiped when they are dropped and never printed.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// A new key.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random(dice: &mut Dice) -> Result<Self, NoDice> {
        dice.key().map(Self)
    }

    /// A key that came from the key service. `None`: not 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|key| Self(Zeroizing::new(key)))
    }

    /// The hash of the key that its event carries.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        let mut hash = Sha256::new();
        hash.update(b"kc");
        hash.update(self.0.as_slice());
        Hash(hash.finalize().into())
    }

    /// The secret itself, for who may have it.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_the_hash_that_is_documented() {
        let key = DataKey::from_slice(&[7; 32]).unwrap();
        let mut bytes = b"kc".to_vec();
        bytes.extend_from_slice(&[7; 32]);
        assert_eq!(key.commitment().0, <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let key = DataKey::from_slice(&[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "DataKey");
    }

    #[test]
    fn an_id_looks_like_a_uuid_of_version_4() {
        let id = random_key_id(&mut Dice::new()).unwrap().0;
        assert_eq!((id.get_version_num(), id.get_variant()), (4, uuid::Variant::RFC4122));
    }
}
