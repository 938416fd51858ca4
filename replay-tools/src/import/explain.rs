//! How one row became facts, or why it did not.

use std::path::Path;
use std::sync::Arc;

use guichet_schemas::command::Fact;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;

use super::balance::Reason;
use super::error::ImportError;
use super::history::{self, Told};
use super::mapping::Mapping;
use super::reader::open_with;
use super::rejects::Rejects;

/// What is known of one row.
#[derive(Debug)]
pub struct Explanation {
    /// Line at which the row begins.
    pub line: u64,
    /// Ticket in the source, where the row names one.
    pub ticket: Option<String>,
    /// When it happened, where its time could be read.
    pub at: Option<Timestamp>,
    /// Columns of the mapping with the key that names each, and what the row says of it.
    pub values: Vec<(String, String, Option<String>)>,
    /// What was rejected, guessed or changed.
    pub said: Vec<(Reason, String)>,
    /// What the row became.
    pub facts: Vec<wire::Fact>,
}

/// Reads an export up to the row that holds the line.
///
/// # Errors
/// The export turned out unusable before, or no row holds that line.
pub fn explain(path: &Path, mapping: &Mapping, line: u64) -> Result<Explanation, ImportError> {
    let (rejects, watched) = Rejects::watch(line);
    let mut reader = open_with(path, Arc::new(mapping.clone()), rejects)?;
    let mut explanation =
        Explanation { line, ticket: None, at: None, values: Vec::new(), said: Vec::new(), facts: Vec::new() };
    let mapping = Arc::clone(&reader.mapping);
    let mut found = false;
    while !found {
        let Some(rows) = reader.tickets.next()? else { break };
        let Some(row) = rows.iter().find(|row| row.line == line) else { continue };
        found = true;
        let id = row.get(mapping.ticket.id).unwrap_or_default();
        explanation.ticket = Some(id.to_owned());
        explanation.at = Some(row.at);
        explanation.values = mapping
            .columns
            .iter()
            .enumerate()
            .map(|(slot, column)| (column.key.clone(), column.name.clone(), row.get(slot).map(str::to_owned)))
            .collect();
        let told = history::of(&mapping, id, rows, Some(line), |row, heard| {
            let (history::Heard::Rejected(note) | history::Heard::Noted(note)) = heard;
            if row.line == line {
                explanation.said.push((note.reason, note.text));
            }
            Ok::<_, ImportError>(())
        })?;
        if let Told::Facts { facts, asked: Some(range), .. } = told {
            explanation.facts = facts[range].iter().cloned().map(Fact::to_wire).collect();
        }
    }
    let said = watched.said();
    if !found && said.is_empty() {
        return Err(ImportError::NoRow { line });
    }
    explanation.said.extend(said.into_iter().map(|note| (note.reason, note.text)));
    Ok(explanation)
}
