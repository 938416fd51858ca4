//! The truth: an append-only log of records in RocksDB, with what is derived from it.
//!
//! Plain threads write it: the `decider` drains a bounded queue, decides, seals and stages; the `key writer` makes
//! new keys durable before the records that use them; the `committer` writes a batch with one fsync, lets the answers
//! go, then writes the derived rows without a log of their own.

pub mod disk;
pub mod keys;
pub mod options;
pub mod reader;
pub mod recovery;
pub mod store;
pub mod tree;

mod batch;
mod begin;
mod committer;
mod copy;
mod decider;
mod derived;
mod derived_tail;
mod epoch;
mod fence;
mod head;
mod head_note;
mod identity;
mod inlet;
mod key_check;
mod key_recovery;
mod key_store;
mod key_writer;
mod live;
mod open_error;
mod outcome;
mod repair;
mod restore;
mod salvage;
mod sealer;
mod shelf;
mod stage;
mod steps;
mod stopped;
mod tail;
mod tickets;
mod told;
mod wal;
mod writer;

pub use copy::{Copied, CopyError, EventCopy, NoCopy};
pub use disk::Disk;
pub use head::Head;
pub use identity::authorship;
pub use inlet::{CommandInlet, Responder};
pub use key_store::KeyShelf;
pub use live::LiveLog;
pub use open_error::{GivenUp, Lost, OpenError};
pub use options::Memory;
pub use reader::LogReader;
pub(crate) use recovery::mark_damaged;
pub use recovery::{Log, Terms};
pub use restore::{Answer, Backup, restore};
pub use steps::{Beginning, Step, Steps};
pub use stopped::StoppedLog;
pub use store::{Store, StoreFault};
pub use tree::TreeReader;
