//! The static files of a copy of the log, and how they are read back to go on.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use guichet_proof::tile::{HASH_BYTES, TILE_WIDTH, subtree};
use guichet_proof::{Edge, FullTile, SignedCheckpoint, TileId, VerifyingKey};

use super::Unbelieved;
use guichet_client::ClientError;

/// A folder in the form of C2SP tlog-tiles.
#[derive(Debug)]
pub struct Folder(PathBuf);

/// The records behind the last full tile, each behind its length.
#[derive(Debug, Default)]
pub(super) struct Bundle(Vec<u8>);

impl Bundle {
    /// # Errors
    /// The record is longer than the form can say; ours never are.
    pub(super) fn push(&mut self, record: &[u8]) -> Result<(), ClientError> {
        let length = u16::try_from(record.len()).map_err(|_| {
            ClientError::Usage(format!("a record of {} bytes has no place in a copy", record.len()))
        })?;
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(record);
        Ok(())
    }

    /// Its bytes; it is empty then.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Folder {
    /// Opens the folder, and makes it where there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(dir: PathBuf) -> Result<Self, ClientError> {
        std::fs::create_dir_all(&dir).map_err(|e| problem(&dir, &e))?;
        Ok(Self(dir))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// How far the copy is; the inner error: its checkpoint is not believed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn checkpoint(
        &self,
        key: &VerifyingKey,
    ) -> Result<Result<Option<SignedCheckpoint>, Unbelieved>, ClientError> {
        let path = self.0.join("checkpoint");
        match std::fs::read(&path) {
            Ok(note) => Ok(SignedCheckpoint::open(&note, key)
                .map(Some)
                .map_err(|cause| Unbelieved::Checkpoint { path, cause })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Ok(None)),
            Err(error) => Err(problem(&path, &error)),
        }
    }

    /// The edge of the tree of `size` leaves, from the files.
    pub(super) fn edge(&self, size: u64) -> Result<Edge, ClientError> {
        let edge = Edge::resume(size, |tile| {
            if tile.level == 0 {
                return self.read(&tile.path());
            }
            // The partial tile itself is there too; but what it is made of tells more.
            let mut hashes = Vec::with_capacity(tile.bytes());
            for index in (tile.index * TILE_WIDTH..).take(tile.width as usize) {
                let below = TileId { level: tile.level - 1, index, width: 256 };
                let full = self.read(&below.path())?;
                let root =
                    subtree(&full).ok_or_else(|| problem(&self.0.join("tile"), &"a tile is cut short"))?;
                hashes.extend_from_slice(&root.0);
            }
            Ok::<_, ClientError>(hashes)
        })?;
        edge.ok_or_else(|| problem(&self.0.join("tile"), &"a tile is cut short"))
    }

    /// The records behind the last full tile of a copy of `size` records.
    pub(super) fn open_bundle(&self, size: u64) -> Result<Bundle, ClientError> {
        match u32::try_from(size % TILE_WIDTH) {
            Ok(width @ 1..) => {
                let tile = TileId { level: 0, index: size / TILE_WIDTH, width };
                Ok(Bundle(self.read(&tile.entries_path())?))
            }
            Ok(0) | Err(_) => Ok(Bundle::default()),
        }
    }

    /// The records at the positions from `256 × index + 1` on, of a copy of `size` records: at most 256.
    ///
    /// # Errors
    /// The file cannot be read, or is cut short.
    pub fn records(&self, index: u64, size: u64) -> Result<Vec<Bytes>, ClientError> {
        let width = size.saturating_sub(index * TILE_WIDTH).min(TILE_WIDTH);
        let Ok(width @ 1..) = u32::try_from(width) else { return Ok(Vec::new()) };
        let path = TileId { level: 0, index, width }.entries_path();
        let bundle = Bytes::from(self.read(&path)?);
        records_in(bundle, width as usize)
            .ok_or_else(|| problem(&self.0.join("tile").join(path), &"it is cut short or has other records"))
    }

    /// Compares a full tile with its file.
    ///
    /// # Errors
    /// The file cannot be read, or is another.
    pub fn check_tile(&self, tile: &FullTile) -> Result<(), ClientError> {
        let path = TileId { level: tile.level, index: tile.index, width: 256 }.path();
        if self.read(&path)? == tile.hashes {
            Ok(())
        } else {
            Err(problem(
                &self.0.join("tile").join(path),
                &"it does not follow from the records: it was changed",
            ))
        }
    }

    pub(super) fn write_tile(&self, tile: TileId, hashes: &[u8]) -> Result<(), ClientError> {
        debug_assert_eq!(hashes.len(), tile.width as usize * HASH_BYTES);
        self.write(&format!("tile/{}", tile.path()), hashes)
    }

    pub(super) fn write_bundle(&self, tile: TileId, records: &[u8]) -> Result<(), ClientError> {
        self.write(&format!("tile/{}", tile.entries_path()), records)
    }

    /// The last step: who reads the folder finds all that the checkpoint covers.
    pub(super) fn write_checkpoint(&self, checkpoint: &SignedCheckpoint) -> Result<(), ClientError> {
        // Once for all files, not once each: a power cut must not leave a checkpoint without its records.
        self.sync()?;
        self.write("checkpoint", checkpoint.note().as_bytes())?;
        self.sync()
    }

    fn sync(&self) -> Result<(), ClientError> {
        let synced = std::fs::File::open(&self.0).and_then(|folder| Ok(nix::unistd::syncfs(folder)?));
        synced.map_err(|e| problem(&self.0, &e))
    }

    fn read(&self, below_tile: &str) -> Result<Vec<u8>, ClientError> {
        let path = self.0.join("tile").join(below_tile);
        std::fs::read(&path).map_err(|e| problem(&path, &e))
    }

    /// In one step, so that a web server never hands out half a file.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let path = self.0.join(name);
        let draft = path.with_extension("draft");
        let written = (path.parent().map_or(Ok(()), std::fs::create_dir_all))
            .and_then(|()| std::fs::write(&draft, bytes))
            .and_then(|()| std::fs::rename(&draft, &path));
        written.map_err(|e| problem(&path, &e))
    }
}

/// The records of a bundle; `None` where it has not so many, or more.
pub(super) fn records_in(mut rest: Bytes, width: usize) -> Option<Vec<Bytes>> {
    let mut records = Vec::with_capacity(width);
    while let Some((length, _)) = rest.split_first_chunk::<2>() {
        let end = 2 + usize::from(u16::from_be_bytes(*length));
        if rest.len() < end {
            break;
        }
        records.push(rest.split_to(end).slice(2..));
    }
    (rest.is_empty() && records.len() == width).then_some(records)
}

fn problem(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}
