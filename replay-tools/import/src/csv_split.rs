//! Splits CSV text into records and fields, as RFC 4180 says. Pure: it works on a slice and says when it
//! needs more. What breaks the rules of quotes is told, never smoothed over: a lenient parser turns one lost
//! quote into thousands of rows that nobody misses.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::bounds::COLUMNS_MAX;

const QUOTE: u8 = b'"';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// Takes the meaning from the character after it, within quotes.
    pub(super) escape: Option<u8>,
}

/// The fields of one record, as places in the text that it was split from.
#[derive(Debug, Default)]
pub(super) struct Record {
    fields: Vec<Field>,
    /// Columns, also those beyond [`COLUMNS_MAX`] that are not held.
    pub(super) columns: usize,
    /// Line breaks within quotes.
    pub(super) line_breaks: u64,
    /// Where the first quoted field with a line break opens.
    pub(super) long_quote: Option<usize>,
    /// The first quote that breaks the rules.
    pub(super) damage: Option<Damage>,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    begin: usize,
    end: usize,
    /// Holds doubled quotes or escapes.
    marked: bool,
}

/// A quote that breaks the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) opens: usize,
    /// Column, from 1.
    pub(super) column: usize,
    pub(super) fault: Fault,
    /// The field goes over more than one line.
    pub(super) over_lines: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    NeverCloses,
    /// Something stands between the closing quote and the delimiter.
    TextAfter,
    /// As above, and the closing quote follows a backslash.
    TextAfterBackslash,
}

/// The beginning of a text, as a row or a reason to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// A record of so many bytes, its line end included.
    Whole(usize),
    /// The text ends within a record, and within the quotes that open there.
    Partial(Option<usize>),
}

impl Record {
    fn clear(&mut self) {
        self.fields.clear();
        self.columns = 0;
        self.line_breaks = 0;
        self.long_quote = None;
        self.damage = None;
    }

    fn push(&mut self, begin: usize, end: usize, marked: bool) {
        self.columns = self.columns.saturating_add(1);
        if self.fields.len() < COLUMNS_MAX {
            self.fields.push(Field { begin, end, marked });
        }
    }

    fn damaged(&mut self, opens: usize, fault: Fault, over_lines: bool) {
        let column = self.columns.saturating_add(1);
        self.damage.get_or_insert(Damage { opens, column, fault, over_lines });
    }

    /// Place of the n-th field, and whether it must be [unmarked] first. Empty where there is none.
    ///
    /// [unmarked]: unmark
    pub(super) fn field(&self, n: usize) -> (std::ops::Range<usize>, bool) {
        self.fields.get(n).map_or((0..0, false), |f| (f.begin..f.end, f.marked))
    }
}

/// Splits the first record off a text that is not empty. `last` says that nothing follows the text.
pub(super) fn split(text: &[u8], last: bool, dialect: Dialect, record: &mut Record) -> Split {
    record.clear();
    let mut at = 0_usize;
    loop {
        let field = if text.get(at) == Some(&QUOTE) {
            quoted(text, at, last, dialect, record)
        } else {
            plain_end(text, at, last, dialect).ok_or(None).inspect(|end| record.push(at, *end, false))
        };
        let end = match field {
            Ok(end) => end,
            Err(open) => return Split::Partial(open),
        };
        let next = end.saturating_add(1);
        match (text.get(end), text.get(next)) {
            (Some(b'\r'), None) if !last => return Split::Partial(None),
            (Some(b'\r'), Some(b'\n')) => return Split::Whole(next.saturating_add(1)),
            (Some(b'\r' | b'\n'), _) => return Split::Whole(next),
            (Some(_), _) => at = next,
            (None, _) => return Split::Whole(end),
        }
    }
}

/// Where an unquoted field ends; `None` where the text goes on.
fn plain_end(text: &[u8], at: usize, last: bool, dialect: Dialect) -> Option<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let found = memchr3(dialect.delimiter, b'\n', b'\r', rest).map(|place| at.saturating_add(place));
    found.or_else(|| last.then_some(text.len()))
}

/// Where a quoted field ends, its closing quote and what follows it included.
fn quoted(
    text: &[u8],
    opens: usize,
    last: bool,
    dialect: Dialect,
    record: &mut Record,
) -> Result<usize, Option<usize>> {
    let begin = opens.saturating_add(1);
    let Some((close, marked)) = closing(text, begin, last, dialect).ok_or(Some(opens))? else {
        let over_lines = memchr2(b'\n', b'\r', &text[begin..]).is_some();
        record.damaged(opens, Fault::NeverCloses, over_lines);
        record.push(begin, text.len(), false);
        return Ok(text.len());
    };
    let content = &text[begin..close];
    let line_breaks = line_breaks(content);
    if line_breaks > 0 {
        record.line_breaks = record.line_breaks.saturating_add(line_breaks);
        record.long_quote.get_or_insert(opens);
    }
    let after = close.saturating_add(1);
    let end = plain_end(text, after, last, dialect).ok_or(Some(opens))?;
    if text[after..end].iter().any(|byte| *byte != b' ') {
        let fault = if content.ends_with(b"\\") { Fault::TextAfterBackslash } else { Fault::TextAfter };
        record.damaged(opens, fault, line_breaks > 0);
    }
    record.push(begin, close, marked);
    Ok(end)
}

