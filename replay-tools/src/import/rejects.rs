//! The rejects file: a line per row or ticket that could not be used, with where it stands and why.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::ImportError;

/// A CSV file with the columns `line` (from 1, of the unpacked export), `ticket` and `reason`. Shared by
/// the thread that reads and the task that sends; without a path, rejects are only counted.
#[derive(Clone, Debug)]
pub(super) struct Rejects(Option<Arc<Open>>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    writer: Mutex<csv::Writer<File>>,
}

impl Rejects {
    pub(super) fn create(path: Option<&Path>) -> Result<Self, ImportError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let failed = |source| ImportError::Rejects { path: path.to_owned(), source };
        let mut writer = csv::Writer::from_writer(File::create(path).map_err(failed)?);
        writer.write_record(["line", "ticket", "reason"]).map_err(|e| failed(e.into()))?;
        writer.flush().map_err(failed)?;
        Ok(Self(Some(Arc::new(Open { path: path.to_owned(), writer: Mutex::new(writer) }))))
    }

    /// Writes down what was not imported.
    pub(super) fn add(&self, line: Option<u64>, ticket: &str, reason: &str) -> Result<(), ImportError> {
        let line = line.map(|l| l.to_string()).unwrap_or_default();
        self.with(|w| w.write_record([line.as_str(), ticket, reason]).map_err(io::Error::from))
    }

    pub(super) fn flush(&self) -> Result<(), ImportError> {
        self.with(csv::Writer::flush)
    }

    fn with(&self, act: impl FnOnce(&mut csv::Writer<File>) -> io::Result<()>) -> Result<(), ImportError> {
        let Some(open) = &self.0 else { return Ok(()) };
        // A writer that panicked left at worst a cut-off line, which a person can read.
        let mut writer = open.writer.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut writer).map_err(|source| ImportError::Rejects { path: open.path.clone(), source })
    }
}
