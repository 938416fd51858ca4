//! A report in two files, a page and JSON; and on the terminal.

use std::path::Path;

use guichet_audit::{Outcome, Report};

use crate::proof;
use guichet_client::ClientError;
use guichet_client::exit;
use guichet_client::output::Output;

/// Writes the page to `path` and the JSON beside it, and says what came of it. A finding is exit code 1.
///
/// # Errors
/// A file cannot be written, or nobody takes what is printed.
pub fn write(report: &Report, path: &Path, as_json: bool, output: &Output) -> Result<u8, ClientError> {
    let json = path.with_extension("json");
    if json == path {
        return Err(ClientError::Usage(format!(
            "{} is where the JSON goes: name the page FILE.html",
            path.display()
        )));
    }
    proof::write(path, report.page().as_bytes())?;
    proof::write(&json, &guichet_schemas::json::to_vec(report))?;
    let code = if report.ok { exit::DONE } else { exit::REFUSED };
    if as_json {
        output.json(report)?;
        return Ok(code);
    }
    for finding in report.checks.iter().flat_map(|one| &one.findings) {
        output.line(&output.look().alarm(&finding.to_string()))?;
    }
    for one in &report.checks {
        for why in &one.not_checked {
            output.line(&format!("not checked: {why}"))?;
        }
    }
    let whole = report.checks.iter().filter(|one| one.outcome == Outcome::Passed).count();
    output.line(&format!(
        "{} records: {} findings; {whole} of {} checks were complete; {} and {}",
        report.records,
        report.faults,
        report.checks.len(),
        path.display(),
        json.display(),
    ))?;
    Ok(code)
}
