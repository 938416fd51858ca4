//! How much of an export is held at once. Bounds on one thing each, never on the file: a packed file of
//! some megabytes may unpack to many gigabytes and is read to its end, in memory that stays flat.

use std::io::{self, BufRead, Read};

/// Bytes of one row as it stands in the export: a CSV record, a line of JSON, the attributes of an XES event.
pub(super) const ROW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of what the mapping names of one row. A row that says more is rejected.
pub(super) const VALUES_BYTES_MAX: usize = 1024 * 1024;
/// Lines of one quoted field of CSV. One that has more was left open.
pub(super) const QUOTED_LINES_MAX: u64 = 10_000;
/// Columns of a CSV file.
pub(super) const COLUMNS_MAX: usize = 4096;
/// Elements of XES within each other.
pub(super) const DEPTH_MAX: u32 = 64;
/// Bytes of one element, text or comment of XES.
pub(super) const ELEMENT_BYTES_MAX: usize = ROW_BYTES_MAX;
/// Members of a `.zip`.
pub(super) const MEMBERS_MAX: usize = 10_000;
/// Elements of one JSON record that become rows of their own, and values of it that the mapping names.
pub(super) const ELEMENTS_MAX: usize = 100_000;
/// Bytes of the objects of an OCEL log that the mapping speaks of, with what they take in memory.
pub(super) const OBJECTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of the mapping file.
pub(super) const MAPPING_BYTES_MAX: u64 = 1024 * 1024;
/// Columns that a mapping names, each counted once.
pub(super) const MAPPED_MAX: usize = 256;
/// Bytes of the facts of one ticket, with what they take in memory.
pub(super) const FACTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Files of an export beside that of the tickets.
pub(super) const FILES_MAX: usize = 16;
/// Lines of the rejects file; further ones are only counted.
pub(super) const REJECTS_MAX: u64 = 1_000_000;

/// Bytes of a ticket's id that a person reads; a usable one has at most 128 characters.
pub(super) const TICKET_SHOWN: usize = 512;

/// Whole numbers beyond this are not exact everywhere: 2^53.
pub(super) const NUMBER_MAX: u64 = 1 << 53;

/// A text that lets through so many bytes, then fails with [`TooLong`] until it is [refilled](Metered::refill).
pub(super) struct Metered<R> {
    inner: R,
    max_bytes: usize,
    left: usize,
}

/// More bytes than one element of the export may have.
#[derive(Debug, thiserror::Error)]
#[error("an element, a text or a comment has more than {0} bytes")]
pub(super) struct TooLong(usize);

impl<R> Metered<R> {
    pub(super) const fn new(inner: R, max_bytes: usize) -> Self {
        Self { inner, max_bytes, left: max_bytes }
    }

    /// The next element begins.
    pub(super) const fn refill(&mut self) {
        self.left = self.max_bytes;
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, TooLong(self.max_bytes)));
        }
        let chunk = self.inner.fill_buf()?;
        Ok(&chunk[..chunk.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let n = chunk.len().min(out.len());
        out[..n].copy_from_slice(&chunk[..n]);
        self.consume(n);
        Ok(n)
    }
}

/// A text from an export, for a sentence that a person reads: without characters that steer a terminal, and its
/// beginning only. A text that was cut says how long it is.
pub(super) fn shown(text: &str, bytes_max: usize) -> String {
    let head = &text[..text.floor_char_boundary(bytes_max)];
    let mut out = String::with_capacity(head.len());
    for c in head.chars() {
        if guichet_client::output::steers(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if head.len() < text.len() {
        out.push_str(&format!("… ({} bytes)", text.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metered_text_fails_at_its_bound_and_goes_on_when_it_is_refilled() {
        let mut text = Metered::new(&b"abcdef"[..], 4);
        let mut four = [0; 4];
        text.read_exact(&mut four).unwrap();
        let error = text.fill_buf().unwrap_err();
        assert!(error.to_string().contains("more than 4 bytes"), "{error}");
        text.refill();
        let mut rest = String::new();
        text.read_to_string(&mut rest).unwrap();
        assert_eq!((&four, rest.as_str()), (b"abcd", "ef"));
    }

    #[test]
    fn what_is_shown_steers_no_terminal_and_says_what_was_left_out() {
        assert_eq!(shown("a\x1b[2J\tb\r\n\u{202e}", 99), "a\\u{1b}[2J\\tb\\r\\n\\u{202e}");
        assert_eq!(shown("ééé", 3), "é… (6 bytes)");
    }
}
