//! A folder of exported files that grows with the desk. Every event is in exactly one file; `manifest.json` lists the
//! files, the position up to which they go, and the checkpoint that proves it.
//!
//! A file is complete before it gets its name, and it has its name before the manifest lists it. Where one begins and ends
//! follows from the positions and days of its events alone, so an export that was interrupted goes on to the same bytes.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use guichet_client::ClientError;
use guichet_schemas::codec::Head;
use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::HistoryError;
use crate::filter::Filter;
use crate::rows::Decoded;
use crate::source::History;
use crate::table::{EVENTS, Table};
use crate::write::csv::{CsvEvents, CsvFile};
use crate::write::ndjson::NdjsonFile;
use crate::write::parquet::ParquetFile;
use crate::write::{AsRows, Events, Rows};

/// Held while somebody writes.
const LOCK: &str = "writing.lock";
/// Name of the list of files.
const MANIFEST: &str = "manifest.json";
/// Raised when the manifest means something else.
const VERSION: u32 = 1;

/// The form of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Parquet, packed with zstd: a folder
    Parquet,
    /// CloudEvents in JSON, one a line: a folder, or standard output
    Ndjson,
    /// CSV: a folder, or standard output
    Csv,
    /// XES, for process mining: one file
    Xes,
    /// OCEL 2.0 in JSON, for process mining: one file
    Ocel,
}

