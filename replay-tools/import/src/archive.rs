//! The members of a `.zip`, each read as a stream against its checksum and its size, and the files of a folder. No
//! member is ever written to disk.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::bounds::{MEMBERS_MAX, shown};
use super::error::ImportError;
use super::input::BUFFER_BYTES;

/// Names that an error lists.
const NAMES_SHOWN: usize = 20;
pub(super) const NAME_SHOWN: usize = 200;
/// The record at the end of an archive, with the longest comment.
const END_BYTES: u64 = 22 + 65_535;
const END_MAGIC: &[u8] = b"PK\x05\x06";
/// That record says so where the number stands in another one.
const ZIP64_COUNT: usize = 0xffff;
/// Where that record says how many members there are.
const COUNT_AT: usize = 10;

/// A member of an archive.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) packed_bytes: u64,
    /// Whether it is packed; `None`: in a way that is not deflate.
    packed: Option<bool>,
    begin: Option<u64>,
    is_encrypted: bool,
    bytes: u64,
    crc: u32,
}

/// The members, in the order of their names.
pub(super) fn members(path: &Path) -> Result<Vec<Member>, ImportError> {
    let refused = |problem: String| ImportError::Archive { path: path.to_owned(), problem };
    let mut file = File::open(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let count = count(&mut file).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    if count > MEMBERS_MAX {
        return Err(refused(format!("has more than {MEMBERS_MAX} members")));
    }
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|e| refused(format!("is damaged: {e}")))?;
    if count != archive.len() && count != ZIP64_COUNT {
        return Err(refused(format!(
            "says that it has {count} members, and has {}: two have one name, or it is damaged; unpack it first",
            archive.len()
        )));
    }
    let mut members = Vec::new();
    for index in 0..archive.len().min(MEMBERS_MAX) {
        let member = archive.by_index_raw(index).map_err(|e| refused(format!("is damaged: {e}")))?;
        let name = member.name().map_err(|e| refused(format!("is damaged: {e}")))?.into_owned();
        if member.is_dir() || is_of_the_archiver(&name) {
            continue;
        }
        let packed = if member.compression() == CompressionMethod::Stored {
            Some(false)
        } else {
            (member.compression() == CompressionMethod::Deflated).then_some(true)
        };
        members.push(Member {
            packed,
            begin: member.data_start(),
            is_encrypted: member.encrypted(),
            packed_bytes: member.compressed_size(),
            bytes: member.size(),
            crc: member.crc32(),
            name,
        });
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

/// What a folder holds.
pub(super) struct Folder {
    /// Its files with their lengths, in the order of their names.
    pub(super) files: Vec<(String, u64)>,
    /// Folders within it, whose files are not looked at.
    pub(super) folders: Vec<String>,
}

/// The files of a folder.
pub(super) fn files(folder: &Path) -> Result<Folder, ImportError> {
    let refused = |problem: String| ImportError::Archive { path: folder.to_owned(), problem };
    let failed = |source| ImportError::Read { path: folder.to_owned(), source };
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file = std::fs::metadata(entry.path()).map_err(failed)?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|name| refused(format!("has the file {name:?}, whose name is no UTF-8")))?;
        if name.starts_with('.') || is_of_the_archiver(&format!("{name}/")) {
            continue;
        }
        if files.len().saturating_add(folders.len()) >= MEMBERS_MAX {
            return Err(refused(format!("has more than {MEMBERS_MAX} files")));
        }
        if file.is_file() {
            files.push((name, file.len()));
        } else {
            folders.push(name);
        }
    }
    files.sort();
    folders.sort();
    Ok(Folder { files, folders })
}

/// True for members that archivers add on their own.
fn is_of_the_archiver(name: &str) -> bool {
    name.starts_with("__MACOSX/") || name.rsplit('/').next() == Some(".DS_Store")
}

/// Names for a sentence; of many, the first.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let mut list: Vec<String> =
        names.into_iter().take(NAMES_SHOWN).map(|name| shown(name, NAME_SHOWN)).collect();
    if more > 0 {
        list.push(format!("… and {more} more"));
    }
    if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
}

