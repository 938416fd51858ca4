//! From a file to UTF-8 text: counts what is read, unpacks `.gz` and `.zst` by their first bytes and
//! decodes old encodings. Streams; nothing here grows with the file, and a `.zst` that asks for a window of
//! more than [`ZSTD_WINDOW_LOG_MAX`] is refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

use super::windows1252::Windows1252;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// What `zstd -d` takes without being asked twice: a window of 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
const BUFFER_BYTES: usize = 128 * 1024;

/// How the text of an export is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Also UTF-16 that begins with its byte order mark.
    Utf8,
    Utf16Le,
    Utf16Be,
    /// Also what calls itself ISO-8859-1, as browsers do.
    Windows1252,
}

impl Encoding {
    pub(super) const LABELS: &[&str] =
        &["utf-8", "utf-16le", "utf-16be", "windows-1252", "cp1252", "iso-8859-1", "latin1", "us-ascii"];

    pub(super) fn parse(label: &str) -> Option<Self> {
        Some(match label.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" => Self::Utf8,
            "utf-16le" => Self::Utf16Le,
            "utf-16be" => Self::Utf16Be,
            "windows-1252" | "cp1252" | "iso-8859-1" | "latin1" => Self::Windows1252,
            _ => return None,
        })
    }
}

/// Text of an export, and how far the file behind it has been read.
pub(super) struct Input {
    pub(super) text: Box<dyn BufRead + Send>,
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) bytes_total: u64,
}

pub(super) fn open(path: &Path, encoding: Encoding) -> io::Result<Input> {
    let file = File::open(path)?;
    let bytes_total = file.metadata()?.len();
    let bytes_read = Arc::new(AtomicU64::new(0));
    let file = Counting { inner: file, bytes: Arc::clone(&bytes_read) };
    let text = decode(unpack(BufReader::with_capacity(BUFFER_BYTES, file))?, encoding)?;
    Ok(Input { text, bytes_read, bytes_total })
}

fn unpack(mut file: BufReader<Counting>) -> io::Result<Box<dyn Read + Send>> {
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

fn decode(bytes: Box<dyn Read + Send>, encoding: Encoding) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(match encoding {
        Encoding::Utf8 => transcode(bytes),
        Encoding::Utf16Le => transcode(with_mark(bytes, &[0xff, 0xfe])?),
        Encoding::Utf16Be => transcode(with_mark(bytes, &[0xfe, 0xff])?),
        Encoding::Windows1252 => {
            Box::new(Windows1252::new(BufReader::with_capacity(BUFFER_BYTES, bytes), BUFFER_BYTES))
        }
    })
}

/// UTF-16 is known by its byte order mark; UTF-8 passes as it is, so that a damaged row can be named.
fn transcode(bytes: Box<dyn Read + Send>) -> Box<dyn BufRead + Send> {
    let text = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(bytes);
    Box::new(BufReader::with_capacity(BUFFER_BYTES, text))
}

/// Puts the byte order mark in front where the file has none.
fn with_mark(bytes: Box<dyn Read + Send>, mark: &'static [u8]) -> io::Result<Box<dyn Read + Send>> {
    let mut bytes = BufReader::with_capacity(BUFFER_BYTES, bytes);
    if bytes.fill_buf()?.starts_with(mark) {
        return Ok(Box::new(bytes));
    }
    Ok(Box::new(mark.chain(bytes)))
}

struct Counting {
    inner: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8], encoding: Encoding) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut input = open(file.path(), encoding).unwrap();
        let mut text = String::new();
        input.text.read_to_string(&mut text).unwrap();
        assert_eq!(input.bytes_read.load(Ordering::Relaxed), bytes.len() as u64);
        assert_eq!(input.bytes_total, bytes.len() as u64);
        text
    }

    #[test]
    fn packed_files_are_known_by_their_first_bytes() {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all("Björn".as_bytes()).unwrap();
        // Two members one after the other are one file, as gzip says.
        let gz = gz.finish().unwrap().repeat(2);
        assert_eq!(read(&gz, Encoding::Utf8), "BjörnBjörn");
        assert_eq!(read(&zstd::encode_all("Åsa".as_bytes(), 1).unwrap(), Encoding::Utf8), "Åsa");
        assert_eq!(read("\u{feff}Åsa".as_bytes(), Encoding::Utf8), "Åsa");
        assert_eq!(read(b"", Encoding::Utf8), "");
    }

    #[test]
    fn old_encodings_become_utf_8() {
        let utf16 = |order: fn(u16) -> [u8; 2]| "Åsa €".encode_utf16().flat_map(order).collect::<Vec<u8>>();
        assert_eq!(read(&utf16(little), Encoding::Utf16Le), "Åsa €");
        assert_eq!(read(&utf16(big), Encoding::Utf16Be), "Åsa €");
        assert_eq!(read(&[&[0xff, 0xfe], utf16(little).as_slice()].concat(), Encoding::Utf16Le), "Åsa €");
        assert_eq!(read(&[&[0xff, 0xfe], utf16(little).as_slice()].concat(), Encoding::Utf8), "Åsa €");
        assert_eq!(read(b"Bj\xf6rn \x80", Encoding::Windows1252), "Björn €");
    }

    fn big(unit: u16) -> [u8; 2] {
        unit.to_be_bytes()
    }

    fn little(unit: u16) -> [u8; 2] {
        let [a, b] = unit.to_be_bytes();
        [b, a]
    }

    #[test]
    fn a_cut_off_archive_is_an_error_and_not_an_early_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let packed = zstd::encode_all("some text\n".repeat(10_000).as_bytes(), 1).unwrap();
        file.write_all(&packed[..packed.len() - 5]).unwrap();
        let mut text = String::new();
        assert!(open(file.path(), Encoding::Utf8).unwrap().text.read_to_string(&mut text).is_err());
    }
}
