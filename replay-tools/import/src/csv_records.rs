//! Reads CSV text record by record from a stream. Holds one record, up to [`ROW_BYTES_MAX`]; a longer one is
//! passed over, unless a quote is why it is long.

use std::io::{self, Read};

use super::bounds::{COLUMNS_MAX, ROW_BYTES_MAX};
use super::csv_split::{Dialect, Record, Split, line_breaks, split, unmark};

/// Room for most records; doubled for those that are longer.
const ROOM_BYTES: usize = 256 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// All of it is held.
    Record,
    /// It was passed over; what is wrong with it.
    TooLong(String),
    /// A quote opens at this line, and after [`ROW_BYTES_MAX`] it has not closed.
    OpenQuote(u64),
    End,
}

pub(super) struct Records {
    text: Box<dyn Read + Send>,
    dialect: Dialect,
    room: Vec<u8>,
    /// Begin of the bytes that were read and not yet given away …
    begin: usize,
    /// … to here.
    end: usize,
    /// Nothing comes after it.
    last: bool,
    record: Record,
    /// Bytes of the present record, its line end included.
    taken: usize,
    /// The fields of the present record that had to be unmarked, one after the other.
    unmarked: Vec<u8>,
    places: Vec<Option<(usize, usize)>>,
    line: u64,
}

impl Records {
    pub(super) fn new(text: Box<dyn Read + Send>, dialect: Dialect) -> Self {
        Self {
            text,
            dialect,
            room: vec![0; ROOM_BYTES],
            begin: 0,
            end: 0,
            last: false,
            record: Record::default(),
            taken: 0,
            unmarked: Vec::new(),
            places: Vec::new(),
            line: 1,
        }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) const fn set_delimiter(&mut self, delimiter: u8) {
        self.dialect.delimiter = delimiter;
    }

    /// Line at which the present record begins, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The present record: where its fields stand.
    pub(super) const fn record(&self) -> &Record {
        &self.record
    }

    /// The present record as it stands in the file.
    pub(super) fn raw(&self) -> &[u8] {
        &self.room[self.begin..self.begin.saturating_add(self.taken)]
    }

    /// The n-th field of the present record; nothing where there is none.
    pub(super) fn field(&self, n: usize) -> &[u8] {
        if let Some(Some((begin, end))) = self.places.get(n) {
            return &self.unmarked[*begin..*end];
        }
        &self.raw()[self.record.field(n).0]
    }

    /// Was the n-th field written without quotes?
    pub(super) fn is_unquoted(&self, n: usize) -> bool {
        let begin = self.record.field(n).0.start;
        begin.checked_sub(1).and_then(|before| self.raw().get(before)) != Some(&b'"')
    }

    /// Columns of the present record.
    pub(super) const fn width(&self) -> usize {
        self.record.columns
    }

    /// Does the text end with the present record, and without a line end?
    pub(super) fn is_unterminated(&self) -> bool {
        self.last
            && self.begin.saturating_add(self.taken) == self.end
            && !self.raw().ends_with(b"\n")
            && !self.raw().ends_with(b"\r")
    }

    /// The delimiter of a first line such as `sep=;`, which is passed over.
    pub(super) fn separator_line(&mut self) -> io::Result<Option<u8>> {
        while self.end.saturating_sub(self.begin) < 16 && !self.last {
            self.fill()?;
        }
        let text = &self.room[self.begin..self.end];
        let (text, quoted) = text.strip_prefix(b"\"").map_or((text, 0), |rest| (rest, 2));
        let Some(head) = text.get(..4).filter(|head| head.eq_ignore_ascii_case(b"sep=")) else {
            return Ok(None);
        };
        let Some((delimiter, after)) = text[head.len()..].split_first() else { return Ok(None) };
        let after = if quoted > 0 { after.strip_prefix(b"\"").unwrap_or(b"?") } else { after };
        let line_end = match after {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            [] => 0,
            _ => return Ok(None),
        };
        let (delimiter, bytes) = (*delimiter, 5_usize.saturating_add(quoted).saturating_add(line_end));
        self.begin = self.begin.saturating_add(bytes);
        self.line = 2;
        Ok(Some(delimiter))
    }

