//! What is read of a history and written of it, on made-up desks.

#[cfg(test)]
mod columns;
#[cfg(test)]
mod exports;
#[cfg(test)]
#[expect(dead_code, reason = "the read models use more of it")]
#[path = "../../../../projections/tests/support/history.rs"]
mod past;
