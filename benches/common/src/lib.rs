//! What the benches share: the work that they do, how it is driven, what it costs, and the table that they print.
#![expect(missing_docs, reason = "names of benches say it")]

pub mod cpu;
pub mod drive;
pub mod table;
pub mod workload;
