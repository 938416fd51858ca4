//! The SLA clocks of a ticket: what runs, what is due, what was broken. Pure: no wall clock, no disk, no network.
//!
//! [`Ticket`] folds what happens to a ticket, at the instants at which it occurred, into [`Fact`]s. Before anything
//! that happens at an instant, the timers of all instants before it are run ([`Ticket::advance`]), so it does not
//! matter when somebody looks: a breach that nobody was awake for has its due instant all the same. What happens at
//! the very instant of a timer comes first: an answer exactly when it is due is in time.
//!
//! Policies and time rules are those of `guichet_config`. Reading top to bottom: [`Rulebook`] (policies, calendars and
//! time rules as they stand), a clock and its accounts, the ticket.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod clock;
mod fact;
mod instant;
mod metric_number;
mod record;
mod recorded;
mod rulebook;
mod ticket;
mod time_rule;
mod timer_name;
mod view;

pub use fact::{AlarmKey, Fact, Kind, Outcome, order};
pub use recorded::Recorded;
pub use rulebook::Rulebook;
pub use ticket::{Happening, Ticket};
pub use timer_name::TimerName;
pub use view::{ClockView, Run, Standing};
