//! The read model "sla": the clocks of each ticket, what of them others must know, and the figures of promises kept
//! and broken.
//!
//! The row of a ticket stands where its last event left it. What time has done since is worked out by whoever asks,
//! from the row and from what was published; so a publication that re-dates a million clocks changes no row. It only
//! moves alarms: the order in which tickets must be looked at by the wall clock. Those are drawn from the rows, ticket
//! by ticket, in steps between the batches.

mod answers;
pub(crate) mod books;
mod dues;
mod fold;
mod row;

use crate::keys;
use crate::projection::ReadModel;
use crate::store::{Family, Merge};

pub(crate) use answers::{RUNS_OF_TICKET_MAX, Runs, clocks};
pub(crate) use books::BooksCache;
pub(crate) use row::{Alarm, Row};

/// Clocks, alarms and broken promises.
pub static SLA: ReadModel = ReadModel {
    name: "sla",
    version: 7,
    families: &[
        Family::points(keys::SLA_TICKETS),
        Family::ranges(keys::SLA_HISTORIES).merged(Merge::APPEND),
        Family::ranges(keys::SLA_BREACHES),
        Family::ranges(keys::SLA_CONFIG),
        Family::points(keys::NUMBERS),
        Family::ranges(keys::SLA_ALARMS).derived(),
        Family::ranges(keys::SLA_DUE).derived(),
        Family::points(keys::SLA_ARMED).derived(),
        Family::ranges(keys::SLA_SWEEP).derived(),
        Family::ranges(keys::SLA_PLANS).derived(),
    ],
    answers: &["sla_clocks", "sla_breaches", "report_sla"],
    in_memory: false,
    open: fold::open,
};

#[cfg(test)]
#[path = "sla_tests.rs"]
mod tests;
