//! The desk over HTTP, from outside: what it answers is what NATS answers, it keeps to its own description under
//! fuzzing, and its pages work in a real browser.

mod api;
mod browser;
mod crowd;
mod demo;
mod fuzz;

pub(crate) use guichet_test_support::http_client as client;
