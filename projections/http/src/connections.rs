//! Connections: taken in up to a bound, watched while they live, and closed when they are in the way.
//!
//! Each holds a *seat*. A newcomer for whom there is none takes that of the connection which has waited longest
//! without a request under way, so that idle ones, however many, keep nobody out; where all are at work, the newcomer
//! is told `busy`. A *warden* closes those that break a deadline.

mod answer;
mod room;
mod seat;
mod serve;
mod wire;

pub(crate) use room::Room;
pub(crate) use serve::serve;
