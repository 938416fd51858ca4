//! What is read of a history and written of it, on made-up desks.

#[cfg(test)]
mod columns;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod told;

#[cfg(test)]
use guichet_test_support::history as past;
