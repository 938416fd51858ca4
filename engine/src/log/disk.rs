//! What the log asks of a database: rows in families, in the order of their keys, and two kinds of writes.
//!
//! RocksDB is one ([`super::store`]); the simulation has another, whose syncs fail and whose crashes lose what a crash
//! may lose. Everything above this line is the same for both, and compiled for each: there is no call to look up.

use super::StoreFault;

/// A database.
pub trait Disk: Send + Sync + 'static {
    /// Rows that are written together or not at all.
    type Rows: Rows;
    /// A family, looked up.
    type Family<'a>
    where
        Self: 'a;

    /// The family of that name, one of [`super::keys::ALL`].
    fn family(&self, name: &str) -> Self::Family<'_>;

    /// Adds a row to those that will be written together.
    fn put(rows: &mut Self::Rows, family: &Self::Family<'_>, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>);

    /// One value.
    ///
    /// # Errors
    /// The disk, or damage.
    fn read(&self, family: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault>;

    /// Visits the rows of a family from a key on, until `visit` says stop. An iterator that ends early is an error.
    ///
    /// # Errors
    /// The disk, or damage.
    fn visit(
        &self,
        family: &str,
        from: &[u8],
        reading: Reading,
        visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreFault>;

    /// The last key of a family; with `through`, the last one that is not above it.
    ///
    /// # Errors
    /// The disk, or damage.
    fn last_key(&self, family: &str, through: Option<&[u8]>) -> Result<Option<Vec<u8>>, StoreFault>;

    /// Writes. With [`Durable::Synced`], what is written is on disk when this returns.
    ///
    /// # Errors
    /// The disk. What is there is unknown then: stop.
    fn write(&self, rows: Self::Rows, durable: Durable) -> Result<(), StoreFault>;
}

/// Rows on their way to the disk.
pub trait Rows: Default + Send + 'static {
    fn count(&self) -> usize;
    /// Their bytes.
    fn bytes(&self) -> usize;
}

/// How much of the disk a visit will see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A few rows that somebody may want again.
    Few,
    /// Rows that are read once.
    Once,
    /// Very many: read far ahead.
    Far,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// On disk, whatever happens.
    Synced,
    /// In memory: a crash may take it, and takes it together with whatever was written later.
    Derived,
}
