//! Sorts rows by ticket on disk, for exports whose tickets are scattered. Memory stays within a budget
//! whatever the size of the file: sorted runs go to unnamed temporary files and are merged as they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};

use guichet_schemas::hash::Hash;
use guichet_schemas::time::Timestamp;

use super::mapping::Slot;
use super::row::Row;

/// Runs merged at once; also bounds the open files.
const FAN_IN: usize = 64;

/// Takes rows in the order of the file.
pub(super) struct Sorter {
    id: Slot,
    by_time: bool,
    tie: Option<Slot>,
    budget_bytes: usize,
    arena: Vec<u8>,
    rows: Vec<(usize, usize)>,
    sequence: u64,
    /// Each with how often it was merged: runs of one size are merged together, so that a row is
    /// written a logarithmic number of times.
    runs: Vec<(u32, File)>,
}

impl Sorter {
    pub(super) const fn new(id: Slot, by_time: bool, tie: Option<Slot>, budget_bytes: usize) -> Self {
        Self {
            id,
            by_time,
            tie,
            budget_bytes,
            arena: Vec::new(),
            rows: Vec::new(),
            sequence: 0,
            runs: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: &Row) -> io::Result<()> {
        let start = self.arena.len();
        let time = if self.by_time { row.at.0 } else { 0 };
        encode(row, self.id, (time, tie_of(row, self.tie)), self.sequence, &mut self.arena)?;
        self.sequence = self.sequence.saturating_add(1);
        self.rows.push((start, self.arena.len()));
        let index = self.rows.len().saturating_mul(size_of::<(usize, usize)>());
        if self.arena.len().saturating_add(index) >= self.budget_bytes {
            self.spill()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Merge> {
        self.spill()?;
        while self.runs.len() > FAN_IN {
            self.merge_last()?;
        }
        Merge::new(self.runs.into_iter().map(|(_, file)| file))
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let arena = &self.arena;
        // The sequence in the key makes it stable.
        self.rows.sort_unstable_by(|a, b| Key::of(&arena[a.0..a.1]).cmp(&Key::of(&arena[b.0..b.1])));
        let mut run = BufWriter::new(tempfile::tempfile()?);
        for (start, end) in self.rows.drain(..) {
            write_row(&mut run, &arena[start..end])?;
        }
        self.arena.clear();
        self.runs.push((0, rewound(run)?));
        while self.newest().is_some_and(|newest| {
            newest.first().map(|(level, _)| level) == newest.last().map(|(level, _)| level)
        }) {
            self.merge_last()?;
        }
        Ok(())
    }

    /// The runs that would be merged next, where there are enough.
    fn newest(&self) -> Option<&[(u32, File)]> {
        self.runs.len().checked_sub(FAN_IN).map(|from| &self.runs[from..])
    }

    fn merge_last(&mut self) -> io::Result<()> {
        let merged = self.runs.split_off(self.runs.len().saturating_sub(FAN_IN));
        let level = merged.iter().map(|(level, _)| *level).max().unwrap_or(0).saturating_add(1);
        let mut merge = Merge::new(merged.into_iter().map(|(_, file)| file))?;
        let mut run = BufWriter::new(tempfile::tempfile()?);
        while let Some(bytes) = merge.next_bytes()? {
            write_row(&mut run, bytes)?;
        }
        self.runs.push((level, rewound(run)?));
        Ok(())
    }
}

fn write_row(run: &mut BufWriter<File>, bytes: &[u8]) -> io::Result<()> {
    run.write_all(&length(bytes.len())?.to_be_bytes())?;
    run.write_all(bytes)
}

fn rewound(run: BufWriter<File>) -> io::Result<File> {
    let mut file = run.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Gives the rows back, ticket by ticket; within a ticket in the order of the file, or of time.
pub(super) struct Merge {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<Head>>,
    given: Option<usize>,
}

impl Merge {
    fn new(files: impl Iterator<Item = File>) -> io::Result<Self> {
        let runs: Vec<Run> =
            files.map(|f| Run { file: BufReader::with_capacity(64 * 1024, f), row: Vec::new() }).collect();
        let mut merge = Self { heads: BinaryHeap::with_capacity(runs.len()), runs, given: None };
        for index in 0..merge.runs.len() {
            merge.advance(index)?;
        }
        Ok(merge)
    }

    /// Fills the row with the next one; false at the end.
    pub(super) fn next(&mut self, row: &mut Row) -> io::Result<bool> {
        match self.next_bytes()? {
            Some(bytes) => decode(bytes, row).map(|()| true).ok_or_else(damaged),
            None => Ok(false),
        }
    }

    fn next_bytes(&mut self) -> io::Result<Option<&[u8]>> {
        if let Some(index) = self.given.take() {
            self.advance(index)?;
        }
        let Some(Reverse((.., index))) = self.heads.pop() else { return Ok(None) };
        self.given = Some(index);
        Ok(Some(&self.runs[index].row))
    }

    fn advance(&mut self, index: usize) -> io::Result<()> {
        if self.runs[index].advance()? {
            let key = Key::of(&self.runs[index].row).ok_or_else(damaged)?;
            self.heads.push(Reverse((key.id.to_vec(), key.time, key.tie, key.sequence, index)));
        }
        Ok(())
    }
}

/// Key of the next row of a run (ticket, time, tie, sequence), and the index of the run.
type Head = (Vec<u8>, i64, Tie, u64, usize);

struct Run {
    file: BufReader<File>,
    row: Vec<u8>,
}

impl Run {
    fn advance(&mut self) -> io::Result<bool> {
        let mut length = [0; 4];
        match self.file.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(e),
        }
        self.row.resize(u32::from_be_bytes(length) as usize, 0);
        self.file.read_exact(&mut self.row)?;
        Ok(true)
    }
}

/// Bytes of a text by which rows of one instant are put in order.
const TIE_BYTES: usize = 16;

/// The order of rows of one instant: numbers by their size, before texts by their beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tie(u64, [u8; TIE_BYTES]);

/// A row's place among those of the same instant; without a column, none.
pub(super) fn tie_of(row: &Row, slot: Option<Slot>) -> Tie {
    let Some(value) = row.optional(slot) else { return Tie(0, [0; TIE_BYTES]) };
    if let Ok(number) = value.parse::<u64>() {
        return Tie(number, [0; TIE_BYTES]);
    }
    let mut text = [0; TIE_BYTES];
    let n = value.len().min(TIE_BYTES);
    text[..n].copy_from_slice(&value.as_bytes()[..n]);
    Tie(u64::MAX, text)
}

/// The key by which rows are sorted; it stands at the front of their bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    id: &'a [u8],
    time: i64,
    tie: Tie,
    sequence: u64,
}

impl<'a> Key<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        Some(Self { id: bytes.value()?, time: bytes.i64()?, tie: bytes.tie()?, sequence: bytes.u64()? })
    }
}

