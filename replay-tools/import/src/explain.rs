//! How one row became facts, or why it did not.

use std::sync::Arc;

use guichet_schemas::command::Fact;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;

use super::balance::Reason;
use super::error::ImportError;
use super::history::{self, Told};
use super::mapping::Mapping;
use super::pieces::{Export, Pieces};
use super::reader::open_with;
use super::rejects::{Asked, Rejects};

/// The row that somebody asks about: by the line at which it begins, and by its file, where the export has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// What the file, or the member of the archive, is called.
    pub file: Option<String>,
    /// From 1.
    pub line: u64,
}

impl std::str::FromStr for Which {
    type Err = &'static str;

    /// `17`, or `comments.csv:17`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (file, line) = match text.rsplit_once(':') {
            Some((file, line)) => (Some(file.to_owned()), line),
            None => (None, text),
        };
        let line = line.parse().ok().filter(|line| *line > 0);
        line.map(|line| Self { file, line })
            .ok_or("name a line, such as 17, or a file and a line, such as comments.csv:17")
    }
}

/// Everything known about one row.
#[derive(Debug)]
pub struct Explanation {
    /// The file in which it stands, where the export has several.
    pub file: Option<String>,
    /// Line at which the row begins.
    pub line: u64,
    /// Ticket in the source, where the row names one.
    pub ticket: Option<String>,
    /// When it happened, where its time could be read.
    pub at: Option<Timestamp>,
    /// Columns of the mapping with the key that names each, and what the row says of it.
    pub values: Vec<(String, String, Option<String>)>,
    /// Reasons to reject it, guesses and changes.
    pub said: Vec<(Reason, String)>,
    pub facts: Vec<wire::Fact>,
}

/// Reads an export up to the row that holds the line.
///
/// # Errors
/// The export turned out unusable before, or no row holds that line; the export has several files, and none is named.
pub fn explain(
    export: impl Into<Export>,
    mapping: &Mapping,
    which: &Which,
) -> Result<Explanation, ImportError> {
    let (pieces, line) = (Pieces::open(export.into())?, which.line);
    let piece = which.file.as_deref().map(|file| {
        pieces
            .called(file)
            .ok_or_else(|| ImportError::WhichFile { path: pieces.label(), files: pieces.names() })
    });
    let asked = Asked { piece: piece.transpose()?, line };
    if asked.piece.is_none() && pieces.are_several() {
        return Err(ImportError::WhichFile { path: pieces.label(), files: pieces.names() });
    }
    let (rejects, watched) = Rejects::watch(asked);
    let mut reader = open_with(&pieces, Arc::new(mapping.clone()), rejects)?;
    let mut explanation = Explanation {
        file: which.file.clone(),
        line,
        ticket: None,
        at: None,
        values: Vec::new(),
        said: Vec::new(),
        facts: Vec::new(),
    };
    let mapping = Arc::clone(&reader.mapping);
    let mut found = false;
    while !found {
        let Some(rows) = reader.tickets.next()? else { break };
        let Some(row) = rows.iter().find(|row| asked.is(row.place())) else { continue };
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
        let told = history::of(&mapping, id, rows, Some(row.place()), |row, heard| {
            let (history::Heard::Rejected(note) | history::Heard::Noted(note)) = heard;
            if asked.is(row.place()) {
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
