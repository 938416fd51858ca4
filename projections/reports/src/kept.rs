//! Reports that somebody asked for lately, kept up to date ticket by ticket.
//!
//! The first question reads all histories and takes a second per some millions of events; what it found is kept, and
//! each batch of events takes away what the tickets that it touches added, and adds it again. So the same question
//! is answered at once from then on. What nobody asks for any more makes room.

use std::collections::{BTreeMap, BTreeSet};

use guichet_schemas::wire::query_reply::Data;

use crate::history::History;
use crate::periods::Span;
use crate::report::{Look, Params, Report};

/// Reports kept. Each holds some hundred bytes per row, those of durations some more per distinct second.
const KEPT_MAX: usize = 32;

/// Key of a ticket's history, whatever the store takes for one.
pub type Key = Vec<u8>;

/// A ticket whose history went on.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its history before the batch, and after it.
    pub before: History,
    /// The history after it.
    pub after: History,
}

/// The kept reports of one process, all at the same position.
#[derive(Default)]
pub struct Kept {
    position: u64,
    reports: Vec<Entry>,
    uses: u64,
    /// Builds under way, by the position of what they read, and the tickets touched since the oldest began.
    building: BTreeMap<u64, usize>,
    touched: BTreeMap<u64, BTreeSet<Key>>,
}

struct Entry {
    tenant: String,
    params: Params,
    report: Report,
    last_use: u64,
}

impl Kept {
    /// Nothing is kept, at a position.
    #[must_use]
    pub fn at(position: u64) -> Self {
        Self { position, ..Self::default() }
    }

    /// How far all reports are.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Whether the histories of a batch matter to anybody of the tenant.
    #[must_use]
    pub fn wants(&self, tenant: &str) -> bool {
        self.reports.iter().any(|entry| entry.tenant == tenant)
    }

    /// The rows of a report that is kept.
    pub fn rows(&mut self, tenant: &str, params: &Params, span: Span, now: i64) -> Option<Data> {
        self.uses += 1;
        let entry = self.reports.iter_mut().find(|e| e.tenant == tenant && e.params == *params)?;
        entry.last_use = self.uses;
        Some(entry.report.rows(span, Look { position: self.position, now }))
    }

    /// Goes on by a batch: the tickets that it touched, and of those tenants that somebody asked about, how.
    pub fn advance<'a>(
        &mut self,
        position: u64,
        touched: impl IntoIterator<Item = &'a Key>,
        changes: &BTreeMap<String, Vec<Change>>,
    ) {
        self.position = position;
        if !self.building.is_empty() {
            self.touched.entry(position).or_default().extend(touched.into_iter().cloned());
        }
        for entry in &mut self.reports {
            for change in changes.get(&entry.tenant).into_iter().flatten() {
                entry.report.remove(&change.before);
                entry.report.add(&change.after);
            }
        }
    }

    /// Gives up what is kept; it is read again when somebody asks.
    pub fn forget(&mut self) {
        self.reports.clear();
    }

    /// Says that a report will be built from what was there at a position, at most the present one.
    pub fn begin(&mut self, position: u64) {
        *self.building.entry(position).or_default() += 1;
    }

    /// The tickets touched since a build began. Who asks holds the lock until [`Kept::keep`].
    #[must_use]
    pub fn touched_since(&self, position: u64) -> BTreeSet<Key> {
        self.touched.range(position + 1..).flat_map(|(_, keys)| keys.iter().cloned()).collect()
    }

    /// Takes in a report that was built and brought to the present position.
    pub fn keep(&mut self, tenant: &str, params: Params, report: Report) {
        self.uses += 1;
        self.reports.retain(|e| e.tenant != tenant || e.params != params);
        if self.reports.len() >= KEPT_MAX
            && let Some(oldest) = (0..self.reports.len()).min_by_key(|i| self.reports[*i].last_use)
        {
            self.reports.swap_remove(oldest);
        }
        self.reports.push(Entry { tenant: tenant.to_owned(), params, report, last_use: self.uses });
    }

    /// Says that a build has ended, well or not.
    pub fn end(&mut self, position: u64) {
        if let Some(count) = self.building.get_mut(&position) {
            *count -= 1;
            if *count == 0 {
                self.building.remove(&position);
            }
        }
        match self.building.first_key_value() {
            Some((oldest, _)) => self.touched = self.touched.split_off(&(oldest + 1)),
            None => self.touched.clear(),
        }
    }
}
