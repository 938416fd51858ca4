//! Every way to say no. A rejection is an answer to a person, not a fault of ours.

use crate::ids::{EventId, TicketId, TicketNumber};
use crate::position::{LogPosition, StreamVersion};
use crate::time::Timestamp;
use crate::words::{LinkKind, TicketState};

/// A field breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, such as `requester.id` or `tags[3]`; empty while the error travels outwards.
    pub field: String,
    /// The rule, as it continues the sentence "field …".
    pub rule: String,
}

impl FieldError {
    /// A broken rule, field still unnamed.
    pub fn rule(rule: impl Into<String>) -> Self {
        Self { field: String::new(), rule: rule.into() }
    }

    /// A broken rule of a field.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }

    /// Seen from the message around it.
    #[must_use]
    pub fn in_field(mut self, name: &str) -> Self {
        let name = name.trim_start_matches("r#");
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{name}{dot}{}", self.field);
        self
    }

    /// Seen from the list around it.
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("[{index}]{dot}{}", self.field);
        self
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

impl std::error::Error for FieldError {}

/// An event, as a reply names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef {
    /// The event.
    pub event_id: EventId,
    /// Its type.
    pub type_name: String,
    /// Place in its ticket.
    pub version: StreamVersion,
    /// Place in the log.
    pub position: LogPosition,
}

/// Why not. The variants are the error codes of the contract that can occur in this build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Not JSON or protobuf, or of the wrong shape.
    #[error("{0}")]
    Malformed(String),
    /// The subject breaks the grammar, or names nothing we know.
    #[error("{0}")]
    BadSubject(String),
    /// A field breaks a rule.
    #[error("{0}")]
    ValidationFailed(FieldError),
    /// Absent, or another tenant's: the same answer.
    #[error("{what} does not exist")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// Another command came first.
    #[error("the ticket is at version {actual}, the command expected {expected}")]
    VersionConflict {
        /// What the command expected.
        expected: u64,
        /// What is.
        actual: u64,
        /// The last 20 events in between.
        missed: Vec<EventRef>,
        /// How many there are.
        missed_count: u64,
    },
    /// The ticket is closed or cancelled.
    #[error("ticket {number} is {state}; a {state} ticket does not take {verb}")]
    TerminalState {
        /// The ticket.
        number: TicketNumber,
        /// Its state.
        state: TicketState,
        /// What was asked.
        verb: &'static str,
    },
    /// It went into another ticket, and takes nothing more.
    #[error(
        "ticket {number} went into {into_number} by a merge and does not take {verb}; send it to {into_number}"
    )]
    MergedAway {
        /// The ticket.
        number: TicketNumber,
        /// The ticket that goes on.
        into: TicketId,
        /// Its number.
        into_number: TicketNumber,
        /// What was asked.
        verb: &'static str,
    },
    /// A ticket that is to go into another one went into a third.
    #[error(
        "ticket {number} went into {into_number} by a merge; merge {into_number} instead, if that is the same too"
    )]
    AlreadyMerged {
        /// The ticket.
        number: TicketNumber,
        /// The ticket that it went into.
        into: TicketId,
        /// Its number.
        into_number: TicketNumber,
    },
    /// The state does not allow it.
    #[error("ticket {number} is {state}; {verb} is not possible from there")]
    InvalidTransition {
        /// The ticket.
        number: TicketNumber,
        /// Its state.
        state: TicketState,
        /// What was asked.
        verb: &'static str,
    },
    /// A guard of the desk forbids it.
    #[error("{message}")]
    GuardFailed {
        /// Name of the guard.
        guard: &'static str,
        /// What it wants.
        message: String,
    },
    /// Somebody else works on it alone.
    #[error("ticket {number} is claimed by {by} until {until}; wait, or ask a supervisor to take the claim")]
    ClaimHeld {
        /// The ticket.
        number: TicketNumber,
        /// Who holds it.
        by: String,
        /// Until when.
        until: Timestamp,
    },
    /// Another ticket has this external reference.
    #[error("external_ref is taken by another ticket")]
    Duplicate {
        /// That ticket.
        of: TicketId,
    },
    /// The tickets are tied the other way round.
    #[error("{other} is tied to {number} as {kind} already; both cannot be")]
    CycleDetected {
        /// The ticket.
        number: TicketNumber,
        /// The other.
        other: TicketNumber,
        /// How.
        kind: LinkKind,
    },
    /// The finding was made under a configuration that holds no longer.
    #[error("the configuration is at version {actual}, the command was made under version {based_on}")]
    ConfigStale {
        /// What the command knew.
        based_on: u64,
        /// What is.
        actual: u64,
    },
    /// The configuration cannot hold.
    #[error("{path}: {rule}")]
    ConfigInvalid {
        /// Place in the body.
        path: String,
        /// What must hold.
        rule: String,
    },
    /// The command id was used for another request.
    #[error("this command_id was used before, for another request; send a new id")]
    CommandIdReused,
    /// The caller may not do that.
    #[error("{0}")]
    Forbidden(String),
    /// Over a limit of size.
    #[error("{what} is larger than {max} bytes")]
    PayloadTooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in bytes.
        max: u64,
    },
    /// No room now.
    #[error("{reason}; try again in {retry_after_ms} ms")]
    Busy {
        /// What is full.
        reason: &'static str,
        /// When to come back.
        retry_after_ms: u64,
    },
    /// A share is used up.
    #[error("{what} may take {max} bytes together, and this would be more; remove some, or ask an operator")]
    QuotaExceeded {
        /// Whose share.
        what: &'static str,
        /// The share in bytes.
        max: u64,
    },
    /// Starting, draining, halted, or the read model is behind.
    #[error("{reason}")]
    Unavailable {
        /// Which of these.
        reason: String,
        /// How far the read model is, where it is behind.
        as_of_position: Option<u64>,
    },
    /// The storage gave no clear answer.
    #[error(
        "the outcome is unknown: the storage failed while the command was being written; retry with the same command_id"
    )]
    OutcomeUnknown,
    /// A fault of ours while deciding or answering. Nothing was changed.
    #[error(
        "a fault of ours, and nothing was changed; please report it with the id {id}, which stands in our log"
    )]
    Internal {
        /// The id of the fault in the log of the process.
        id: String,
    },
    /// Known to the contract, not to this build.
    #[error("{0} is part of the contract, but not of this build")]
    Unsupported(String),
}

