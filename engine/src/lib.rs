//! The engine: takes commands, decides them, makes them durable, publishes them.
//!
//! The road of a command: [`intake`] reads it from NATS and checks it; the `decider` thread of [`log`] loads the
//! ticket, runs the pure rules and stages the events; the `committer` thread writes the batch with one fsync and
//! only then lets the answers go; [`publish`] sends the stored bytes to JetStream in order. Whatever else the log
//! keeps (indexes, snapshots) is a function of the events and can be rebuilt from them.

pub mod attachments;
pub mod backup;
pub mod clock;
pub mod halt;
pub mod log;
pub mod notary;
pub mod protection;

pub mod attachment_service;
pub mod intake;
pub mod key_service;
pub mod log_service;
pub mod publish;
pub mod tile_service;

mod running;

pub use running::{Connections, Engine, Healer, Settings, StartError, start};