    /// The names of the header, were this the delimiter. Nothing is given away.
    pub(super) fn header(&mut self, delimiter: u8) -> io::Result<Vec<String>> {
        let before = std::mem::replace(&mut self.dialect.delimiter, delimiter);
        let found = self.find();
        self.taken = 0;
        self.dialect.delimiter = before;
        let Some(Split::Whole(len)) = found? else { return Ok(Vec::new()) };
        let text = &self.room[self.begin..self.begin.saturating_add(len)];
        let names = (0..self.record.columns).map(|n| text_of(&text[self.record.field(n).0]));
        Ok(names.collect())
    }

    pub(super) fn next(&mut self) -> io::Result<Next> {
        let raw = &self.room[self.begin..self.begin.saturating_add(self.taken)];
        self.line = self.line.saturating_add(line_breaks(raw));
        self.begin = self.begin.saturating_add(self.taken);
        self.taken = 0;
        match self.find()? {
            None => Ok(Next::End),
            Some(Split::Whole(len)) => {
                self.taken = len;
                if self.record.columns > COLUMNS_MAX {
                    return Ok(Next::TooLong(format!("has more than {COLUMNS_MAX} columns")));
                }
                self.unmark();
                Ok(Next::Record)
            }
            Some(Split::Partial(Some(opens))) => {
                let before = line_breaks(&self.room[self.begin..self.begin.saturating_add(opens)]);
                Ok(Next::OpenQuote(self.line.saturating_add(before)))
            }
            Some(Split::Partial(None)) => {
                let problem = if self.record.columns > COLUMNS_MAX {
                    format!("has more than {COLUMNS_MAX} columns")
                } else {
                    format!("has more than {ROW_BYTES_MAX} bytes")
                };
                self.skip_line()?;
                Ok(Next::TooLong(problem))
            }
        }
    }

    /// The next record that is more than a blank line, or as much of it as may be held.
    fn find(&mut self) -> io::Result<Option<Split>> {
        loop {
            if !self.skip_blank_lines()? {
                return Ok(None);
            }
            let text = &self.room[self.begin..self.end];
            match split(text, self.last, self.dialect, &mut self.record) {
                Split::Partial(open) if text.len() >= ROW_BYTES_MAX => return Ok(Some(Split::Partial(open))),
                Split::Partial(_) => self.fill()?,
                whole @ Split::Whole(_) => return Ok(Some(whole)),
            }
        }
    }

    /// False at the end of the text.
    fn skip_blank_lines(&mut self) -> io::Result<bool> {
        loop {
            let text = &self.room[self.begin..self.end];
            let blanks = text.iter().take_while(|byte| **byte == b' ').count();
            let line_end = match &text[blanks..] {
                [] | [b'\r'] if !self.last && text.len() < ROW_BYTES_MAX => {
                    self.fill()?;
                    continue;
                }
                // More blanks than a record may have.
                [] if !self.last => return Ok(true),
                [] => {
                    self.begin = self.end;
                    return Ok(false);
                }
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => return Ok(true),
            };
            self.begin = self.begin.saturating_add(blanks).saturating_add(line_end);
            self.line = self.line.saturating_add(1);
        }
    }

