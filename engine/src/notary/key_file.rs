//! The signing key of a log, in a file that only its owner may read, and the public one beside it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guichet_crash::{CrashPoint, crash_point};
use guichet_proof::{KeyError, SigningKey, VerifyingKey};
use guichet_schemas::position::Partition;

use crate::clock::{IdSource, secret, wall};

/// Name of the file with the public key, in the folder of the signing key.
const PUBLIC: &str = "log.vkey";

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("could not {doing} the key {path}: {cause}")]
    Io {
        /// read, write or make.
        doing: &'static str,
        path: PathBuf,
        cause: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path}: {cause}; put back the key that was made with this log")]
    Form { path: PathBuf, cause: KeyError },
    /// A log whose key is gone.
    #[error(
        "the signing key {0} is missing, but the log has records that were signed with it; put the file back, or name where it is with --signing-key"
    )]
    Missing(PathBuf),
}

/// The key of a log. One is made where there is none and the log is `new`.
pub(super) fn open(path: &Path, partition: Partition, new: bool) -> Result<SigningKey, KeyFileError> {
    match read(path)? {
        Some(key) => {
            write_public(path, &key)?;
            Ok(key)
        }
        None if new => generate(path, &origin(partition)),
        None => Err(KeyFileError::Missing(path.to_owned())),
    }
}

/// The key in a file, where there is one.
pub(super) fn read(path: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, SigningKey::parse(&text)).map(Some),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io("read", path, cause)),
    }
}

/// Makes a key for the log of this name: `path` may not be there yet.
///
/// # Errors
/// The file is there, the disk fails, or the name is none for a log.
pub fn generate(path: &Path, origin: &str) -> Result<SigningKey, KeyFileError> {
    let random = secret().map_err(|cause| io("make", path, cause))?;
    let key = parse(path, SigningKey::new(origin, &random))?;
    let text = format!("{}\n", key.reveal());
    replace(path, text.as_bytes(), 0o600, true).map_err(|cause| io("write", path, cause))?;
    write_public(path, &key)?;
    Ok(key)
}

/// The public key that stands beside a signing key.
///
/// # Errors
/// It cannot be read, or is none.
pub fn read_public(signing_key: &Path) -> Result<VerifyingKey, KeyFileError> {
    let path = signing_key.with_file_name(PUBLIC);
    let text = std::fs::read_to_string(&path).map_err(|cause| io("read", &path, cause))?;
    parse(&path, VerifyingKey::parse(&text))
}

/// The public half of the signing key in a file.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn public_of(signing_key: &Path) -> Result<VerifyingKey, KeyFileError> {
    let key = read(signing_key)?.ok_or_else(|| KeyFileError::Missing(signing_key.to_owned()))?;
    Ok(key.verifying().clone())
}

/// A name that no other log has.
fn origin(partition: Partition) -> String {
    format!("guichet/{}/{partition}", IdSource::new().next(wall()))
}

fn write_public(signing_key: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    let path = signing_key.with_file_name(PUBLIC);
    let text = format!("{}\n", key.verifying());
    if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    replace(&path, text.as_bytes(), 0o644, false).map_err(|cause| io("write", &path, cause))
}

/// Writes a whole file in one step that a crash cannot halve. A `new` one takes nobody's place.
fn replace(path: &Path, bytes: &[u8], mode: u32, new: bool) -> std::io::Result<()> {
    let draft = path.with_extension("next");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::options().create_new(true).write(true).mode(mode).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    crash_point(CrashPoint::KeyDrafted);
    if new {
        // Unlike a rename, a link fails where somebody else's key is.
        std::fs::hard_link(&draft, path)?;
        crash_point(CrashPoint::KeyLinked);
        std::fs::remove_file(&draft)?;
    } else {
        std::fs::rename(&draft, path)?;
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn parse<T>(path: &Path, parsed: Result<T, KeyError>) -> Result<T, KeyFileError> {
    parsed.map_err(|cause| KeyFileError::Form { path: path.to_owned(), cause })
}

fn io(doing: &'static str, path: &Path, cause: std::io::Error) -> KeyFileError {
    KeyFileError::Io { doing, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.key");
        let made = open(&path, Partition(0), true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = open(&path, Partition(0), true).unwrap();
        assert_eq!(again.reveal(), made.reveal());
        assert_eq!(read_public(&path).unwrap().to_string(), made.verifying().to_string());
        assert!(generate(&path, "another").is_err(), "a key was overwritten");
        assert_eq!(open(&path, Partition(0), true).unwrap().reveal(), made.reveal());
    }

    #[test]
    fn a_log_with_records_gets_no_other_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signing.key");
        assert!(matches!(open(&path, Partition(0), false), Err(KeyFileError::Missing(_))));
        std::fs::write(&path, "something else").unwrap();
        assert!(matches!(open(&path, Partition(0), true), Err(KeyFileError::Form { .. })));
    }
}
