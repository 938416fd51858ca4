//! One row of an export: the values of the columns that the mapping names, and nothing else.

use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;

use super::balance::Note;
use super::error::ImportError;
use super::mapping::Slot;

/// Room that a row keeps for the next one.
const KEPT_BYTES: usize = 4 * 1024;

/// A row. Its buffers are used again for the next one.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Where it begins in the (unpacked) file, from 1.
    pub(super) line: u64,
    /// When it happened. Set once the row is known to be usable.
    pub(super) at: Timestamp,
    /// What tells it from its duplicates, where the mapping asks for that.
    pub(super) identity: Option<Hash>,
    /// What was guessed or changed while it was read; the row is used all the same.
    pub(super) notes: Vec<Note>,
    text: String,
    spans: Vec<Option<(usize, usize)>>,
}

impl Row {
    pub(super) fn clear(&mut self, line: u64, slots: usize) {
        self.line = line;
        self.identity = None;
        self.notes.clear();
        self.text.clear();
        self.rest();
        self.spans.clear();
        self.spans.resize(slots, None);
    }

    /// Gives back what an uncommonly long row took: many buffers that each met one would not be flat.
    pub(super) fn rest(&mut self) {
        if self.text.capacity() > KEPT_BYTES {
            self.text = String::new();
        }
    }

    /// Takes over a value; blank ends do not count, and what the mapping calls missing is missing.
    pub(super) fn set(&mut self, slot: Slot, value: &str, missing: &[String]) {
        let value = value.trim();
        if !value.is_empty() && missing.iter().all(|m| m != value) {
            self.put(slot, value);
        }
    }

    /// Takes over a value as it is.
    pub(super) fn put(&mut self, slot: Slot, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.spans[slot] = Some((start, self.text.len()));
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&str> {
        self.spans[slot].map(|(start, end)| &self.text[start..end])
    }

    pub(super) fn optional(&self, slot: Option<Slot>) -> Option<&str> {
        slot.and_then(|s| self.get(s))
    }

    pub(super) fn slots(&self) -> usize {
        self.spans.len()
    }

    /// Bytes of its values.
    pub(super) const fn values_bytes(&self) -> usize {
        self.text.len()
    }

    /// Memory that it takes, roughly.
    pub(super) fn bytes(&self) -> usize {
        let spans = self.spans.len().saturating_mul(size_of::<Option<(usize, usize)>>());
        self.text.len().saturating_add(spans).saturating_add(size_of::<Self>())
    }
}

/// What a source of rows found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The row is filled.
    Row,
    /// There is a row, but it cannot be used; only its line is set. A text alone means [`Unreadable`].
    ///
    /// [`Unreadable`]: super::balance::Reason::Unreadable
    Unusable(Note),
    /// That was all.
    End,
}

/// An export, row by row. One implementation per format.
pub(super) trait RowSource: Send {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError>;

    /// Columns of the mapping that no row of the file had, not even empty. Asked at the end.
    fn absent(&self) -> Vec<Slot> {
        Vec::new()
    }

    /// What was found out about the file as a whole; each note is given once.
    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}
