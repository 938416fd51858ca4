//! A file of rows of a database: for each row its length, 4 bytes big-endian, and a `guichet.store.v1.BackupRow`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guichet_keys::copy::Row;
use guichet_schemas::wire::store::BackupRow;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::BackupError;

/// Longest row that is believed.
const ROW_MAX: usize = 64 << 20;

/// An entry of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    bytes: u64,
    pub(super) rows: u64,
    sha256: String,
}

impl Noted {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, rows: 0, sha256: hex::encode(Sha256::digest(bytes)) }
    }

    /// # Errors
    /// The file is not the one that was noted.
    pub(super) fn check(&self, path: &Path) -> Result<(), BackupError> {
        let file = File::open(path).map_err(BackupError::io("read", path))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            let read = file.fill_buf().map_err(BackupError::io("read", path))?;
            if read.is_empty() {
                break;
            }
            hash.update(read);
            let length = read.len();
            bytes += length as u64;
            file.consume(length);
        }
        if bytes != self.bytes || hex::encode(hash.finalize()) != self.sha256 {
            let cause = "is not what the manifest says: it was changed or cut".to_owned();
            return Err(BackupError::Damaged { path: path.to_owned(), cause });
        }
        Ok(())
    }
}

/// A file that is being written.
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    rows: u64,
    row: Vec<u8>,
}

impl Writer {
    pub(super) fn create(path: &Path) -> Result<Self, BackupError> {
        let file = File::options().create_new(true).write(true).mode(0o600).open(path);
        let file = BufWriter::with_capacity(1 << 20, file.map_err(BackupError::io("make", path))?);
        Ok(Self { path: path.to_owned(), file, hash: Sha256::new(), bytes: 0, rows: 0, row: Vec::new() })
    }

    pub(super) fn push(&mut self, family: &str, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        let row = BackupRow { family: family.to_owned(), key: key.to_vec(), value: value.to_vec() };
        let length = u32::try_from(row.encoded_len()).map_err(|_| BackupError::Damaged {
            path: self.path.clone(),
            cause: "would hold a row of more than 4 GiB".to_owned(),
        })?;
        self.row.clear();
        self.row.extend_from_slice(&length.to_be_bytes());
        row.encode_raw(&mut self.row);
        self.hash.update(&self.row);
        self.bytes += self.row.len() as u64;
        self.rows += 1;
        self.file.write_all(&self.row).map_err(BackupError::io("write", &self.path))
    }

    /// On disk when this returns.
    pub(super) fn finish(mut self) -> Result<Noted, BackupError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(BackupError::io("write", &self.path))?;
        Ok(Noted { bytes: self.bytes, rows: self.rows, sha256: hex::encode(self.hash.finalize()) })
    }
}

/// The rows of a file, one after the other.
pub(super) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(BackupError::io("read", path))?;
        Ok(Self { path: path.to_owned(), file: BufReader::with_capacity(1 << 20, file) })
    }

    fn damaged(&self, cause: &str) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), cause: cause.to_owned() }
    }

    fn row(&mut self) -> Result<Option<Row>, BackupError> {
        let mut length = [0; 4];
        match self.file.read(&mut length[..1]).map_err(BackupError::io("read", &self.path))? {
            0 => return Ok(None),
            _ => self.file.read_exact(&mut length[1..]).map_err(|_| self.damaged("is cut short"))?,
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > ROW_MAX {
            return Err(self.damaged("names a row that is too long"));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).map_err(|_| self.damaged("is cut short"))?;
        let row = BackupRow::decode(&bytes[..]).map_err(|e| self.damaged(&e.to_string()))?;
        Ok(Some((row.family, row.key, row.value)))
    }
}

impl Iterator for Reader {
    type Item = Result<Row, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}
