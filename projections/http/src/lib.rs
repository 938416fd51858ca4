//! The read side for people and for HTTP: an API, a live stream of positions, metrics, and the pages of the desk.
//!
//! Nothing is known here that the query service does not answer: every request becomes a query over NATS, so this
//! role runs beside the read models or far from them. It writes nothing and holds no state but who is connected.
//! Reading order: how much may come in and who, how a question is asked, the API and its description, what is live, the pages.

mod bounds;
mod connections;
mod shares;
mod source;

mod access;
mod host;
mod token;
mod turns;

mod ask;
mod refusal;

mod api;
mod openapi;
mod routes;

mod live;

mod packed;

mod health;
mod looks;
mod meters;
mod scrape;

mod pages;

mod headers;
mod server;
mod shared;

pub use bounds::Bounds;
pub use meters::prepare as count_from_now;
pub use pages::handover;
pub use server::{Running, Settings, StartError, start};
pub use token::Token;
