//! Signing and verifying keys, in the text forms of C2SP signed-note and Go's `note`: `PRIVATE+KEY+name+hash+base64`
//! and `name+hash+base64`. The name of the key is the origin of the log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use signed_note::{Signer as _, StandardSigner, StandardVerifier, Verifier as _};

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a key at all.
    #[error(
        "this is no Ed25519 key in the form of C2SP signed-note (a signing key begins with PRIVATE+KEY+, a verifying key is name+hash+base64)"
    )]
    Form,
    /// The name would break the texts that it stands in.
    #[error("the name of a log may hold no spaces, no + and no control characters, and must not be empty")]
    Name,
}

/// Signs the checkpoints of one log. Shows itself to nobody.
#[derive(Clone)]
pub struct SigningKey {
    pub(crate) signer: StandardSigner,
    text: String,
    verifying: VerifyingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.origin())
    }
}

/// Checks the checkpoints of one log.
#[derive(Clone)]
pub struct VerifyingKey {
    pub(crate) verifier: StandardVerifier,
    text: String,
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl SigningKey {
    /// A key for the log of this name, out of 32 random bytes.
    ///
    /// # Errors
    /// The name.
    pub fn new(origin: &str, random: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_origin(origin) {
            return Err(KeyError::Name);
        }
        let public = ed25519_dalek::SigningKey::from_bytes(random).verifying_key();
        let key = [&[ED25519], random.as_slice()].concat();
        let id = signed_note::key_id(origin, &[&[ED25519], public.as_bytes().as_slice()].concat());
        Self::parse(&format!("PRIVATE+KEY+{origin}+{id:08x}+{}", BASE64.encode(key)))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// It is not such a text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end();
        let signer = StandardSigner::new(text).map_err(|_| KeyError::Form)?;
        if !is_origin(signer.name()) {
            return Err(KeyError::Name);
        }
        // Base64 has a + of its own, so the key begins behind the fourth one of the text, not behind the last.
        let key = text.splitn(5, '+').nth(4).and_then(|key| BASE64.decode(key).ok());
        let seed: [u8; 32] =
            key.as_deref().and_then(|key| key.get(1..)?.try_into().ok()).ok_or(KeyError::Form)?;
        let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        let verifying = VerifyingKey::parse(&signed_note::new_ed25519_verifier_key(signer.name(), &public))?;
        Ok(Self { signer, text: text.to_owned(), verifying })
    }

    /// The text form: a secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.signer.name()
    }

    /// The public half.
    #[must_use]
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }
}

impl VerifyingKey {
    /// Reads the text form.
    ///
    /// # Errors
    /// It is not such a text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_end();
        let verifier = StandardVerifier::new(text).map_err(|_| KeyError::Form)?;
        if is_origin(verifier.name()) {
            Ok(Self { verifier, text: text.to_owned() })
        } else {
            Err(KeyError::Name)
        }
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.verifier.name()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// C2SP signed-note, signature type.
const ED25519: u8 = 1;

fn is_origin(name: &str) -> bool {
    signed_note::is_key_name_valid(name) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_text() {
        for n in 0..32 {
            let key = SigningKey::new("guichet/test/0", &[n; 32]).unwrap();
            let again = SigningKey::parse(&format!("{}\n", key.reveal())).unwrap();
            assert_eq!(again.verifying().to_string(), key.verifying().to_string());
            assert_eq!(again.origin(), "guichet/test/0");
            assert!(!format!("{again:?}").contains("PRIVATE"));
            VerifyingKey::parse(&key.verifying().to_string()).unwrap();
        }
    }

    #[test]
    fn a_name_that_would_break_a_checkpoint_is_refused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{1}b"] {
            assert_eq!(SigningKey::new(name, &[1; 32]).err(), Some(KeyError::Name), "{name:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused() {
        for text in ["", "PRIVATE+KEY+a+00000000+AQ==", "a+b+c", "a+00000000+AAAA"] {
            assert!(SigningKey::parse(text).is_err(), "{text:?}");
            assert!(VerifyingKey::parse(text).is_err(), "{text:?}");
        }
    }
}
