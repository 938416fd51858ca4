//! How RocksDB is opened, each choice with its reason.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, Options,
    WriteBufferManager,
};

use super::keys;

/// Tables that are kept open where nobody says otherwise.
const OPEN_FILES: i32 = 512;

/// Memory that all databases of a process share, so that its sum is bounded and not a product.
#[derive(Clone)]
pub struct Memory {
    /// Blocks read.
    pub cache: Cache,
    /// Tables not yet written.
    pub write_buffers: WriteBufferManager,
    /// Tables of the log that are kept open, a descriptor each.
    pub open_files: i32,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// Bounds in bytes. A writer is never stalled by them: beyond, tables are written out earlier.
    #[must_use]
    pub fn new(cache_bytes: usize, write_buffer_bytes: usize) -> Self {
        Self {
            cache: Cache::new_lru_cache(cache_bytes),
            write_buffers: WriteBufferManager::new_write_buffer_manager(write_buffer_bytes, false),
            open_files: OPEN_FILES,
        }
    }

    /// The same, with so many tables of the log kept open at most.
    #[must_use]
    pub const fn with_open_files(mut self, most: i32) -> Self {
        self.open_files = most;
        self
    }
}

/// Options of the database as a whole. Public for whoever measures against a database of the same kind.
#[must_use]
pub fn database(memory: &Memory) -> Options {
    // What a log must write before it closes, it says itself (`Log::close`). One that could not be opened, often because
    // the disk refuses, would else try, fail, and wait a second before the process can end.
    let without_flush = Options::default().get_options_from_string("avoid_flush_during_shutdown=true");
    let mut o = without_flush.expect("RocksDB has this option");
    o.create_if_missing(true);
    o.create_missing_column_families(true);
    // The default, point-in-time, opens without a word after one flipped bit, with most of the fsynced
    // records gone. This one takes only the torn tail that a crash leaves, and refuses all else.
    o.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    // A recycled file has old records behind the new ones; a torn tail could then not be told from damage.
    o.set_recycle_log_file_num(0);
    o.set_paranoid_checks(true);
    o.set_track_and_verify_wals_in_manifest(true);
    // Derived rows are written without WAL. Flushed together with the events that they follow from, they can
    // never be ahead of them after a crash.
    o.set_atomic_flush(true);
    o.set_write_buffer_manager(&memory.write_buffers);
    o.set_max_background_jobs(2);
    o.set_bytes_per_sync(1 << 20);
    o.set_keep_log_file_num(4);
    o.set_max_open_files(memory.open_files);
    o
}

/// Options of one column family.
///
/// # Errors
/// RocksDB does not know one of the options by its name.
pub fn column_family(name: &str, memory: &Memory) -> Result<Options, rocksdb::Error> {
    // Checksums per key from the batch to the block: a bit that flips in memory is found before it is stored.
    let mut o = Options::default().get_options_from_string(
        "memtable_protection_bytes_per_key=8;block_protection_bytes_per_key=8;paranoid_file_checks=true",
    )?;
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&memory.cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_format_version(6);
    o.set_compression_type(DBCompressionType::Lz4);
    o.set_max_write_buffer_number(4);
    match name {
        keys::EVENTS => {
            // Keys rise for ever and nothing is overwritten: files never overlap, so a compaction only moves
            // them between levels. One compression on all levels keeps those moves free of rewriting.
            o.set_write_buffer_size(32 << 20);
            o.set_target_file_size_base(64 << 20);
            table.set_block_size(16 << 10);
        }
        keys::COMMANDS | keys::TICKETS_INDEX | keys::SNAPSHOTS | keys::EXTERNAL_REFS | keys::SUBJECTS => {
            // Most look-ups ask for what is not there (a new command id, a new ticket): filters answer those.
            o.set_write_buffer_size(16 << 20);
            table.set_bloom_filter(10.0, false);
            // In pieces: the filter of a large table is larger than a shard of the cache (half a mebibyte), which then
            // never keeps it, and each look-up reads and checks all of it again.
            table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
            table.set_partition_filters(true);
            table.set_metadata_block_size(4 << 10);
            table.set_pin_top_level_index_and_filter(true);
            o.set_memtable_whole_key_filtering(true);
            o.set_memtable_prefix_bloom_ratio(0.05);
        }
        keys::TREE => {
            // Hashes do not compress. As large as the records of a full `events` table need: a table that is full
            // earlier would have all of them written out with it.
            o.set_compression_type(DBCompressionType::None);
            o.set_write_buffer_size(16 << 20);
        }
        _ => o.set_write_buffer_size(1 << 20),
    }
    o.set_block_based_table_factory(&table);
    Ok(o)
}