/// In the place of a length: no value follows, because the row does not name the column …
const ABSENT: u32 = u32::MAX;
/// … or because it says that there is none.
const EMPTY: u32 = u32::MAX - 1;
/// In the place of a length: so many values follow, each with its length.
const LIST: u32 = u32::MAX - 2;

fn encode(row: &Row, id: Slot, (time, tie): (i64, Tie), sequence: u64, out: &mut Vec<u8>) -> io::Result<()> {
    put(row.get(id).unwrap_or_default(), out)?;
    out.extend_from_slice(&time.to_be_bytes());
    out.extend_from_slice(&tie.0.to_be_bytes());
    out.extend_from_slice(&tie.1);
    out.extend_from_slice(&sequence.to_be_bytes());
    out.extend_from_slice(&row.at.0.to_be_bytes());
    out.extend_from_slice(&row.line.to_be_bytes());
    out.extend_from_slice(&row.piece.to_be_bytes());
    out.push(row.file);
    out.extend_from_slice(&row.print.to_be_bytes());
    out.push(u8::from(row.identity.is_some()));
    if let Some(identity) = row.identity {
        out.extend_from_slice(&identity.0);
    }
    out.extend_from_slice(&length(row.slots())?.to_be_bytes());
    (0..row.slots()).try_for_each(|slot| put_slot(row, slot, out))
}

fn put_slot(row: &Row, slot: Slot, out: &mut Vec<u8>) -> io::Result<()> {
    let Some(value) = row.get(slot) else {
        let why = if row.mentions(slot) { EMPTY } else { ABSENT };
        out.extend_from_slice(&why.to_be_bytes());
        return Ok(());
    };
    let values = row.values(slot).count();
    if values == 1 {
        return put(value, out);
    }
    out.extend_from_slice(&LIST.to_be_bytes());
    out.extend_from_slice(&length(values)?.to_be_bytes());
    row.values(slot).try_for_each(|value| put(value, out))
}

