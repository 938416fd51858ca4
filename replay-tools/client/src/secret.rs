//! Secrets, and what is proved by them. A secret shows neither in messages nor in logs, and does not stay in freed memory.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::ClientError;

/// A password, a token, the seed of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself, for whoever hands it to the server.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The text of a file, without the white space around it.
    ///
    /// # Errors
    /// The file cannot be read, or holds nothing.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let failed = |problem: String| ClientError::File { path: path.to_owned(), problem };
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?);
        match text.trim() {
            "" => Err(failed("it is empty, and should hold a secret".to_owned())),
            text => Ok(Self::from(text.to_owned())),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Our name for the server, and how we prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A user with a password.
    User {
        name: String,
        password: Secret,
    },
    Token(Secret),
    /// File with a user JWT and its seed.
    Creds(PathBuf),
    /// File with the seed of an nkey.
    Nkey(PathBuf),
    /// A user JWT and its seed.
    Jwt {
        jwt: Secret,
        /// The seed that signs for it.
        seed: Secret,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret::from("hush".to_owned()))), "Some([secret])");
    }

    #[test]
    fn a_file_without_a_secret_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        assert!(Secret::read(&path).unwrap_err().to_string().contains("password"));
        std::fs::write(&path, " \n").unwrap();
        assert!(Secret::read(&path).unwrap_err().to_string().contains("empty"));
        std::fs::write(&path, "hush\n").unwrap();
        assert_eq!(Secret::read(&path).unwrap().reveal(), "hush");
    }
}
