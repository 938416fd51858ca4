//! The worker and the query service against a real nats-server, with synthetic records and a log service
//! of the test's own in the place of an engine.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use guichet_test_support::history;

mod rig;

mod apart;
mod bounded;
mod queries;
mod queues;
mod rebuild;
mod sealed;
mod worker;
