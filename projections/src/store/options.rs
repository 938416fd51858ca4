//! How RocksDB is set up, with the reasons.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, Env,
    MergeOperands, Options, WriteBufferManager,
};

use super::{Family, Merge};

/// Write buffer per column family. With `atomic_flush` the first full one flushes all, so this bounds the
/// tail that a crash loses: about 50,000 events.
const WRITE_BUFFER_BYTES: usize = 16 * 1024 * 1024;
/// Open table files, each a few kilobytes of memory and a descriptor.
const OPEN_FILES_MAX: i32 = 256;
/// RocksDB's own text log, which we never read but an operator may.
const INFO_LOG_BYTES: usize = 1024 * 1024;
const INFO_LOG_FILES: usize = 2;

/// Memory that all databases of a process share, so that their sum is bounded.
#[derive(Clone)]
pub struct Memory {
    /// Blocks read from table files, their indexes and filters included.
    pub cache: Cache,
    /// Bytes written but not yet flushed, of all databases together.
    pub write_buffers: WriteBufferManager,
    /// Tables of each database that are kept open, a descriptor each.
    pub open_files: i32,
    /// Files in memory, for databases that nobody will want again.
    volatile: Option<Env>,
}

impl Memory {
    /// One budget for reading and one for writing, in bytes.
    #[must_use]
    pub fn new(cache_bytes: usize, write_buffer_bytes: usize) -> Self {
        // Never stall writers: a flush is triggered at 90 % and there is only one writer to wait for it.
        Self {
            cache: Cache::new_lru_cache(cache_bytes),
            write_buffers: WriteBufferManager::new_write_buffer_manager(write_buffer_bytes, false),
            open_files: OPEN_FILES_MAX,
            volatile: None,
        }
    }

    /// Shares budgets that other databases of the process have already.
    #[must_use]
    pub const fn shared(cache: Cache, write_buffers: WriteBufferManager) -> Self {
        Self { cache, write_buffers, open_files: OPEN_FILES_MAX, volatile: None }
    }

    /// The same, with so many tables of each database kept open at most.
    #[must_use]
    pub const fn with_open_files(mut self, most: i32) -> Self {
        self.open_files = most;
        self
    }

    /// One budget each for databases whose files are in memory too, for a simulation. What was not flushed when such a
    /// database is closed is gone, as after a crash.
    ///
    /// # Errors
    /// RocksDB has no files in memory.
    pub fn volatile(cache_bytes: usize, write_buffer_bytes: usize) -> Result<Self, rocksdb::Error> {
        Ok(Self { volatile: Some(Env::mem_env()?), ..Self::new(cache_bytes, write_buffer_bytes) })
    }
}

pub(super) fn database(memory: &Memory) -> Result<Options, rocksdb::Error> {
    let mut options = Options::default();
    if let Some(env) = &memory.volatile {
        options = options.get_options_from_string("avoid_flush_during_shutdown=true")?;
        options.set_env(env);
    }
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // All column families lose the same tail, or none: the store has no write-ahead log.
    options.set_atomic_flush(true);
    options.set_paranoid_checks(true);
    options.set_write_buffer_manager(&memory.write_buffers);
    options.set_max_open_files(memory.open_files);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(INFO_LOG_FILES);
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options.set_stats_dump_period_sec(0);
    Ok(options)
}

pub(super) fn family(family: Family, memory: &Memory) -> ColumnFamilyDescriptor {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&memory.cache);
    // Indexes and filters count against the shared budget instead of growing beside it.
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if family.point_reads {
        table.set_bloom_filter(10.0, false);
        // In pieces: the filter of a large table is larger than a shard of the cache, which then never keeps it.
        table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
        table.set_partition_filters(true);
        table.set_metadata_block_size(4 << 10);
        table.set_pin_top_level_index_and_filter(true);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    if let Some(Merge { name, join }) = family.merge {
        let joined = move |_: &[u8], existing: Option<&[u8]>, operands: &MergeOperands| {
            let mut value = existing.unwrap_or_default().to_vec();
            operands.iter().for_each(|operand| join(&mut value, operand));
            Some(value)
        };
        options.set_merge_operator_associative(name, joined);
    }
    ColumnFamilyDescriptor::new(family.name, options)
}
