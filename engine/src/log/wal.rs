//! The write-ahead logs of a RocksDB, read without RocksDB: what was fsynced stands there, whatever became of the tables
//! and of the list of files beside it.
//!
//! A file is blocks of 32 KiB, a block is fragments, each with a checksum of its own (CRC-32C), and fragments make a
//! batch of rows. A fragment that does not check is left out, and reading goes on at the next that does; what stood there
//! is missed by whoever looks for it, since positions have no gap. Only puts are handed on: nothing of what we look for is
//! ever deleted or written twice.
#![expect(clippy::little_endian_bytes, reason = "the format is RocksDB's")]

use std::path::{Path, PathBuf};

const BLOCK: usize = 32 * 1024;
/// Checksum, length and type of a fragment.
const HEADER: usize = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a whole batch, or with a part of one that a crash left: nothing that was fsynced is missing behind it, as
    /// far as the file can tell.
    Clean,
    /// With something that cannot be read: what stood there is not known.
    Unreadable,
}

/// A row that was put: the number of its family, key, value.
pub(super) type Put<'a> = (u32, &'a [u8], &'a [u8]);

/// The write-ahead logs in a folder, oldest first.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let number =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let Some(number) = number.filter(|_| path.extension().is_some_and(|extension| extension == "log"))
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Visits every row that was put and can be read, in their order.
pub(super) fn read(bytes: &[u8], mut visit: impl FnMut(Put<'_>)) -> Ending {
    let mut fragments = Fragments { bytes, at: 0 };
    let mut batch: Option<Vec<u8>> = None;
    let mut ending = Ending::Clean;
    while let Some(fragment) = fragments.next() {
        let (kind, payload) = match fragment {
            Fragment::Whole(kind, payload) => (kind, payload),
            Fragment::Unreadable => {
                (batch, ending) = (None, Ending::Unreadable);
                continue;
            }
        };
        let whole = match (kind, batch.take()) {
            (kind::FULL, _) => Some(payload.to_vec()),
            (kind::FIRST, _) => {
                batch = Some(payload.to_vec());
                None
            }
            (kind::MIDDLE | kind::LAST, Some(mut begun)) => {
                begun.extend_from_slice(payload);
                if kind == kind::LAST {
                    Some(begun)
                } else {
                    batch = Some(begun);
                    None
                }
            }
            // The rest of a batch whose beginning could not be read.
            (kind::MIDDLE | kind::LAST, None) => None,
            // What RocksDB notes for itself.
            (_, begun) => {
                batch = begun;
                None
            }
        };
        if let Some(whole) = whole {
            ending = if puts(&whole, &mut visit).is_some() { Ending::Clean } else { Ending::Unreadable };
        }
    }
    ending
}

mod kind {
    pub(super) const FULL: u8 = 1;
    pub(super) const FIRST: u8 = 2;
    pub(super) const MIDDLE: u8 = 3;
    pub(super) const LAST: u8 = 4;
    /// From here on a reader may overlook what it does not know.
    pub(super) const OPTIONAL: u8 = 128;
    /// Compression, and the size of timestamps: noted at the beginning of a file.
    pub(super) const NOTES: [u8; 2] = [9, 10];
}

enum Fragment<'a> {
    Whole(u8, &'a [u8]),
    Unreadable,
}

struct Fragments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fragments<'a> {
    fn next(&mut self) -> Option<Fragment<'a>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let block_end = (self.at / BLOCK + 1) * BLOCK;
            if block_end - self.at < HEADER {
                // Too little for a header: filled with zeros.
                self.at = block_end;
                continue;
            }
            if let Some((kind, payload, end)) = fragment(self.bytes, self.at, block_end) {
                self.at = end;
                return Some(Fragment::Whole(kind, payload));
            }
            if is_torn(rest, block_end - self.at) {
                self.at = self.bytes.len();
                return None;
            }
            // Lengths are not believed where a checksum fails: the next fragment is where one checks.
            let limit = block_end.min(self.bytes.len());
            let found = (self.at + 1..limit).find(|at| fragment(self.bytes, *at, block_end).is_some());
            self.at = found.unwrap_or(block_end);
            return Some(Fragment::Unreadable);
        }
    }
}

/// The fragment that begins at `at`, where it checks: its type, its payload, and where it ends.
fn fragment(bytes: &[u8], at: usize, block_end: usize) -> Option<(u8, &[u8], usize)> {
    let header = bytes.get(at..at + HEADER)?;
    let kind = header[6];
    let known = (kind::FULL..=kind::LAST).contains(&kind) || kind::NOTES.contains(&kind);
    if !known && kind < kind::OPTIONAL {
        return None;
    }
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let end = at + HEADER + length;
    if end > block_end {
        return None;
    }
    let checked = bytes.get(at + 6..end)?;
    let said = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    (masked(crc32c::crc32c(checked)) == said).then_some((kind, &checked[1..], end))
}

