//! Reading a report from all histories, on every core, within the bounds of the answer.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

use std::thread;

use guichet_reports::{Cut, Params, Report, Span};

use super::history;
use crate::keys;
use crate::queries::{Budget, Over, Refusal};
use crate::store::{StoreError, View};

/// Threads that read at the same time; more wait for the same disk.
const THREADS_MAX: usize = 4;
/// Memory that a thread takes from the budget at a time, at least.
const CHUNK: usize = if cfg!(test) { 16 << 10 } else { 1 << 20 };

/// The histories of a tenant that are summed, each cut.
#[derive(Clone, Copy)]
pub(in crate::model) struct Sum<'a> {
    pub(in crate::model) view: &'a View<'a>,
    pub(in crate::model) family: &'a str,
    pub(in crate::model) tenant: &'a str,
    pub(in crate::model) params: &'a Params,
    pub(in crate::model) cut: Cut,
    /// The only span whose rows are wanted; `None`: those of any.
    pub(in crate::model) within: Option<Span>,
    pub(in crate::model) budget: &'a Budget,
}

impl Sum<'_> {
    /// Reads all histories. The memory that the sums hold stays taken from the budget.
    pub(in crate::model) fn build(self) -> Result<Report, Refusal> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let bounds = self.bounds(threads)?;
        thread::scope(|scope| {
            let parts: Vec<_> = bounds
                .windows(2)
                .filter_map(|part| Some((part.first()?, part.get(1)?)))
                .map(|(from, to)| scope.spawn(move || self.part(from, to)))
                .collect();
            let mut whole = self.empty();
            for part in parts {
                let part = part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                whole.merge(part);
            }
            whole.weigh();
            Ok(whole)
        })
    }

    fn empty(self) -> Report {
        match self.within {
            Some(span) => Report::within(self.params.clone(), span),
            None => Report::new(self.params.clone()),
        }
    }

    fn part(self, from: &[u8], to: &[u8]) -> Result<Report, Refusal> {
        let mut report = self.empty();
        let mut meter = self.budget.meter();
        let mut taken = 0;
        for entry in self.view.scan(self.family, keys::tenant(self.tenant), from) {
            let (key, bytes) = entry?;
            if &*key >= to {
                break;
            }
            meter.entry(bytes.len())?;
            report.add(&history(&bytes, self.cut)?);
            if report.bytes_at_most() > taken {
                taken = self.take(&mut report, taken)?;
            }
        }
        // What is left to count belongs to this answer, too.
        meter.look()?;
        Ok(report)
    }

    /// Takes memory for what a report holds and for what comes next. The fuller it is, the more at a time: to count
    /// what sets hold costs as much as they hold.
    fn take(self, report: &mut Report, taken: usize) -> Result<usize, Over> {
        let held = report.weigh();
        let wanted = held.saturating_add(CHUNK.max(held / 4));
        self.budget.grow(wanted.saturating_sub(taken))?;
        Ok(wanted.max(taken))
    }

    /// Keys that cut a tenant's tickets into so many parts. Ids begin with the time, so equal steps between the first
    /// and the last hold about as many tickets each; where they do not, the sums are the same and only slower.
    fn bounds(self, parts: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let prefix = keys::tenant(self.tenant);
        let id = |key: &[u8]| key.last_chunk().map_or(0, |id| u128::from_be_bytes(*id));
        let mut end = prefix.clone();
        end.extend_from_slice(&[0xff; 17]);
        let first = self.view.scan(self.family, prefix.clone(), &prefix).next().transpose()?;
        let last = self.view.scan_down(self.family, prefix.clone(), &end).next().transpose()?;
        let (Some((first, _)), Some((last, _))) = (first, last) else { return Ok(vec![prefix, end]) };
        let (first, last) = (id(&first), id(&last));
        let step = last.saturating_sub(first).checked_div(parts as u128).unwrap_or(0);
        let mut bounds = vec![prefix.clone()];
        bounds.extend((1..parts as u128).map(|n| {
            let mut key = prefix.clone();
            key.extend_from_slice(&first.saturating_add(step.saturating_mul(n)).to_be_bytes());
            key
        }));
        bounds.push(end);
        Ok(bounds)
    }
}
