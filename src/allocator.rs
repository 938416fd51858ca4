//! The allocators of the process. Records, headers and rows are many short allocations that one thread makes and another
//! frees: glibc spends a third of a busy desk's processor time on them, and keeps the memory.
//!
//! RocksDB keeps glibc's. jemalloc in the place of `malloc` hangs at the start where a preloaded library answers
//! `clock_gettime`, as libfaketime does: the library asks the loader, the loader asks for memory, and jemalloc asks what
//! time it is.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Read by jemalloc before `main`. Few arenas, and freed pages go back within a second: what a burst took is given back,
/// and the whole desk fits into a small machine. `_RJEM_MALLOC_CONF` in the environment overrides it.
#[expect(unsafe_code, reason = "jemalloc looks for its settings under this name, and under no other")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &[u8] = b"narenas:2,tcache_max:8192,dirty_decay_ms:200,muzzy_decay_ms:0\0";

/// Parts of glibc's memory that threads take from without waiting for each other.
#[cfg(target_env = "gnu")]
const ARENAS: i32 = 4;

/// Keeps what large requests took for a moment from staying taken. glibc gives threads arenas of their own, up to eight for
/// each core, and none gives back what lies below something that is still in use.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "nothing safe sets up the allocator")]
pub(crate) fn few_arenas() {
    // SAFETY: the call takes two numbers, and no other thread runs yet.
    unsafe { nix::libc::mallopt(nix::libc::M_ARENA_MAX, ARENAS) };
}

/// Only glibc has arenas.
#[cfg(not(target_env = "gnu"))]
pub(crate) const fn few_arenas() {}
