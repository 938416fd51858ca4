//! The keys of the users of the embedded server: made at the first start, each in a file that only its owner reads.
//!
//! `nats-keys/<role>.nk` holds the seed of an nkey, of which the server only knows the public half;
//! `nats-keys/caller.password` what stands in `run.json`, of which it only knows a hash.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use nkeys::KeyPair;
use tracing::warn;
use zeroize::Zeroizing;

use super::rights::Role;

/// Folder of the keys, beside the store.
pub(crate) const FOLDER: &str = "nats-keys";
/// Name of the user that callers are.
pub(crate) const CALLER: &str = "caller";
/// 2^4 rounds: the password has 256 bits, which nobody guesses, and every connection waits for the check.
const BCRYPT_COST: u32 = 4;

/// The users of one server.
pub(crate) struct Keys {
    folder: PathBuf,
    /// Public halves.
    public: Vec<(Role, String)>,
    password: Zeroizing<String>,
}

impl Keys {
    /// Reads the keys of a folder; makes those that are not there or cannot be read.
    pub(super) fn prepare(dir: &Path) -> anyhow::Result<Self> {
        let folder = dir.join(FOLDER);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("make the folder {}", folder.display()))?;
        let mut public = Vec::new();
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Caller) {
            public.push((role, key_in(&file_of(&folder, role))?.public_key()));
        }
        // The seed of a key that is none: as random, and as long, as a password should be.
        let password = key_in(&folder.join("caller.password"))?.seed().map_err(|e| anyhow!("{e}"))?;
        Ok(Self { folder, public, password: Zeroizing::new(password) })
    }

    /// The public halves.
    pub(super) fn public(&self) -> &[(Role, String)] {
        &self.public
    }

    /// The file with the seed of a role.
    pub(crate) fn file(&self, role: Role) -> PathBuf {
        file_of(&self.folder, role)
    }

    /// The password of callers.
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// The form of it that the server may know.
    pub(super) fn password_hash(&self) -> anyhow::Result<String> {
        bcrypt::hash(self.password.as_str(), BCRYPT_COST).context("hash the password of callers")
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The file of a role in a folder of keys.
pub(crate) fn file_of(folder: &Path, role: Role) -> PathBuf {
    folder.join(format!("{}.nk", role.name()))
}

/// The key in a file; a new one where there is none, or none that can be read: only this server knows it.
fn key_in(file: &Path) -> anyhow::Result<KeyPair> {
    let text = fs::read_to_string(file).map(Zeroizing::new);
    match text.map(|text| KeyPair::from_seed(text.trim())) {
        Ok(Ok(pair)) => return Ok(pair),
        Ok(Err(_)) => warn!(file = %file.display(), "the file holds no key any more; a new one is made"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            warn!(file = %file.display(), %error, "the key cannot be read; a new one is made");
        }
    }
    let pair = KeyPair::new_user();
    let seed = Zeroizing::new(pair.seed().map_err(|e| anyhow!("{e}"))?);
    write_private(file, format!("{}\n", seed.as_str()).as_bytes())
        .with_context(|| format!("write {}", file.display()))?;
    Ok(pair)
}

/// Writes a file in one step that only its owner may read, whatever the umask.
pub(super) fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = file.with_extension("new");
    // A draft that was left behind keeps its permissions, so it goes first.
    if let Err(error) = fs::remove_file(&draft) {
        tracing::trace!(%error, "no draft was left behind");
    }
    let mut to = File::options().create_new(true).write(true).mode(0o600).open(&draft)?;
    to.write_all(bytes)?;
    to.sync_all()?;
    fs::rename(draft, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keys::prepare(dir.path()).unwrap();
        let again = Keys::prepare(dir.path()).unwrap();
        assert_eq!(first.public(), again.public());
        assert_eq!(first.password(), again.password());
        assert!(bcrypt::verify(first.password(), &first.password_hash().unwrap()).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join(FOLDER)), 0o700);
        let files: Vec<_> =
            fs::read_dir(dir.path().join(FOLDER)).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), Role::ALL.len());
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        assert!(!format!("{first:?}").contains(first.password()));
    }

    #[test]
    fn a_damaged_key_is_rebuilt() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keys::prepare(dir.path()).unwrap();
        fs::write(first.file(Role::Http), "SUnonsense").unwrap();
        let again = Keys::prepare(dir.path()).unwrap();
        let differ = first.public().iter().zip(again.public()).filter(|(a, b)| a != b);
        assert_eq!(differ.map(|((role, _), _)| *role).collect::<Vec<_>>(), [Role::Http]);
    }
}
