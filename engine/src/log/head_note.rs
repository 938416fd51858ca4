//! How far the log was acknowledged, noted beside the database with every batch before its answers go.
//!
//! A database that lost the end of its write-ahead log opens without a word, and what is damaged does not say how much
//! there was. The note does. It is written and not synced: a process that dies leaves it exact, and a machine that loses
//! its power leaves one that is true of an earlier moment, so it never claims what was not on disk before.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use super::{OpenError, StoreFault};

/// Name of the file in the folder of the log.
const FILE: &str = "head";
const MAGIC: &[u8; 8] = b"guichet1";
/// Magic, position, answers, boot.
const BODY: usize = 40;
/// And a checksum.
const LENGTH: usize = BODY + 24;
/// Changes with every start of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Newest position.
    pub(super) position: u64,
    /// Answers of commands that wrote no event: so many were ever kept.
    pub(super) answers: u64,
}

/// The contents of the note that an earlier start left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) acknowledged: Acknowledged,
    /// Nothing was acknowledged beyond: the machine has not been restarted since it was written.
    pub(super) exact: bool,
}

/// The open note.
#[derive(Debug)]
pub(super) struct HeadNote {
    file: File,
    boot: [u8; 16],
    written: Acknowledged,
}

/// Told before answers go: the newest position, where the batch has records, and how many answers are kept, or 0.
pub(super) type Note = Box<dyn Fn(Option<LogPosition>, u64) -> Result<(), StoreFault> + Send>;

/// Reads the note in the folder of a log. `None`: there is none, or it is damaged.
///
/// # Errors
/// The system does not let us read it: a start that went on would not miss what was acknowledged.
pub(super) fn read(dir: &Path) -> Result<Option<Noted>, OpenError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OpenError::Folder { dir: path, cause }),
    };
    let Some((acknowledged, boot)) = parse(&bytes) else {
        tracing::warn!("the note of what was acknowledged is damaged; a new one is written");
        return Ok(None);
    };
    Ok(Some(Noted { acknowledged, exact: boot != [0; 16] && boot == this_boot() }))
}

impl HeadNote {
    /// Opens the note, or makes it, and says in it what holds now.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn open(dir: &Path, acknowledged: Acknowledged) -> std::io::Result<Self> {
        let path: PathBuf = dir.join(FILE);
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let mut note = Self { file, boot: this_boot(), written: acknowledged };
        note.put(acknowledged)?;
        note.file.set_len(LENGTH as u64)?;
        note.file.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(note)
    }

    /// Notes what is on disk and about to be told. One call of the system.
    ///
    /// # Errors
    /// The disk.
    fn write(&mut self, acknowledged: Acknowledged) -> Result<(), StoreFault> {
        if acknowledged == self.written {
            return Ok(());
        }
        self.put(acknowledged).map_err(|e| StoreFault::refused("note what is acknowledged", e))
    }

    /// Hands it to who commits.
    pub(super) fn shared(self) -> Note {
        let note = Mutex::new(self);
        Box::new(move |head, answers| {
            let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
            let position = head.map_or(note.written.position, LogPosition::get);
            let answers = answers.max(note.written.answers);
            note.write(Acknowledged { position, answers })
        })
    }

    fn put(&mut self, acknowledged: Acknowledged) -> std::io::Result<()> {
        self.file.write_all_at(&bytes(acknowledged, self.boot), 0)?;
        self.written = acknowledged;
        Ok(())
    }
}

fn bytes(acknowledged: Acknowledged, boot: [u8; 16]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&acknowledged.position.to_be_bytes());
    bytes[16..24].copy_from_slice(&acknowledged.answers.to_be_bytes());
    bytes[24..BODY].copy_from_slice(&boot);
    let sum = Hash::of_record(&bytes[..BODY]);
    bytes[BODY..].copy_from_slice(&sum.0[..LENGTH - BODY]);
    bytes
}

fn parse(read: &[u8]) -> Option<(Acknowledged, [u8; 16])> {
    let number = |at: usize| Some(u64::from_be_bytes(read.get(at..at + 8)?.try_into().ok()?));
    let acknowledged = Acknowledged { position: number(8)?, answers: number(16)? };
    let boot = read.get(24..BODY)?.try_into().ok()?;
    (bytes(acknowledged, boot) == read).then_some((acknowledged, boot))
}

/// The id of this start of the machine; zeros where the system has none.
fn this_boot() -> [u8; 16] {
    let text = std::fs::read_to_string(BOOT).unwrap_or_else(|error| {
        tracing::warn!(%error, file = BOOT, "this start of the machine cannot be told from another one");
        String::new()
    });
    uuid::Uuid::parse_str(text.trim()).map_or([0; 16], uuid::Uuid::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_read_and_no_flipped_bit_is() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        let mut note = HeadNote::open(dir.path(), Acknowledged::default()).unwrap();
        let acknowledged = Acknowledged { position: 7_654_321, answers: 12 };
        note.write(acknowledged).unwrap();
        let noted = read(dir.path()).unwrap().unwrap();
        assert_eq!(noted.acknowledged, acknowledged);
        let whole = std::fs::read(dir.path().join(FILE)).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&flipped), None, "bit {bit}");
        }
        assert_eq!(parse(&whole[..whole.len() - 1]), None);
    }

    #[test]
    fn what_another_start_of_the_machine_left_is_the_least_and_not_all() {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged = Acknowledged { position: 5, answers: 0 };
        std::fs::write(dir.path().join(FILE), bytes(acknowledged, [7; 16])).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(Noted { acknowledged, exact: false }));
    }
}
