//! The allocator of the whole process, RocksDB included. Records, headers and rows are many short allocations that one
//! thread makes and another frees: glibc spends a third of a busy desk's processor time on them, and keeps the memory.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Read by jemalloc before `main`. Few arenas, and freed pages go back within a second: what a burst took is given back,
/// and the whole desk fits into a small machine. `MALLOC_CONF` in the environment overrides it.
#[expect(unsafe_code, reason = "jemalloc looks for its settings under this name, and under no other")]
#[unsafe(export_name = "malloc_conf")]
static SETTINGS: &[u8] = b"narenas:2,tcache_max:8192,dirty_decay_ms:200,muzzy_decay_ms:0\0";