fn put(value: &str, out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(&length(value.len())?.to_be_bytes());
    out.extend_from_slice(value.as_bytes());
    Ok(())
}

fn length(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes)
        .ok()
        .filter(|n| *n < LIST)
        .ok_or_else(|| io::Error::other("a row has more than 4 GiB"))
}

fn decode(bytes: &[u8], row: &mut Row) -> Option<()> {
    let mut bytes = Bytes(bytes);
    bytes.value()?;
    bytes.i64()?;
    bytes.tie()?;
    bytes.u64()?;
    let at = Timestamp(bytes.i64()?);
    let line = bytes.u64()?;
    let piece = bytes.u32()?;
    let file = *bytes.take(1)?.first()?;
    let print = bytes.u64()?;
    let identity = match bytes.take(1)? {
        [0] => None,
        _ => Some(Hash::from_slice(bytes.take(32)?)?),
    };
    let slots = bytes.u32()? as usize;
    row.clear(line, slots);
    row.at = at;
    row.identity = identity;
    (row.file, row.piece, row.print) = (file, piece, print);
    for slot in 0..slots {
        get_slot(&mut bytes, slot, row)?;
    }
    Some(())
}

fn get_slot(bytes: &mut Bytes<'_>, slot: Slot, row: &mut Row) -> Option<()> {
    match bytes.u32()? {
        ABSENT => {}
        EMPTY => row.put_empty(slot),
        LIST => {
            for _ in 0..bytes.u32()? {
                row.put_more(slot, std::str::from_utf8(bytes.value()?).ok()?);
            }
        }
        len => row.put(slot, std::str::from_utf8(bytes.take(len as usize)?).ok()?),
    }
    Some(())
}

/// Bytes of a block: what is read to find one row.
const BLOCK_BYTES: u64 = 16 * 1024;

/// Rows on disk, found by their ticket, or what stands in its place. Of rows with the same one the last counts.
pub(super) struct Table {
    file: File,
    /// The key that each block begins with, where it begins, and how many rows come before it.
    blocks: Vec<(Vec<u8>, u64, usize)>,
    bytes: u64,
    block: Vec<u8>,
    /// Which rows were found, a bit for each.
    found: Vec<u64>,
    replaced: u64,
}

impl Table {
    pub(super) fn new(mut rows: Merge) -> io::Result<Self> {
        let mut table = Self {
            file: tempfile::tempfile()?,
            blocks: Vec::new(),
            bytes: 0,
            block: Vec::new(),
            found: Vec::new(),
            replaced: 0,
        };
        let mut out = BufWriter::new(table.file.try_clone()?);
        let (mut last, mut count) = (Vec::new(), 0_usize);
        loop {
            let next = rows.next_bytes()?;
            let same = match next {
                Some(next) => !last.is_empty() && id_of(next)? == id_of(&last)?,
                None => false,
            };
            if same {
                table.replaced = table.replaced.saturating_add(1);
            } else if !last.is_empty() {
                table.add(&mut out, &last, count)?;
                count = count.saturating_add(1);
            }
            let Some(next) = next else { break };
            last.clear();
            last.extend_from_slice(next);
        }
        out.flush()?;
        table.found.resize(count.div_ceil(64), 0);
        Ok(table)
    }

    fn add(&mut self, out: &mut BufWriter<File>, row: &[u8], before: usize) -> io::Result<()> {
        let begins =
            self.blocks.last().is_none_or(|(_, begin, _)| self.bytes.saturating_sub(*begin) >= BLOCK_BYTES);
        if begins {
            self.blocks.push((id_of(row)?.to_vec(), self.bytes, before));
        }
        write_row(out, row)?;
        self.bytes = self.bytes.saturating_add(row.len() as u64).saturating_add(4);
        Ok(())
    }

