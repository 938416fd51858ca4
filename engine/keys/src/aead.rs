//! AES-256-GCM-SIV (RFC 8452), the one cipher that we use: a nonce that should come twice gives away only that two
//! texts are equal, never their content or the key.

use aes_gcm_siv::aead::{Aead as _, AeadInOut as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};

/// Bytes of a nonce.
pub(crate) const NONCE: usize = 12;
/// Bytes of the tag that stands behind a ciphertext.
pub(crate) const TAG: usize = 16;

/// Makes the ciphertext of a plaintext where it lies, and gives its tag.
pub(crate) fn encrypt(key: &[u8; 32], nonce: &[u8; NONCE], aad: &[u8], text: &mut [u8]) -> [u8; TAG] {
    cipher(key)
        .encrypt_inout_detached(&Nonce::from(*nonce), aad, text.into())
        .expect("a text is far shorter than 64 GiB, the only limit")
        .into()
}

/// The plaintext; `None` where key, nonce, associated data or ciphertext is not the one of the sealing.
pub(crate) fn decrypt(key: &[u8; 32], nonce: &[u8], aad: &[u8], cipher_text: &[u8]) -> Option<Vec<u8>> {
    let nonce: &[u8; NONCE] = nonce.try_into().ok()?;
    cipher(key).decrypt(&Nonce::from(*nonce), Payload { msg: cipher_text, aad }).ok()
}

fn cipher(key: &[u8; 32]) -> Aes256GcmSiv {
    Aes256GcmSiv::new(<&Key<Aes256GcmSiv>>::from(key))
}
