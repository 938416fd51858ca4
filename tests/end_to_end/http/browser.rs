//! The pages in a real Chromium. What is looked at stands in `pages.cjs`; screenshots are left in the
//! target folder, in `tmp/pages`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::demo::Demo;
use crate::harness::{Process, browser, guichet, project};

const PACKAGES: &[&str] = &["playwright-core@1.65.1", "axe-core@4.14.1"];
const DONE_WITHIN: Duration = Duration::from_secs(300);

/// What is promised from now on, so that there are clocks to look at: some late at once, some paused. And a group that
/// has no ticket yet.
const PROMISES: &str = r#"
[groups]
groups = [
  { id = "service-desk" }, { id = "workplace" }, { id = "network" }, { id = "infrastructure" },
  { id = "billing" }, { id = "finance" }, { id = "sales" }, { id = "hr" }, { id = "live-group" },
]

[[sla_policies.policies]]
id = "all"
targets = [
  { metric = "resolution", seconds = 2592000, hours = "calendar" },
  { metric = "agent_work", seconds = 60, hours = "calendar" },
]
"#;

fn promise(demo: &Demo) {
    let file = demo.dir().join("promises.toml");
    std::fs::write(&file, PROMISES).expect("a file of the test");
    let run: serde_json::Value =
        serde_json::from_slice(&std::fs::read(demo.run_file()).expect("it runs")).expect("JSON");
    let url = run["nats_url"].as_str().expect("a url");
    let output = guichet().args(["config", "apply"]).arg(&file).args(["--nats-url", url]).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_work_in_a_browser() {
    let Some(browser) = browser(PACKAGES) else { return };
    let demo = Demo::start().await;
    promise(&demo);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&pictures).expect("the target folder is ours");
    let mut command = Command::new("node");
    command.arg(project("tests/end_to_end/http/pages.cjs"));
    command.arg(&browser.node_modules).arg(&browser.chromium).arg(demo.run_file());
    command.arg(env!("CARGO_BIN_EXE_guichet")).arg(&pictures);
    let mut looking = Process::spawn("browser", command, demo.dir());
    let status = looking.exit(DONE_WITHIN).await;
    let said = looking.said();
    assert!(status.success(), "{status}\n{said}");
    assert!(said.contains("done: pages"), "{said}");
    demo.stop().await;
}
