//! The layout of a read model: its column families, and how their values join.

/// The families of a folder, and the version of the model that wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    pub name: &'static str,
    /// One more whenever the same events give other rows.
    pub version: u32,
    /// Its column families, in the order in which the content hash reads them. `quarantine` and `meta` come on top by
    /// themselves.
    pub families: &'static [Family],
}

/// A column family, with what RocksDB should know about its use.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    pub name: &'static str,
    /// Read by whole keys, many of which are not there: worth a bloom filter.
    pub point_reads: bool,
    /// How a merged value joins what is there.
    pub merge: Option<Merge>,
    /// Drawn from the other families, perhaps later: not part of the content that is hashed and compared.
    pub derived: bool,
}

impl Family {
    /// Read in ranges.
    #[must_use]
    pub const fn ranges(name: &'static str) -> Self {
        Self { name, point_reads: false, merge: None, derived: false }
    }

    /// Read key by key.
    #[must_use]
    pub const fn points(name: &'static str) -> Self {
        Self { name, point_reads: true, merge: None, derived: false }
    }

    /// The same, with values that grow by [`super::Batch::merge`].
    #[must_use]
    pub const fn merged(mut self, merge: Merge) -> Self {
        self.merge = Some(merge);
        self
    }

    /// The same, drawn from the other families.
    #[must_use]
    pub const fn derived(mut self) -> Self {
        self.derived = true;
        self
    }
}

/// An associative way to join values. RocksDB joins them whenever it likes, so (a + b) + c must be a + (b + c).
#[derive(Debug, Clone, Copy)]
pub struct Merge {
    /// Stands in the database: another name does not open it.
    pub name: &'static str,
    /// Joins the later value to the earlier.
    pub join: fn(&mut Vec<u8>, &[u8]),
}

impl Merge {
    /// One behind the other.
    pub const APPEND: Self =
        Self { name: "guichet.append", join: |earlier, later| earlier.extend_from_slice(later) };
}
