//! The least that durable events can cost on this machine: the record bytes, one put each, one fsync a batch.

use std::path::Path;
use std::time::{Duration, Instant};

use guichet_engine::log::{LogReader, Memory, keys, options};
use guichet_schemas::position::LogPosition;
use rocksdb::{ColumnFamilyDescriptor, DB, WriteBatch, WriteOptions};

use crate::cpu;

/// A plain RocksDB with the options of the log.
pub(crate) struct Floor {
    db: DB,
    next: LogPosition,
}

/// What writing the batches of one turn took.
pub(crate) struct Written {
    /// All batches together.
    pub(crate) took: Duration,
    /// All batches together, on a CPU.
    pub(crate) on_cpu: Duration,
    /// Each batch.
    pub(crate) latencies_ns: Vec<u64>,
    /// Events in them.
    pub(crate) events: u64,
}

impl Floor {
    /// Makes the database.
    pub(crate) fn open(dir: &Path, memory: &Memory) -> Self {
        let options = options::column_family(keys::EVENTS, memory).expect("RocksDB knows our options");
        let events = ColumnFamilyDescriptor::new(keys::EVENTS, options);
        let db = DB::open_cf_descriptors(&options::database(memory), dir, [events])
            .expect("a fresh database opens");
        // The first record of a log is its epoch; the commands begin behind it.
        Self { db, next: LogPosition::FIRST.next() }
    }

    /// Writes what the log holds up to the last of these heads, in the same batches.
    pub(crate) fn write(&mut self, log: &LogReader, heads: &[u64]) -> Written {
        let events = self.db.cf_handle(keys::EVENTS).expect("it was opened with this column family");
        let mut sync = WriteOptions::default();
        sync.set_sync(true);
        let latencies_ns = Vec::with_capacity(heads.len());
        let mut written = Written { took: Duration::ZERO, on_cpu: Duration::ZERO, latencies_ns, events: 0 };
        for head in heads {
            let count = usize::try_from(head + 1 - self.next.get()).expect("a batch fits into memory");
            let records = log.read(self.next, count, usize::MAX).expect("the log can be read");
            let (begun, cpu_before) = (Instant::now(), cpu::of_this_thread());
            let mut batch = WriteBatch::default();
            for record in &records {
                batch.put_cf(&events, keys::event(self.next), record);
                self.next = self.next.next();
            }
            self.db.write_opt(batch, &sync).expect("the disk takes it");
            let took = begun.elapsed();
            written.on_cpu += cpu::of_this_thread().saturating_sub(cpu_before);
            written.took += took;
            written.events += records.len() as u64;
            written.latencies_ns.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        written
    }
}
