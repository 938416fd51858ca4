//! The files of a database, looked at without RocksDB.

use std::io;
use std::path::{Path, PathBuf};

/// The files that hold a database: tables, write-ahead logs, and what says which of them count. None where there is no
/// folder.
///
/// # Errors
/// The system does not let us list the folder.
pub fn of(database: &Path) -> io::Result<Vec<PathBuf>> {
    let known = |name: &str| is_content(name) || name == "CURRENT" || name.starts_with("MANIFEST-");
    let entries = match std::fs::read_dir(database) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if known(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// True where a folder holds files of a database that RocksDB would not find: it would make a new one there, and remove
/// those of the old one. A list of files alone is no database yet: a crash may have come before CURRENT named it.
///
/// # Errors
/// The system does not let us look.
pub fn lost_their_beginning(database: &Path) -> io::Result<bool> {
    if database.join("CURRENT").try_exists()? {
        return Ok(false);
    }
    let name = |file: &PathBuf| file.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(of(database)?.iter().filter_map(name).any(|name| is_content(&name)))
}

/// True for tables and write-ahead logs.
fn is_content(name: &str) -> bool {
    [".sst", ".log"].iter().any(|ending| name.ends_with(ending))
}
