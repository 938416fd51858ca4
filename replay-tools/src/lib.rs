//! (in work)
pub mod exit;
pub mod which;
pub mod client;
pub mod import;
