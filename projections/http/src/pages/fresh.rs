//! How fresh a tile is, in words: "as of position 42, up to date".

use super::form;
use super::frame::Behind;
use super::text::{Text, fill};

/// The line under a tile.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) position: u64,
    pub(super) as_of: String,
    pub(super) behind: String,
    pub(super) is_behind: bool,
}

impl Fresh {
    pub(super) fn new(t: &Text, behind: Behind) -> Self {
        let is_behind = behind.events > 0;
        Self {
            position: behind.at,
            as_of: fill(t.as_of_position, &[&form::count(t, behind.at)]),
            behind: if is_behind {
                fill(t.behind, &[&form::count(t, behind.events)])
            } else {
                t.up_to_date.to_owned()
            },
            is_behind,
        }
    }
}
