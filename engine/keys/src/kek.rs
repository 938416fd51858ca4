//! The key-encryption key: under it the data keys are kept. It stands outside the key store, so that a copy of the
//! store alone opens nothing, and so that destroying it makes every old copy of a data key worthless.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::aead;
use crate::dice::{Dice, NoDice};

/// Bytes of a key-encryption key in a file: hex digits.
const DIGITS: usize = 64;
/// No key file is longer than this.
const FILE_MAX: u64 = 1024;

/// A key-encryption key: 32 bytes that are wiped when they are dropped and never printed.
#[derive(Clone)]
pub struct Kek {
    key: Zeroizing<[u8; 32]>,
    id: [u8; 16],
}

/// Where a key-encryption key comes from.
#[derive(Clone)]
pub enum KekSource {
    /// A file of ours: made at the first start, when nothing is kept under it yet.
    Own(PathBuf),
    /// A file that somebody else keeps.
    File(PathBuf),
    /// The 64 hex digits themselves.
    Digits {
        /// The key.
        digits: Zeroizing<String>,
        from: &'static str,
    },
}

impl KekSource {
    /// Reads the key. `in_use`: something is kept under it, so that it must be there.
    ///
    /// # Errors
    /// It is missing, or no key.
    pub fn load(&self, in_use: bool) -> Result<Kek, KekError> {
        match self {
            Self::Own(path) => Kek::of_file(path, !in_use),
            Self::File(path) => Kek::of_file(path, false),
            Self::Digits { digits, from } => Kek::parse(digits, from),
        }
    }
}

impl std::fmt::Debug for KekSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own(path) | Self::File(path) => write!(f, "KekSource({})", path.display()),
            Self::Digits { from, .. } => write!(f, "KekSource({from})"),
        }
    }
}

/// Why there is no key-encryption key.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// The file cannot be read or made.
    #[error("could not {doing} the key file {path}: {cause}")]
    File { doing: &'static str, path: PathBuf, cause: std::io::Error },
    /// No file, where there must be one.
    #[error(
        "there is no key file {0}, and none is rebuilt where one was named or a key store was made under one: bring it back from where it is kept, name it with --kek-file, or give the key in GUICHET_KEK"
    )]
    Missing(PathBuf),
    /// Not 64 hex digits.
    #[error("{0} must hold 64 hex digits, the 32 bytes of the key-encryption key, and nothing else")]
    Form(String),
    /// No random bytes for a new one.
    #[error(transparent)]
    NoDice(#[from] NoDice),
}

impl Kek {
    /// Reads 64 hex digits; `from` says in the error where they stood.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(digits: &str, from: &str) -> Result<Self, KekError> {
        let mut key = Zeroizing::new([0; 32]);
        let digits = digits.trim();
        let read = digits.len() == DIGITS && hex::decode_to_slice(digits, key.as_mut_slice()).is_ok();
        if read { Ok(Self::new(key)) } else { Err(KekError::Form(from.to_owned())) }
    }

    /// Reads the key in a file. Where there is none and `make` allows it, makes one that only its owner can read.
    ///
    /// # Errors
    /// The file; or it is missing and must not be made, because something is kept under it.
    pub fn of_file(path: &Path, make: bool) -> Result<Self, KekError> {
        let fault = |doing| move |cause| KekError::File { doing, path: path.to_owned(), cause };
        match File::open(path) {
            Ok(file) => {
                let mut digits = Zeroizing::new(String::new());
                file.take(FILE_MAX).read_to_string(&mut digits).map_err(fault("read"))?;
                Self::parse(&digits, &path.display().to_string())
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && make => {
                let key = Dice::new().key()?;
                write(path, &key).map_err(fault("make"))?;
                Ok(Self::new(key))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(KekError::Missing(path.to_owned())),
            Err(e) => Err(fault("read")(e)),
        }
    }

    fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"guichet.kek\0");
        hash.update(key.as_slice());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self { key, id }
    }

    /// Names the key without telling it: the first half of SHA-256("guichet.kek" ‖ `00` ‖ key).
    #[must_use]
    pub const fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Encrypts 32 secret bytes: nonce, then ciphertext with its tag, 60 bytes.
    pub(crate) fn wrap(&self, secret: &[u8; 32], aad: &[u8], dice: &mut Dice) -> Result<Vec<u8>, NoDice> {
        let nonce = dice.bytes::<{ aead::NONCE }>()?;
        let mut wrapped = Vec::with_capacity(aead::NONCE + secret.len() + aead::TAG);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(secret);
        let tag = aead::encrypt(&self.key, &nonce, aad, &mut wrapped[aead::NONCE..]);
        wrapped.extend_from_slice(&tag);
        Ok(wrapped)
    }

    /// The way back; `None` where anything is not as it was wrapped.
    pub(crate) fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let (nonce, ciphertext) = wrapped.split_at_checked(aead::NONCE)?;
        let mut plain = aead::decrypt(&self.key, nonce, aad, ciphertext)?;
        let secret = plain.as_slice().try_into().ok().map(Zeroizing::new);
        plain.zeroize();
        secret
    }
}

impl std::fmt::Debug for Kek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kek({})", hex::encode(self.id))
    }
}

/// On disk before anything is kept under it: the file, and its name in the folder.
fn write(path: &Path, key: &[u8; 32]) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Half a key would be refused for ever: it gets its name once it is whole.
    let half = path.with_extension("new");
    match std::fs::remove_file(&half) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    let digits = Zeroizing::new(hex::encode(key) + "\n");
    file.write_all(digits.as_bytes())?;
    file.sync_all()?;
    // A link, not a rename: if another process made one meanwhile, that one stays.
    std::fs::hard_link(&half, path)?;
    std::fs::remove_file(&half)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        let made = Kek::of_file(&path, true).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Kek::of_file(&path, true).unwrap().id(), made.id());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_key_that_something_is_kept_under_is_not_rebuilt() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        assert!(matches!(Kek::of_file(&path, false), Err(KekError::Missing(_))));
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let text = "0123456789abcdef";
        let error = Kek::parse(text, "GUICHET_KEK").unwrap_err().to_string();
        assert!(error.contains("GUICHET_KEK") && error.contains("64 hex digits"), "{error}");
        assert!(!error.contains(text), "{error}");
        assert!(Kek::parse(&"zz".repeat(32), "x").is_err());
        assert!(Kek::parse(&format!("{}\n", "ab".repeat(32)), "x").is_ok());
    }

    #[test]
    fn a_wrapped_key_comes_back_only_under_its_kek_and_its_data() {
        let (kek, other) =
            (Kek::parse(&"ab".repeat(32), "x").unwrap(), Kek::parse(&"cd".repeat(32), "x").unwrap());
        let wrapped = kek.wrap(&[7; 32], b"here", &mut Dice::new()).unwrap();
        assert_eq!(wrapped.len(), 60);
        assert_eq!(kek.unwrap(&wrapped, b"here").as_deref(), Some(&[7; 32]));
        assert_eq!(kek.unwrap(&wrapped, b"there"), None);
        assert_eq!(other.unwrap(&wrapped, b"here"), None);
        assert_eq!(kek.unwrap(&wrapped[..20], b"here"), None);
    }
}
