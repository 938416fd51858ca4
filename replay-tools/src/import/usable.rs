//! Lets through the rows that can be used: those with a ticket and a time. The others go to the rejects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use guichet_schemas::hash::Hash;

use super::bounds::VALUES_BYTES_MAX;
use super::error::ImportError;
use super::mapping::{Dedupe, Mapping};
use super::rejects::Rejects;
use super::row::{Found, Row, RowSource};

/// What was met so far; read by whoever shows progress.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) tickets: AtomicU64,
}

pub(super) fn add(count: &AtomicU64, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

/// Counts, and the file for what cannot be used.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) counts: Arc<Counts>,
    pub(super) rejects: Rejects,
}

impl Tally {
    /// Leaves out a row, or `rows` of them for one reason.
    pub(super) fn reject(&self, line: u64, ticket: &str, reason: &str, rows: u64) -> Result<(), ImportError> {
        add(&self.counts.rejected, rows);
        self.rejects.add(Some(line), ticket, reason)
    }
}

pub(super) struct Usable {
    pub(super) source: Box<dyn RowSource>,
    pub(super) mapping: Arc<Mapping>,
    pub(super) tally: Tally,
}

impl Usable {
    /// Fills the row with the next usable one; false at the end.
    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, ImportError> {
        loop {
            let found = self.source.next(row)?;
            if found == Found::End {
                return Ok(false);
            }
            add(&self.tally.counts.rows, 1);
            let problem = match found {
                Found::Unusable(problem) => Some(problem),
                Found::Row => check(&self.mapping, row).err(),
                Found::End => None,
            };
            match problem {
                None => return Ok(true),
                Some(problem) => {
                    let ticket = row.get(self.mapping.ticket.id).unwrap_or_default();
                    self.tally.reject(row.line, ticket, &problem, 1)?;
                }
            }
        }
    }
}

fn check(mapping: &Mapping, row: &mut Row) -> Result<(), String> {
    let name = |slot: usize| &mapping.columns[slot].name;
    if row.values_bytes() > VALUES_BYTES_MAX {
        let longest = (0..row.slots()).max_by_key(|slot| row.get(*slot).map_or(0, str::len)).unwrap_or(0);
        let bytes = row.get(longest).map_or(0, str::len);
        return Err(format!(
            "the values of its mapped columns have more than {VALUES_BYTES_MAX} bytes together, {:?} alone {bytes}",
            name(longest)
        ));
    }
    if row.get(mapping.ticket.id).is_none() {
        return Err(format!("{:?} is missing: no ticket", name(mapping.ticket.id)));
    }
    let at = row.get(mapping.at).ok_or_else(|| format!("{:?} is missing: no time", name(mapping.at)))?;
    row.at = mapping.source.dates.parse(at).map_err(|e| format!("{:?} is {at:?}, {e}", name(mapping.at)))?;
    if let Some(Dedupe::Columns(slots)) = &mapping.dedupe {
        let mut values = Vec::new();
        for slot in slots {
            let value = row.get(*slot);
            // A missing value is another than an empty one, and no value runs into the next.
            values.extend_from_slice(&value.map_or(u64::MAX, |v| v.len() as u64).to_be_bytes());
            values.extend_from_slice(value.unwrap_or_default().as_bytes());
        }
        row.identity = Some(Hash::of_record(&values));
    }
    Ok(())
}
