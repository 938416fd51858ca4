//! The figures of a help desk, as pure functions of the histories of its tickets.
//!
//! Every figure is a sum over tickets: what one ticket adds depends on its own history and on nothing else. So a
//! report is kept up to date by taking away what a ticket added and adding it again, tickets may be read in any
//! order, and a look back cuts each history where it must: as of a position, an instant, or both, by the same code.
//!
//! Formulas are those of the table "KPI definitions" in the project's domain page; each report names its own.
//!
//! Reading order: what is kept of an event, a ticket's life, periods and parts, then one file per report.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod history;
mod moment;

mod life;

mod durations;
mod part;
mod periods;

mod attainment;
mod kept;
mod report;
mod reports;

pub use attainment::{ROWS_WITH_GOALS_MAX, attainment, has_goals};
pub use history::{Cut, Damaged, History};
pub use kept::{Change, Kept, Key};
pub use moment::{By, by, distill, encode, may_count, moments};
pub use periods::{Span, SpanError};
pub use report::{BusinessHours, Defined, Kind, Look, Params, Report};
pub use reports::Window;
