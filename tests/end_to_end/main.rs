//! The whole thing from outside: real processes, a real nats-server, and no look at our internals. What these
//! tests know is the contract: subjects, JSON, wire types, exit codes and the files of a data folder.
//!
//! `truth` and `crash` need the data sets of `GUICHET_SHARED` (default: `shared` beside the workspace) and
//! `python` needs python3 with venv, `http` also Chromium, Node and npm, `examples` also Node, npm and Debian's go with
//! nats.go, `proof` Debian's go with golang.org/x/mod, `packages` root; the first time they need a network. Where one is missing its tests say so and pass; with `CI` set they
//! fail. `GUICHET_LONG=1` kills twenty times as often, `GUICHET_SEED`
//! in another order.

#[cfg(test)]
use guichet_test_support::{self as harness, desk, published};

#[cfg(test)]
mod following;
#[cfg(test)]
mod http;
#[cfg(test)]
mod import;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod knowledge;

#[cfg(test)]
mod truth;

#[cfg(test)]
mod attachments;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod config;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod export;
#[cfg(test)]
mod moderation;
#[cfg(test)]
mod notebook;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod packages;
#[cfg(test)]
mod people;
#[cfg(test)]
mod procedures;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod python;
#[cfg(test)]
mod rebuild;
#[cfg(test)]
mod relations;
#[cfg(test)]
mod replayed;
#[cfg(test)]
mod reveal;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod sla;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod told;
#[cfg(test)]
mod verbs;
mod work;
