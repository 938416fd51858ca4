//! How much may come in at the same time. Every bound has a metric that shows it and one that counts its refusals.

use std::net::IpAddr;
use std::time::Duration;

/// Bounds in numbers of connections and streams. See OPERATIONS for how they are chosen.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Connections that are open at the same time; each costs a descriptor.
    pub connections: usize,
    /// Of these, from one address.
    pub connections_per_source: usize,
    /// Streams of live positions that are open at the same time; each holds a connection.
    pub live: usize,
    /// Of these, from one address.
    pub live_per_source: usize,
    /// Reverse proxies: a connection from such an address is bounded by the total alone, and whoever stands last in
    /// `X-Forwarded-For` is the source of a request.
    pub proxies: Vec<IpAddr>,
}

impl Bounds {
    /// Connections where nothing is said.
    pub const CONNECTIONS: usize = 1_024;

    /// So many connections; half of them for one source, half of them for live streams.
    #[must_use]
    pub const fn within(connections: usize) -> Self {
        let half = at_least_one(connections / 2);
        let quarter = at_least_one(half / 2);
        Self {
            connections: at_least_one(connections),
            connections_per_source: half,
            live: half,
            live_per_source: quarter,
            proxies: Vec::new(),
        }
    }
}

const fn at_least_one(n: usize) -> usize {
    if n == 0 { 1 } else { n }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::within(Self::CONNECTIONS)
    }
}

/// Requests that are answered at the same time, waiting streams of live positions apart.
pub(crate) const REQUESTS: usize = 64;
/// Of these, of one source: others come in between.
pub(crate) const REQUESTS_PER_SOURCE: usize = 16;
/// How long a request waits for its turn before it is told to come back.
pub(crate) const TURN_WITHIN: Duration = Duration::from_secs(5);

/// How long the lines of a request may take from their first byte on, and how long a new connection may say nothing.
pub(crate) const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may say nothing between two requests.
pub(crate) const IDLE_FOR: Duration = Duration::from_secs(30);
/// How long an answer may wait for a reader that takes none of it; what the reader does take buys more time.
pub(crate) const STUCK_FOR: Duration = Duration::from_secs(30);
/// The slowest that a reader may be, in bytes a second.
pub(crate) const READS_AT_LEAST: u64 = 16 * 1024;

/// Bytes of the lines of a request.
pub(crate) const HEAD_BYTES: usize = 32 * 1024;
/// Lines of the head of a request.
pub(crate) const HEAD_LINES: usize = 64;
/// No request of ours has a body; what some clients send all the same is small.
pub(crate) const BODY_BYTES: usize = 1_024;
