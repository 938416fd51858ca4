//! The read model "ticket": what a record does to a row, and how it reads to a person. Pure.

pub mod sentence;
pub mod ticket;
pub mod timeline;

/// Name of the projection.
pub const NAME: &str = "ticket";
/// Version of the fold. One more whenever the same events give another row; a folder of another version is
/// rebuilt.
pub const VERSION: u32 = 1;
