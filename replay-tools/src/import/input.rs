//! From a file to UTF-8 text: counts what is read, unpacks `.gz`, `.zst` and the members of a `.zip` by their
//! first bytes. Streams; nothing here grows with the file, and a `.zst` that asks for a window of more than
//! [`ZSTD_WINDOW_LOG_MAX`] is refused.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::Encoding;
use flate2::bufread::MultiGzDecoder;

use super::archive::{self, Member};
use super::encoding::Decoded;
use super::error::ImportError;
use super::mapping::{Mapping, fits};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZIP: &[&[u8]] = &[b"PK\x03\x04", b"PK\x05\x06"];
/// What `zstd -d` takes without being asked twice: a window of 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
pub(super) const BUFFER_BYTES: usize = 128 * 1024;

/// The files of an export: one, a folder or an archive of some that belong together, or several of these.
#[derive(Debug, Clone)]
pub struct Export(Vec<PathBuf>);

impl Export {
    /// What a sentence calls it.
    #[must_use]
    pub fn label(&self) -> PathBuf {
        label(&self.0)
    }

    /// Whether all of it is empty files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0))
    }
}

fn label(paths: &[PathBuf]) -> PathBuf {
    match paths {
        [one] => one.clone(),
        _ => {
            let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            archive::listed(names.iter().map(String::as_str)).into()
        }
    }
}

impl From<&Path> for Export {
    fn from(path: &Path) -> Self {
        Self(vec![path.to_owned()])
    }
}

