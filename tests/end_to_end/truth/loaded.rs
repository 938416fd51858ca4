//! One node with both exports, imported twice, read once, and shared by all who compare.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::ticket::{Ticket, without};
use crate::desk::Desk;
use crate::harness::{Serve, Settings, shared};
use crate::import::{Export, Summary};

/// What a node answers after an import.
pub(crate) struct Loaded {
    pub(super) servicenow: BTreeMap<String, Ticket>,
    pub(super) bpi2013: BTreeMap<String, Ticket>,
    /// The views of the second export as they were answered.
    pub(crate) bpi2013_views: Vec<Value>,
    /// Views by the query `ticket` beside the row of `tickets` that it must equal.
    pub(super) twice_asked: Vec<(Value, Value)>,
    pub(crate) first_runs: [Summary; 2],
    pub(super) second_runs: [Summary; 2],
    /// Head of the log before and after the second runs.
    pub(super) heads: [u64; 2],
}

pub(crate) fn servicenow() -> Option<Export> {
    let file = file("data/uci-servicenow/incident_event_log.csv.zst")?;
    Some(Export { file, mapping: "servicenow", zone: None, window: None })
}

pub(crate) fn bpi2013() -> Option<Export> {
    let file = file("data/bpic13-volvo/BPI_Challenge_2013_incidents.xes.gz")?;
    Some(Export { file, mapping: "bpi2013", zone: None, window: None })
}

fn file(name: &str) -> Option<PathBuf> {
    shared(name)
}

/// The shared node's answers; `None` where the data sets are not there.
pub(crate) fn loaded() -> Option<&'static Loaded> {
    static LOADED: OnceLock<Option<Loaded>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let exports = [servicenow()?, bpi2013()?];
        // A thread and a runtime of its own: it serves whoever comes first, and lets go of the node before it ends.
        std::thread::spawn(move || in_a_runtime(load(exports))).join().ok()
    });
    if shared("data").is_some() {
        assert!(loaded.is_some(), "the import that several tests share failed, see above");
    }
    loaded.as_ref()
}

fn in_a_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

async fn load(exports: [Export; 2]) -> Loaded {
    let mut node = Serve::start(Settings::default()).await;
    let desk = node.desk().await;
    let first_runs = run_both(&exports, &node).await;
    let before = desk.head().await;
    let views = desk.tickets().await;
    let second_runs = run_both(&exports, &node).await;
    let heads = [before, desk.head().await];
    let twice_asked = ask_twice(&desk, &views).await;
    assert!(node.stop().await.success());
    let of = |source: &str| -> Vec<Value> {
        views.iter().filter(|v| v["external_ref"]["source"] == source).cloned().collect()
    };
    let bpi2013_views = of("bpi2013");
    Loaded {
        servicenow: Ticket::all(&of("servicenow")),
        bpi2013: Ticket::all(&bpi2013_views),
        bpi2013_views,
        twice_asked,
        first_runs,
        second_runs,
        heads,
    }
}

async fn run_both(exports: &[Export; 2], node: &Serve) -> [Summary; 2] {
    let [one, other] = exports;
    [one.run(node.url(), node.dir()).await, other.run(node.url(), node.dir()).await]
}

/// A few of the tickets by `ticket`, after the second import: by number and by id in turn.
async fn ask_twice(desk: &Desk, views: &[Value]) -> Vec<(Value, Value)> {
    let mut pairs = Vec::new();
    for (n, view) in views.iter().step_by(97).enumerate() {
        let which = if n % 2 == 0 {
            json!({"number": view["number"]})
        } else {
            json!({"ticket_id": view["ticket_id"]})
        };
        pairs.push((desk.query("ticket", which).await["data"].clone(), view.clone()));
    }
    pairs
}

#[test]
fn a_second_import_changes_nothing() {
    let Some(loaded) = loaded() else { return };
    for (first, second) in loaded.first_runs.iter().zip(&loaded.second_runs) {
        assert_eq!(
            (first.rejected_rows, first.refused, first.unchanged, first.replayed),
            (0, 0, 0, 0),
            "{first:?}"
        );
        let expected =
            Summary { accepted: 0, replayed: first.accepted, retries: second.retries, ..first.clone() };
        assert_eq!(second, &expected);
    }
    let [before, after] = loaded.heads;
    assert_eq!(before, after, "the log did not grow");
}

#[test]
fn a_ticket_asked_for_alone_is_the_row_of_the_list() {
    let Some(loaded) = loaded() else { return };
    assert!(loaded.twice_asked.len() > 300);
    for (alone, row) in &loaded.twice_asked {
        // Only who asks for one ticket is told of its clocks, and as of when.
        let alone = without(&super::ticket::timeless(alone), &["sla_clocks", "sla_as_of_position"]);
        assert_eq!(alone, without(&super::ticket::timeless(row), &["sla_clocks"]));
    }
}
