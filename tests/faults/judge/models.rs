//! I5: every read model is rebuilt from the log, beside the live one, and compared with it row by row.

use std::time::Duration;

use crate::finding::{Finding, Invariant};
use crate::harness::Process;
use crate::site::{Site, end_of};

/// The read models of the product.
pub(crate) const MODELS: [&str; 5] = ["ticket", "queues", "reports", "sla", "articles"];
const REBUILT_WITHIN: Duration = Duration::from_secs(120);

/// Rebuilds all; a difference is a finding.
pub(crate) async fn check(site: &mut Site) -> Vec<Finding> {
    let mut findings = Vec::new();
    for model in MODELS {
        let mut rebuild = order(site, model);
        let ended = end_of(&mut rebuild, REBUILT_WITHIN).await;
        let said = rebuild.said();
        let same = said.contains("0 differ") && said.contains("took over");
        if !ended.is_some_and(|status| status.success()) || !same {
            findings.push(Finding::of(Invariant::I5, format!("read model {model}: {}", said.trim())));
        }
    }
    findings
}

/// Tells the running worker to rebuild a model.
pub(crate) fn order(site: &Site, model: &str) -> Process {
    let mut command = site.program.command();
    command.args(["project", "--rebuild", model, "--nats-url", &site.nats.url(), "--data-dir"]);
    command.arg(site.dir().join("worker"));
    let name = format!("rebuild-{model}");
    // What an earlier one said is of no interest.
    std::fs::remove_file(site.dir().join(format!("{name}.said"))).ok();
    Process::spawn(&name, command, site.dir())
}