/// How many members the archive says that it has, before anything is held of them.
fn count(file: &mut File) -> io::Result<usize> {
    let len = file.metadata()?.len();
    let begin = len.saturating_sub(END_BYTES);
    file.seek(SeekFrom::Start(begin))?;
    let mut end = Vec::new();
    (&mut *file).take(END_BYTES).read_to_end(&mut end)?;
    file.seek(SeekFrom::Start(0))?;
    let place = memchr::memmem::rfind(&end, END_MAGIC).map(|place| place.saturating_add(COUNT_AT));
    let count = place.and_then(|place| end.get(place..place.saturating_add(2)));
    // The format is little-endian.
    Ok(count.map_or(0, |bytes| usize::from(u16::from_be_bytes([bytes[1], bytes[0]]))))
}

impl Member {
    /// Why it cannot be read, where it cannot.
    pub(super) fn problem(&self) -> Option<String> {
        let why = match (self.is_encrypted, self.packed, self.begin) {
            (true, _, _) => "is encrypted",
            (_, None, _) => "is packed in a way that is not deflate",
            (_, _, None) => "has no beginning",
            (false, Some(_), Some(_)) => return None,
        };
        Some(format!("its member {:?} {why}; unpack it first", shown(&self.name, NAME_SHOWN)))
    }

    /// Its bytes, out of the archive.
    pub(super) fn open<R: Read + Seek + Send + 'static>(
        &self,
        mut archive: BufReader<R>,
    ) -> io::Result<Box<dyn Read + Send>> {
        archive.seek(SeekFrom::Start(self.begin.unwrap_or_default()))?;
        let bytes = archive.take(self.packed_bytes);
        let inner: Box<dyn Read + Send> = if self.packed == Some(true) {
            Box::new(DeflateDecoder::new(BufReader::with_capacity(BUFFER_BYTES, bytes)))
        } else {
            Box::new(bytes)
        };
        Ok(Box::new(Checked {
            inner,
            left: self.bytes,
            crc: flate2::Crc::new(),
            expected: self.crc,
            name: shown(&self.name, NAME_SHOWN),
        }))
    }
}

/// Ends with an error where the member is not as long as the archive says, or has another checksum.
struct Checked {
    inner: Box<dyn Read + Send>,
    left: u64,
    crc: flate2::Crc,
    expected: u32,
    name: String,
}

impl Checked {
    fn damaged(&self, how: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("the member {:?} {how}", self.name))
    }
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(out)?;
        if n == 0 {
            return match self.left {
                0 if self.crc.sum() == self.expected => Ok(0),
                0 => Err(self.damaged("has another checksum than the archive says")),
                _ => Err(self.damaged("ends early")),
            };
        }
        self.crc.update(&out[..n]);
        self.left =
            self.left.checked_sub(n as u64).ok_or_else(|| self.damaged("is longer than the archive says"))?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(members: &[(&str, &str)], method: CompressionMethod) -> Vec<u8> {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in members {
            zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let members = members(file.path()).map_err(|e| e.to_string())?;
        let read = members.into_iter().map(|member| {
            let mut text = String::new();
            let bytes = BufReader::new(File::open(file.path()).unwrap());
            let mut opened = member.open(bytes).map_err(|e| e.to_string())?;
            opened.read_to_string(&mut text).map_err(|e| e.to_string())?;
            Ok((member.name, text))
        });
        read.collect()
    }

    #[test]
    fn members_come_in_the_order_of_their_names_without_those_of_the_archiver() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let all = archive(&[("__MACOSX/x", "?"), ("b/2.csv", "two"), ("b/1.csv", "one")], method);
            let (one, two) =
                (("b/1.csv".to_owned(), "one".to_owned()), ("b/2.csv".to_owned(), "two".to_owned()));
            assert_eq!(read(&all).unwrap(), [one, two]);
        }
    }

    #[test]
    fn a_damaged_member_ends_with_an_error() {
        let mut stored = archive(&[("a.csv", "some text")], CompressionMethod::Stored);
        let place = memchr::memmem::find(&stored, b"some text").unwrap();
        stored[place] = b'S';
        assert!(read(&stored).unwrap_err().contains("checksum"));
        let mut deflated = archive(&[("a.csv", &"text ".repeat(1000))], CompressionMethod::Deflated);
        // The size in the central directory, which stands before the name.
        let place = memchr::memmem::find(&deflated, b"PK\x01\x02").unwrap() + 24;
        deflated[place] = 7;
        deflated[place + 1] = 0;
        assert!(read(&deflated).unwrap_err().contains("longer"));
        let whole = archive(&[("a.csv", "some text")], CompressionMethod::Stored);
        assert!(read(&whole[..whole.len() - 10]).unwrap_err().contains("damaged"));
    }
}
