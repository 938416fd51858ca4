//! The history opened: every event of a desk, and what its tickets were, for people who did not write it.
//!
//! Reading order: where records come from ([`source`]) and which of them are wanted ([`reader`], [`filter`]); the tables
//! and their columns ([`table`]), what a row of each is ([`rows`], [`life`]); the forms in which they are written
//! ([`write`](mod@write)), the folder that grows with the desk ([`lake`]), the documents of process mining
//! ([`mining`]), and the commands ([`export`], [`replay`]), with what they may write of persons ([`reveal`]); what a ticket is ([`picture`]) and how it became that
//! ([`story`]), with the commands that tell it ([`explain`], [`diff`]), and what a version of the configuration changed
//! ([`blame`]).
//!
//! What is absent: no database and no log of its own. A source hands over the bytes as they were recorded, and nothing
//! is written but the files that were asked for.

pub mod source;

pub mod filter;
pub mod reader;

pub mod life;
pub mod rows;
pub mod table;

pub mod lake;
pub mod mining;
pub mod write;

pub mod export;
pub mod replay;
pub mod reveal;

pub mod blame;
pub mod diff;
pub mod explain;
pub mod picture;
pub mod story;

mod error;

pub use error::HistoryError;
