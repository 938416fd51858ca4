//! `guichet sla-cases` and `guichet calendar-vectors`: worked examples, run through the fold and the calendars that the
//! desk uses. For whoever wants to know what a rule means, and for whoever doubts it.

mod calendar;
mod facts;
mod input;
mod sla;

use std::path::{Path, PathBuf};

use clap::Args;
use guichet_schemas::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use guichet_client::ClientError;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};

/// Which examples.
#[derive(Debug, Clone, Args)]
pub struct GoldenArgs {
    /// The examples, JSON
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Compare with what the file expects: a line for each difference, exit code 1
    #[arg(long)]
    pub check: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Runs the cases of a file of the form `sla-golden/v1`.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn sla_cases(args: &GoldenArgs) -> Result<u8, ClientError> {
    let file: sla::File = read(&args.file, "sla-golden/v1")?;
    let mut cases = Vec::with_capacity(file.cases.len());
    let mut differences = Vec::new();
    for case in &file.cases {
        let found = sla::run(case).map_err(|why| problem(&args.file, &format!("case {}: {why}", case.id)))?;
        if args.check {
            differences.extend(sla::differences(case, &found));
        }
        cases.push(json!({"id": case.id, "expect": found}));
    }
    finish(args, &json!({"format": "sla-golden/v1", "cases": cases}), file.cases.len(), &differences)
}

/// Runs the vectors of a file of the form `calendar-golden/v1`.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn calendar_vectors(args: &GoldenArgs) -> Result<u8, ClientError> {
    let file: calendar::File = read(&args.file, "calendar-golden/v1")?;
    let (vectors, differences) = calendar::run(&file).map_err(|why| problem(&args.file, &why))?;
    let count = vectors.len();
    finish(args, &json!({"format": "calendar-golden/v1", "vectors": vectors}), count, &differences)
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path, format: &str) -> Result<T, ClientError> {
    let bytes = std::fs::read(path).map_err(|e| problem(path, &e))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| problem(path, &e))?;
    if value["format"] != format {
        return Err(problem(path, &format!("its format is {}, not {format:?}", value["format"])));
    }
    T::deserialize(value).map_err(|e| problem(path, &e))
}

fn finish(args: &GoldenArgs, all: &Value, count: usize, differences: &[String]) -> Result<u8, ClientError> {
    let output = Output::new(&args.output);
    if !args.check {
        output.json(all)?;
        return Ok(exit::DONE);
    }
    for difference in differences {
        output.line(difference)?;
    }
    output.line(&format!("{count} compared, {} differences", differences.len()))?;
    Ok(if differences.is_empty() { exit::DONE } else { exit::REFUSED })
}

fn problem(path: &Path, problem: &dyn std::fmt::Display) -> ClientError {
    ClientError::File { path: path.to_owned(), problem: problem.to_string() }
}

/// A fact in the words of such a file.
pub fn fact(fact: &guichet_sla::Fact) -> Value {
    facts::shown(fact)
}

/// An instant as the files write it: no fraction of a second where there is none.
fn written(at: Timestamp) -> String {
    let text = at.to_string();
    text.strip_suffix(".000Z").map_or(text.clone(), |whole| format!("{whole}Z"))
}

/// Reads an instant.
fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| format!("{text:?} is no instant of RFC 3339"))
}
