//! How fast does a real export come in, and what does it cost? Rows/s of the ServiceNow year over the whole road:
//! importer, NATS, engine, stream and read model as real processes, until the read model has folded the last event.
//! Needs the data sets (`GUICHET_SHARED`, default `../shared`) and a nats-server.

use guichet_bench_support::table;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::table::{Row, print};

const GUICHET: &str = env!("CARGO_BIN_EXE_guichet");
const ROWS_PER_SECOND: f64 = 25_000.0;
const MEMORY_MIB: f64 = 400.0;
const PATIENCE: Duration = Duration::from_secs(120);

/// A node that ends with the bench.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        if !Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|s| s.success())
            || self.0.wait().is_err()
        {
            self.0.kill().expect("the node was started here");
        }
    }
}

fn main() {
    let shared = std::env::var_os("GUICHET_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let file = shared.join("data/uci-servicenow/incident_event_log.csv.zst");
    if !file.exists() {
        table::print("import: SKIPPED, there is no ServiceNow export below GUICHET_SHARED", &[]);
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data");
    let node = Node(guichet(&["serve", "--data-dir"], &data).spawn().expect("the node starts"));
    let run = wait(|| serde_json::from_slice::<Value>(&std::fs::read(data.join("run.json")).ok()?).ok());

    let begun = Instant::now();
    let mut command = guichet(&["import", "--mapping", "servicenow", "--json", "--data-dir"], &data);
    let mut import = command.arg(&file).stdout(Stdio::null()).spawn().expect("the import starts");
    let mut importer_peak = 0.0;
    while import.try_wait().expect("the import was started here").is_none() {
        importer_peak = peak_mib(import.id()).unwrap_or(importer_peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    let imported = begun.elapsed();
    wait(|| caught_up(&data).then_some(()));
    let visible = begun.elapsed();

    let nats = run["nats_pid"].as_u64().and_then(|p| u32::try_from(p).ok());
    let (serve, nats) = (peak_mib(node.0.id()).unwrap_or(0.0), nats.and_then(peak_mib).unwrap_or(0.0));
    let rate = |took: Duration| 141_712.0 / took.as_secs_f64();
    let all = serve + nats + importer_peak;
    print(
        "import: 141,712 rows of 24,918 incidents over the whole road",
        &[
            row(
                "until acknowledged",
                rate(imported),
                "rows/s",
                Some((ROWS_PER_SECOND, rate(imported) / ROWS_PER_SECOND)),
                "≥ 25,000",
            ),
            row(
                "until the read model shows them",
                rate(visible),
                "rows/s",
                Some((ROWS_PER_SECOND, rate(visible) / ROWS_PER_SECOND)),
                "≥ 25,000",
            ),
            row("peak memory of all processes", all, "MiB", Some((MEMORY_MIB, all / MEMORY_MIB)), "< 400"),
            row("  serve", serve, "MiB", None, ""),
            row("  nats-server", nats, "MiB", None, ""),
            row("  import", importer_peak, "MiB", None, ""),
        ],
    );
}

fn row(
    what: &str,
    figure: f64,
    unit: &'static str,
    against: Option<(f64, f64)>,
    target: &'static str,
) -> Row {
    Row {
        what: what.to_owned(),
        figure,
        unit,
        against: against.map(|a| a.0),
        ratio: against.map(|a| a.1),
        target,
    }
}

fn guichet(args: &[&str], data: &Path) -> Command {
    let mut command = Command::new(GUICHET);
    command.args(args).arg(data).stderr(Stdio::null());
    command
}

/// The read model says that nothing is left to fold.
fn caught_up(data: &Path) -> bool {
    let mut ask = guichet(&["query", "projections", "--json", "--data-dir"], data);
    let Ok(output) = ask.output() else { return false };
    let Ok(answer) = serde_json::from_slice::<Value>(&output.stdout) else { return false };
    answer["data"][0]["lag"] == 0 && answer["data"][0]["checkpoint"].as_u64().is_some_and(|p| p > 100_000)
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing came within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Most memory that a process ever held.
fn peak_mib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok().map(|kb| kb / 1024.0)
}
