//! Starts, stops and kills the real programs, each on free ports and in a folder of its own. Whatever a test
//! starts has ended when the test has, also after a panic and also when the tests themselves are killed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says what must hold by unwrapping it, and what is left out aloud; names say the rest"
)]

pub mod corpus;
pub mod damage;
pub mod desk;
pub mod history;
pub mod http_client;
pub mod mutate;
pub mod published;

mod nats;
mod needs;
mod port;
mod process;
mod roles;
mod tools;
mod wait;

pub use nats::Nats;
pub use needs::{long, project, seed, shared};
pub use process::Process;
pub use roles::{HALTED, Serve, Settings, Trio, UNREACHABLE, clocks, engine, guichet, worker};
pub use tools::{browser, go, newer_python, node_modules, python};
pub use wait::until;
