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

use super::encoding::Decoded;
use super::error::ImportError;
use super::mapping::Mapping;
use super::pieces::Pieces;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
pub(super) const ZIP: &[&[u8]] = &[b"PK\x03\x04", b"PK\x05\x06"];
/// The largest window that `zstd -d` takes without being asked twice: 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
pub(super) const BUFFER_BYTES: usize = 128 * 1024;

/// The texts of an export that a pattern names, one after the other.
pub(super) struct Texts {
    pub(super) pieces: Arc<Pieces>,
    encoding: Option<&'static Encoding>,
    left: std::vec::IntoIter<usize>,
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) bytes_total: u64,
}

/// One text of an export.
pub(super) struct Text {
    pub(super) number: u32,
    /// What a person calls it, where the export has more than one.
    pub(super) member: Option<String>,
    /// What an error calls it.
    pub(super) path: PathBuf,
    pub(super) text: Decoded,
}

impl Texts {
    pub(super) fn open(
        pieces: &Arc<Pieces>,
        mapping: &Mapping,
        bytes_read: &Arc<AtomicU64>,
    ) -> Result<Self, ImportError> {
        let chosen = pieces.chosen(mapping.source.member.as_deref())?;
        Ok(Self {
            pieces: Arc::clone(pieces),
            encoding: mapping.source.encoding,
            bytes_total: chosen.iter().fold(0, |sum: u64, n| sum.saturating_add(pieces.all[*n].bytes)),
            left: chosen.into_iter(),
            bytes_read: Arc::clone(bytes_read),
        })
    }

    /// The next text; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Text>, ImportError> {
        self.left.next().map(|piece| self.text(piece)).transpose()
    }

    /// A text from its beginning once more.
    pub(super) fn again(&self, number: u32) -> Result<Text, ImportError> {
        self.text(number as usize)
    }

    fn text(&self, number: usize) -> Result<Text, ImportError> {
        let piece = &self.pieces.all[number];
        let failed = |source| ImportError::Read { path: piece.path.clone(), source };
        let bytes = match &piece.member {
            None => unpacked(self.counted(&piece.path).map_err(failed)?),
            Some(member) => {
                let archive = self.counted(&self.pieces.paths[piece.of]).map_err(failed)?;
                let bytes = member.open(archive).map_err(failed)?;
                unpacked(BufReader::with_capacity(BUFFER_BYTES, bytes))
            }
        };
        Ok(Text {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            member: piece.shown.clone(),
            path: piece.path.clone(),
            text: Decoded::new(bytes.map_err(failed)?, self.encoding),
        })
    }

    fn counted(&self, path: &Path) -> io::Result<BufReader<Counting>> {
        let counting = Counting { file: File::open(path)?, bytes: Arc::clone(&self.bytes_read) };
        Ok(BufReader::with_capacity(BUFFER_BYTES, counting))
    }
}

fn unpacked<R: Read + Send + 'static>(mut file: BufReader<R>) -> io::Result<Box<dyn Read + Send>> {
    let head = file.fill_buf()?;
    Ok(if head.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(file))
    } else if head.starts_with(ZSTD) {
        let mut unpacked = zstd::stream::read::Decoder::with_buffer(file)?;
        unpacked.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Box::new(unpacked)
    } else if ZIP.iter().any(|magic| head.starts_with(magic)) {
        let problem = "it is a .zip within a folder or another archive; unpack it, or name it by itself";
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
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
        let pieces = Pieces::open(file.path().into()).unwrap();
        let mut texts = Texts::open(&pieces, &mapping.unwrap(), &Arc::default()).unwrap();
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
