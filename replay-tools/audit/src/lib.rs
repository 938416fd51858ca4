//! What an auditor does with a log: judge its records, and write down what was found, what was looked at and what could
//! not be checked.
//!
//! Reading order: what is found ([`Finding`]); records that can be judged without those before them ([`Section`]), the
//! log as a whole ([`Whole`]); the checks that need to know what the records say ([`Auditor`]) and the [`Report`].
//!
//! What is absent: everything that could write. This crate knows no database, no network and no command; a [`Source`]
//! hands out records and tiles and takes nothing. `tests/tidy/edges.rs` holds that.

mod findings;
mod links;
mod section;
mod whole;

mod auditor;
mod configured;
mod page;
mod permitted;
mod report;

pub use auditor::{Auditor, audit_source};
pub use findings::{Check, Finding, Findings};
pub use report::{About, Checked, Counted, Outcome, Report};
pub use section::{Filled, Section};
pub use whole::{Claim, Source, Unread, Whole, audit};
