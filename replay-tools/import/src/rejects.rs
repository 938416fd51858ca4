//! The rejects file: a line per row or ticket that could not be used, with where it stands and why.
//!
//! What it says comes from strangers, and it is opened in a spreadsheet: no cell begins as a formula does,
//! none holds a character that steers a terminal, and none is longer than a person reads.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::OFlag;

use super::balance::Note;
use super::bounds::{REJECTS_MAX, TICKET_SHOWN, shown};
use super::error::ImportError;
use super::pieces::Pieces;
use super::row::Place;
use guichet_client::output::harmless_cell;

/// Bytes of a reason.
const REASON_SHOWN: usize = 1000;
/// Nobody else reads what the rows of tickets say.
const MODE: u32 = 0o600;

/// A CSV file with the columns `line` (from 1, of the unpacked text), `ticket`, `reason` (the sentence), `allow` (the
/// word of `--allow`) and `file` (which one, where the export has several). Shared by
/// the thread that reads and the task that sends; without a path, rejects are only counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Rejects {
    open: Option<Arc<Open>>,
    watched: Option<Arc<Watched>>,
    pieces: Option<Arc<Pieces>>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    written: Mutex<Written>,
}

/// A row that somebody asks about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Any text, where the export has only one.
    pub(super) piece: Option<u32>,
    pub(super) line: u64,
}

impl Asked {
    pub(super) fn is(self, place: Place) -> bool {
        self.line == place.line && self.piece.is_none_or(|piece| piece == place.piece)
    }
}

/// The account of one line, for whoever asks about it.
#[derive(Debug)]
pub(super) struct Watched {
    place: Asked,
    said: Mutex<Vec<Note>>,
}

impl Watched {
    pub(super) fn said(&self) -> Vec<Note> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Written {
    writer: csv::Writer<File>,
    lines: u64,
}

impl Rejects {
    /// A new file. One that is there already is never touched, be it the export itself, and neither is what
    /// a link leads to.
    pub(super) fn create(path: Option<&Path>) -> Result<Self, ImportError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let failed = |source: io::Error| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                return ImportError::RejectsExist { path: path.to_owned() };
            }
            ImportError::Rejects { path: path.to_owned(), source }
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(failed)?;
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(["line", "ticket", "reason", "allow", "file"]).map_err(|e| failed(e.into()))?;
        writer.flush().map_err(failed)?;
        let written = Mutex::new(Written { writer, lines: 0 });
        Ok(Self { open: Some(Arc::new(Open { path: path.to_owned(), written })), ..Self::default() })
    }

    /// Keeps what is said of one line, and writes nothing.
    pub(super) fn watch(place: Asked) -> (Self, Arc<Watched>) {
        let watched = Arc::new(Watched { place, said: Mutex::new(Vec::new()) });
        (Self { watched: Some(Arc::clone(&watched)), ..Self::default() }, watched)
    }

    /// The same, knowing what the files of the export are called.
    pub(super) fn naming(self, pieces: &Arc<Pieces>) -> Self {
        Self { pieces: Some(Arc::clone(pieces)), ..self }
    }

    fn name_of(&self, piece: u32) -> Option<&str> {
        self.pieces.as_ref()?.shown(piece)
    }

    /// In which file something stands, for a sentence; nothing where there is only one.
    pub(super) fn of(&self, piece: u32) -> String {
        self.name_of(piece).map_or_else(String::new, |name| format!(" of {}", shown(name, TICKET_SHOWN)))
    }

    /// Writes down what was not imported, or otherwise than it stands in the export.
    pub(super) fn add(&self, at: Option<Place>, ticket: &str, why: &Note) -> Result<(), ImportError> {
        if let Some(watched) =
            self.watched.as_ref().filter(|watched| at.is_some_and(|at| watched.place.is(at)))
        {
            watched.said.lock().unwrap_or_else(PoisonError::into_inner).push(why.clone());
        }
        self.with(|written| {
            written.lines = written.lines.saturating_add(1);
            if written.lines > REJECTS_MAX {
                return Ok(());
            }
            let line = at.map(|at| at.line.to_string()).unwrap_or_default();
            let file = at.and_then(|at| self.name_of(at.piece)).unwrap_or_default();
            let cells = [
                line,
                harmless_cell(&shown(ticket, TICKET_SHOWN)).into_owned(),
                harmless_cell(&shown(&why.text, REASON_SHOWN)).into_owned(),
                why.reason.word().to_owned(),
                harmless_cell(&shown(file, TICKET_SHOWN)).into_owned(),
            ];
            written.writer.write_record(cells).map_err(io::Error::from)?;
            if written.lines == REJECTS_MAX {
                let last =
                    format!("this file ends here, after {REJECTS_MAX} lines; what follows is only counted");
                written.writer.write_record(["", "", last.as_str(), "", ""]).map_err(io::Error::from)?;
            }
            Ok(())
        })
    }

    pub(super) fn flush(&self) -> Result<(), ImportError> {
        self.with(|written| written.writer.flush())
    }

    fn with(&self, act: impl FnOnce(&mut Written) -> io::Result<()>) -> Result<(), ImportError> {
        let Some(open) = &self.open else { return Ok(()) };
        // A writer that panicked left at worst a cut-off line, which a person can read.
        let mut written = open.written.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut written).map_err(|source| ImportError::Rejects { path: open.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_ever_written_over_and_no_link_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (export, link, dangling) =
            (folder.path().join("export.csv"), folder.path().join("link"), folder.path().join("dangling"));
        std::fs::write(&export, "id,at\n").unwrap();
        std::os::unix::fs::symlink(&export, &link).unwrap();
        std::os::unix::fs::symlink(folder.path().join("nothing"), &dangling).unwrap();
        for path in [&export, &link, &dangling] {
            let error = Rejects::create(Some(path)).unwrap_err();
            assert!(matches!(error, ImportError::RejectsExist { .. }), "{error}");
            assert!(error.to_string().contains("never written over"), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&export).unwrap(), "id,at\n");
        assert!(!folder.path().join("nothing").exists());
    }

    #[test]
    fn cells_are_harmless_in_a_spreadsheet_and_on_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects.csv");
        let rejects = Rejects::create(Some(&path)).unwrap();
        for ticket in
            ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\u{ff1d}1", " =1", "a;=1"]
        {
            rejects
                .add(Some(Place { piece: 0, line: 1 }), ticket, &"\x1b]0;owned\x07=1".to_owned().into())
                .unwrap();
        }
        rejects.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        let mut rows = csv::Reader::from_path(&path).unwrap();
        let tickets: Vec<String> = rows.records().map(|r| r.unwrap()[1].to_owned()).collect();
        assert_eq!(
            tickets,
            [
                "'=cmd|'/c calc'!A1",
                "'+1",
                "'-1",
                "'@SUM(A1)",
                "\\t=1",
                "\\r=1",
                "'\u{ff1d}1",
                "' =1",
                "a;'=1"
            ]
        );
    }
}
