//! The rows of a key store, for a backup and from one. Keys stay wrapped: who has the rows without the key-encryption
//! key has nothing.

use std::path::Path;

use rocksdb::{Cache, IteratorMode, WriteBatch, WriteBufferManager};

use crate::store::{Db, KeyFault, OpenError, cf, families, flush, lock, write_synced};
use crate::{options, rows};

/// Rows written at a time.
const STRETCH: usize = 1_000;
/// Folder of the database while it is made.
const DRAFT: &str = "rocksdb.restoring";

/// A row: column family, key, value.
pub type Row = (String, Vec<u8>, Vec<u8>);

/// Visits every row of the store in `dir`, though an engine may be writing it; nothing in it is changed. RocksDB keeps
/// notes of its own in `work`, which is removed by whoever made it.
///
/// # Errors
/// There is no store, it is damaged, or what `visit` says.
pub fn read_rows<E: From<KeyFault>>(
    dir: &Path,
    work: &Path,
    cache: &Cache,
    write_buffers: &WriteBufferManager,
    mut visit: impl FnMut(&str, &[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut database = options::database(write_buffers);
    // A file that the engine removes meanwhile can be read on only by who has it open.
    database.set_max_open_files(-1);
    let primary = dir.join("rocksdb");
    let db = Db::open_cf_descriptors_as_secondary(&database, primary.as_path(), work, families(cache)?)
        .map_err(KeyFault::of("open beside its engine"))?;
    for family in rows::ALL {
        for row in db.iterator_cf(&cf(&db, family), IteratorMode::Start) {
            let (key, value) = row.map_err(KeyFault::of("read the rows"))?;
            visit(family, &key, &value)?;
        }
    }
    Ok(())
}

/// Makes a store of these rows in `dir`, where there is none, in one step.
///
/// # Errors
/// The folder cannot be locked, the disk, or what a row says.
pub fn make<E: From<KeyFault> + From<OpenError>>(
    dir: &Path,
    cache: &Cache,
    write_buffers: &WriteBufferManager,
    rows: impl Iterator<Item = Result<Row, E>>,
) -> Result<(), E> {
    let _lock = lock(dir)?;
    let draft = dir.join(DRAFT);
    let folder = |cause| OpenError::Folder { dir: dir.to_owned(), cause };
    if draft.exists() {
        std::fs::remove_dir_all(&draft).map_err(folder)?;
    }
    let db = Db::open_cf_descriptors(&options::database(write_buffers), &draft, families(cache)?)
        .map_err(KeyFault::of("make"))?;
    let mut batch = WriteBatch::default();
    for row in rows {
        let (family, key, value) = row?;
        let Some(family) = db.cf_handle(&family) else {
            return Err(KeyFault::found("make", format!("there is no column family {family}")).into());
        };
        batch.put_cf(&family, key, value);
        if batch.len() >= STRETCH {
            write_synced(&db, std::mem::take(&mut batch))?;
        }
    }
    write_synced(&db, batch)?;
    flush(&db)?;
    drop(db);
    std::fs::rename(&draft, dir.join("rocksdb"))
        .and_then(|()| std::fs::File::open(dir)?.sync_all())
        .map_err(folder)?;
    Ok(())
}
