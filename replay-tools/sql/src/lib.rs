//! `guichet sql`: the history as tables. Questions are answered by DataFusion, which only a build with the feature
//! `datafusion` has; every other build says how to get it.
//!
//! Reading order: what is asked (`args`) and of which history (`past`); rows as Arrow (`batches`); the tables
//! (`events`, `folded`, `reports`, `lake`) and what is known of rows before they are read (`bounds`, `order`); how a
//! question is answered (`ask`) and how the answer is written (`print`).
//!
//! What is absent: no table can be written, and no file is read but the history that was named.

pub mod args;
mod error;

#[cfg(feature = "datafusion")]
mod ask;
#[cfg(feature = "datafusion")]
mod batches;
#[cfg(feature = "datafusion")]
mod bounds;
#[cfg(feature = "datafusion")]
mod events;
#[cfg(feature = "datafusion")]
mod figures;
#[cfg(feature = "datafusion")]
mod folded;
#[cfg(feature = "datafusion")]
mod lake;
#[cfg(feature = "datafusion")]
mod order;
#[cfg(feature = "datafusion")]
mod past;
#[cfg(feature = "datafusion")]
mod print;
#[cfg(feature = "datafusion")]
mod reports;

pub use error::SqlError;

#[cfg(feature = "datafusion")]
pub use ask::{Answer, ask, run};
#[cfg(feature = "datafusion")]
pub use past::Past;
#[cfg(feature = "datafusion")]
pub use reports::{ReportColumn, columns as report_columns};
