//! What the benches share: the work that they do, how it is driven, what it costs, and the table that they print.

pub mod cpu;
pub mod drive;
pub mod log;
pub mod table;
pub mod workload;
