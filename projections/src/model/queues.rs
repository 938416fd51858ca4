//! The read model "queues": who waits where, how much of what, and what to take next.
//!
//! A row per ticket lies in the store, also of those that are done, because they may reopen. What the answers
//! need of those that wait is kept in memory, in order: the `Board`. It is made from the rows at the start.

mod answers;
mod board;
mod fold;
mod lane;
mod row;
mod score;

use crate::keys;
use crate::projection::ReadModel;
use crate::store::Family;

pub(crate) use board::{Board, TenantBoard, Waiting};
pub(crate) use lane::Lane;
pub(crate) use row::{Row, Subject};
pub(crate) use score::{points, score};

/// The queue board.
pub static QUEUES: ReadModel = ReadModel {
    name: "queues",
    version: 3,
    families: &[Family::points(keys::QUEUE_ROWS), Family::points(keys::SUBJECTS)],
    answers: &["queues", "queue"],
    in_memory: true,
    open: fold::open,
};

#[cfg(test)]
#[path = "queues_tests.rs"]
mod tests;
