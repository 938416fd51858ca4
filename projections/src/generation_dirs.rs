//! Where the generations of a read model lie. At rest there is one, `projection-<name>-<partition>`; the next is
//! built beside it, in `….next`. One file, `….swapped`, says which of the two is the live one: it is made or taken
//! away in one step, so a crash at any instant leaves one of them whole and known.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::position::Partition;

use crate::store::StoreError;

/// The folders of one model.
#[derive(Debug)]
pub(crate) struct GenerationDirs {
    plain: PathBuf,
    next: PathBuf,
    /// There while `next` is live.
    swapped: PathBuf,
}

impl GenerationDirs {
    pub(crate) fn of(dir: &Path, model: &str, partition: Partition) -> Self {
        let name = format!("projection-{model}-{partition}");
        Self {
            plain: dir.join(&name),
            next: dir.join(format!("{name}.next")),
            swapped: dir.join(format!("{name}.swapped")),
        }
    }

    /// The folder that answers.
    pub(crate) fn live(&self) -> &Path {
        if self.swapped.exists() { &self.next } else { &self.plain }
    }

    /// The folder where another generation may be built.
    pub(crate) fn spare(&self) -> &Path {
        if self.swapped.exists() { &self.plain } else { &self.next }
    }

    /// Gives the live generation its plain name again. Nothing of the model may be open.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        self.try_settle().map_err(|error| self.fault(error))
    }

    fn try_settle(&self) -> io::Result<()> {
        fs::create_dir_all(self.parent())?;
        if !self.swapped.try_exists()? {
            return Ok(());
        }
        // Without `next` the last attempt got as far as the new name.
        if self.next.try_exists()? {
            remove(&self.plain)?;
            crash_point(CrashPoint::SettleRemoved);
            fs::rename(&self.next, &self.plain)?;
            self.sync()?;
            crash_point(CrashPoint::SettleRenamed);
        }
        fs::remove_file(&self.swapped)?;
        self.sync()
    }

    /// Makes the spare folder the live one. What it holds must be on the disk.
    pub(crate) fn swap(&self) -> Result<(), StoreError> {
        let swap = || {
            if self.swapped.exists() {
                fs::remove_file(&self.swapped)?;
            } else {
                File::create(&self.swapped)?.sync_all()?;
            }
            self.sync()
        };
        swap().map_err(|error| self.fault(error))
    }

    /// Removes what lies in the spare folder.
    pub(crate) fn clear_spare(&self) -> Result<(), StoreError> {
        remove(self.spare()).map_err(|error| self.fault(error))
    }

    /// Removes what lies in the folder that answers. It must not be open.
    pub(crate) fn discard_live(&self) -> Result<(), StoreError> {
        remove(self.live()).map_err(|error| self.fault(error))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(self.parent())?.sync_all()
    }

    fn parent(&self) -> &Path {
        self.plain.parent().unwrap_or(Path::new("."))
    }

    fn fault(&self, error: io::Error) -> StoreError {
        StoreError::ModelWriter { dir: self.plain.clone(), error }
    }
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_at_any_step_of_a_swap_leaves_one_generation() {
        let dir = tempfile::tempdir().unwrap();
        let folders = GenerationDirs::of(dir.path(), "ticket", Partition(0));
        let holds = |path: &Path| fs::read_to_string(path.join("which")).ok();
        for (old, new) in [("1", "2"), ("2", "3")] {
            for (folder, generation) in [(folders.live(), old), (folders.spare(), new)] {
                fs::create_dir_all(folder).unwrap();
                fs::write(folder.join("which"), generation).unwrap();
            }
            assert_eq!(holds(folders.live()).as_deref(), Some(old), "not swapped yet");
            folders.swap().unwrap();
            assert_eq!(holds(folders.live()).as_deref(), Some(new));
            assert_eq!(holds(folders.spare()).as_deref(), Some(old));
            folders.clear_spare().unwrap();
        }
        folders.settle().unwrap();
        assert_eq!(holds(&folders.plain).as_deref(), Some("3"));
        // Between two steps of settling.
        folders.swap().unwrap();
        folders.settle().unwrap();
        assert_eq!(holds(folders.live()).as_deref(), Some("3"));
    }
}
