//! One row of an export: the values of the columns that the mapping names, and nothing else.

use std::hash::{DefaultHasher, Hasher as _};

use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;

use super::balance::Note;
use super::error::ImportError;
use super::mapping::Slot;

/// Room that a row keeps for the next one.
const KEPT_BYTES: usize = 4 * 1024;
/// The mark between the values of a list that is read as one text.
const LIST_SEPARATOR: &str = ", ";

/// Where a row begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which of the texts of the export.
    pub(super) piece: u32,
    /// Of the (unpacked) text, from 1.
    pub(super) line: u64,
}

/// A row. Its buffers are used again for the next one.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    /// Where it begins in the (unpacked) text, from 1.
    pub(super) line: u64,
    /// Which of the texts of the export it stands in.
    pub(super) piece: u32,
    /// When it happened. Set once the row is known to be usable.
    pub(super) at: Timestamp,
    /// Tells it from its duplicates, where the mapping asks for that.
    pub(super) identity: Option<Hash>,
    /// Guesses and changes while it was read; the row is used all the same.
    pub(super) notes: Vec<Note>,
    /// The export does not have it: it is how the ticket stood before its first change, or after its last.
    pub(super) made: bool,
    /// Its change was told with a row before it, of the same update or of the creation.
    pub(super) told_before: bool,
    /// Print of the bytes that it stands in, where doubles that stand apart are looked for; else 0.
    pub(super) print: u64,
    /// Which file of the export it stands in; 0 is that of the tickets.
    pub(super) file: u8,
    text: String,
    spans: Vec<Span>,
    /// The values of the lists of more than one, in order.
    items: Vec<(Slot, usize, usize)>,
}

/// A print of the bytes of a row, never 0.
pub(super) fn print_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish().max(1)
}

/// The value of a column in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    /// Nothing: its key is not there.
    Absent,
    /// That it has no value.
    Empty,
    /// A value, at this place of the row's text.
    At(usize, usize),
}

impl Row {
    pub(super) const fn place(&self) -> Place {
        Place { piece: self.piece, line: self.line }
    }

    pub(super) fn clear(&mut self, line: u64, slots: usize) {
        self.line = line;
        self.identity = None;
        self.notes.clear();
        (self.made, self.told_before, self.print, self.file) = (false, false, 0, 0);
        self.text.clear();
        self.rest();
        self.items.clear();
        self.spans.clear();
        self.spans.resize(slots, Span::Absent);
    }

    /// Gives back what an uncommonly long row took: many buffers that each met one would not be flat.
    pub(super) fn rest(&mut self) {
        if self.text.capacity() > KEPT_BYTES {
            self.text = String::new();
        }
        if self.items.capacity() > KEPT_BYTES {
            self.items = Vec::new();
        }
    }

    /// Takes over a value; blank ends do not count, and what the mapping calls missing is missing.
    pub(super) fn set(&mut self, slot: Slot, value: &str, missing: &[String]) {
        match usable(value, missing) {
            Some(value) => self.put(slot, value),
            None => self.put_empty(slot),
        }
    }

    /// Takes over one more value of a list.
    pub(super) fn add(&mut self, slot: Slot, value: &str, missing: &[String]) {
        match usable(value, missing) {
            Some(value) => self.put_more(slot, value),
            None if self.spans[slot] == Span::Absent => self.put_empty(slot),
            None => {}
        }
    }

    /// Takes over a value as it is.
    pub(super) fn put(&mut self, slot: Slot, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.spans[slot] = Span::At(start, self.text.len());
    }

    /// Takes over all that another row says of a column of its own.
    pub(super) fn put_all(&mut self, slot: Slot, of: &Self, own: Slot) {
        if of.values(own).count() > 1 {
            of.values(own).for_each(|value| self.put_more(slot, value));
        } else if let Some(value) = of.get(own) {
            self.put(slot, value);
        }
    }

    /// The column has these values, and no others.
    pub(super) fn put_list(&mut self, slot: Slot, values: &[String]) {
        self.items.retain(|(of, ..)| *of != slot);
        self.put_empty(slot);
        values.iter().for_each(|value| self.put_more(slot, value));
    }

    /// The column is there, without a value.
    pub(super) fn put_empty(&mut self, slot: Slot) {
        self.items.retain(|(of, ..)| *of != slot);
        self.spans[slot] = Span::Empty;
    }

    /// The column is not there.
    pub(super) fn unset(&mut self, slot: Slot) {
        self.spans[slot] = Span::Absent;
        self.items.retain(|(of, ..)| *of != slot);
    }

    /// Where a column has no value, the first of its stand-ins that has one gives it.
    pub(super) fn stand_in(&mut self, (slot, others): &(Slot, Vec<Slot>)) {
        if self.get(*slot).is_some() {
            return;
        }
        let Some(value) = others.iter().find_map(|other| self.get(*other)).map(str::to_owned) else { return };
        self.put(*slot, &value);
    }