    /// Fills the row with that of the key; false where there is none.
    pub(super) fn find(&mut self, key: &str, row: &mut Row) -> io::Result<bool> {
        let after = self.blocks.partition_point(|(first, ..)| first.as_slice() <= key.as_bytes());
        let Some((_, begin, before)) = after.checked_sub(1).and_then(|n| self.blocks.get(n)) else {
            return Ok(false);
        };
        let end = self.blocks.get(after).map_or(self.bytes, |(_, begin, _)| *begin);
        let len = usize::try_from(end.saturating_sub(*begin)).map_err(io::Error::other)?;
        self.block.resize(len, 0);
        self.file.seek(SeekFrom::Start(*begin))?;
        self.file.read_exact(&mut self.block)?;
        let mut block = Bytes(&self.block);
        let mut place = *before;
        while !block.0.is_empty() {
            let bytes = block.value().ok_or_else(damaged)?;
            if id_of(bytes)? == key.as_bytes() {
                decode(bytes, row).ok_or_else(damaged)?;
                if let Some(bits) = self.found.get_mut(place / 64) {
                    *bits |= 1 << (place % 64);
                }
                return Ok(true);
            }
            place = place.saturating_add(1);
        }
        Ok(false)
    }

    /// How many of its rows were found.
    pub(super) fn found(&self) -> u64 {
        self.found.iter().map(|bits| u64::from(bits.count_ones())).fold(0, u64::saturating_add)
    }

    /// Rows whose key came again behind them.
    pub(super) const fn replaced(&self) -> u64 {
        self.replaced
    }
}

fn id_of(row: &[u8]) -> io::Result<&[u8]> {
    Ok(Key::of(row).ok_or_else(damaged)?.id)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a temporary file of the sort is damaged")
}

/// Reads our own encoding; `None` where it ends too early.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn tie(&mut self) -> Option<Tie> {
        Some(Tie(self.u64()?, self.take(TIE_BYTES)?.try_into().ok()?))
    }

    fn value(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.take(len as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, id: &str, at: i64, value: Option<&str>) -> Row {
        let mut row = Row::default();
        row.clear(line, 2);
        row.at = Timestamp(at);
        row.put(0, id);
        if let Some(value) = value {
            row.put(1, value);
        }
        row
    }

    fn sorted(rows: &[Row], by_time: bool, budget_bytes: usize) -> (Vec<Row>, usize) {
        let mut sorter = Sorter::new(0, by_time, None, budget_bytes);
        let mut runs = 0;
        for r in rows {
            sorter.add(r).unwrap();
            runs = runs.max(sorter.runs.len());
        }
        let mut merge = sorter.finish().unwrap();
        let (mut out, mut next) = (Vec::new(), Row::default());
        while merge.next(&mut next).unwrap() {
            out.push(next.clone());
        }
        (out, runs)
    }

    #[test]
    fn rows_of_a_ticket_come_together_in_the_order_of_the_file_or_of_time() {
        let rows =
            [row(1, "b", 9, None), row(2, "a", 5, Some("x")), row(3, "b", 1, Some("")), row(4, "a", 5, None)];
        let lines = |by_time| sorted(&rows, by_time, 1).0.iter().map(|r| r.line).collect::<Vec<_>>();
        assert_eq!(lines(false), [2, 4, 1, 3]);
        assert_eq!(lines(true), [2, 4, 3, 1]);
        let back = sorted(&rows, false, 1).0;
        assert_eq!((back[0].get(1), back[1].get(1), back[3].get(1)), (Some("x"), None, Some("")));
    }

    #[test]
    fn a_list_comes_back_and_so_does_what_a_row_does_not_name() {
        let mut rows = [row(1, "a", 0, None), row(2, "a", 0, None), row(3, "a", 0, None)];
        rows[1].put_empty(1);
        for value in ["x", "y, z", "x"] {
            rows[2].put_more(1, value);
        }
        let back = sorted(&rows, false, 1).0;
        assert_eq!(back.iter().map(|r| r.mentions(1)).collect::<Vec<_>>(), [false, true, true]);
        assert_eq!(back[2].values(1).collect::<Vec<_>>(), ["x", "y, z", "x"]);
        assert_eq!(back[2].get(1), Some("x, y, z, x"));
    }

    #[test]
    fn thousands_of_runs_are_merged_with_few_open_files() {
        let rows: Vec<Row> =
            (0..5_000u64).map(|i| row(i, &format!("{}", i * 7919 % 5_003), 0, None)).collect();
        // A budget of one byte makes a run of every row.
        let (out, runs) = sorted(&rows, false, 1);
        assert!(runs <= 3 * FAN_IN, "{runs}");
        assert_eq!(out.len(), rows.len());
        assert!(out.is_sorted_by_key(|r| (r.get(0).unwrap().to_owned(), r.line)));
    }
}