impl Rejection {
    /// The code word of the contract.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::BadSubject(_) => "bad_subject",
            Self::ValidationFailed(_) => "validation_failed",
            Self::NotFound { .. } => "not_found",
            Self::VersionConflict { .. } => "version_conflict",
            Self::TerminalState { .. } | Self::MergedAway { .. } => "terminal_state",
            Self::AlreadyMerged { .. } => "already_merged",
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::GuardFailed { .. } => "guard_failed",
            Self::ClaimHeld { .. } => "claim_held",
            Self::Duplicate { .. } => "duplicate",
            Self::CycleDetected { .. } => "cycle_detected",
            Self::ConfigStale { .. } => "config_stale",
            Self::ConfigInvalid { .. } => "config_invalid",
            Self::CommandIdReused => "command_id_reused",
            Self::Forbidden(_) => "forbidden",
            Self::PayloadTooLarge { .. } => "payload_too_large",
            Self::Busy { .. } => "busy",
            Self::QuotaExceeded { .. } => "quota_exceeded",
            Self::Unavailable { .. } => "unavailable",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Internal { .. } => "internal",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// The number of the contract, close to HTTP's.
    #[must_use]
    pub const fn number(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::BadSubject(_) => 400,
            Self::ValidationFailed(_) | Self::ConfigInvalid { .. } => 422,
            Self::NotFound { .. } => 404,
            Self::VersionConflict { .. }
            | Self::TerminalState { .. }
            | Self::MergedAway { .. }
            | Self::AlreadyMerged { .. }
            | Self::InvalidTransition { .. }
            | Self::GuardFailed { .. }
            | Self::ClaimHeld { .. }
            | Self::Duplicate { .. }
            | Self::CycleDetected { .. }
            | Self::ConfigStale { .. }
            | Self::CommandIdReused => 409,
            Self::Forbidden(_) => 403,
            Self::PayloadTooLarge { .. } => 413,
            Self::Busy { .. } | Self::QuotaExceeded { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::OutcomeUnknown => 504,
            Self::Internal { .. } => 500,
            Self::Unsupported(_) => 501,
        }
    }
}

impl From<FieldError> for Rejection {
    fn from(error: FieldError) -> Self {
        Self::ValidationFailed(error)
    }
}
