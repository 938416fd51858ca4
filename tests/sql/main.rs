//! `guichet sql` as a person runs it: against the truth of the real data sets, against the built-in reports, and the same
//! from wherever the history lies. Only in a build with the feature `sql`.
//!
//! `weeks` and `recipes` need the data sets of `GUICHET_SHARED` and python3 with venv; where one is missing they say so and
//! pass, and with `CI` set they fail.

#[cfg(test)]
use guichet_test_support as harness;

#[cfg(test)]
#[path = "../end_to_end/import.rs"]
mod import;

#[cfg(test)]
mod asked;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod weeks;
