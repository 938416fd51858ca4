use crate::history::*;
use crate::rig::*;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore]
async fn speed() {
    let n = 200_000u64;
    let h = History::busy(5, 20_000, n);
    let rig = Rig::with(&h).await.unwrap();
    for batch in [1000usize, 4000, 4000, 10000] {
        let t = std::time::Instant::now();
        let r = rig.start_at(&format!("m{batch}{:?}", t), batch).await;
        reaches(&r, n).await;
        println!("e2e batch {batch}: {:.0}/s", n as f64 / t.elapsed().as_secs_f64());
        r.stop().await.unwrap();
    }
}