/// RocksDB turns and shifts a checksum, so that a checksum of what holds checksums is not a weak one.
const fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// True where a crash ended the file in the middle of a fragment: its header says more than there is.
fn is_torn(rest: &[u8], room: usize) -> bool {
    if rest.len() >= room {
        return false;
    }
    let Some(header) = rest.get(..HEADER) else { return true };
    let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let is_short = (kind::FULL..=kind::LAST).contains(&header[6]) && HEADER + length > rest.len();
    is_short && !checks_with_another_bit(rest, room)
}

/// A bit that flipped in the length of the last fragment makes it look torn. With that bit back it checks.
fn checks_with_another_bit(rest: &[u8], room: usize) -> bool {
    let mut copy = rest.to_vec();
    (4 * 8..HEADER * 8).any(|bit| {
        copy[bit / 8] ^= 1 << (bit % 8);
        let checks = fragment(&copy, 0, room).is_some();
        copy[bit / 8] ^= 1 << (bit % 8);
        checks
    })
}

/// Visits the rows that a batch puts; `None`: it holds what we cannot read, and nothing of it was handed on.
fn puts(batch: &[u8], visit: &mut impl FnMut(Put<'_>)) -> Option<()> {
    // Sequence number and count.
    let rows = batch.get(12..)?;
    let mut found = Vec::new();
    let mut reader = Reader(rows);
    while !reader.0.is_empty() {
        match reader.byte()? {
            0x01 => found.push((0, reader.text()?, reader.text()?)),
            0x05 => found.push((reader.number()?, reader.text()?, reader.text()?)),
            // A mark without content.
            0x0d => {}
            // What somebody noted in the log.
            0x03 => drop(reader.text()?),
            0x00 | 0x07 => drop(reader.text()?),
            0x04 | 0x08 => drop((reader.number()?, reader.text()?)),
            _ => return None,
        }
    }
    found.into_iter().for_each(visit);
    Some(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of seven bits a byte.
    fn number(&mut self) -> Option<u32> {
        let mut number = 0_u32;
        for shift in (0..=28).step_by(7) {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use rocksdb::{DB, Options, WriteBatch, WriteOptions};

    use super::*;

    /// Keys and their values.
    type Rows = Vec<(Vec<u8>, Vec<u8>)>;

    /// A write-ahead log as RocksDB writes it: rows of sizes that cross blocks, some batches with many.
    fn written() -> (tempfile::TempDir, Rows) {
        let dir = tempfile::tempdir().unwrap();
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_avoid_unnecessary_blocking_io(true);
        let db = DB::open(&options, dir.path()).unwrap();
        let mut rows = Vec::new();
        for n in 0..60_u64 {
            let mut batch = WriteBatch::default();
            for part in 0..=(n % 3) {
                let key = (n * 10 + part).to_be_bytes().to_vec();
                let value = vec![u8::try_from(n).unwrap(); usize::try_from(n * 173 % 9_000).unwrap()];
                batch.put(&key, &value);
                rows.push((key, value));
            }
            let mut sync = WriteOptions::default();
            sync.set_sync(true);
            db.write_opt(batch, &sync).unwrap();
        }
        // As a process that dies: nothing is written out.
        std::mem::forget(db);
        (dir, rows)
    }

    fn all(bytes: &[u8]) -> (Rows, Ending) {
        let mut rows = Vec::new();
        let ending = read(bytes, |(_, key, value)| rows.push((key.to_vec(), value.to_vec())));
        (rows, ending)
    }

    fn bytes(dir: &tempfile::TempDir) -> Vec<u8> {
        let files = files(dir.path()).unwrap();
        files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect()
    }

    #[test]
    fn what_rocksdb_wrote_is_read() {
        let (dir, rows) = written();
        let (found, ending) = all(&bytes(&dir));
        assert!(found == rows, "{} of {} rows", found.len(), rows.len());
        assert_eq!(ending, Ending::Clean);
    }

    #[test]
    fn a_flip_anywhere_costs_the_batch_that_it_hit_and_no_other() {
        let (dir, rows) = written();
        let whole = bytes(&dir);
        for at in (0..whole.len()).step_by(1_009) {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            let (found, ending) = all(&flipped);
            assert!(found.iter().all(|row| rows.contains(row)), "byte {at}: nothing is made up");
            assert!(found.len() + 3 >= rows.len(), "byte {at}: {} of {}", found.len(), rows.len());
            let last_is_there = found.last() == rows.last();
            assert!(last_is_there || ending == Ending::Unreadable, "byte {at}: an end is missing in silence");
        }
    }

    #[test]
    fn a_cut_is_the_end_of_what_a_crash_left() {
        let (dir, rows) = written();
        let whole = bytes(&dir);
        for at in (0..whole.len()).step_by(997) {
            let (found, ending) = all(&whole[..at]);
            assert!(found[..] == rows[..found.len()], "cut at {at}");
            assert_eq!(ending, Ending::Clean, "cut at {at}");
        }
    }

    #[test]
    fn zeros_are_not_an_end() {
        let (dir, _) = written();
        let mut whole = bytes(&dir);
        let from = whole.len() - 700;
        whole[from..].fill(0);
        assert_eq!(all(&whole).1, Ending::Unreadable);
    }
}
