//! The folder in which a server of ours keeps the stream, looked at from outside. The server itself does not say that
//! it is gone, full or read-only: it goes on writing into files that nobody will find again, or stops to acknowledge.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statvfs::statvfs;

use super::standing::Reason;

/// Bytes of a trial: more than a block of a file system, less than anybody misses.
const TRIAL: usize = 256 << 10;
/// Name of the file of a trial, which is there for a moment only.
const TRIAL_FILE: &str = ".guichet-trial";
/// The file that JetStream keeps in the folder of every stream.
const META: &str = "meta.inf";

/// The store of a nats-server, and our stream in it.
#[derive(Debug)]
pub(crate) struct Place {
    store: PathBuf,
    stream: String,
    seen: Option<PathBuf>,
    /// Free bytes below which nothing more is sent, so that the copy never takes the room of the log.
    reserve: u64,
}

pub(super) type Wrong = (Reason, String);

impl Place {
    pub(super) fn new(store: PathBuf, stream: String, reserve: u64) -> Self {
        Self { store, stream, seen: None, reserve }
    }

    /// A look that costs two or three calls of the system.
    pub(super) fn look(&mut self) -> Option<Wrong> {
        match &self.seen {
            Some(seen) if !seen.join(META).exists() => {
                let detail = format!("{} is gone, or was emptied", seen.display());
                return Some((Reason::Gone, detail));
            }
            Some(_) => {}
            None => self.seen = find(&self.store, &self.stream),
        }
        if !self.store.is_dir() {
            return Some((Reason::Gone, format!("{} is gone", self.store.display())));
        }
        self.room()
    }

    fn room(&self) -> Option<Wrong> {
        let stat = statvfs(&self.store).ok()?;
        let (free, all) = (
            stat.blocks_available().saturating_mul(stat.fragment_size()),
            stat.blocks().saturating_mul(stat.fragment_size()),
        );
        // Half of what the log keeps for itself; on a small disk of its own, a twentieth.
        let least = (self.reserve / 2).min(all / 20);
        (free < least).then(|| {
            let detail = format!(
                "the disk of {} has {} KiB free, fewer than the {} KiB that are kept",
                self.store.display(),
                free >> 10,
                least >> 10
            );
            (Reason::Full, detail)
        })
    }

    /// Writes where the server would, and takes it away again.
    pub(super) fn try_to_write(&self) -> Option<Wrong> {
        let dir = self.seen.as_deref().filter(|seen| seen.is_dir()).unwrap_or(&self.store);
        let file = dir.join(TRIAL_FILE);
        let written = trial(&file);
        std::fs::remove_file(&file).ok();
        let error = written.err()?;
        let reason = match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOSPC | Errno::EDQUOT) => Reason::Full,
            Some(Errno::ENOENT | Errno::ENOTDIR) => Reason::Gone,
            Some(Errno::EROFS | Errno::EACCES | Errno::EPERM) => Reason::ReadOnly,
            Some(_) | None => Reason::Silent,
        };
        Some((reason, format!("{}: {error}", dir.display())))
    }
}

fn trial(file: &Path) -> std::io::Result<()> {
    let mut file = std::fs::File::create(file)?;
    file.write_all(&vec![0x5a; TRIAL])?;
    file.sync_all()
}

/// The folder of a stream: below that of its account, whatever that is called.
fn find(store: &Path, stream: &str) -> Option<PathBuf> {
    let accounts = std::fs::read_dir(store.join("jetstream")).ok()?;
    let streams = accounts.flatten().map(|account| account.path().join("streams").join(stream));
    streams.into_iter().find(|dir| dir.join(META).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, PathBuf, Place) {
        let dir = tempfile::tempdir().unwrap();
        let stream = dir.path().join("jetstream/$G/streams/S");
        std::fs::create_dir_all(&stream).unwrap();
        std::fs::write(stream.join(META), "{}").unwrap();
        let place = Place::new(dir.path().to_owned(), "S".to_owned(), 0);
        (dir, stream, place)
    }

    #[test]
    fn a_stream_that_is_removed_or_emptied_is_gone() {
        let (_dir, stream, mut place) = place();
        assert_eq!(place.look(), None);
        std::fs::remove_file(stream.join(META)).unwrap();
        assert!(place.look().is_some_and(|(reason, _)| reason == Reason::Gone));
        std::fs::write(stream.join(META), "{}").unwrap();
        assert_eq!(place.look(), None);
        std::fs::remove_dir_all(stream.parent().unwrap()).unwrap();
        assert!(place.look().is_some_and(|(reason, _)| reason == Reason::Gone));
    }

    #[test]
    fn a_store_that_was_never_there_is_gone_and_a_new_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut place = Place::new(dir.path().to_owned(), "S".to_owned(), 0);
        assert_eq!(place.look(), None, "no stream has been made yet");
        assert_eq!(place.try_to_write(), None);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "a trial leaves nothing");
        let mut missing = Place::new(dir.path().join("missing"), "S".to_owned(), 0);
        assert!(missing.look().is_some_and(|(reason, _)| reason == Reason::Gone));
        assert!(missing.try_to_write().is_some_and(|(reason, _)| reason == Reason::Gone));
    }

    #[test]
    fn a_disk_below_the_reserve_is_full() {
        let (dir, _stream, mut place) = place();
        let all = statvfs(dir.path()).map(|s| s.blocks() * s.fragment_size()).unwrap();
        let free = statvfs(dir.path()).map(|s| s.blocks_available() * s.fragment_size()).unwrap();
        place.reserve = u64::MAX;
        assert_eq!(place.look().is_some(), free < all / 20);
    }
}
