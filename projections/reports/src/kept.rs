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
use crate::reports::Window;

/// Reports kept.
const KEPT_MAX: usize = 64;
/// Bytes that all of them hold. A cell takes some hundred, a distinct second of a set of durations some twenty.
const BYTES_MAX: usize = 96 << 20;

/// Key of a ticket's history, whatever the store takes for one.
pub type Key = Vec<u8>;

/// A ticket whose history went on.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its history before the batch, and after it.
    pub before: History,
    pub after: History,
}

/// The kept reports of one process, all at the same position.
pub struct Kept {
    position: u64,
    bytes_max: usize,
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
        Self::bounded(position, BYTES_MAX)
    }

    /// The same, with another bound in bytes.
    #[must_use]
    pub fn bounded(position: u64, bytes_max: usize) -> Self {
        let (reports, building, touched) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { position, bytes_max, reports, uses: 0, building, touched }
    }

    /// Bytes that the kept reports hold, at most.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.reports.iter().map(|entry| entry.report.bytes_at_most()).fold(0, usize::saturating_add)
    }

    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Whether the histories of a batch matter to anybody of the tenant.
    #[must_use]
    pub fn wants(&self, tenant: &str) -> bool {
        self.reports.iter().any(|entry| entry.tenant == tenant)
    }

    /// Some rows of a report that is kept, all at its position, and whether there are more.
    pub fn page(
        &mut self,
        tenant: &str,
        params: &Params,
        span: Span,
        look: Look<'_>,
        window: Window,
    ) -> Option<(Data, bool)> {
        self.uses = self.uses.saturating_add(1);
        let entry = self.reports.iter_mut().find(|e| e.tenant == tenant && e.params == *params)?;
        entry.last_use = self.uses;
        Some(entry.report.page(span, Look { position: self.position, ..look }, window))
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
        self.make_room();
    }

    /// Gives up what was not asked for the longest, until the rest is within the bound.
    fn make_room(&mut self) {
        if self.bytes() > self.bytes_max {
            for entry in &mut self.reports {
                entry.report.weigh();
            }
        }
        while self.reports.len() > KEPT_MAX || self.bytes() > self.bytes_max {
            let oldest = self.reports.iter().enumerate().min_by_key(|(_, entry)| entry.last_use);
            let Some((oldest, _)) = oldest else { return };
            self.reports.swap_remove(oldest);
        }
    }

    /// Gives up what is kept; it is read again when somebody asks.
    pub fn forget(&mut self) {
        self.reports.clear();
    }

    /// Says that a report will be built from what was there at a position, at most the present one.
    pub fn begin(&mut self, position: u64) {
        let builds = self.building.entry(position).or_default();
        *builds = builds.saturating_add(1);
    }

    /// The tickets touched since a build began. Who asks holds the lock until [`Kept::keep`].
    #[must_use]
    pub fn touched_since(&self, position: u64) -> BTreeSet<Key> {
        self.touched.range(position.saturating_add(1)..).flat_map(|(_, keys)| keys.iter().cloned()).collect()
    }

    /// Takes in a report that was built and brought to the present position.
    pub fn keep(&mut self, tenant: &str, params: Params, report: Report) {
        self.uses = self.uses.saturating_add(1);
        self.reports.retain(|e| e.tenant != tenant || e.params != params);
        self.reports.push(Entry { tenant: tenant.to_owned(), params, report, last_use: self.uses });
        self.make_room();
    }

    /// Says that a build has ended, well or not.
    pub fn end(&mut self, position: u64) {
        if let Some(count) = self.building.get_mut(&position) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.building.remove(&position);
            }
        }
        match self.building.first_key_value() {
            Some((oldest, _)) => self.touched = self.touched.split_off(&oldest.saturating_add(1)),
            None => self.touched.clear(),
        }
    }
}
