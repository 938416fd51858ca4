//! A row of the board: counts and orders of the tickets of one group, one agent, or all.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use guichet_schemas::wire::{PriorityCounts, StatusCounts};
use guichet_schemas::words::{Priority, TicketState};

use super::Row;

/// Tickets that wait, by the places of their creation.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) by_status: StatusCounts,
    pub(crate) by_priority: PriorityCounts,
    pub(crate) unassigned: u64,
    pub(crate) reopen_held: u64,
    /// In the order in which they came.
    pub(crate) places: BTreeSet<u64>,
    /// By when they were created: imports come late.
    pub(crate) created: BTreeSet<(i64, u64)>,
    /// By when they are due, those that are.
    pub(crate) due: BTreeSet<(i64, u64)>,
    overdue: Mutex<Overdue>,
}

/// How many are due before an instant. Moves with the instants asked for, so that each ticket is passed once and
/// not counted again in every answer.
#[derive(Debug, Default)]
struct Overdue {
    until: i64,
    count: u64,
}

impl Lane {
    pub(super) fn add(&mut self, row: &Row, due_at: Option<i64>) {
        self.count(row, |count| *count += 1);
        self.places.insert(row.place);
        self.created.insert((row.created_at, row.place));
        self.move_due(row.place, None, due_at);
    }

    pub(super) fn remove(&mut self, row: &Row, due_at: Option<i64>) {
        self.count(row, |count| *count -= 1);
        self.places.remove(&row.place);
        self.created.remove(&(row.created_at, row.place));
        self.move_due(row.place, due_at, None);
    }

    /// A ticket is due at another instant than before.
    pub(super) fn move_due(&mut self, place: u64, before: Option<i64>, after: Option<i64>) {
        let overdue = self.overdue.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(due) = before {
            self.due.remove(&(due, place));
            overdue.count -= u64::from(due < overdue.until);
        }
        if let Some(due) = after {
            self.due.insert((due, place));
            overdue.count += u64::from(due < overdue.until);
        }
    }

    fn count(&mut self, row: &Row, change: impl Fn(&mut u64)) {
        match row.state() {
            Some(TicketState::New) => change(&mut self.by_status.new),
            Some(TicketState::Open) => change(&mut self.by_status.open),
            Some(TicketState::Pending) => change(&mut self.by_status.pending),
            Some(TicketState::Hold) => change(&mut self.by_status.hold),
            // Those wait only for somebody who decides whether they are reopened.
            Some(TicketState::Resolved | TicketState::Closed | TicketState::Cancelled) | None => {}
        }
        match row.priority() {
            Some(Priority::Low) => change(&mut self.by_priority.low),
            Some(Priority::Normal) => change(&mut self.by_priority.normal),
            Some(Priority::High) => change(&mut self.by_priority.high),
            Some(Priority::Urgent) => change(&mut self.by_priority.urgent),
            None => {}
        }
        if row.assignee.is_none() {
            change(&mut self.unassigned);
        }
        if row.reopen_held_at.is_some() {
            change(&mut self.reopen_held);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many are due before an instant.
    pub(crate) fn overdue(&self, now: i64) -> u64 {
        let mut overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        let between = |from: i64, to: i64| self.due.range((from, 0)..(to, 0)).count() as u64;
        if now >= overdue.until {
            overdue.count += between(overdue.until, now);
        } else {
            overdue.count -= between(now, overdue.until);
        }
        overdue.until = now;
        overdue.count
    }
}
