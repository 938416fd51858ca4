//! What one does with a desk from outside, a word of the command line each: send, ask, follow, configure, check, prove.
//!
//! Each module has the arguments of its subcommand and an `async fn run` that gives the exit code; the binary only wires
//! them. How the desk is reached is in `guichet-client`; `guichet-import` brings in other histories, and
//! `guichet-history` takes this one out.
//!
//! What is absent: no log, no disk but the files that the user names, and no rule of the desk: whether a command holds is
//! decided by the engine alone.

pub mod attach;
pub mod audit;
pub mod body;
mod card;
pub mod clocks;
pub mod config;
pub mod evidence;
pub mod proof;
pub mod query;
mod rows;
pub mod send;
pub mod show;
pub mod tail;
pub mod timeline;
pub mod verify;
