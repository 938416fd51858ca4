//! `import --infer`: proposes a mapping for an export, with the reason of each line and the balance that it would give.
//! A desk that is known by its columns gets its shipped mapping; of another, what its columns are called and hold decides.
//! What is uncertain is left to a person, as a comment that says "decide": nothing is guessed in silence.

mod columns;
mod propose;
mod roles;
mod sample;

use std::collections::BTreeSet;
use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;

use guichet_schemas::time::Timestamp;

use super::balance::Balance;
use super::bounds::shown;
use super::error::ImportError;
use super::mapping::{Mapping, SHIPPED};
use super::pieces::{Export, Pieces};
use super::reader::open;
use super::rows::Rows;
use columns::Column;
use propose::Draft;
use sample::Sample;

/// The share of the columns of a shipped mapping that makes it worth a look.
const CLOSE: f64 = 0.6;
/// Columns of a shipped mapping that a comment names as absent.
const ABSENT_SHOWN: usize = 8;

/// A mapping that was proposed.
#[derive(Debug)]
pub struct Proposal {
    /// The mapping as TOML, with comments.
    pub text: String,
    /// The shipped mapping that it is, where the desk is known.
    pub shipped: Option<&'static str>,
    pub decisions: usize,
    /// The result of `--check` with it, or the reason why it cannot be used yet.
    pub outcome: Result<Balance, String>,
}

/// Proposes a mapping for an export. Times later than a day after `now` are not believed.
///
/// # Errors
/// The export cannot be read, or no row of it can be told.
pub fn infer(export: impl Into<Export>, now: Timestamp) -> Result<Proposal, ImportError> {
    let export = export.into();
    let (path, pieces) = (&export, Pieces::open(export.clone())?);
    let sample = match sample::of(&pieces) {
        Ok(_) if pieces.are_several() => return of_files(path, now),
        Err(ImportError::Archive { .. }) => return of_files(path, now),
        sample => sample?,
    };
    let (draft, shipped) = match shipped(path, &sample) {
        Some((name, text)) => (named(name, text), Some(name)),
        None => {
            let columns: Vec<Column> =
                (0..sample.columns.len()).map(|place| Column::of(&sample, place)).collect();
            (propose::mapping(&sample, &columns), None)
        }
    };
    let outcome = check(path, &draft.text, now);
    let mut text = String::new();
    for line in head(&pieces.label(), &sample, shipped, &draft, &outcome) {
        text.push_str(&format!("# {line}\n"));
    }
    text.push('\n');
    text.push_str(&draft.text);
    Ok(Proposal { text, shipped, decisions: draft.decisions, outcome })
}

/// An export of several files: only a shipped mapping that joins them is known to fit.
fn of_files(path: &Export, now: Timestamp) -> Result<Proposal, ImportError> {
    let fits = |(name, text): &&(&'static str, &'static str)| {
        let Ok(mapping) = Mapping::parse_named(name, text) else { return false };
        !mapping.files.is_empty() && gives_tickets(path, &mapping)
    };
    let Some((name, text)) =
        SHIPPED.iter().filter(fits).max_by_key(|(name, text)| width(name, text)).copied()
    else {
        let problem = "it holds several files, and no shipped mapping joins them; look at each by itself, and join them with [files]";
        return Err(sample::nothing(&path.label(), problem));
    };
    let draft = named(name, text);
    let outcome = check(path, &draft.text, now);
    let mut lines = vec![
        "A mapping for several files, proposed by guichet import --infer.".to_owned(),
        format!("They have every column of the shipped mapping {name}: this is it."),
    ];
    lines.extend(result(&outcome));
    let head: String = lines.iter().map(|line| format!("# {line}\n")).collect();
    let text = format!("{head}\n{}", draft.text);
    Ok(Proposal { text, shipped: Some(name), decisions: draft.decisions, outcome })
}

/// The shipped mapping all of whose columns the export has; of several the one that reads most of them.
fn shipped(path: &Export, sample: &Sample) -> Option<(&'static str, &'static str)> {
    let fits = |(name, text): &&(&'static str, &'static str)| {
        let Ok(mapping) = Mapping::parse_named(name, text) else { return false };
        // A long file is read whole only where its beginning looks right.
        if sample.is_cut {
            return absent(&mapping, sample).is_empty()
                && Pieces::open(path.clone())
                    .and_then(|pieces| Rows::open(&pieces, &Arc::new(mapping)))
                    .is_ok_and(|rows| rows.refuse_absent().is_ok());
        }
        mapping.files.is_empty() && gives_tickets(path, &mapping)
    };
    SHIPPED.iter().filter(fits).max_by_key(|(name, text)| width(name, text)).copied()
}

