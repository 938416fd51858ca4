//! How the key store's database is opened: like the log's, for it must lose as little.

use rocksdb::{BlockBasedIndexType, BlockBasedOptions, Cache, DBRecoveryMode, Options, WriteBufferManager};

/// Options of the database as a whole.
pub(crate) fn database(write_buffers: &WriteBufferManager) -> Options {
    let mut o = Options::default();
    o.create_if_missing(true);
    o.create_missing_column_families(true);
    // The default opens without a word after a flipped bit, with later keys gone; see the options of the log.
    o.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    o.set_recycle_log_file_num(0);
    o.set_paranoid_checks(true);
    o.set_track_and_verify_wals_in_manifest(true);
    o.set_write_buffer_manager(write_buffers);
    o.set_max_background_jobs(2);
    o.set_keep_log_file_num(4);
    // Tables are large and few; a descriptor each, and who shares them out counts on this number.
    o.set_max_open_files(32);
    o
}

/// Options of one column family.
///
/// # Errors
/// The database does not know one of the options by its name.
pub(crate) fn column_family(cache: &Cache) -> Result<Options, rocksdb::Error> {
    let mut o = Options::default().get_options_from_string(
        "memtable_protection_bytes_per_key=8;block_protection_bytes_per_key=8;paranoid_file_checks=true",
    )?;
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_format_version(6);
    // Keys are asked for by their whole id: a filter says where one is not.
    table.set_bloom_filter(10.0, false);
    // In pieces: the filter of a large table is larger than a shard of the cache, which then never keeps it.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_metadata_block_size(4 << 10);
    table.set_pin_top_level_index_and_filter(true);
    o.set_block_based_table_factory(&table);
    o.set_write_buffer_size(8 << 20);
    Ok(o)
}
