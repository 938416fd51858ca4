//! What a backup keeps besides the records: which log it is, the key that signs it, the keys of personal texts, and
//! the answers of commands that wrote no event.
//!
//! | file | content |
//! |---|---|
//! | `identity` | that of the log: generation, secret of the request hashes |
//! | `signing.key` | the key that signs the checkpoints |
//! | `keys.rows` | every row of the key store, keys wrapped as they are there |
//! | `answers.rows` | rows of `commands` that follow from no record |
//! | `manifest.json` | length and SHA-256 of the others, rows, when and by which program |
//!
//! The key-encryption key is not among them: the folder alone opens no personal text. All files are replaced together,
//! in one step, so a key that was destroyed leaves the backup with the next run.

mod rows;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use guichet_keys::{KeyFault, copy};
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use self::rows::{Noted, Reader, Writer};
use crate::clock;
use crate::log::{Answer, LiveLog, Memory, OpenError, StoreFault, keys};
use crate::protection::Protection;

/// Version of the files.
const FORMAT: u32 = 1;
const IDENTITY: &str = "identity";
const SIGNING_KEY: &str = "signing.key";
const KEYS: &str = "keys.rows";
const ANSWERS: &str = "answers.rows";
const MANIFEST: &str = "manifest.json";

/// Why a backup is not made, or not believed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("could not {doing} {path}: {cause}")]
    Io {
        /// read, write, or make.
        doing: &'static str,
        path: PathBuf,
        cause: std::io::Error,
    },
    /// A file of the backup is not what was written.
    #[error("{path} {cause}; take another backup, or another copy of this one")]
    Damaged { path: PathBuf, cause: String },
    /// Another program made it.
    #[error("{path} has format {found}, this program knows {FORMAT}; use the program that wrote it")]
    OtherFormat {
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The log's database.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The key store's database.
    #[error(transparent)]
    Keys(#[from] KeyFault),
    #[error(transparent)]
    KeyStore(#[from] guichet_keys::OpenError),
}

impl BackupError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::Io { doing, path: path.to_owned(), cause }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    program: String,
    taken_at: String,
    files: BTreeMap<String, Noted>,
}

/// The folder of the secrets, whose files are as they were written.
#[derive(Debug)]
pub struct Secrets {
    dir: PathBuf,
    manifest: Manifest,
}

impl Secrets {
    /// Writes them to `dir`, in the place of the older ones. RocksDB keeps notes of its own in `work`.
    ///
    /// The records that the backup will hold must have been read before: a key is on disk before the record that uses
    /// it, so the keys that are read now are enough for them.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub fn take(
        dir: &Path,
        log: &LiveLog,
        protection: &Protection,
        memory: &Memory,
        work: &Path,
    ) -> Result<Self, BackupError> {
        let next = dir.with_extension("next");
        if next.exists() {
            std::fs::remove_dir_all(&next).map_err(BackupError::io("remove", &next))?;
        }
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&next);
        made.map_err(BackupError::io("make", &next))?;
        let mut files = BTreeMap::new();
        let identity = log.identity().map_err(BackupError::io("read", Path::new(IDENTITY)))?;
        files.insert(IDENTITY.to_owned(), write(&next.join(IDENTITY), &identity)?);
        let signing_key = &protection.signing_key;
        let key = std::fs::read(signing_key).map_err(BackupError::io("read", signing_key))?;
        files.insert(SIGNING_KEY.to_owned(), write(&next.join(SIGNING_KEY), &key)?);
        let mut answers = Writer::create(&next.join(ANSWERS))?;
        log.answers(|key, value| answers.push(keys::COMMANDS, key, value))?;
        files.insert(ANSWERS.to_owned(), answers.finish()?);
        let mut kept = Writer::create(&next.join(KEYS))?;
        copy::read_rows::<BackupError>(
            &protection.keys,
            work,
            &memory.cache,
            &memory.write_buffers,
            |family, key, value| kept.push(family, key, value),
        )?;
        files.insert(KEYS.to_owned(), kept.finish()?);
        let manifest = Manifest {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: clock::wall().to_string(),
            files,
        };
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|e| BackupError::Damaged { path: next.join(MANIFEST), cause: e.to_string() })?;
        write(&next.join(MANIFEST), &text)?;
        replace(&next, dir).map_err(BackupError::io("replace", dir))?;
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    /// Opens a folder of secrets, and reads every file once to see that it is what was written.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub fn open(dir: &Path) -> Result<Self, BackupError> {
        let path = dir.join(MANIFEST);
        let damaged = |cause: String| BackupError::Damaged { path: path.clone(), cause };
        let text = std::fs::read(&path).map_err(BackupError::io("read", &path))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        if manifest.format != FORMAT {
            return Err(BackupError::OtherFormat { path, found: manifest.format });
        }
        for name in [IDENTITY, SIGNING_KEY, KEYS, ANSWERS] {
            let noted = manifest.files.get(name).ok_or_else(|| damaged(format!("does not name {name}")))?;
            noted.check(&dir.join(name))?;
        }
        Ok(Self { dir: dir.to_owned(), manifest })
    }

    #[must_use]
    pub fn taken_at(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.manifest.taken_at)
    }

    /// How many rows the key store had.
    #[must_use]
    pub fn key_rows(&self) -> u64 {
        self.manifest.files.get(KEYS).map_or(0, |noted| noted.rows)
    }

    /// The file of the signing key.
    #[must_use]
    pub fn signing_key(&self) -> PathBuf {
        self.dir.join(SIGNING_KEY)
    }

    /// The file that says which log it is.
    ///
    /// # Errors
    /// The disk.
    pub fn identity(&self) -> Result<Vec<u8>, BackupError> {
        let path = self.dir.join(IDENTITY);
        std::fs::read(&path).map_err(BackupError::io("read", &path))
    }

    /// Answers of commands that wrote no event.
    ///
    /// # Errors
    /// The disk.
    pub fn answers(&self) -> Result<impl Iterator<Item = Result<Answer, StoreFault>> + use<>, BackupError> {
        let rows = Reader::open(&self.dir.join(ANSWERS))?;
        Ok(rows.map(|row| match row {
            Ok((_, key, value)) => Ok((key, value)),
            Err(e) => Err(StoreFault::found("read the answers in the backup", e)),
        }))
    }

    /// Makes the key store again, where there is none. False: one is there, and stays as it is.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub fn restore_keys(&self, protection: &Protection, memory: &Memory) -> Result<bool, BackupError> {
        if guichet_keys::KeyStore::is_there(&protection.keys)? {
            return Ok(false);
        }
        let rows = Reader::open(&self.dir.join(KEYS))?;
        copy::make(&protection.keys, &memory.cache, &memory.write_buffers, rows)?;
        Ok(true)
    }

    /// Puts the signing key where the log will look for it. One that is there must be the same.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub fn restore_signing_key(&self, protection: &Protection) -> Result<(), BackupError> {
        let (from, to) = (self.signing_key(), &protection.signing_key);
        let key = std::fs::read(&from).map_err(BackupError::io("read", &from))?;
        match std::fs::read(to) {
            Ok(there) if there == key => Ok(()),
            Ok(_) => Err(BackupError::Damaged {
                path: to.clone(),
                cause: "is another key than the one of the backup: move it away".to_owned(),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => write(to, &key).map(drop),
            Err(cause) => Err(BackupError::Io { doing: "read", path: to.clone(), cause }),
        }
    }
}

/// A small file that only its owner may read, on disk when this returns.
fn write(path: &Path, bytes: &[u8]) -> Result<Noted, BackupError> {
    let written = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(BackupError::io("write", path))?;
    Ok(Noted::of(bytes))
}

/// Puts a folder in the place of another, in one step, and removes the other.
fn replace(next: &Path, dir: &Path) -> std::io::Result<()> {
    File::open(next)?.sync_all()?;
    if dir.exists() {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        renameat2(AT_FDCWD, next, AT_FDCWD, dir, RenameFlags::RENAME_EXCHANGE)?;
        std::fs::remove_dir_all(next)?;
    } else {
        std::fs::rename(next, dir)?;
    }
    File::open(dir.parent().unwrap_or(Path::new(".")))?.sync_all()
}
