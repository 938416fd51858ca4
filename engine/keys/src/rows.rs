//! Every row of the key store, byte by byte. Nothing in it names a person: whose key it is stands there only under
//! a keyed hash, whose key is itself kept under the key-encryption key.
//!
//! | column family | key | value |
//! |---|---|---|
//! | `keys` | tenant, `00`, key id 16 | `01`, subject tag 32, commitment 32, KEK id 16, wrapped key 60 |
//! | `subjects` | tenant, `00`, subject tag 32, key id 16 | empty |
//! | `meta` | `format` | u32, big-endian |
//! | `meta` | `names` | KEK id 16, wrapped 32 bytes: the key of the tags, 60 |
//!
//! A wrapped key is a nonce of 12 bytes and the AES-256-GCM-SIV of the 32 bytes under the key-encryption key, with its
//! tag; its associated data is `guichet.key.v1`, `00`, tenant, `00`, key id, subject tag, commitment (for `names`:
//! `guichet.names.v1`, `00`). A subject tag is HMAC-SHA-256 under the key of the tags over tenant, `00`, subject.

use guichet_schemas::ids::KeyId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::kek::Kek;
use crate::key::{Commitment, DataKey};

/// Wrapped data keys.
pub(crate) const KEYS: &str = "keys";
/// The keys of each data subject.
pub(crate) const SUBJECTS: &str = "subjects";
/// Facts about the store itself.
pub(crate) const META: &str = "meta";
/// Every column family.
pub(crate) const ALL: [&str; 3] = [KEYS, SUBJECTS, META];

/// `meta`: version of this page.
pub(crate) const FORMAT: &[u8] = b"format";
/// `meta`: the key of the tags.
pub(crate) const NAMES: &[u8] = b"names";
/// Associated data of the key of the tags.
pub(crate) const NAMES_AAD: &[u8] = b"guichet.names.v1\0";

/// First byte of a row in `keys`.
const VERSION: u8 = 1;
/// Its length: version, tag, commitment, KEK id, nonce, ciphertext with its tag.
const LENGTH: usize = 1 + 32 + 32 + 16 + 60;

/// A data subject without its name.
pub(crate) type Tag = [u8; 32];

/// The tag of a data subject.
pub(crate) fn tag(names: &[u8; 32], tenant: &str, subject: &str) -> Tag {
    let mut mac = Hmac::<Sha256>::new_from_slice(names).expect("HMAC takes a key of any length");
    mac.update(tenant.as_bytes());
    mac.update(&[0]);
    mac.update(subject.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Key in `keys`.
pub(crate) fn key(tenant: &str, id: KeyId) -> Vec<u8> {
    [tenant.as_bytes(), &[0], id.0.as_bytes()].concat()
}

/// Beginning of the keys in `subjects` of one data subject.
pub(crate) fn subject(tenant: &str, tag: &Tag) -> Vec<u8> {
    [tenant.as_bytes(), &[0], tag].concat()
}

/// Key in `subjects`.
pub(crate) fn subject_key(tenant: &str, tag: &Tag, id: KeyId) -> Vec<u8> {
    [tenant.as_bytes(), &[0], tag, id.0.as_bytes()].concat()
}

/// Associated data of a wrapped key.
pub(crate) fn key_aad(tenant: &str, id: KeyId, tag: &Tag, commitment: &Commitment) -> Vec<u8> {
    [b"guichet.key.v1\0", tenant.as_bytes(), &[0], id.0.as_bytes(), tag, &commitment.0].concat()
}

/// A row of `keys`.
pub(crate) struct KeyRow<'a> {
    pub(crate) tag: Tag,
    pub(crate) commitment: Commitment,
    pub(crate) kek: [u8; 16],
    pub(crate) wrapped: &'a [u8],
}

impl<'a> KeyRow<'a> {
    /// The key, where it opens to what it commits to.
    pub(crate) fn open(&self, kek: &Kek, tenant: &str, id: KeyId) -> Option<DataKey> {
        let aad = key_aad(tenant, id, &self.tag, &self.commitment);
        let key = kek.unwrap(self.wrapped, &aad).and_then(|key| DataKey::from_slice(key.as_slice()));
        key.filter(|key| key.commitment() == self.commitment)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.tag);
        bytes.extend_from_slice(&self.commitment.0);
        bytes.extend_from_slice(&self.kek);
        bytes.extend_from_slice(self.wrapped);
        bytes
    }

    /// `None`: not as we write it.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (tag, rest) = rest.split_first_chunk::<32>()?;
        let (commitment, rest) = rest.split_first_chunk::<32>()?;
        let (kek, wrapped) = rest.split_first_chunk::<16>()?;
        (*version == VERSION && bytes.len() == LENGTH).then_some(Self {
            tag: *tag,
            commitment: guichet_schemas::hash::Hash(*commitment),
            kek: *kek,
            wrapped,
        })
    }
}