impl From<&PathBuf> for Export {
    fn from(path: &PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<&[PathBuf]> for Export {
    fn from(paths: &[PathBuf]) -> Self {
        Self(paths.to_vec())
    }
}

/// Every text that an export holds, read or not.
#[derive(Debug)]
pub(super) struct Pieces {
    paths: Vec<PathBuf>,
    all: Vec<Piece>,
    /// Folders within folders, which are not looked at.
    folders: Vec<String>,
}

/// A text of an export.
#[derive(Debug)]
struct Piece {
    /// Which of the paths holds it.
    of: usize,
    /// What a pattern of the mapping is held against.
    name: String,
    /// What a person calls it; a lone file has no need of a name.
    shown: Option<String>,
    /// What an error calls it.
    path: PathBuf,
    bytes: u64,
    /// Of an archive; `None`: a file of its own.
    member: Option<Member>,
}

impl Pieces {
    pub(super) fn open(export: Export) -> Result<Arc<Self>, ImportError> {
        let Export(paths) = export;
        refuse_twice(&paths)?;
        let mut pieces = Self { paths, all: Vec::new(), folders: Vec::new() };
        for of in 0..pieces.paths.len() {
            pieces.look_into(of)?;
        }
        Ok(Arc::new(pieces))
    }

    fn look_into(&mut self, of: usize) -> Result<(), ImportError> {
        let path = self.paths[of].clone();
        let failed = |source| ImportError::Read { path: path.clone(), source };
        let is_lone = self.paths.len() == 1;
        let within =
            |name: &str| if is_lone { name.to_owned() } else { path.join(name).display().to_string() };
        let piece = |name: String, bytes, member| Piece {
            of,
            shown: Some(within(&name)),
            path: path.join(&name),
            name,
            bytes,
            member,
        };
        let file = std::fs::metadata(&path).map_err(failed)?;
        if file.is_dir() {
            let folder = archive::files(&path)?;
            self.folders.extend(folder.folders.iter().map(|name| within(name)));
            self.all.extend(folder.files.into_iter().map(|(name, bytes)| piece(name, bytes, None)));
        } else if file.is_file() && is_zip(&path).map_err(failed)? {
            let members = archive::members(&path)?.into_iter();
            self.all.extend(members.map(|m| piece(m.name.clone(), m.packed_bytes, Some(m))));
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let shown = (!is_lone).then(|| path.display().to_string());
            self.all.push(Piece { of, name, shown, path, bytes: file.len(), member: None });
        }
        Ok(())
    }

    /// The texts that a pattern names; without one, the only text of each path.
    fn chosen(&self, pattern: Option<&str>) -> Result<Vec<usize>, ImportError> {
        let chosen = match pattern {
            Some(pattern) => self.fitting(pattern)?,
            None => self.only()?,
        };
        for piece in &chosen {
            let Piece { of, member, .. } = &self.all[*piece];
            if let Some(problem) = member.as_ref().and_then(Member::problem) {
                return Err(ImportError::Archive { path: self.paths[*of].clone(), problem });
            }
        }
        Ok(chosen)
    }

    fn fitting(&self, pattern: &str) -> Result<Vec<usize>, ImportError> {
        let refused = |problem| Err(ImportError::Archive { path: self.label(), problem });
        if let [Piece { shown: None, .. }] = self.all.as_slice() {
            let problem = format!(
                "is no archive and no folder, and the mapping looks for the member {pattern:?} in it"
            );
            return refused(problem);
        }
        let all = self.all.iter().enumerate();
        let chosen: Vec<usize> = all.filter(|(_, p)| fits(pattern, &p.name)).map(|(n, _)| n).collect();
        if chosen.is_empty() {
            return refused(format!(
                "has no member or file that source.member ({pattern:?}) names; it has: {}",
                archive::listed(self.all.iter().map(|piece| piece.name.as_str()))
            ));
        }
        Ok(chosen)
    }

    fn only(&self) -> Result<Vec<usize>, ImportError> {
        let mut chosen = Vec::new();
        for (of, path) in self.paths.iter().enumerate() {
            let of_path: Vec<usize> =
                self.all.iter().enumerate().filter(|(_, piece)| piece.of == of).map(|(n, _)| n).collect();
            let names = || archive::listed(of_path.iter().map(|n| self.all[*n].name.as_str()));
            let problem = match of_path.as_slice() {
                [one] => {
                    chosen.push(*one);
                    continue;
                }
                [] => "has no member or file".to_owned(),
                [_, ..] => format!(
                    "has several members or files; name one, or a pattern such as \"*.csv\", in source.member: {}",
                    names()
                ),
            };
            return Err(ImportError::Archive { path: path.clone(), problem });
        }
        Ok(chosen)
    }

    /// Whether all of it stands still, as the bytes of a pipe do not.
    pub(super) fn can_be_read_again(&self) -> bool {
        self.paths
            .iter()
            .all(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file() || file.is_dir()))
    }

    /// The text that somebody calls by its name, where the export has several.
    pub(super) fn called(&self, name: &str) -> Option<u32> {
        let is = |piece: &Piece| piece.name == name || piece.shown.as_deref() == Some(name);
        self.all.iter().position(is).and_then(|number| u32::try_from(number).ok())
    }

    /// What of the export no pattern of the mapping names.
    pub(super) fn left_out(&self, mapping: &Mapping) -> Vec<String> {
        let own = mapping.source.member.as_deref();
        let patterns: Vec<&str> = mapping
            .files
            .iter()
            .filter_map(|file| file.mapping.source.member.as_deref())
            .chain(own)
            .collect();
        let is_read = |piece: &&Piece| patterns.is_empty() || patterns.iter().any(|p| fits(p, &piece.name));
        let left = self.all.iter().filter(|piece| !is_read(piece));
        let left = left.map(|piece| piece.shown.as_ref().unwrap_or(&piece.name).clone());
        left.chain(self.folders.iter().map(|folder| format!("{folder}/"))).collect()
    }

    /// What a person calls a text of several.
    pub(super) fn shown(&self, number: u32) -> Option<&str> {
        self.all.get(number as usize)?.shown.as_deref()
    }

    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// The names of its texts, for a sentence.
    pub(super) fn names(&self) -> String {
        archive::listed(self.all.iter().map(|piece| piece.shown.as_ref().unwrap_or(&piece.name).as_str()))
    }

    /// The export as one.
    pub(super) fn label(&self) -> PathBuf {
        label(&self.paths)
    }
}

/// A file that is read twice would tell everything twice.
fn refuse_twice(paths: &[PathBuf]) -> Result<(), ImportError> {
    let mut met = BTreeSet::new();
    for path in paths {
        let failed = |source| ImportError::Read { path: path.clone(), source };
        let file = std::fs::metadata(path).map_err(failed)?;
        if !met.insert((file.dev(), file.ino())) {
            return Err(ImportError::Archive { path: path.clone(), problem: "is named twice".to_owned() });
        }
    }
    Ok(())
}

fn is_zip(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    Ok(ZIP.iter().any(|magic| head.starts_with(magic)))
}

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
