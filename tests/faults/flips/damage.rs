//! What can happen to a file while nobody looks: a bit flips, a sector comes back empty, the end is gone, all is gone.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rand::Rng;
use rand::seq::IndexedRandom as _;

/// The folders of a node, below that of its site.
pub(super) const FOLDERS: [&str; 3] = ["engine", "worker", "jetstream"];
/// Bytes that a disk loses together.
const SECTOR: u64 = 512;
/// Of a hundred harms so many are flipped bits; the rest is shared by the others.
const FLIPS: u32 = 70;

/// What a file is for. Every file of a node is of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The write-ahead log of the log.
    Wal,
    /// Its tables: records, indexes, tiles of the tree.
    Tables,
    /// What RocksDB knows of them.
    Manifest,
    /// Who the folder is.
    Identity,
    /// How far it was acknowledged.
    Head,
    Anchor,
    /// The key of the checkpoints and its public half.
    SigningKey,
    /// The key-encryption key.
    Kek,
    /// The store of the keys of personal texts.
    Keys,
    /// What nats-server keeps: messages, index, consumers, configuration.
    Stream,
    /// Read models.
    Models,
    /// What nobody reads again.
    Notes,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Wal,
        Self::Tables,
        Self::Manifest,
        Self::Identity,
        Self::Head,
        Self::Anchor,
        Self::SigningKey,
        Self::Kek,
        Self::Keys,
        Self::Stream,
        Self::Models,
        Self::Notes,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Wal => "write-ahead log",
            Self::Tables => "tables",
            Self::Manifest => "manifest",
            Self::Identity => "identity",
            Self::Head => "head",
            Self::Anchor => "anchor",
            Self::SigningKey => "signing key",
            Self::Kek => "kek",
            Self::Keys => "keys",
            Self::Stream => "stream",
            Self::Models => "read models",
            Self::Notes => "notes",
        }
    }

    /// By its path below the folder of a site.
    fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = path.to_string_lossy();
        let is_note = name == "LOCK" || name == "LOG" || name.starts_with("LOG.");
        if text.starts_with("jetstream/") {
            Self::Stream
        } else if is_note {
            Self::Notes
        } else if text.starts_with("worker/") {
            Self::Models
        } else if text.contains("/keys-0/") {
            Self::Keys
        } else if text.contains("/anchor-0/") {
            Self::Anchor
        } else if name == "signing.key" || name == "log.vkey" {
            Self::SigningKey
        } else if name == "kek" {
            Self::Kek
        } else if name == "identity" {
            Self::Identity
        } else if text.ends_with("/log-0/head") {
            Self::Head
        } else if name.ends_with(".log") {
            Self::Wal
        } else if name.ends_with(".sst") {
            Self::Tables
        } else if text.contains("/log-0/rocksdb/") {
            Self::Manifest
        } else {
            Self::Notes
        }
    }
}

/// What is done to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// One bit, counted from the beginning of the file.
    Flip(u64),
    /// The sector that begins here.
    Zero(u64),
    /// Everything from here on.
    Cut(u64),
    Delete,
}

/// One harm to one file.
#[derive(Debug, Clone)]
pub(crate) struct Damage {
    pub(crate) kind: Kind,
    file: PathBuf,
    harm: Harm,
}

impl Damage {
    /// Throws the dice for a file of a kind in a folder; `None`: it has none.
    pub(crate) fn choose(dir: &Path, kind: Kind, dice: &mut impl Rng) -> Option<Self> {
        let mut files = Vec::new();
        FOLDERS.iter().for_each(|folder| list(dir, Path::new(folder), &mut files));
        files.retain(|(file, bytes)| *bytes > 0 && Kind::of(file) == kind);
        // In the order of their names, whatever the order of the folder is.
        files.sort();
        let (file, bytes) = files.choose(dice)?.clone();
        let harm = match dice.random_range(0..100) {
            n if n < FLIPS => Harm::Flip(dice.random_range(0..bytes * 8)),
            n if n < FLIPS + 10 => Harm::Zero(dice.random_range(0..bytes) / SECTOR * SECTOR),
            n if n < FLIPS + 20 => Harm::Cut(dice.random_range(0..bytes)),
            _ => Harm::Delete,
        };
        Some(Self { kind, file, harm })
    }

    /// Does it, to the same file in this folder.
    pub(crate) fn inflict(&self, dir: &Path) -> std::io::Result<()> {
        let path = dir.join(&self.file);
        match self.harm {
            Harm::Flip(bit) => {
                let mut file = File::options().read(true).write(true).open(path)?;
                let mut byte = [0];
                file.seek(SeekFrom::Start(bit / 8))?;
                file.read_exact(&mut byte)?;
                file.seek(SeekFrom::Start(bit / 8))?;
                file.write_all(&[byte[0] ^ (1 << (bit % 8))])
            }
            Harm::Zero(at) => {
                let mut file = File::options().write(true).open(path)?;
                let bytes = SECTOR.min(file.metadata()?.len() - at);
                file.seek(SeekFrom::Start(at))?;
                file.write_all(&vec![0; usize::try_from(bytes).unwrap_or(0)])
            }
            Harm::Cut(at) => File::options().write(true).open(path)?.set_len(at),
            Harm::Delete => fs::remove_file(path),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.harm {
            Harm::Flip(bit) => write!(f, "bit {bit} of {file} flipped"),
            Harm::Zero(at) => write!(f, "the sector at byte {at} of {file} zeroed"),
            Harm::Cut(at) => write!(f, "{file} cut at byte {at}"),
            Harm::Delete => write!(f, "{file} deleted"),
        }
    }
}

/// All files below a folder, with their sizes.
fn list(dir: &Path, below: &Path, files: &mut Vec<(PathBuf, u64)>) {
    for entry in fs::read_dir(dir.join(below)).into_iter().flatten().flatten() {
        let path = below.join(entry.file_name());
        match entry.metadata() {
            Ok(found) if found.is_dir() => list(dir, &path, files),
            Ok(found) if found.is_file() => files.push((path, found.len())),
            Ok(_) | Err(_) => {}
        }
    }
}
