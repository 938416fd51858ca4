//! The HTTP side against a real nats-server, with a scripted query service in the place of the read models.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says what must hold by unwrapping it, and skips aloud"
)]

mod client;
mod desk;
#[path = "../../../../tests/support/port.rs"]
mod port;
#[path = "../../../tests/over_nats/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the read models, which need more of it")]
mod server;

mod api;
mod crowd;
mod door;
mod live;
mod operators;
mod pages;
