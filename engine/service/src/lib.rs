//! A NATS micro service (ADR-32) that answers to inboxes and nowhere else.
//!
//! Whoever may ask a service chooses the subject of the answer. Were it one of our own events, or an order to
//! JetStream, our answer would be a foreign message in our stream, or the end of it. So neither [discovery] nor an
//! [`Endpoint`] answers where [`is_reply`](guichet_schemas::subject::is_reply) does not hold; the service of the
//! client library has no such check, which is why this one exists.
//!
//! What outsiders ask for is done under [`caught`]: a panic there is an answer.
//!
//! [discovery]: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md

mod askers;
mod bounded;
mod caught;
mod discovery;
mod endpoint;
mod figures;
mod places;
mod service;
mod turns;

pub use askers::{Askers, CONNECTIONS};
pub use bounded::{Bounds, No, RETRY_AFTER_HEADER, RETRY_AFTER_MS, serve, serve_messages};
pub use caught::{INTERNAL_ERRORS, caught, withhold_panic_messages};
pub use endpoint::{Endpoint, Request};
pub use places::{FEW, Full, Place, Places, Room};
pub use service::{About, Metadata, Service};
pub use turns::{Slots, Turn, Turns};
