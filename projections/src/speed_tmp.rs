use crate::fold::*;
use crate::history::*;
use crate::lineage::Arrived;
use crate::store::*;
use std::sync::Arc;
#[test]
#[ignore]
fn speed() {
    let cpu = || std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9;
    let n = 300_000u64;
    for tickets in [0, 30_000] {
    println!("{tickets} tickets");
    let h = if tickets == 0 { clustered(n) } else { History::busy(5, tickets, n) };
    let bytes: usize = h.entries.iter().map(|e| e.bytes.len()).sum();
    println!("avg {} bytes", bytes / h.entries.len());
    for batch in [1000usize, 4000] {
        let arrived: Vec<Vec<Arrived>> = h.entries.chunks(batch).map(|c| c.iter().map(|entry| Arrived { sequence: entry.record.position.get(), prev_hash: Some(entry.prev_hash), hash: Some(entry.hash), bytes: entry.bytes.clone().into() }).collect()).collect();
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(dir.path(), &Memory::new(32 << 20, 64 << 20)).unwrap());
        let mut f = Folder::open(store.clone(), guichet_schemas::position::Partition(0), crate::model::ticket::apply).unwrap();
        let t = std::time::Instant::now();
        let c = cpu();
        for a in arrived { assert_eq!(f.fold(a).end, End::All); }
        let e = t.elapsed();
        println!("fold batch {batch}: {:.0}/s wall {:.0}/s cpu", n as f64 / e.as_secs_f64(), n as f64 / (cpu() - c));
        let t = std::time::Instant::now();
        store.flush().unwrap();
        println!("  flush {:?}", t.elapsed());
    }
}}

fn clustered(n: u64) -> History {
    let mut h = History::new();
    let mut d = Dice(3);
    let mut t = 0;
    while h.head() < n { t += 1; let id = h.open(t); for _ in 0..7 { let e = any_event(&mut d); h.push(id, "bob", e); } }
    h.entries.truncate(n as usize);
    h
}
