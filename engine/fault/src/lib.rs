//! What a fault of a database says about the data.
//!
//! Three kinds of databases (log, key store, read models) are opened by three crates, and each must know the same thing
//! before it repairs or rebuilds anything: are the files damaged, or did the system refuse? [`FaultKind::of`] answers
//! that for RocksDB's own errors, and is the only place that does. [`Cause`] keeps an error as it came, beside what we
//! find out ourselves. [`files`] looks at a folder without RocksDB.
//!
//! Opens no database, and writes nothing.

mod cause;
pub mod files;
mod kind;

pub use cause::{Cause, Source};
pub use kind::FaultKind;