    /// Takes over one more value of a list as it is.
    pub(super) fn put_more(&mut self, slot: Slot, value: &str) {
        let Span::At(start, end) = self.spans[slot] else { return self.put(slot, value) };
        let goes_on = self.items.last().is_some_and(|(of, ..)| *of == slot);
        if !goes_on && self.items.iter().all(|(of, ..)| *of != slot) {
            self.items.push((slot, start, end));
        }
        let begin = self.text.len();
        if end != begin {
            // The list goes on behind what came in between.
            self.text.extend_from_within(start..end);
            let moved = begin.saturating_sub(start);
            for (_, start, end) in self.items.iter_mut().filter(|(of, ..)| *of == slot) {
                *start = start.saturating_add(moved);
                *end = end.saturating_add(moved);
            }
        }
        let list = if end == begin { start } else { begin };
        self.text.push_str(LIST_SEPARATOR);
        let start = self.text.len();
        self.text.push_str(value);
        self.items.push((slot, start, self.text.len()));
        self.spans[slot] = Span::At(list, self.text.len());
    }

    /// The value of a column; of a list, all of it as one text.
    pub(super) fn get(&self, slot: Slot) -> Option<&str> {
        match self.spans[slot] {
            Span::At(start, end) => Some(&self.text[start..end]),
            Span::Absent | Span::Empty => None,
        }
    }

    /// The values of a column, one by one: those of a list, or the only one.
    pub(super) fn values(&self, slot: Slot) -> impl Iterator<Item = &str> {
        let mut items = self.items.iter().filter(move |(of, ..)| *of == slot).peekable();
        let only = if items.peek().is_none() { self.get(slot) } else { None };
        items.map(|(_, start, end)| &self.text[*start..*end]).chain(only)
    }

    /// One row of the export, or none.
    pub(super) fn count(&self) -> u64 {
        u64::from(!self.made)
    }

    /// Does the row say anything of a column, be it that it has no value?
    pub(super) fn mentions(&self, slot: Slot) -> bool {
        self.spans[slot] != Span::Absent
    }

    pub(super) fn optional(&self, slot: Option<Slot>) -> Option<&str> {
        slot.and_then(|s| self.get(s))
    }

    pub(super) fn slots(&self) -> usize {
        self.spans.len()
    }

    /// All its values, one after the other.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Bytes of its values.
    pub(super) const fn values_bytes(&self) -> usize {
        self.text.len()
    }

    /// Memory that it takes, roughly.
    pub(super) fn bytes(&self) -> usize {
        let spans = self.spans.len().saturating_mul(size_of::<Span>());
        let items = self.items.len().saturating_mul(size_of::<(Slot, usize, usize)>());
        let notes = self.notes.iter().map(|note| note.text.len().saturating_add(size_of::<Note>()));
        let notes = notes.fold(0, usize::saturating_add);
        [self.text.len(), spans, items, notes, size_of::<Self>()].into_iter().fold(0, usize::saturating_add)
    }
}

fn usable<'a>(value: &'a str, missing: &[String]) -> Option<&'a str> {
    let value = value.trim();
    (!value.is_empty() && missing.iter().all(|m| m != value)).then_some(value)
}

/// The finding of a source of rows.
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

/// Rows that others asked for, which are no rows of a ticket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Aside {
    pub(super) read: u64,
    /// Rows that at least one other asked for.
    pub(super) used: u64,
    /// Rows whose key came again, with a newer state.
    pub(super) replaced: u64,
}

/// An export, row by row. One implementation per format.
pub(super) trait RowSource: Send {
    fn next(&mut self, row: &mut Row) -> Result<Found, ImportError>;

    /// Columns of the mapping that no row of the file had, not even empty. Asked at the end.
    fn absent(&self) -> Vec<Slot> {
        Vec::new()
    }

    /// Columns of lists whose elements are rows: those of lists that were empty somewhere, and those of lists that
    /// had elements somewhere. Asked at the end.
    fn lists(&self) -> (Vec<Slot>, Vec<Slot>) {
        (Vec::new(), Vec::new())
    }

    /// The rows that only others ask for, and their fate. Asked at the end.
    fn aside(&self) -> Aside {
        Aside::default()
    }

    /// Notes about the file as a whole; each is given once.
    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_text_and_each_of_its_values() {
        let mut row = Row::default();
        row.clear(1, 3);
        row.add(0, " a ", &[]);
        row.set(1, "x", &[]);
        row.add(0, "-", &["-".to_owned()]);
        row.add(0, "b", &[]);
        row.add(0, "c", &[]);
        row.add(2, "", &[]);
        assert_eq!((row.get(0), row.get(1), row.get(2)), (Some("a, b, c"), Some("x"), None));
        assert_eq!(row.values(0).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((row.values(1).count(), row.values(2).count()), (1, 0));
        assert!(row.mentions(2));
        row.clear(2, 3);
        assert!(!row.mentions(0) && row.values(0).count() == 0);
    }
}
