//! A sealed file, byte by byte: `GATT`, version u32, salt 16, bytes of the file u64, then the sealed segments
//! (`guichet_keys::FileCipher`). Numbers are big-endian.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use guichet_keys::{DataKey, FileCipher, FilePlace, SALT, SEALED_SEGMENT, SEGMENT};
use guichet_schemas::hash::Hash;
use sha2::{Digest as _, Sha256};

use super::durable;

const MAGIC: &[u8; 8] = b"GATT\0\0\0\x01";
const HEADER: usize = 8 + SALT + 8;

/// Why bytes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("the file is missing")]
    Missing,
    /// Its key was destroyed: nobody reads it again.
    #[error("its key was destroyed")]
    Erased,
    /// The file is not the one that was sealed.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// The system refuses.
    #[error("the file cannot be read: {0}")]
    Refused(#[from] io::Error),
}

/// A file that is being sealed. It is gone when it is dropped before it was kept.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    path: Option<PathBuf>,
    cipher: FileCipher,
    digest: Sha256,
    segment: Vec<u8>,
    number: u32,
    received: u64,
    size: u64,
}

impl Writer {
    pub(super) fn create(
        path: PathBuf,
        cipher: FileCipher,
        salt: &[u8; SALT],
        size: u64,
    ) -> io::Result<Self> {
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&path)?;
        let mut writer = |bytes: &[u8]| file.write_all(bytes);
        let written = writer(MAGIC).and_then(|()| writer(salt)).and_then(|()| writer(&size.to_be_bytes()));
        let this = Self {
            file,
            path: Some(path),
            cipher,
            digest: Sha256::new(),
            segment: Vec::with_capacity(SEALED_SEGMENT),
            number: 0,
            received: 0,
            size,
        };
        written.map(|()| this)
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// Seals more bytes; no more than are missing.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.received += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(SEGMENT - self.segment.len()));
            self.segment.extend_from_slice(now);
            bytes = later;
            if self.segment.len() == SEGMENT || (later.is_empty() && self.received == self.size) {
                self.cipher.seal(self.number, &mut self.segment);
                self.number += 1;
                self.file.write_all(&self.segment)?;
                self.segment.clear();
            }
        }
        Ok(())
    }

    /// The hash of all bytes, once the sealed ones are on disk.
    pub(super) fn finish(&mut self) -> io::Result<Hash> {
        self.file.sync_all()?;
        Ok(Hash(self.digest.clone().finalize().into()))
    }

    /// Puts the file where it belongs. The caller syncs the folder.
    pub(super) fn keep(mut self, to: &Path) -> io::Result<()> {
        let path = self.path.as_ref().expect("it is taken at the end alone");
        std::fs::rename(path, to)?;
        self.path = None;
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = durable::remove(&path)
        {
            tracing::warn!(%error, path = %path.display(), "what is left of an upload goes at the next start");
        }
    }
}

/// How many bytes a sealed file holds, by its header alone. `None`: there is none, or it is none of ours.
pub(super) fn size_of(path: &Path) -> io::Result<Option<u64>> {
    match open(path) {
        Ok((_, header)) => Ok(Some(size(&header))),
        Err(ReadError::Missing | ReadError::Damaged(_) | ReadError::Erased) => Ok(None),
        Err(ReadError::Refused(error)) => Err(error),
    }
}

/// Opens a part of a file: at most so many bytes from an offset on, none behind its end.
pub(super) fn read(
    path: &Path,
    key: &DataKey,
    place: &FilePlace<'_>,
    offset: u64,
    most: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut reader = Reader::open(path, key, place)?;
    let mut found = Vec::with_capacity(most.min(4 * SEGMENT));
    let end = place.size.min(offset.saturating_add(most as u64));
    let mut at = offset;
    while at < end {
        let segment = reader.segment(u32::try_from(at / SEGMENT as u64).unwrap_or(u32::MAX))?;
        let from = usize::try_from(at % SEGMENT as u64).unwrap_or(usize::MAX);
        let to = segment.len().min(from.saturating_add(usize::try_from(end - at).unwrap_or(usize::MAX)));
        let part = segment.get(from..to).filter(|part| !part.is_empty());
        let part = part.ok_or(ReadError::Damaged("a segment is too short"))?;
        found.extend_from_slice(part);
        at += part.len() as u64;
    }
    Ok(found)
}

/// Reads a whole file, and compares its bytes with its name.
pub(super) fn check(path: &Path, key: &DataKey, place: &FilePlace<'_>) -> Result<(), ReadError> {
    let mut reader = Reader::open(path, key, place)?;
    let mut digest = Sha256::new();
    for number in 0..reader.cipher.segments() {
        digest.update(reader.segment(number)?);
    }
    if digest.finalize().as_slice() != place.sha256.0 {
        return Err(ReadError::Damaged("its bytes have another SHA-256"));
    }
    if reader.file.read(&mut [0])? != 0 {
        return Err(ReadError::Damaged("it goes on behind its end"));
    }
    Ok(())
}

struct Reader {
    file: File,
    cipher: FileCipher,
    /// The segment at which the file stands.
    next: u32,
}

impl Reader {
    fn open(path: &Path, key: &DataKey, place: &FilePlace<'_>) -> Result<Self, ReadError> {
        let (file, header) = open(path)?;
        if size(&header) != place.size {
            return Err(ReadError::Damaged("its size is another"));
        }
        let salt = header[8..8 + SALT].try_into().expect("a part of this length");
        let cipher = FileCipher::new(key, place, &salt).ok_or(ReadError::Damaged("it is empty"))?;
        Ok(Self { file, cipher, next: 0 })
    }

    fn segment(&mut self, number: u32) -> Result<Vec<u8>, ReadError> {
        if number != self.next {
            let at = HEADER as u64 + u64::from(number) * SEALED_SEGMENT as u64;
            self.file.seek(SeekFrom::Start(at))?;
        }
        let mut sealed = Vec::with_capacity(SEALED_SEGMENT);
        (&mut self.file).take(SEALED_SEGMENT as u64).read_to_end(&mut sealed)?;
        self.next = number + 1;
        self.cipher.open(number, &sealed).ok_or(ReadError::Damaged("a segment does not open"))
    }
}

fn open(path: &Path) -> Result<(File, [u8; HEADER]), ReadError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(ReadError::Missing),
        opened => opened?,
    };
    let mut header = [0; HEADER];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(ReadError::Damaged("it ends in its header"))
        }
        Err(error) => Err(error.into()),
        Ok(()) if header.starts_with(MAGIC) => Ok((file, header)),
        Ok(()) => Err(ReadError::Damaged("it does not begin as a sealed file")),
    }
}

fn size(header: &[u8; HEADER]) -> u64 {
    u64::from_be_bytes(header[8 + SALT..].try_into().expect("eight bytes are left"))
}
