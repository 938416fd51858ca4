//! A folder into which exports come. A file is taken once it has stood still from one look to the next, and again after
//! it has become another. Files are taken in the order of their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::super::error::ImportError;

/// Endings of files that somebody is still writing.
const UNFINISHED: &[&str] = &["tmp", "part", "partial", "crdownload", "filepart"];

/// A folder, and what of it is imported.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The files as the last look saw them.
    before: BTreeMap<PathBuf, Form>,
    /// The files that are imported, as they were then.
    done: BTreeMap<PathBuf, Form>,
}

/// The marks of a file that change when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Folder {
    /// Begins with a folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let folder = Self { path: path.to_owned(), before: BTreeMap::new(), done: BTreeMap::new() };
        folder.files()?;
        Ok(folder)
    }

    /// The files that are complete and not imported yet, in the order of their names.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn look(&mut self) -> Result<Vec<PathBuf>, ImportError> {
        let now = self.files()?;
        self.done.retain(|path, _| now.contains_key(path));
        let stands_still = |path: &PathBuf, form: &Form| self.before.get(path) == Some(form);
        let is_new = |path: &PathBuf, form: &Form| self.done.get(path) != Some(form);
        let ready = now.iter().filter(|(path, form)| stands_still(path, form) && is_new(path, form));
        let ready = ready.map(|(path, _)| path.clone()).collect();
        self.before = now;
        Ok(ready)
    }

    /// A file was imported, or refused: it is not looked at again until it is another.
    pub fn done(&mut self, path: &Path) {
        if let Some(form) = self.before.get(path) {
            self.done.insert(path.to_owned(), *form);
        }
    }

    /// Files that are there and were not imported, because somebody may still be writing them.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn waiting(&self) -> Result<Vec<PathBuf>, ImportError> {
        let now = self.files()?;
        Ok(now
            .into_iter()
            .filter(|(path, form)| self.done.get(path) != Some(form))
            .map(|(path, _)| path)
            .collect())
    }

    fn files(&self) -> Result<BTreeMap<PathBuf, Form>, ImportError> {
        let failed = |source| ImportError::Read { path: self.path.clone(), source };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
            if is_hidden || ending.is_some_and(|ending| UNFINISHED.contains(&ending.as_str())) {
                continue;
            }
            // Moved away meanwhile: it is not there.
            let Ok(file) = std::fs::metadata(&path) else { continue };
            if file.is_file() {
                files.insert(path, Form { bytes: file.len(), changed: file.modified().ok() });
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_it_stands_still_and_again_when_it_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.csv"), dir.path().join("b.csv"));
        std::fs::write(&b, "1\n").unwrap();
        std::fs::write(dir.path().join("c.csv.part"), "1\n").unwrap();
        std::fs::write(dir.path().join(".d.csv"), "1\n").unwrap();
        let mut folder = Folder::open(dir.path()).unwrap();
        assert!(folder.look().unwrap().is_empty(), "it may still be written");
        std::fs::write(&a, "1\n").unwrap();
        assert_eq!(folder.look().unwrap(), std::slice::from_ref(&b));
        folder.done(&b);
        assert_eq!(folder.look().unwrap(), std::slice::from_ref(&a));
        std::fs::write(&a, "1\n2\n").unwrap();
        assert!(folder.look().unwrap().is_empty(), "it has just grown");
        assert_eq!(folder.waiting().unwrap(), std::slice::from_ref(&a));
        assert_eq!(folder.look().unwrap(), std::slice::from_ref(&a));
        folder.done(&a);
        assert!(folder.look().unwrap().is_empty() && folder.waiting().unwrap().is_empty());
        std::fs::write(&b, "another\n").unwrap();
        folder.look().unwrap();
        assert_eq!(folder.look().unwrap(), [b]);
    }
}
