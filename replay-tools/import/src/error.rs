//! Why an import stops. A row or a ticket that cannot be used is no error: it goes to the rejects file.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A mapping that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Neither shipped nor a file.
    #[error("there is no mapping {name}: it is neither a file nor one of the shipped ones ({shipped})")]
    Unknown {
        name: String,
        /// Names of the shipped ones.
        shipped: String,
    },
    /// The file is there but cannot be read.
    #[error("could not read the mapping {path}")]
    Read {
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Not TOML, or a key that the grammar does not have.
    #[error("the mapping {mapping} breaks the grammar: {source}")]
    Grammar {
        mapping: String,
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A key holds what it must not hold.
    #[error("the mapping {mapping} cannot be used: {key} {problem}")]
    Key {
        mapping: String,
        /// Path of the key.
        key: String,
        /// The rule that it breaks.
        problem: String,
    },
}

/// Why an import ended early. What was accepted stays; the same import can be started again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping is unusable.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The export cannot be opened or read on.
    #[error("could not read {path}; a cut-off copy of a compressed file fails like this")]
    Read {
        /// The export.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The export is not what `source.format` says.
    #[error("{path} is damaged near line {line}, or not what source.format says: {problem}")]
    Format {
        /// The export.
        path: PathBuf,
        /// From 1.
        line: u64,
        problem: String,
    },
    /// The files of the export, or of the archive or folder, are not what the mapping asks for.
    #[error("{path} {problem}")]
    Archive {
        /// The export.
        path: PathBuf,
        problem: String,
    },
    /// The mapping names a column that the export has not, or has twice.
    #[error(
        "{key} of the mapping names the column {column:?}, which {path} {problem}; its columns: {columns}"
    )]
    Column {
        /// The export.
        path: PathBuf,
        /// Key of the mapping.
        key: String,
        column: String,
        problem: &'static str,
        columns: String,
    },
    /// Nothing came out of a file that is not empty.
    #[error("{path} is not empty, and not one ticket comes out of it; does the mapping fit the file")]
    Nothing {
        /// The export.
        path: PathBuf,
    },
    /// No mapping can be proposed.
    #[error("no mapping can be proposed for {path}: {problem}")]
    NotInferred {
        /// The export.
        path: PathBuf,
        problem: String,
    },
    /// The export cannot be followed.
    #[error("{path} cannot be followed: {problem}")]
    NotFollowed {
        /// The export.
        path: PathBuf,
        problem: String,
    },
    /// A file that is followed is no longer the one that was begun.
    #[error(
        "{path} is no longer the file that is followed: {what}, after {bytes} bytes of it were imported; what was imported stays, and following the new file from its beginning adds what is new"
    )]
    Rotated {
        /// The export.
        path: PathBuf,
        what: &'static str,
        /// Bytes that are imported.
        bytes: u64,
    },
    /// Asked about a line at which no row begins.
    #[error(
        "no row begins at line {line}, or it was left out as a duplicate or by filter; a row is called by the line at which it begins"
    )]
    NoRow { line: u64 },
    /// Asked about a line of an export that has several files.
    #[error("{path} has several files; name one with the line, as in comments.csv:17; it has: {files}")]
    WhichFile {
        /// The export.
        path: PathBuf,
        files: String,
    },
    /// The mapping promised that the rows of a ticket stand together.
    #[error(
        "source.grouped promises that the rows of a ticket stand together, but ticket {ticket}, which begins at line {begun}{begun_of}, comes back at line {line}{of}; set source.grouped = false, and the export is sorted first"
    )]
    Torn {
        /// Ticket in the source.
        ticket: String,
        line: u64,
        /// In which file, where there are several.
        of: String,
        begun: u64,
        /// In which file, where there are several.
        begun_of: String,
    },
    /// The mapping names a column, or a path, that no row of the export has.
    #[error(
        "{key} of the mapping names {column:?}, which no row of the export has; correct the name, or take it out of the mapping"
    )]
    Absent {
        /// Key of the mapping.
        key: String,
        /// The column or path.
        column: String,
    },
    /// The rejects file is there already, or a link.
    #[error(
        "the rejects file {path} is there already, or is a link, and is never written over: move it away, or name another"
    )]
    RejectsExist {
        /// The file.
        path: PathBuf,
    },
    /// The rejects file cannot be written.
    #[error("could not write the rejects file {path}")]
    Rejects {
        /// The file.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The sort of an ungrouped export failed on disk.
    #[error("could not sort the export in the folder for temporary files; is it full")]
    Sort(#[source] io::Error),
    /// No engine answered for longer than our patience.
    #[error("no engine took ticket {external_id} within {} s (last: {last}); start it and import again, what is done stays done", waited.as_secs())]
    Unreachable {
        /// Ticket in the source.
        external_id: String,
        waited: Duration,
        last: String,
    },
    /// NATS refuses the request itself.
    #[error("the NATS server does not let the command for ticket {external_id} through: {problem}")]
    Request {
        /// Ticket in the source.
        external_id: String,
        problem: String,
    },
    /// The answer is not from a Guichet engine.
    #[error("the answer for ticket {external_id} is not one of Guichet's: {problem}")]
    Answer {
        /// Ticket in the source.
        external_id: String,
        problem: String,
    },
    /// A bug or a lack of memory ended the reading thread.
    #[error("the thread that reads the export died")]
    ReaderDied,
}
