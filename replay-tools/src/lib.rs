//! Everything that one does with a running desk from outside: send, ask, follow, read a history, bring in
//! another one.
//!
//! Reading order: how a person is spoken to ([`output`], [`exit`]), how the desk is reached ([`client`]), then
//! one module per word of the command line. Each of these has the arguments of its subcommand and an
//! `async fn run` that gives the exit code; the binary only wires them. [`import`] brings in the exports of
//! other systems, [`seed`] makes up the history of the demo.
//!
//! What is absent: no log, no disk but the files that the user names, and no rule of the desk: whether a
//! command holds is decided by the engine alone.

pub mod exit;
pub mod golden;
pub mod output;
pub mod show;

pub mod client;
pub mod which;

pub mod body;
mod card;
pub mod clocks;
pub mod config;
pub mod query;
mod rows;
pub mod send;
pub mod tail;
pub mod timeline;

pub mod audit;
pub mod evidence;
pub mod proof;
pub mod verify;

pub mod import;
pub mod seed;
