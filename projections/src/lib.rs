//! The read side: a worker folds the event stream into read models, a service answers questions about them.
//!
//! A worker reads the stream from its own checkpoint on, folds each record by a pure function, and writes
//! model and checkpoint in one batch into its own RocksDB. So the content at position p depends on the
//! events 1..p and on nothing else; rebuilt, restarted or live, it is the same to the byte. Whatever does
//! not continue the checkpoint, hash by hash, is never folded.
//!
//! Reading order: how rows are kept, what a record does to them, how records arrive, who answers.

pub mod keys;
pub mod store;

pub mod model;
pub mod projection;
mod pulse;

mod arrived;
mod heard;
mod lineage;
mod live;
mod slot;

mod fold;
mod generation_dirs;
mod status;
pub mod worker;

mod compare;
pub mod rebuild;

mod alarms;
mod ground;
pub mod queries;
mod running;
mod sight;

pub use arrived::{Arrived, Proof};
pub use ground::{Beside, Clock, Settings, Task};
pub use live::Model;
pub use projection::ReadModel;
pub use running::{Connections, Footing, Running, StartError, open, start, still};
pub use store::{Memory, Store, StoreError};

#[cfg(test)]
use guichet_test_support::history;
