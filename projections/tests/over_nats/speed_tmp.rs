use crate::history::*;
use crate::rig::*;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore]
async fn speed() {
    let n = 200_000u64;
    let mut h = History::new();
    let mut d = Dice(3);
    let mut t = 0;
    while h.head() < n { t += 1; let id = h.open(t); for _ in 0..7 { let e = any_event(&mut d); h.push(id, "bob", e); } }
    h.entries.truncate(n as usize);
    let rig = Rig::with(&h).await.unwrap();
    for log in [false, true] {
    if log { rig.serve_log(&h).await; }
    for batch in [1000usize, 4000, 4000] {
        let t = std::time::Instant::now();
        let r = rig.start_at(&format!("m{batch}{:?}", t), batch).await;
        reaches(&r, n).await;
        println!("log {log} e2e batch {batch}: {:.0}/s", n as f64 / t.elapsed().as_secs_f64());
        r.stop().await.unwrap();
    }
}}
