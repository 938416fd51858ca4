//! Damage to the files of a data folder, and the copies that take it.

use std::path::{Path, PathBuf};

/// Copies a data folder as it lies there, but for a checkpoint that is just being written.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if !target.ends_with("checkpoint.next") {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The files of a database with this in their name, oldest first; there is one.
#[must_use]
pub fn files(database: &Path, part: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(database).unwrap().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
    found.retain(|path| path.file_name().unwrap().to_string_lossy().contains(part));
    found.sort();
    assert!(!found.is_empty(), "there is a file {part}");
    found
}

/// The largest file of a database with this in its name.
#[must_use]
pub fn largest(database: &Path, part: &str) -> PathBuf {
    files(database, part).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap()
}

/// Flips a bit of a file, at a place that depends on its length.
pub fn flip(path: &Path, byte: impl Fn(usize) -> usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = byte(bytes.len());
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}