    /// Reads on until the room is full or the text over, in a room of twice the size where it was full.
    fn fill(&mut self) -> io::Result<()> {
        self.room.copy_within(self.begin..self.end, 0);
        self.end = self.end.saturating_sub(self.begin);
        self.begin = 0;
        if self.end == self.room.len() {
            let len = self.room.len().saturating_mul(2).min(ROW_BYTES_MAX);
            self.room.resize(len, 0);
        }
        while self.end < self.room.len() {
            match self.text.read(&mut self.room[self.end..]) {
                Ok(0) => {
                    self.last = true;
                    return Ok(());
                }
                Ok(n) => self.end = self.end.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Passes over what is left of a line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let text = &self.room[self.begin..self.end];
            match memchr::memchr2(b'\n', b'\r', text) {
                // The line end itself belongs to the record, and is counted with it.
                Some(place) if text[place] == b'\n' || place.saturating_add(1) < text.len() || self.last => {
                    let pair = text[place..].starts_with(b"\r\n");
                    self.begin = self.begin.saturating_add(place);
                    self.taken = 1_usize.saturating_add(usize::from(pair));
                    return Ok(());
                }
                Some(place) => self.begin = self.begin.saturating_add(place),
                None => self.begin = self.end,
            }
            if self.last {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Most fields are given as they stand; the others get a place of their own.
    fn unmark(&mut self) {
        self.places.clear();
        self.unmarked.clear();
        let raw = &self.room[self.begin..self.begin.saturating_add(self.taken)];
        for n in 0..self.record.columns {
            let (place, marked) = self.record.field(n);
            if marked {
                self.places.resize(n, None);
                let begin = self.unmarked.len();
                unmark(&raw[place], self.dialect, &mut self.unmarked);
                self.places.push(Some((begin, self.unmarked.len())));
            }
        }
    }
}

/// A name of the header.
pub(super) fn text_of(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Dialect = Dialect { delimiter: b',', escape: None };

    /// Line, width and first field of each record.
    fn all(text: &str) -> Vec<(u64, usize, String)> {
        let mut records = Records::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())), COMMA);
        let mut all = Vec::new();
        while records.next().unwrap() == Next::Record {
            all.push((records.line(), records.width(), text_of(records.field(0))));
        }
        all
    }

    #[test]
    fn lines_are_counted_over_blank_ones_every_line_end_and_quoted_breaks() {
        let text = "id,at\r\n\r\n  \né,\"x\r\ny\rz\"\rb,1\n\n\"c\"\"\n\",2\n\n\nd,3";
        let lines: Vec<_> = all(text).into_iter().map(|(line, _, field)| (line, field)).collect();
        let wanted = [(1, "id"), (4, "é"), (7, "b"), (9, "c\""), (13, "d")];
        assert_eq!(lines, wanted.map(|(line, field)| (line, field.to_owned())));
    }

    #[test]
    fn a_record_over_the_edge_of_the_room_is_whole() {
        let long = "x".repeat(ROOM_BYTES * 3);
        let text = format!("{}\"{long}\n\",1\nb,2", "a,1\n".repeat(ROOM_BYTES / 4 - 1));
        let records = all(&text);
        let tail = &records[records.len() - 2..];
        assert_eq!((tail[0].1, tail[0].2.len()), (2, long.len()));
        assert_eq!(tail[1], (tail[0].0 + 2, 2, "b".to_owned()));
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_keeps_its_number() {
        let text = format!("a\n{}\r\nb", "x".repeat(ROW_BYTES_MAX + 10));
        let mut records = Records::new(Box::new(io::Cursor::new(text.into_bytes())), COMMA);
        assert_eq!(records.next().unwrap(), Next::Record);
        assert!(matches!(records.next().unwrap(), Next::TooLong(_)));
        assert_eq!((records.next().unwrap(), records.line()), (Next::Record, 3));
    }

    #[test]
    fn a_separator_line_is_taken_at_its_word() {
        for (text, found, first) in [
            ("sep=;\r\na;b\n", Some(b';'), (2, "a;b")),
            ("\"SEP=\t\"\na\tb\n", Some(b'\t'), (2, "a\tb")),
            ("separate,b\n", None, (1, "separate")),
            ("sep=;b\n", None, (1, "sep=;b")),
        ] {
            let mut records = Records::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())), COMMA);
            assert_eq!(records.separator_line().unwrap(), found);
            assert_eq!(records.next().unwrap(), Next::Record);
            assert_eq!((records.line(), text_of(records.field(0)).as_str()), first);
        }
    }
}
