//! The secret that lets a reader in. Never logged; compared in constant time.

use sha2::{Digest as _, Sha256};

/// A bearer token: whoever holds it reads every tenant of the desk.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// From random bytes of the operating system.
    #[must_use]
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self(hex::encode(secret))
    }

    /// The token itself, for whoever may know it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True for the same token. Takes the same time wherever the first difference stands: what is compared are
    /// hashes, all of each.
    pub(crate) fn is(&self, claimed: &str) -> bool {
        let (ours, theirs) = (Sha256::digest(self.0.as_bytes()), Sha256::digest(claimed.as_bytes()));
        ours.iter().zip(theirs).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = Token::from_secret([7; 32]);
        assert!(token.is(&"07".repeat(32)));
        for claimed in ["", "07", &"07".repeat(31), &format!("{}0", "07".repeat(32)), &"0A".repeat(32)] {
            assert!(!token.is(claimed), "{claimed}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
