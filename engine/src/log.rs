//! The truth: an append-only log of records in RocksDB, with what is derived from it.
//!
//! Two plain threads write it: the `decider` drains a bounded queue, decides and stages; the `committer`
//! writes a batch with one fsync, lets the answers go, then writes the derived rows without a log of their own.

pub mod keys;
pub mod options;
pub mod reader;
pub mod recovery;
pub mod store;
pub mod tree;

mod batch;
mod committer;
mod decider;
mod derived;
mod desk;
mod fence;
mod outcome;
mod stage;
mod tickets;

pub use desk::{Desk, Responder};
pub use options::Memory;
pub use reader::LogReader;
pub use recovery::{Head, Log, OpenError};
pub use store::{Store, StoreFault};
pub use tree::TreeReader;
