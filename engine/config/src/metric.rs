//! What is measured.

use guichet_schemas::words::TicketState;
use serde::{Deserialize, Serialize};

/// What a clock measures, in the order in which facts of one instant are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Until the first public answer of a person.
    FirstReply,
    /// Until the answer to the oldest comment of the requester that has none.
    NextReply,
    /// Until somebody has the ticket.
    Assignment,
    /// Between public comments of agents.
    PeriodicUpdate,
    /// The same, but not while the requester is waited for.
    PausableUpdate,
    /// How long the requester waits for the desk.
    RequesterWait,
    /// How long the agents work.
    AgentWork,
    /// Until it is resolved.
    Resolution,
    /// In one tier.
    TierTime,
}

impl Metric {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::FirstReply,
        Self::NextReply,
        Self::Assignment,
        Self::PeriodicUpdate,
        Self::PausableUpdate,
        Self::RequesterWait,
        Self::AgentWork,
        Self::Resolution,
        Self::TierTime,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstReply => "first_reply",
            Self::NextReply => "next_reply",
            Self::Assignment => "assignment",
            Self::PeriodicUpdate => "periodic_update",
            Self::PausableUpdate => "pausable_update",
            Self::RequesterWait => "requester_wait",
            Self::AgentWork => "agent_work",
            Self::Resolution => "resolution",
            Self::TierTime => "tier_time",
        }
    }

    /// States in which the clock stands still unless its target names others.
    #[must_use]
    pub const fn pauses_in(self) -> &'static [TicketState] {
        match self {
            Self::RequesterWait | Self::PausableUpdate => &[TicketState::Pending],
            Self::AgentWork => &[TicketState::Pending, TicketState::Hold],
            Self::FirstReply
            | Self::NextReply
            | Self::Assignment
            | Self::PeriodicUpdate
            | Self::Resolution
            | Self::TierTime => &[],
        }
    }
}
