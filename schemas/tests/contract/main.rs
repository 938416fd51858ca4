//! Proves the vocabulary: its golden bytes, its published schemas, its limits, and that no input makes it panic.
//!
//! `UPDATE_GOLDEN=1 cargo test -p guichet-schemas` rewrites `schemas/contract/` and what `schemas/golden/RELEASED` does not list.

#[cfg(test)]
mod descriptors;
#[cfg(test)]
mod files;
#[cfg(test)]
mod samples;

#[cfg(test)]
mod golden;

#[cfg(test)]
mod asyncapi;
#[cfg(test)]
mod published;
#[cfg(test)]
mod ranges;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod verbs;

#[cfg(test)]
mod buf;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod contract_examples;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod field_names;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod personal;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod times;
#[cfg(test)]
mod unknown_fields;
