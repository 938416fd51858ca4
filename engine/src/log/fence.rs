//! The lock on a data folder, and the proof that what lies at its path is still what was locked.
//!
//! RocksDB's own LOCK file does not fence: once it is removed, two processes write and one of them loses what it
//! answered for. So the folder itself is locked, and because a folder can be moved away or put in the place of
//! another under a running engine, its identity is looked at again in every group commit.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::OpenError;

/// Tells two folders apart, whatever their names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

/// A locked folder. The lock ends with the value, or with the process.
#[derive(Debug)]
pub(super) struct Fence {
    _lock: Flock<File>,
    watched: Vec<(PathBuf, Identity)>,
}

/// Another folder lies where ours was, or none.
#[derive(Debug, thiserror::Error)]
#[error("{path} is {found}")]
pub(super) struct Moved {
    path: PathBuf,
    found: String,
}

impl Fence {
    /// Locks a folder, which is made where there is none.
    ///
    /// # Errors
    /// Another process has it, or the system does not let us.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let folder = |cause| OpenError::Folder { dir: dir.to_owned(), cause };
        std::fs::create_dir_all(dir).map_err(folder)?;
        let file = File::open(dir).map_err(folder)?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
            if errno == nix::errno::Errno::EWOULDBLOCK {
                OpenError::Locked(dir.to_owned())
            } else {
                folder(errno.into())
            }
        })?;
        let mut fence = Self { _lock: lock, watched: Vec::new() };
        fence.watch(dir).map_err(folder)?;
        Ok(fence)
    }

    /// From now on this folder too must stay what it is.
    pub(super) fn watch(&mut self, dir: &Path) -> std::io::Result<()> {
        self.watched.push((dir.to_owned(), identity(dir)?));
        Ok(())
    }

    /// Looks whether everything is still in its place. Two calls of the system for each folder.
    pub(super) fn check(&self) -> Result<(), Moved> {
        for (path, ours) in &self.watched {
            let found = match identity(path) {
                Ok(found) if found == *ours => continue,
                Ok(_) => "another folder than the one that was opened".to_owned(),
                Err(error) => format!("not to be found any more ({error})"),
            };
            return Err(Moved { path: path.clone(), found });
        }
        Ok(())
    }
}

fn identity(path: &Path) -> std::io::Result<Identity> {
    let found = std::fs::metadata(path)?;
    Ok(Identity { device: found.dev(), inode: found.ino() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let fence = Fence::take(dir.path()).unwrap();
        assert!(matches!(Fence::take(dir.path()), Err(OpenError::Locked(_))));
        drop(fence);
        Fence::take(dir.path()).unwrap();
    }

    #[test]
    fn another_folder_in_the_place_of_ours_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, moved) = (dir.path().join("log"), dir.path().join("moved"));
        let fence = Fence::take(&ours).unwrap();
        fence.check().unwrap();
        std::fs::rename(&ours, &moved).unwrap();
        assert!(fence.check().unwrap_err().to_string().contains("not to be found"));
        std::fs::create_dir(&ours).unwrap();
        assert!(fence.check().unwrap_err().to_string().contains("another folder"));
        std::fs::remove_dir(&ours).unwrap();
        std::fs::rename(&moved, &ours).unwrap();
        fence.check().unwrap();
    }

    #[test]
    fn what_lies_inside_can_be_watched_too() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("rocksdb");
        std::fs::create_dir(&inside).unwrap();
        let mut fence = Fence::take(dir.path()).unwrap();
        fence.watch(&inside).unwrap();
        std::fs::remove_dir(&inside).unwrap();
        assert!(fence.check().is_err());
    }
}
