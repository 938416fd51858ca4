//! The HTTP side against a real nats-server, with a scripted query service in the place of the read models.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use guichet_test_support::http_client as client;

mod desk;

mod api;
mod crowd;
mod door;
mod live;
mod operators;
mod pages;
