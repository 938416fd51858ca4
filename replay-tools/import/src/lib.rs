//! Brings in the ticket histories of other systems. A mapping file says what the columns of an export
//! mean; the export is read as a stream, each ticket becomes the facts of its history, and the facts go
//! to the engine as `import` commands that can be sent again without harm.
//!
//! The road of a row: [`open`] unpacks and decodes the file, splits it into rows, joins those of several files,
//! leaves out the unusable ones, puts the rows of a ticket together, makes of each change the ticket after it, turns the
//! rows into facts and cuts these into commands; [`send`] brings the commands to the engine. Memory holds one ticket and
//! one window of commands, whatever the size of the file, and whatever it unpacks to: see `bounds`.
//!
//! What is absent: no silent guess. Order, zone and the meaning of a state come from the mapping alone, never
//! from the look of the values; an encoding or a delimiter that is found out is said.
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, reason = "every number here comes from a stranger's file")
)]

mod balance;
mod bounds;
mod error;
mod grammar;
mod mapping;
mod words;

mod dates;
mod month_names;

mod archive;
mod encoding;
mod input;
mod pieces;

mod csv_records;
mod csv_rows;
mod csv_split;
mod event_rows;
mod json_paths;
mod json_record;
mod json_records;
mod json_rows;
mod ocel_rows;
mod row;
mod rows;
mod xes_rows;

mod begun;
mod changes;
mod files;
mod filter;
mod joined;
mod rejects;
mod sort;
mod tickets;
mod usable;

mod classify;
mod history;
mod lifecycle;
mod limits;
mod milestones;
mod names;
mod parts;
mod people;
mod reader;
mod recorded;

mod deliver;
mod explain;
mod follow;
mod infer;
mod send;

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod changed;
#[cfg(test)]
mod damaged;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod followed;
#[cfg(test)]
mod inferred;
#[cfg(test)]
mod listed;
#[cfg(test)]
mod nasty;
#[cfg(test)]
mod over_nats;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod several;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod shipped;

pub use balance::{Balance, Reason};
pub use error::{ImportError, MappingError};
pub use explain::{Explanation, Which, explain};
pub use follow::{Folder, Growing, Part};
pub use infer::{Proposal, infer};
pub use mapping::{Mapping, SHIPPED, UNNAMED};
pub use pieces::Export;
pub use reader::{Progress, Reader, open};
pub use send::{SendOptions, Summary, command_id, send};
