//! (in work)
pub mod import;
