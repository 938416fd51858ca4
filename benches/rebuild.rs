//! How fast is a read model rebuilt? Events from the log folded into each model on one core: read, hash, check,
//! decode, fold, write. As `guichet project --rebuild` does it on a stopped folder.

use guichet_bench_support::log::{CACHE_BYTES, WRITE_BUFFER_BYTES, fill};
use guichet_bench_support::{cpu, table};

use std::path::Path;
use std::time::{Duration, Instant};

use guichet_engine::log::{Memory, Store};
use guichet_projections::rebuild::{Offline, Order};
use guichet_projections::{ReadModel, model};
use guichet_schemas::position::{LogPosition, Partition};

use crate::table::{Length, Row, print};

/// As in the binary.
const BATCH: usize = 4000;

fn main() {
    let length = Length::asked();
    let dir = tempfile::tempdir().expect("a folder for the log");
    let events = fill(dir.path(), length.pick(400_000, 2_000_000));
    let store = Store::open(&dir.path().join("rocksdb"), &Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES))
        .expect("a log that was closed opens");
    let mut rows = Vec::new();
    for model in model::ALL {
        let (cpu, wall, bytes) = fold(&store, model);
        let per_second = |took: Duration| events as f64 / took.as_secs_f64();
        let target = if model.name == "queues" { "≥ 150,000" } else { "" };
        let row = |what: &str, figure, unit, target| Row {
            what: format!("{}: {what}", model.name),
            figure,
            unit,
            target,
            ..Row::default()
        };
        rows.push(row("per second of the folding core", per_second(cpu), "events/s", target));
        rows.push(row("per second of the clock", per_second(wall), "events/s", ""));
        rows.push(row("on the disk, per million events", bytes as f64 / events as f64, "MB", ""));
    }
    print(&format!("rebuild: {events} events from the log into each read model"), &rows);
}

/// CPU time of the fold, time of the clock with the last flush, and bytes on the disk.
fn fold(store: &Store, model: &'static ReadModel) -> (Duration, Duration, u64) {
    let dir = tempfile::tempdir().expect("a folder for the model");
    let memory = Memory::new(CACHE_BYTES, WRITE_BUFFER_BYTES);
    let memory = guichet_projections::Memory::shared(memory.cache, memory.write_buffers);
    let mut offline = Offline::begin(
        dir.path(),
        Partition(0),
        model,
        &memory,
        BATCH,
        Order { swap: true, ..Order::default() },
    )
    .expect("a fresh folder opens");
    let (cpu, wall) = (cpu::of_this_thread(), Instant::now());
    let visit = |position: LogPosition, record: &[u8]| {
        offline.take(position.get(), record).expect("the log can be folded")
    };
    store.scan(LogPosition::FIRST, visit).expect("the log can be read");
    let cpu = cpu::of_this_thread() - cpu;
    offline.end().expect("the model can be put in place");
    let wall = wall.elapsed();
    (cpu, wall, size(&dir.path().join(format!("projection-{}-0", model.name))))
}

fn size(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).expect("the model is there");
    files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
}
