//! The desk over HTTP, from outside: what it answers is what NATS answers, it keeps to its own description under
//! fuzzing, and its pages work in a real browser.

mod api;
mod browser;
#[path = "../../projections/http/tests/over_nats/client.rs"]
#[expect(dead_code, reason = "shared with the tests of the crate, which need more of it")]
pub(crate) mod client;
mod crowd;
mod demo;
mod fuzz;
