//! The SLA clocks of a ticket: what runs, what is due, what was broken. Pure: no wall clock, no disk, no network.
//!
//! [`Ticket`] folds what happens to a ticket, at the instants at which it occurred, into [`Fact`]s. Before anything
//! that happens at an instant, the timers of all instants before it are run ([`Ticket::advance`]), so it does not
//! matter when somebody looks: a breach that nobody was awake for has its due instant all the same. What happens at
//! the very instant of a timer comes first: an answer exactly when it is due is in time.
//!
//! Reading top to bottom: [`Policy`] with its [`Target`]s, [`Rulebook`] (policies, calendars and time rules as they
//! stand), a clock and its accounts, the ticket.

mod clock;
mod fact;
mod metric;
mod policy;
mod rulebook;
mod ticket;
mod time_rule;

pub use fact::{Fact, Kind, Outcome, order};
pub use metric::{Metric, TimerName};
pub use policy::{Attributes, HoursKind, OnReopen, OnTargetChange, Policy, PolicySet, Target, Values};
pub use rulebook::{Apply, Rulebook};
pub use ticket::{Happening, Ticket};
pub use time_rule::TimeRule;
