//! Pages of a list: as many entries as were asked for, and no more bytes than a reply should have.

use guichet_schemas::codec::Encoding;
use guichet_schemas::json;
use guichet_schemas::rejection::FieldError;

use super::ask::Ask;

/// Bytes of the entries of a page; the rest of the 192 KiB is for what stands around them.
pub(crate) const BYTES_MAX: usize = 191 * 1024;

/// The fault of a cursor that we did not give.
pub(crate) const NOT_OURS: &str = "must be the next_cursor of an answer to this query";

/// Rows looked at for one page. A filter that matches little ends its page early and gives a cursor, instead
/// of keeping a thread for minutes.
pub(crate) const ROWS_READ_MAX: usize = 100_000;

pub(crate) struct Page<T> {
    entries: Vec<T>,
    bytes: usize,
    limit: usize,
    encoding: Encoding,
}

impl<T: prost::Message + serde::Serialize> Page<T> {
    pub(crate) fn new(ask: &Ask) -> Self {
        Self { entries: Vec::new(), bytes: 0, limit: ask.limit, encoding: ask.encoding }
    }

    /// Takes an entry, or says that the page is full. The first always fits: a page must lead on.
    #[must_use]
    pub(crate) fn takes(&mut self, entry: T) -> bool {
        if self.entries.len() >= self.limit {
            return false;
        }
        let bytes = match self.encoding {
            Encoding::Json => json::to_vec(&entry).len().saturating_add(1),
            Encoding::Protobuf => entry.encoded_len().saturating_add(6),
        };
        if !self.entries.is_empty() && self.bytes.saturating_add(bytes) > BYTES_MAX {
            return false;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.push(entry);
        true
    }

    pub(crate) fn into_entries(self) -> Vec<T> {
        self.entries
    }
}

/// A page of a list that is there as a whole.
pub(crate) fn list<T: prost::Message + serde::Serialize>(
    all: Vec<T>,
    ask: &Ask,
) -> Result<(Vec<T>, Option<String>), FieldError> {
    let after = Cursor::Row.read(ask)?.unwrap_or(0);
    let rows = all.into_iter().skip(usize::try_from(after).unwrap_or(usize::MAX)).collect();
    Ok(cut(rows, after, false, ask))
}

/// A page of rows that come after so many others; `more`: and before others.
pub(crate) fn cut<T: prost::Message + serde::Serialize>(
    rows: Vec<T>,
    after: u64,
    more: bool,
    ask: &Ask,
) -> (Vec<T>, Option<String>) {
    let mut page = Page::new(ask);
    let mut last = after;
    let mut ended = !more;
    for row in rows {
        if !page.takes(row) {
            ended = false;
            break;
        }
        last = last.saturating_add(1);
    }
    (page.into_entries(), (!ended).then(|| Cursor::Row.write(last)))
}

/// Where a page ended: a counter, and of which list. Opaque to callers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cursor {
    Version,
    /// Downwards.
    VersionDown,
    Position,
    Number,
    Row,
}

impl Cursor {
    const fn letter(self) -> char {
        match self {
            Self::Version => 'v',
            Self::VersionDown => 'w',
            Self::Position => 'p',
            Self::Number => 'n',
            Self::Row => 'r',
        }
    }

    pub(crate) fn write(self, last: u64) -> String {
        format!("{}{last}", self.letter())
    }

    /// The counter of the last entry of the page before; `None` at the first page.
    pub(crate) fn read(self, ask: &Ask) -> Result<Option<u64>, FieldError> {
        let Some(text) = &ask.cursor else { return Ok(None) };
        text.strip_prefix(self.letter())
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|last| (1..u64::MAX).contains(last))
            .map(Some)
            .ok_or_else(|| FieldError::new("cursor", NOT_OURS))
    }

    pub(crate) fn refuse(ask: &Ask) -> Result<(), FieldError> {
        match ask.cursor {
            Some(_) => Err(FieldError::new("cursor", "is not for this query: it has one page")),
            None => Ok(()),
        }
    }
}
