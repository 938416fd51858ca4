//! How far a rebuild is.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was asked for since the process started.
    #[default]
    Idle,
    /// Records are folded into the next generation.
    Building,
    /// The two are compared.
    Comparing,
    /// The next takes over.
    Swapping,
    /// Done: see what it says.
    Done,
    /// Could not be done.
    Failed,
}

/// The progress of a rebuild, and its result.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Progress {
    pub phase: Phase,
    /// Position of the next generation.
    pub position: u64,
    pub target: u64,
    /// Rows compared; `None` where the two could not be compared.
    pub rows: Option<u64>,
    /// Rows that are not the same.
    pub differing: u64,
    /// The first of them.
    pub differences: Vec<String>,
    /// Hash of the rebuilt content at the position of the comparison.
    pub content_hash: Option<String>,
    /// The rebuilt one is live now.
    pub swapped: bool,
    /// Why it failed, or why the two were not compared.
    pub note: Option<String>,
}