/// The closing quote, and whether the field holds doubled quotes or escapes. `None` where more text is
/// needed; `Some(None)` where there is none.
fn closing(text: &[u8], begin: usize, last: bool, dialect: Dialect) -> Option<Option<(usize, bool)>> {
    let (mut at, mut marked) = (begin, false);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let found = match dialect.escape {
            None => memchr(QUOTE, rest),
            Some(escape) => memchr2(QUOTE, escape, rest),
        };
        let Some(place) = found.map(|place| at.saturating_add(place)) else {
            return last.then_some(None);
        };
        let next = text.get(place.saturating_add(1));
        if next.is_none() && !last {
            return None;
        }
        if text[place] == QUOTE && next != Some(&QUOTE) {
            return Some(Some((place, marked)));
        }
        marked = true;
        at = place.saturating_add(2);
    }
}

/// Takes away the second of two quotes, and escapes before a quote or another escape.
pub(super) fn unmark(field: &[u8], dialect: Dialect, out: &mut Vec<u8>) {
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let next = after.first();
        let doubled = *byte == QUOTE && next == Some(&QUOTE);
        let escaped =
            Some(*byte) == dialect.escape && next.is_some_and(|n| *n == QUOTE || Some(*n) == dialect.escape);
        match next {
            Some(next) if doubled || escaped => {
                out.push(*next);
                rest = &after[1..];
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

/// Line breaks as an editor counts them: LF, CR LF, and CR alone.
pub(super) fn line_breaks(text: &[u8]) -> u64 {
    let lone = memchr_iter(b'\r', text).filter(|place| text.get(place.saturating_add(1)) != Some(&b'\n'));
    (memchr_iter(b'\n', text).count() as u64).saturating_add(lone.count() as u64)
}

/// Where the lines after the first begin.
pub(super) fn later_lines(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr2_iter(b'\n', b'\r', text)
        .filter(|place| text[*place] == b'\n' || text.get(place.saturating_add(1)) != Some(&b'\n'))
        .map(|place| place.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', escape: None };

    /// The fields of the first record, what is left, and the damage.
    fn first(text: &str, dialect: Dialect) -> (Vec<String>, &str, Option<Fault>) {
        let mut record = Record::default();
        let Split::Whole(len) = split(text.as_bytes(), true, dialect, &mut record) else {
            panic!("the text was whole")
        };
        let fields = (0..record.columns).map(|n| {
            let (place, marked) = record.field(n);
            let mut field = Vec::new();
            if marked {
                unmark(&text.as_bytes()[place], dialect, &mut field);
            } else {
                field.extend_from_slice(&text.as_bytes()[place]);
            }
            String::from_utf8(field).unwrap()
        });
        (fields.collect(), &text[len..], record.damage.map(|d| d.fault))
    }

    #[test]
    fn quotes_hide_delimiters_and_line_ends_and_damage_is_told() {
        let (fields, rest, damage) = first("a,\"b,\n\"\"c\"\"\" ,\r\nd", COMMA);
        assert_eq!((fields, rest, damage), (vec!["a".into(), "b,\n\"c\"".into(), String::new()], "d", None));
        assert_eq!(
            first("27\" screen,x\rrest", COMMA),
            (vec!["27\" screen".into(), "x".into()], "rest", None)
        );
        assert_eq!(first("\"open,\nx", COMMA).2, Some(Fault::NeverCloses));
        assert_eq!(first("\"27\" screen\"\nx", COMMA).2, Some(Fault::TextAfter));
        assert_eq!(first("\"say \\\"now\\\"\"\nx", COMMA).2, Some(Fault::TextAfterBackslash));
        let escaped = Dialect { escape: Some(b'\\'), ..COMMA };
        let (fields, _, damage) = first("\"say \\\"now\\\" \\\\ \\n\"\nx", escaped);
        assert_eq!((fields, damage), (vec!["say \"now\" \\ \\n".into()], None));
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        assert_eq!(line_breaks(b"a\nb\r\nc\rd"), 3);
        assert_eq!(later_lines(b"a\nb\r\nc\rd").collect::<Vec<_>>(), [2, 5, 7]);
    }

    proptest! {
        /// Rows that the csv crate writes are read back, whole or in pieces of any size.
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(proptest::collection::vec("[a-c\",;\r\n é]{0,6}", 2..5), 1..6),
            piece in 1_usize..40,
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let mut rest = text.as_str();
            for row in &rows {
                let mut record = Record::default();
                // A beginning of the text either needs more, or says what the whole text says.
                let mut cut = piece.min(rest.len());
                while !rest.is_char_boundary(cut) { cut += 1; }
                if let Split::Whole(len) = split(&rest.as_bytes()[..cut], false, COMMA, &mut record) {
                    prop_assert_eq!(split(rest.as_bytes(), true, COMMA, &mut record), Split::Whole(len));
                }
                let (fields, after, damage) = first(rest, COMMA);
                prop_assert_eq!(&fields, row);
                prop_assert_eq!(damage, None);
                rest = after;
            }
            prop_assert_eq!(rest, "");
        }
    }
}
