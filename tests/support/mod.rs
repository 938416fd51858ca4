//! Starts, stops and kills the real programs, each on free ports and in a folder of its own. Whatever a test
//! starts has ended when the test has, also after a panic and also when the tests themselves are killed.

mod nats;
mod needs;
mod port;
mod process;
mod roles;
mod tools;
mod wait;

pub(crate) use nats::Nats;
pub(crate) use needs::{long, project, seed, shared};
pub(crate) use process::Process;
pub(crate) use roles::{HALTED, Serve, Settings, Trio, UNREACHABLE, clocks, engine, guichet, worker};
pub(crate) use tools::{browser, go, newer_python, node_modules, python};
pub(crate) use wait::until;
