//! What the rules know of merges: where a ticket went, how many came, and where in its history stands what was said.

use guichet_schemas::command::limits;
use guichet_schemas::ids::{TicketId, TicketNumber};
use serde::{Deserialize, Serialize};

use super::{Phase, Ticket};

/// The ticket at the other end of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The ticket that goes on.
    pub into: TicketId,
    /// Its number.
    pub number: TicketNumber,
}

/// Where the comments of a ticket stand in its history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// How many there are.
    pub comments: u32,
    /// Versions of their events, oldest first; none beyond what one command copies.
    pub versions: Vec<u64>,
}

impl Said {
    /// Notes the event of a version.
    pub(crate) fn note(&mut self, version: u64) {
        self.comments = self.comments.saturating_add(1);
        if self.versions.len() < limits::COPIED_COMMENTS {
            self.versions.push(version);
        }
    }

    /// What a merge of the ticket copies: the comments, and its first words.
    pub(crate) const fn to_copy(&self) -> u32 {
        self.comments.saturating_add(1)
    }
}

impl Ticket {
    /// Where it went; `None`: it is a ticket of its own. One that was opened again is, too.
    #[must_use]
    pub fn merged(&self) -> Option<Merged> {
        self.merged_into.filter(|_| self.phase == Phase::Closed)
    }
}
