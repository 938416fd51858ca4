//! The notebook of `docs/examples` on the ServiceNow year: each cell prints what the notebook holds.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Serve, Settings, guichet, project, python, until};
use crate::truth::servicenow;

const WITHIN: Duration = Duration::from_secs(300);

/// The packages of the notebook, as its own file pins them.
fn packages() -> Vec<String> {
    let pinned =
        std::fs::read_to_string(project("docs/examples/notebook/requirements.txt")).expect("it is ours");
    pinned.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notebook_prints_what_it_holds() {
    let packages = packages();
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let (Some(export), Some(python)) = (servicenow(), python(&packages)) else { return };
    let mut node = Serve::start(Settings::default()).await;
    let summary = export.run(node.url(), node.dir()).await;
    node.desk().await.folded(summary.position).await;
    let data = node.dir().join("data");
    until("the newest checkpoint covers the import", WITHIN, async || {
        let note = std::fs::read_to_string(data.join("anchor-0/checkpoint")).ok()?;
        (note.lines().nth(1)?.parse::<u64>().ok()? >= summary.position).then_some(())
    })
    .await;
    let mut command = Command::new(python);
    command.arg(project("tests/end_to_end/python/notebook.py"));
    command.arg(project("docs/examples/notebook/servicenow_year.ipynb"));
    let program = guichet().get_program().to_owned();
    command.env("GUICHET", program).env("DESK", &data).env("WORK", node.dir().join("notebook"));
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("python runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.contains("done: 5 cells"), "{said}");
    assert!(node.stop().await.success());
}
