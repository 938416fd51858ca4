//! A file of JSON lines that grows. A look hands out the rows of every ticket that the new lines are about, from the first
//! line of the file on, because the engine is told whole histories; the lines of other tickets are left empty, so that
//! the number of each line stays what an editor shows.

use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use super::super::bounds::ROW_BYTES_MAX;
use super::super::error::ImportError;
use super::super::grammar::Format;
use super::super::json_paths::{self, Step};
use super::super::mapping::Mapping;
use super::super::pieces::Pieces;
use super::super::reader::{Reader, open_with};
use super::super::rejects::Rejects;
use super::super::rows::Rows;

/// A file that grows, and how much of it is imported.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    mapping: Mapping,
    /// The column of the ticket's id: as one key, and as a path.
    id: (String, Vec<Step>),
    /// The file that was begun: its device and inode.
    file: (u64, u64),
    taken: Taken,
    /// The state at the last look, until it is imported.
    seen: Option<Taken>,
    room: TempDir,
}

/// The imported part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    bytes: u64,
    /// Tells whether somebody has changed what was there.
    print: u64,
}

pub struct Part {
    /// Reads the rows of the tickets that the new lines are about.
    pub reader: Reader,
    /// New lines.
    pub lines: u64,
}

impl Growing {
    /// Begins with a file.
    ///
    /// # Errors
    /// It cannot be read, or it is not of a kind that grows line by line.
    pub fn open(path: &Path, mapping: &Mapping) -> Result<Self, ImportError> {
        let read = |source| ImportError::Read { path: path.to_owned(), source };
        let refused =
            |problem: &str| ImportError::NotFollowed { path: path.to_owned(), problem: problem.to_owned() };
        if mapping.source.format != Format::Jsonl {
            return Err(refused(
                "only JSON lines (source.format = \"jsonl\") grow line by line; put whole exports into a folder and follow that",
            ));
        }
        if mapping.source.encoding.is_some_and(|encoding| encoding != encoding_rs::UTF_8) {
            return Err(refused("a file is followed in UTF-8 only"));
        }
        let file = std::fs::metadata(path).map_err(read)?;
        if !file.is_file() {
            return Err(refused("it is no file"));
        }
        let name = mapping.columns[mapping.ticket.id].name.clone();
        let steps = json_paths::steps(&name).unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            // Its first lines need not have every column; at the end, the file as a whole is asked.
            mapping: mapping.clone().of_a_part(),
            id: (name, steps),
            file: (file.dev(), file.ino()),
            taken: Taken { bytes: 0, print: DefaultHasher::new().finish() },
            seen: None,
            room: tempfile::tempdir().map_err(ImportError::Sort)?,
        })
    }

    /// The whole lines that came since the last part that is [done](Self::done); none while there is no such line.
    /// Unusable ones go to `rejects`.
    ///
    /// # Errors
    /// The file cannot be read, or is another than it was.
    pub fn look(&mut self, rejects: Option<&Path>) -> Result<Option<Part>, ImportError> {
        let bytes = self.length()?;
        if bytes == self.taken.bytes {
            return Ok(None);
        }
        let (ids, seen, lines) = self.news(bytes)?;
        if lines == 0 {
            return Ok(None);
        }
        let part = self.lines_of(&ids, seen.bytes)?;
        self.seen = Some(seen);
        let reader = open_with(
            &Pieces::open(part.as_path().into())?,
            Arc::new(self.mapping.clone()),
            Rejects::create(rejects)?,
        )?;
        Ok(Some(Part { reader, lines }))
    }

    /// The last part is imported.
    pub const fn done(&mut self) {
        if let Some(seen) = self.seen.take() {
            self.taken = seen;
        }
    }

    /// Bytes behind the last line end: a line that is not whole is not read.
    ///
    /// # Errors
    /// The file is another than it was.
    pub fn unread(&self) -> Result<u64, ImportError> {
        Ok(self.length()?.saturating_sub(self.taken.bytes))
    }

    /// Refuses a mapping with a column that no row of the file has.
    ///
    /// # Errors
    /// The key of the mapping, and the column.
    pub fn refuse_absent(&self) -> Result<(), ImportError> {
        Rows::open(&Pieces::open(self.path.as_path().into())?, &Arc::new(self.mapping.clone()))?
            .refuse_absent()
    }

    /// How long the file is. One that is shorter than it was, or another of the same name, is refused.
    fn length(&self) -> Result<u64, ImportError> {
        let file = std::fs::metadata(&self.path).map_err(|source| self.unreadable(source))?;
        if (file.dev(), file.ino()) != self.file {
            return Err(self.changed("another file stands in its place"));
        }
        if file.len() < self.taken.bytes {
            return Err(self.changed("it is shorter than it was"));
        }
        Ok(file.len())
    }

    fn unreadable(&self, source: io::Error) -> ImportError {
        if source.kind() == io::ErrorKind::NotFound {
            return self.changed("it is gone");
        }
        ImportError::Read { path: self.path.clone(), source }
    }

    fn changed(&self, what: &'static str) -> ImportError {
        ImportError::Rotated { path: self.path.clone(), what, bytes: self.taken.bytes }
    }

    /// The tickets of the new whole lines, how far these reach, and how many they are.
    fn news(&self, bytes: u64) -> Result<(BTreeSet<String>, Taken, u64), ImportError> {
        let mut print = DefaultHasher::new();
        let (mut at, mut lines) = (0_u64, 0_u64);
        let mut seen = self.taken;
        let mut ids = BTreeSet::new();
        self.each_line(bytes, |line, is_whole| {
            if at == self.taken.bytes && print.finish() != self.taken.print {
                return Err(self.changed("lines that were imported are others now"));
            }
            if !is_whole {
                return Ok(());
            }
            print.write(line);
            let is_new = at >= self.taken.bytes;
            at = at.saturating_add(line.len() as u64);
            if !is_new && at > self.taken.bytes {
                return Err(self.changed("lines that were imported are others now"));
            }
            if is_new {
                lines = lines.saturating_add(1);
                ids.extend(self.tickets_of(line));
                seen = Taken { bytes: at, print: print.finish() };
            }
            Ok(())
        })?;
        Ok((ids, seen, lines))
    }

    /// Writes the lines of these tickets, and every new one, into a file of their own.
    fn lines_of(&self, ids: &BTreeSet<String>, bytes: u64) -> Result<PathBuf, ImportError> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        let part = self.room.path().join(name);
        let file = File::create(&part).map_err(ImportError::Sort)?;
        let mut out = BufWriter::new(file);
        let mut at = 0_u64;
        self.each_line(bytes, |line, _| {
            let is_new = at >= self.taken.bytes;
            at = at.saturating_add(line.len() as u64);
            let is_wanted = is_new || self.tickets_of(line).iter().any(|id| ids.contains(id));
            let empty: &[u8] = if line.ends_with(b"\n") { b"\n" } else { b"" };
            out.write_all(if is_wanted { line } else { empty }).map_err(ImportError::Sort)
        })?;
        out.flush().map_err(ImportError::Sort)?;
        Ok(part)
    }

    /// Hands over each line up to a length of the file, with its end, and whether it has one.
    fn each_line(
        &self,
        bytes: u64,
        mut act: impl FnMut(&[u8], bool) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let file = File::open(&self.path).map_err(|source| self.unreadable(source))?;
        let mut text = BufReader::new(file.take(bytes));
        let mut line = Vec::new();
        loop {
            line.clear();
            // A longer line is no row; it is read in pieces, which nothing takes for one.
            let mut bounded = (&mut text).take(ROW_BYTES_MAX as u64);
            let read = bounded.read_until(b'\n', &mut line).map_err(|source| self.unreadable(source))?;
            if read == 0 {
                return Ok(());
            }
            act(&line, line.ends_with(b"\n") || read == ROW_BYTES_MAX)?;
        }
    }

    /// The tickets that a line is about; none where it cannot be read.
    fn tickets_of(&self, line: &[u8]) -> Vec<String> {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        let Ok(record) = serde_json::from_slice::<Value>(line) else { return Vec::new() };
        let mut found = Vec::new();
        let (name, steps) = &self.id;
        match record.get(name) {
            Some(value) => at_the_end(value, &[], &mut found),
            None => at_the_end(&record, steps, &mut found),
        }
        found
    }
}

/// The plain values to which a path leads.
fn at_the_end(value: &Value, steps: &[Step], found: &mut Vec<String>) {
    match (steps.split_first(), value) {
        (Some((Step::Key(key), rest)), Value::Object(members)) => {
            if let Some(member) = members.get(key) {
                at_the_end(member, rest, found);
            }
        }
        (Some((Step::Where(key, is), rest)), Value::Array(list)) => {
            for element in list {
                let mut value = Vec::new();
                at_the_end(element.get(key).unwrap_or(&Value::Null), &[], &mut value);
                if value.first() == Some(is) {
                    at_the_end(element, rest, found);
                }
            }
        }
        (Some((Step::Each, rest)), Value::Array(list)) => {
            list.iter().for_each(|element| at_the_end(element, rest, found));
        }
        (None, Value::String(text)) => found.push(text.trim().to_owned()),
        (None, Value::Number(number)) => found.push(number.to_string()),
        (None, Value::Bool(flag)) => found.push(flag.to_string()),
        (_, _) => {}
    }
}
