//! The exit codes of the contract.

pub const DONE: u8 = 0;
/// Refused by the desk, or a finding.
pub const REFUSED: u8 = 1;
/// Wrong usage.
pub const USAGE: u8 = 2;
/// Could not reach.
pub const UNREACHABLE: u8 = 3;
/// Halted to protect data.
pub const HALTED: u8 = 4;
