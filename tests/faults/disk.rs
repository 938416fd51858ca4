//! A disk of our own that can lose its power: ext4 in a file on a loop device.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::needs::done;

/// Size of the image where nobody says otherwise. It is sparse.
const IMAGE_BYTES: u64 = 1 << 30;
/// What takes the room.
const FILLER: &str = "filler";
/// `FS_IOC_SHUTDOWN`, which ext4, xfs and f2fs share.
const SHUTDOWN: nix::libc::c_ulong = 0x8004_587d;
/// What is in the journal and not on the device is lost, like everything in memory.
const NOLOGFLUSH: u32 = 2;

/// A mounted disk. Dropping it takes it away.
#[derive(Debug)]
pub(crate) struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    /// Makes and mounts an empty one in a folder.
    pub(crate) fn new(dir: &Path) -> Result<Self, String> {
        Self::at(dir, dir.join("disk"), IMAGE_BYTES)
    }

    /// Makes one of this size in a folder, and mounts it somewhere else.
    pub(crate) fn at(dir: &Path, mounted: PathBuf, bytes: u64) -> Result<Self, String> {
        let image = dir.join("disk.img");
        let made = File::create(&image).and_then(|file| file.set_len(bytes));
        made.map_err(|error| format!("make {}: {error}", image.display()))?;
        std::fs::create_dir_all(&mounted).map_err(|error| format!("make {}: {error}", mounted.display()))?;
        done("mkfs.ext4", &["-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1"], &[&image])?;
        let disk = Self { image, mounted };
        disk.mount()?;
        Ok(disk)
    }

    /// Where its files are.
    pub(crate) fn path(&self) -> &Path {
        &self.mounted
    }

    fn mount(&self) -> Result<(), String> {
        done("mount", &["-o", "loop,noatime"], &[&self.image, &self.mounted])
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) {
        fill(&self.mounted);
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        free(&self.mounted);
    }

    /// Takes its power: from now on every write fails, and what was not on the device is gone.
    #[expect(unsafe_code, reason = "there is no other way to ask for that")]
    pub(crate) fn cut_power(&self) -> Result<(), String> {
        let root = File::open(&self.mounted).map_err(|error| error.to_string())?;
        let how = NOLOGFLUSH;
        // SAFETY: the descriptor is open, and the call reads one u32 through the pointer.
        let answer = unsafe { nix::libc::ioctl(root.as_raw_fd(), SHUTDOWN, &raw const how) };
        if answer == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().to_string()) }
    }

    /// Gives it power again. Nobody may have a file of it open.
    pub(crate) fn restore_power(&self) -> Result<(), String> {
        done("umount", &[], &[&self.mounted])?;
        self.mount()
    }
}

/// Takes all the room that is left where a folder is.
pub(crate) fn fill(dir: &Path) {
    let path = dir.join(FILLER);
    let Ok(mut filler) = File::create(&path) else { return };
    // Most of it without a write, where the file system can: in ever smaller pieces, and the rest byte for byte.
    let mut size = statvfs(dir).map_or(0, |found| found.blocks_available() * found.fragment_size());
    let mut taken = 0_u64;
    while size >= 1 << 20 {
        let length = (taken + size).to_string();
        match done("fallocate", &["-l", &length], &[&path]) {
            Ok(()) => taken += size,
            Err(_) => size /= 2,
        }
    }
    filler.seek(SeekFrom::End(0)).ok();
    // Until there is none.
    for piece in [64 << 10, 512] {
        while filler.write_all(&vec![0x5a; piece]).is_ok() {}
    }
}

/// Gives it back.
pub(crate) fn free(dir: &Path) {
    std::fs::remove_file(dir.join(FILLER)).ok();
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file open is about to be killed by the same test.
        done("umount", &["-l"], &[&self.mounted]).ok();
    }
}

/// A disk that can be cut can be made here.
pub(crate) fn probe() -> Result<(), String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let disk =
        Disk::new(dir.path()).map_err(|why| format!("this needs root, mkfs.ext4 and loop devices: {why}"))?;
    disk.cut_power().map_err(|why| format!("ext4 does not shut down on demand: {why}"))?;
    disk.restore_power()
}
