//! The words of Guichet: what may be asked, what can have happened, and how both are written down.
//!
//! Text and bytes become types here, once, at the edge; nothing inside checks them again. This crate
//! does no I/O and knows no clock. Reading order: the identities, the words, commands and events,
//! the record that holds an event for ever, and the codec between all of these and bytes.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

#[macro_use]
mod vocabulary;
#[macro_use]
mod reports;

pub mod hash;
pub mod ids;
pub mod position;
pub mod text;
pub mod time;

#[macro_use]
pub mod mirror;
#[macro_use]
pub mod personal;
pub mod command;
pub mod event;
pub mod rejection;
pub mod words;

pub mod figures;
pub mod record;
pub mod subject;
pub mod verb;
pub mod view;

pub mod codec;
pub mod json;
pub mod wire;
