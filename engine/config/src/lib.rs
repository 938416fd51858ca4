//! What a desk configures: shapes, rules, history. Pure: no clock, no disk, no network.
//!
//! Each publication is a fact in the log. [`Configuration`] takes them in order and answers what was in force at an
//! instant; it refuses nothing. What may be published is said by [`Configuration::check`], what is legal but unwise by
//! [`lint`]. The engine decides by it, the SLA fold counts by it, an auditor reads the same.
//!
//! Reading top to bottom: words and kinds, policies and time rules, bodies, the history.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod fault;
mod filter;
mod holidays;
mod kind;
mod word;

mod policy;
mod time_rule;

pub mod body;
mod canonical;
mod check;
mod configuration;
mod diff;
pub mod drafts;
mod in_force;
mod item;
mod lint;
mod publish;
mod templates;
mod toml_file;

pub use canonical::canonical;
pub use check::Checked;
pub use configuration::{Configuration, Publication};
pub use diff::{Change, What, diff};
pub use fault::Fault;
pub use filter::{EVENTS, Fact, Facts, Field, Filter};
pub use guichet_rules::Action;
pub use guichet_schemas::words::{Apply, SlaMetric};
pub use holidays::{TABLES, holidays_fr, holidays_fr_alsace_moselle, holidays_ical};
pub use in_force::InForce;
pub use kind::{Kind, THE_ONE};
pub use lint::{STALE_MS, lint};
pub use policy::{
    ATTRIBUTES, Attributes, HoursKind, OnReopen, OnTargetChange, Policy, PolicySet, Promise, SECONDS_MAX,
    Target, Values, matches, promise,
};
pub use templates::{TEMPLATES, Template, template};
pub use time_rule::{TimeRule, When};
pub use toml_file::{Draft, read_toml, read_toml_with};
pub use word::{Listed, Word};