impl Format {
    const fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Xes => "xes",
            Self::Ocel => "json",
        }
    }

    /// True where the whole export is one document.
    #[must_use]
    pub const fn is_document(self) -> bool {
        matches!(self, Self::Xes | Self::Ocel)
    }

    /// Writes the rows of a table; none for a format that has events only.
    fn rows(self, to: BufWriter<File>, table: &Table) -> Result<Option<Box<dyn Rows>>, HistoryError> {
        Ok(match self {
            Self::Parquet => Some(Box::new(ParquetFile::new(to, table)?)),
            Self::Csv => Some(Box::new(CsvFile::new(to, table)?)),
            Self::Ndjson | Self::Xes | Self::Ocel => None,
        })
    }

    fn events(self, to: BufWriter<File>) -> Result<Box<dyn Events>, HistoryError> {
        Ok(match self {
            Self::Parquet => Box::new(AsRows(Box::new(ParquetFile::new(to, &EVENTS)?))),
            Self::Csv => Box::new(CsvEvents::new(to)?),
            Self::Ndjson | Self::Xes | Self::Ocel => Box::new(NdjsonFile(to)),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the manifest itself.
    pub version: u32,
    /// The form of the files.
    pub format: Format,
    /// Name of the log; absent where nothing was signed.
    pub origin: Option<String>,
    pub tenant: String,
    pub filter: Filter,
    /// Positions that the events of one file come from, at most.
    pub file_events: u64,
    /// The first position that was looked at.
    pub from: u64,
    /// The last one: every event of the desk up to it that the filter takes is in the files.
    pub position: u64,
    /// Personal texts that were left out.
    pub withheld: u64,
    /// Personal texts that could be opened are in the files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revealed: bool,
    /// The newest checkpoint when the position was reached, as it was signed.
    pub checkpoint: Option<String>,
    /// How many records that checkpoint covers.
    pub checkpoint_position: Option<u64>,
    /// The files of events, oldest first.
    pub files: Vec<EventFile>,
    /// The other tables; each is replaced by every run that writes it.
    pub tables: Vec<TableFile>,
}

/// A file of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFile {
    /// Below the folder.
    pub path: String,
    /// The first position that was looked at for it.
    pub first: u64,
    pub last: u64,
    pub events: u64,
    /// Size.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// A file of another table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFile {
    pub name: String,
    /// Below the folder.
    pub path: String,
    pub rows: u64,
    pub position: u64,
    /// ... and, where time alone makes a difference, as of this instant.
    pub as_of: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// A folder with its manifest, and the file of events that is being written.
pub struct Lake {
    dir: PathBuf,
    _lock: File,
    manifest: Manifest,
    part: Option<Part>,
}

/// Positions that become one file, or none where no event of them is wanted.
struct Part {
    first: u64,
    last: u64,
    day: String,
    withheld: u64,
    file: Option<(Box<dyn Events>, Draft)>,
    events: u64,
}

/// A file that has not got its name yet.
struct Draft {
    path: PathBuf,
    draft: PathBuf,
}

impl Draft {
    fn begin(path: PathBuf) -> Result<(Self, File), HistoryError> {
        // Hidden, so that whoever reads all files of the folder passes over it.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.draft"));
        let made = fs::create_dir_all(folder_of(&path)).and_then(|()| File::create(&draft));
        let file = made.map_err(|error| HistoryError::write(&draft, &error))?;
        Ok((Self { path, draft }, file))
    }

    /// Gives it its name; says its size and hash.
    fn named(self) -> Result<(u64, String), HistoryError> {
        let hashed = (|| {
            let mut file = File::open(&self.draft)?;
            let mut hash = Sha256::new();
            let bytes = io::copy(&mut file, &mut HashWriter(&mut hash))?;
            file.sync_all()?;
            fs::rename(&self.draft, &self.path)?;
            File::open(folder_of(&self.path))?.sync_all()?;
            Ok((bytes, hex::encode(hash.finalize())))
        })();
        hashed.map_err(|error: io::Error| HistoryError::write(&self.path, &error))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a document in one step: whoever sees its name sees all of it.
///
/// # Errors
/// It cannot be written, or what `fill` said.
pub fn document<T>(
    path: &Path,
    fill: impl FnOnce(BufWriter<File>) -> Result<T, HistoryError>,
) -> Result<T, HistoryError> {
    let (draft, file) = Draft::begin(path.to_owned())?;
    let filled = fill(BufWriter::new(file)).map_err(|error| beside(&draft.draft, error))?;
    draft.named()?;
    Ok(filled)
}

/// An error of a writer, with the path that it does not know.
fn beside(path: &Path, error: HistoryError) -> HistoryError {
    if let HistoryError::Client(ClientError::Output(problem)) = &error {
        return HistoryError::write(path, problem);
    }
    error
}

impl Lake {
    /// Opens a folder to go on with it, or begins one with what is wanted.
    ///
    /// # Errors
    /// It cannot be read, or holds another export.
    pub fn open(dir: PathBuf, wanted: Manifest) -> Result<Self, HistoryError> {
        let lock = dir.join(LOCK);
        let locked = fs::create_dir_all(&dir).and_then(|()| File::create(&lock));
        let locked = locked.map_err(|error| HistoryError::write(&lock, &error))?;
        locked.try_lock().map_err(|error| HistoryError::write(&lock, &error))?;
        let path = dir.join(MANIFEST);
        let other = |problem: String| HistoryError::OtherExport { dir: dir.clone(), problem };
        let manifest = match fs::read(&path) {
            Ok(bytes) => {
                let found: Manifest =
                    serde_json::from_slice(&bytes).map_err(|error| HistoryError::write(&path, &error))?;
                match found.differs(&wanted) {
                    Some(problem) => return Err(other(problem)),
                    None => found,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => wanted,
            Err(error) => return Err(HistoryError::write(&path, &error)),
        };
        Ok(Self { dir, _lock: locked, manifest, part: None })
    }

    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Takes the next event that was looked at; `decoded` where it is wanted.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn take(&mut self, head: &Head<'_>, decoded: Option<&Decoded>) -> Result<(), HistoryError> {
        let day = day(head.recorded_at);
        let size = self.manifest.file_events;
        let number = |position: u64| position.saturating_sub(1) / size.max(1);
        if self
            .part
            .as_ref()
            .is_some_and(|part| part.day != day || number(part.first) != number(head.position))
        {
            self.end_part()?;
        }
        let position = head.position;
        let part = self.part.get_or_insert_with(|| Part {
            first: position,
            last: position,
            day,
            withheld: 0,
            file: None,
            events: 0,
        });
        part.last = position;
        let Some(decoded) = decoded else { return Ok(()) };
        if part.file.is_none() {
            let format = self.manifest.format;
            let name = format!("events/day={}/{:020}.{}", part.day, part.first, format.extension());
            let (draft, file) = Draft::begin(self.dir.join(name))?;
            part.file = Some((format.events(BufWriter::new(file))?, draft));
        }
        if let Some((events, draft)) = &mut part.file {
            events.event(head, decoded).map_err(|error| beside(&draft.draft, error))?;
        }
        part.events += 1;
        part.withheld += decoded.withheld;
        Ok(())
    }

    /// Names the file that is being written, and lists it.
    fn end_part(&mut self) -> Result<(), HistoryError> {
        let Some(part) = self.part.take() else { return Ok(()) };
        if let Some((events, draft)) = part.file {
            events.end().map_err(|error| beside(&draft.draft, error))?;
            let path = self.below(&draft.path);
            let (bytes, sha256) = draft.named()?;
            let (first, last, events) = (part.first, part.last, part.events);
            self.manifest.files.push(EventFile { path, first, last, events, bytes, sha256 });
        }
        self.manifest.position = part.last;
        self.manifest.withheld += part.withheld;
        self.save()
    }

    /// Everything up to a position was looked at: what is open ends, and the checkpoint is kept.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn reached(&mut self, position: u64, history: &History) -> Result<(), HistoryError> {
        self.end_part()?;
        self.manifest.position = self.manifest.position.max(position);
        if let Some(signed) = &history.checkpoint {
            self.manifest.checkpoint = Some(signed.note().to_owned());
            self.manifest.checkpoint_position = Some(signed.size());
        }
        self.save()
    }

    /// Replaces a table.
    ///
    /// # Errors
    /// It cannot be written, or what `fill` said.
    pub fn table(
        &mut self,
        table: &Table,
        (position, as_of): (u64, Timestamp),
        fill: impl FnOnce(
            &mut dyn FnMut(&[crate::table::Cell<'_>]) -> Result<(), HistoryError>,
        ) -> Result<(), HistoryError>,
    ) -> Result<u64, HistoryError> {
        let path = format!("{}.{}", table.name, self.manifest.format.extension());
        let (draft, file) = Draft::begin(self.dir.join(&path))?;
        let mut rows = 0;
        let Some(mut to) = self.manifest.format.rows(BufWriter::new(file), table)? else { return Ok(0) };
        fill(&mut |cells| {
            rows += 1;
            to.row(cells)
        })
        .and_then(|()| to.end())
        .map_err(|error| beside(&draft.draft, error))?;
        let (bytes, sha256) = draft.named()?;
        let name = table.name.to_owned();
        self.manifest.tables.retain(|known| known.name != name);
        self.manifest.tables.push(TableFile {
            name,
            path,
            rows,
            position,
            as_of: as_of.to_string(),
            bytes,
            sha256,
        });
        self.save()?;
        Ok(rows)
    }

    fn below(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn save(&self) -> Result<(), HistoryError> {
        let path = self.dir.join(MANIFEST);
        let text =
            serde_json::to_vec_pretty(&self.manifest).map_err(|error| HistoryError::write(&path, &error))?;
        let (draft, mut file) = Draft::begin(path)?;
        io::Write::write_all(&mut file, &text).map_err(|error| HistoryError::write(&draft.draft, &error))?;
        draft.named().map(drop)
    }
}

impl Manifest {
    /// Of a folder in which nothing is yet.
    #[must_use]
    pub fn new(
        format: Format,
        history: &History,
        tenant: &str,
        filter: Filter,
        (from, file_events): (u64, u64),
    ) -> Self {
        Self {
            version: VERSION,
            format,
            origin: history.checkpoint.as_ref().map(|signed| signed.checkpoint().origin.clone()),
            tenant: tenant.to_owned(),
            filter,
            file_events,
            from,
            position: from.saturating_sub(1),
            withheld: 0,
            revealed: false,
            checkpoint: None,
            checkpoint_position: None,
            files: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Of a folder that somebody wrote.
    ///
    /// # Errors
    /// There is none, or another version of this program wrote it.
    pub fn read(dir: &Path) -> Result<Self, HistoryError> {
        let path = dir.join(MANIFEST);
        let unreadable = |problem: String| ClientError::File { path: path.clone(), problem };
        let bytes = fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if manifest.version != VERSION {
            let problem = format!("it has version {}, this program reads {VERSION}", manifest.version);
            return Err(unreadable(problem).into());
        }
        Ok(manifest)
    }

    /// True for a folder that holds an export.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        dir.join(MANIFEST).is_file()
    }

    /// Why what is wanted cannot go on with what is there.
    fn differs(&self, wanted: &Self) -> Option<String> {
        let goes_on = wanted.from == self.from || wanted.position == self.position;
        if self.version != wanted.version {
            Some(format!("its manifest has version {}, this program writes {VERSION}", self.version))
        } else if (self.format, &self.tenant, &self.filter) != (wanted.format, &wanted.tenant, &wanted.filter)
        {
            Some("another format, desk or filter".to_owned())
        } else if self.origin.is_some() && wanted.origin.is_some() && self.origin != wanted.origin {
            Some("that of another log".to_owned())
        } else if self.revealed != wanted.revealed {
            let with = if self.revealed { "with" } else { "without" };
            Some(format!("one {with} personal texts"))
        } else if self.file_events != wanted.file_events {
            Some(format!("files of {} events", self.file_events))
        } else if !goes_on {
            Some(format!("it begins at position {} and ends at {}", self.from, self.position))
        } else {
            None
        }
    }
}

/// The day of an instant, UTC.
fn day(ms: i64) -> String {
    let text = Timestamp(ms).to_string();
    text.split_once('T').map_or(text.clone(), |(day, _)| day.to_owned())
}
