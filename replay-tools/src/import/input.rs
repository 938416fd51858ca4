//! From a file to UTF-8 text: counts what is read, unpacks `.gz`, `.zst` and the members of a `.zip` by their
//! first bytes. Streams; nothing here grows with the file, and a `.zst` that asks for a window of more than
//! [`ZSTD_WINDOW_LOG_MAX`] is refused.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::Encoding;
use flate2::bufread::MultiGzDecoder;

use super::archive::{self, Member};
use super::encoding::Decoded;
use super::error::ImportError;
use super::mapping::Mapping;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZIP: &[&[u8]] = &[b"PK\x03\x04", b"PK\x05\x06"];
/// What `zstd -d` takes without being asked twice: a window of 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
pub(super) const BUFFER_BYTES: usize = 128 * 1024;

/// The texts of an export, one after the other: itself, or the members of an archive.
pub(super) struct Texts {
    path: PathBuf,
    encoding: Option<&'static Encoding>,
    left: std::vec::IntoIter<Place>,
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) bytes_total: u64,
}

enum Place {
    File(BufReader<Counting>),
    Member(Member),
    /// A file of a folder, by its name.
    Named(String),
}

/// One text of an export.
pub(super) struct Text {
    /// Its name in the archive.
    pub(super) member: Option<String>,
    pub(super) text: Decoded,
}

impl Texts {
    pub(super) fn open(
        path: &Path,
        mapping: &Mapping,
        bytes_read: &Arc<AtomicU64>,
    ) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { path: path.to_owned(), source };
        let pattern = mapping.source.member.as_deref();
        let texts = |places: Vec<Place>, bytes_total| Self {
            path: path.to_owned(),
            encoding: mapping.source.encoding,
            left: places.into_iter(),
            bytes_read: Arc::clone(bytes_read),
            bytes_total,
        };
        if path.is_dir() {
            let files = archive::files(path, pattern)?;
            let bytes = files.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
            return Ok(texts(files.into_iter().map(|(name, _)| Place::Named(name)).collect(), bytes));
        }
        let (mut file, len) = counted(path, bytes_read).map_err(failed)?;
        let head = file.fill_buf().map_err(failed)?;
        let (places, bytes_total) = if ZIP.iter().any(|magic| head.starts_with(magic)) {
            let members = archive::members(path, pattern)?;
            let bytes = members.iter().fold(0, |sum: u64, m| sum.saturating_add(m.packed_bytes));
            (members.into_iter().map(Place::Member).collect(), bytes)
        } else if let Some(pattern) = pattern {
            let problem = format!("is neither, and the mapping looks for the member {pattern:?} in it");
            return Err(ImportError::Archive { path: path.to_owned(), problem });
        } else {
            (vec![Place::File(file)], len)
        };
        Ok(texts(places, bytes_total))
    }

    /// The next text; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Text>, ImportError> {
        let failed = |source| ImportError::Read { path: self.path.clone(), source };
        let Some(place) = self.left.next() else { return Ok(None) };
        let (member, bytes) = match place {
            Place::File(file) => (None, unpacked(file).map_err(failed)?),
            Place::Named(name) => {
                let (file, _) = counted(&self.path.join(&name), &self.bytes_read).map_err(failed)?;
                (Some(name), unpacked(file).map_err(failed)?)
            }
            Place::Member(member) => {
                let (file, _) = counted(&self.path, &self.bytes_read).map_err(failed)?;
                let bytes = member.open(file).map_err(failed)?;
                let bytes = BufReader::with_capacity(BUFFER_BYTES, bytes);
                (Some(member.name), unpacked(bytes).map_err(failed)?)
            }
        };
        Ok(Some(Text { member, text: Decoded::new(bytes, self.encoding) }))
    }
}

fn counted(path: &Path, bytes: &Arc<AtomicU64>) -> io::Result<(BufReader<Counting>, u64)> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    Ok((BufReader::with_capacity(BUFFER_BYTES, Counting { file, bytes: Arc::clone(bytes) }), len))
}

fn unpacked<R: Read + Send + 'static>(mut file: BufReader<R>) -> io::Result<Box<dyn Read + Send>> {
    let head = file.fill_buf()?;
    Ok(if head.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(file))
    } else if head.starts_with(ZSTD) {
        let mut unpacked = zstd::stream::read::Decoder::with_buffer(file)?;
        unpacked.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Box::new(unpacked)
    } else {
        Box::new(file)
    })
}

/// A file that counts what is read of it.
pub(super) struct Counting {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl io::Seek for Counting {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mapping =
            Mapping::parse("[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n");
        let mut texts = Texts::open(file.path(), &mapping.unwrap(), &Arc::default()).unwrap();
        let mut text = String::new();
        texts.next().unwrap().unwrap().text.read_to_string(&mut text)?;
        assert!(texts.next().unwrap().is_none());
        assert_eq!(texts.bytes_read.load(Ordering::Relaxed), bytes.len() as u64);
        assert_eq!(texts.bytes_total, bytes.len() as u64);
        Ok(text)
    }

    #[test]
    fn packed_files_are_known_by_their_first_bytes() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all("Björn".as_bytes()).unwrap();
        // Two members one after the other are one file, as gzip says.
        let gz = gz.finish().unwrap().repeat(2);
        assert_eq!(read(&gz).unwrap(), "BjörnBjörn");
        assert_eq!(read(&zstd::encode_all("Åsa".as_bytes(), 1).unwrap()).unwrap(), "Åsa");
        assert_eq!(read("\u{feff}Åsa".as_bytes()).unwrap(), "Åsa");
        assert_eq!(read(b"").unwrap(), "");
    }

    #[test]
    fn a_cut_off_archive_is_an_error_and_not_an_early_end() {
        let packed = zstd::encode_all("some text\n".repeat(10_000).as_bytes(), 1).unwrap();
        assert!(read(&packed[..packed.len() - 5]).is_err());
    }
}
