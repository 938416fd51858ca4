//! A copy of a log as an auditor reads it: what is missing or changed is found, not refused.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use guichet_audit::{Source, Unread};
use guichet_proof::TileId;
use guichet_proof::tile::TILE_WIDTH;

use super::folder::records_in;

/// The files of a copy of so many records.
#[derive(Debug)]
pub struct Files {
    dir: PathBuf,
    size: u64,
}

impl Files {
    /// The copy in a folder, of as many records as its checkpoint says.
    #[must_use]
    pub const fn new(dir: PathBuf, size: u64) -> Self {
        Self { dir, size }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Unread> {
        let path = self.dir.join("tile").join(path);
        std::fs::read(&path).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                damaged(&path, "it is missing")
            } else {
                Unread::Refused(format!("{}: {error}", path.display()).into())
            }
        })
    }
}

impl Source for Files {
    fn head(&self) -> u64 {
        self.size
    }

    fn scan(&self, first: u64, last: u64, visit: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), Unread> {
        for index in first.saturating_sub(1) / TILE_WIDTH..last.min(self.size).div_ceil(TILE_WIDTH) {
            let before = index * TILE_WIDTH;
            let width = u32::try_from((self.size - before).min(TILE_WIDTH)).unwrap_or(0);
            let path = TileId { level: 0, index, width }.entries_path();
            let records = records_in(Bytes::from(self.read(&path)?), width as usize).ok_or_else(|| {
                damaged(&self.dir.join("tile").join(&path), "it is cut short or has other records")
            })?;
            for (position, record) in (before + 1..).zip(&records) {
                if (first..=last).contains(&position) && !visit(position, record) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, Unread> {
        self.read(&TileId { level, index, width: 256 }.path()).map(Some)
    }
}

fn damaged(path: &Path, problem: &str) -> Unread {
    Unread::Damaged(format!("{}: {problem}", path.display()).into())
}