/// Whether an export has every column of a mapping, and tickets come out of it.
fn gives_tickets(path: &Export, mapping: &Mapping) -> bool {
    let checked = open(path.clone(), mapping, None).and_then(super::Reader::check);
    checked.is_ok_and(|balance| balance.tickets.new > 0)
}

/// Columns that a shipped mapping names.
fn width(name: &str, text: &str) -> usize {
    Mapping::parse_named(name, text).map_or(0, |mapping| mapping.columns.len())
}

/// Columns of a mapping that the sample lacks.
fn absent<'m>(mapping: &'m Mapping, sample: &Sample) -> Vec<&'m str> {
    let names = mapping.columns.iter().map(|column| column.name.as_str());
    names.filter(|name| sample.place(name).is_none()).collect()
}

/// A shipped mapping as a file of one's own, which would be known by another name.
fn named(name: &str, text: &str) -> Draft {
    let source = format!(
        "[source]\n# decide: another name where two desks of this kind are imported; with its id it makes a ticket known for ever\nname = \"{name}\"\n"
    );
    Draft { text: text.replacen("[source]\n", &source, 1), decisions: 1 }
}

fn check(path: &Export, text: &str, now: Timestamp) -> Result<Balance, String> {
    let mapping = Mapping::parse(text).map_err(|e| e.to_string())?.as_of(now);
    open(path.clone(), &mapping, None).and_then(super::Reader::check).map_err(|e| {
        let mut said = e.to_string();
        let mut cause = e.source();
        while let Some(error) = cause {
            said.push_str(&format!(": {error}"));
            cause = error.source();
        }
        said
    })
}

/// The head of the mapping: what was looked at, and what would come of it.
fn head(
    path: &Path,
    sample: &Sample,
    known: Option<&str>,
    draft: &Draft,
    outcome: &Result<Balance, String>,
) -> Vec<String> {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let extent = if sample.is_cut { "the beginning of the file, there is more" } else { "all of the file" };
    let mut lines = vec![
        format!("A mapping for {}, proposed by guichet import --infer.", shown(&file, 200)),
        format!("Looked at: {} rows ({extent}).", sample.rows.len()),
    ];
    match known {
        Some(name) => {
            lines.push(format!("The export has every column of the shipped mapping {name}: this is it."))
        }
        None => lines.extend(close(sample)),
    }
    lines.push(format!("Left to decide: {}; each such line begins with \"# decide\".", draft.decisions));
    lines.extend(result(outcome));
    lines
}

/// The result of a check, or the reason why there is none.
fn result(outcome: &Result<Balance, String>) -> Vec<String> {
    match outcome {
        Ok(balance) => said(balance),
        Err(why) => {
            // A parser draws the line that it does not like; a comment has room for what it says.
            let said = why.lines().filter(|line| !line.contains('|')).collect::<Vec<_>>().join(" ");
            vec![format!("It cannot be used as it stands: {}", shown(said.trim(), 2_000))]
        }
    }
}

/// The shipped mapping that lacks fewest of its columns here, if it is near.
fn close(sample: &Sample) -> Option<String> {
    let near = SHIPPED.iter().filter_map(|(name, text)| {
        let mapping = Mapping::parse_named(name, text).ok()?;
        let absent: BTreeSet<String> = absent(&mapping, sample).into_iter().map(str::to_owned).collect();
        let share = 1.0 - absent.len() as f64 / mapping.columns.len().max(1) as f64;
        (share >= CLOSE).then_some((share, *name, absent))
    });
    let (_, name, absent) = near.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let more = absent.len().saturating_sub(ABSENT_SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let absent: Vec<String> = absent.iter().take(ABSENT_SHOWN).map(|name| columns::quoted(name)).collect();
    Some(format!(
        "Near to the shipped mapping {name}, which also names {}{more}; these are not here.",
        absent.join(", ")
    ))
}

/// The balance of a check, one line for each thing that it says.
fn said(b: &Balance) -> Vec<String> {
    let (r, t) = (&b.rows, &b.tickets);
    let rejected = r.rejected.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
    let mut lines = vec![
        format!(
            "--check with it: {} rows read = {} used + {} without effect + {} duplicates + {} filtered + {rejected} rejected;",
            r.read, r.used, r.without_effect, r.duplicates, r.filtered
        ),
        format!("{} tickets met = {} new + {} rejected.", t.met, t.new, t.rejected),
    ];
    for (what, counts) in [("rejected", &r.rejected), ("noted", &b.noted)] {
        lines.extend(counts.iter().map(|(reason, n)| format!("{what}: {n} × {reason}: {}", reason.says())));
    }
    if t.new == 0 {
        lines.push("Not one ticket comes out of it.".to_owned());
    }
    lines
}
