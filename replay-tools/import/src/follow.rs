//! What is new in an export that goes on: a file of JSON lines that grows, or a folder into which exports come.
//!
//! Nothing is remembered beyond the process. Whatever was imported before is recognised by the engine, as when the same
//! export is imported twice; a restart therefore reads all of it once more, and doubles nothing.

mod folder;
mod growing;

pub use folder::Folder;
pub use growing::{Growing, Part};
