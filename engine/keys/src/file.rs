//! A file, sealed segment by segment, so that memory is constant and any part opens by itself: the STREAM construction
//! (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over the one cipher that we use.
//!
//! | part | value |
//! |---|---|
//! | key of the file | HMAC-SHA-256 under the key of the data subject, over `guichet.file.v1`, `00`, salt 16 |
//! | segment | 65,536 bytes, the last one 1 to 65,536 |
//! | nonce | seven zero bytes, number of the segment u32, `01` for the last one, else `00` |
//! | associated data | `guichet.attachment.v1`, `00`, tenant, `00`, key id 16, SHA-256 of the bytes 32, their count u64 |
//!
//! Numbers are big-endian. Each file has a salt and so a key of its own: a nonce comes once. A segment opens at its place
//! in its file alone, and a file that was cut short does not end.

use guichet_schemas::hash::Hash;
use guichet_schemas::ids::KeyId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::aead;
use crate::key::DataKey;

/// Bytes of a segment, but for the last.
pub const SEGMENT: usize = 64 * 1024;
/// Bytes of a sealed segment, but for the last.
pub const SEALED_SEGMENT: usize = SEGMENT + aead::TAG;
/// Bytes of the salt of a file.
pub const SALT: usize = 16;

/// Which file it is. It opens as no other.
#[derive(Debug, Clone, Copy)]
pub struct FilePlace<'a> {
    pub tenant: &'a str,
    pub key_id: KeyId,
    /// Of the bytes before they were sealed.
    pub sha256: Hash,
    /// How many these are.
    pub size: u64,
}

/// Seals and opens the segments of one file.
pub struct FileCipher {
    key: Zeroizing<[u8; 32]>,
    aad: Vec<u8>,
    segments: u32,
}

impl std::fmt::Debug for FileCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileCipher")
    }
}

impl FileCipher {
    /// The cipher of a file. `None`: it is empty, or has more segments than can be numbered.
    #[must_use]
    pub fn new(key: &DataKey, place: &FilePlace<'_>, salt: &[u8; SALT]) -> Option<Self> {
        let segments = u32::try_from(place.size.div_ceil(SEGMENT as u64)).ok().filter(|count| *count > 0)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal()).expect("HMAC takes keys of any length");
        mac.update(b"guichet.file.v1\0");
        mac.update(salt);
        let key = Zeroizing::new(mac.finalize().into_bytes().into());
        Some(Self { key, aad: place.bytes(), segments })
    }

    /// How many segments the file has.
    #[must_use]
    pub const fn segments(&self) -> u32 {
        self.segments
    }

    /// Seals a segment where it lies, and puts its tag behind it.
    pub fn seal(&self, number: u32, segment: &mut Vec<u8>) {
        let tag = aead::encrypt(&self.key, &self.nonce(number), &self.aad, segment);
        segment.extend_from_slice(&tag);
    }

    /// Opens a segment. `None`: it is not the one that was sealed there.
    #[must_use]
    pub fn open(&self, number: u32, sealed: &[u8]) -> Option<Vec<u8>> {
        aead::decrypt(&self.key, &self.nonce(number), &self.aad, sealed)
    }

    fn nonce(&self, number: u32) -> [u8; aead::NONCE] {
        let mut nonce = [0; aead::NONCE];
        nonce[7..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = u8::from(number + 1 == self.segments);
        nonce
    }
}

impl FilePlace<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(79 + self.tenant.len());
        bytes.extend_from_slice(b"guichet.attachment.v1\0");
        bytes.extend_from_slice(self.tenant.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.key_id.0.as_bytes());
        bytes.extend_from_slice(&self.sha256.0);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn place(size: usize) -> FilePlace<'static> {
        let (sha256, key_id) = (Hash([7; 32]), KeyId(Uuid::from_u128(1)));
        FilePlace { tenant: "default", key_id, sha256, size: size as u64 }
    }

    fn cipher(place: &FilePlace<'_>, salt: u8) -> FileCipher {
        FileCipher::new(&DataKey::from_slice(&[3; 32]).unwrap(), place, &[salt; SALT]).unwrap()
    }

    fn sealed(cipher: &FileCipher, bytes: &[u8]) -> Vec<Vec<u8>> {
        let seal = |(number, segment): (usize, &[u8])| {
            let mut segment = segment.to_vec();
            cipher.seal(u32::try_from(number).unwrap(), &mut segment);
            segment
        };
        bytes.chunks(SEGMENT).enumerate().map(seal).collect()
    }

    #[test]
    fn a_segment_opens_at_its_place_in_its_file_alone() {
        let bytes: Vec<u8> = (0..2 * SEGMENT + 5).map(|n| (n % 251) as u8).collect();
        let here = cipher(&place(bytes.len()), 1);
        let all = sealed(&here, &bytes);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0].len(), SEALED_SEGMENT);
        for (number, segment) in (0..).zip(&all) {
            let start = number as usize * SEGMENT;
            let plain = &bytes[start..bytes.len().min(start + SEGMENT)];
            assert_eq!(here.open(number, segment).as_deref(), Some(plain));
            assert_eq!(here.open(number + 1, segment), None, "segment {number} elsewhere");
            let others = [
                FilePlace { tenant: "other", ..place(bytes.len()) },
                FilePlace { sha256: Hash([8; 32]), ..place(bytes.len()) },
                FilePlace { key_id: KeyId(Uuid::from_u128(2)), ..place(bytes.len()) },
                place(bytes.len() - 1),
            ];
            for other in others {
                assert_eq!(cipher(&other, 1).open(number, segment), None, "{other:?}");
            }
            assert_eq!(cipher(&place(bytes.len()), 2).open(number, segment), None, "another salt");
        }
        // Cut after its second segment, it does not end there.
        assert_eq!(cipher(&place(2 * SEGMENT), 1).open(1, &all[1]), None);
    }

    #[test]
    fn an_empty_file_has_no_cipher() {
        assert!(FileCipher::new(&DataKey::from_slice(&[3; 32]).unwrap(), &place(0), &[0; SALT]).is_none());
    }

    proptest! {
        #[test]
        fn no_changed_byte_opens(at in 0usize..80, bit in 0u8..8) {
            let bytes = [9; 64];
            let cipher = cipher(&place(bytes.len()), 1);
            let mut segment = sealed(&cipher, &bytes).remove(0);
            segment[at] ^= 1 << bit;
            prop_assert_eq!(cipher.open(0, &segment), None);
        }
    }
}
