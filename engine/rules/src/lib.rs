//! The rules of a ticket, pure: no clock, no dice, no disk, no network.
//!
//! [`decide`] says what happens, or why not; [`evolve`] says what a ticket is after it happened. The engine,
//! the importer, the tests and the auditor run these same functions, so no rule exists twice. Replay only
//! evolves: what the log says happened is never refused.
//!
//! ```
//! use guichet_rules::{Ticket, evolve};
//! use guichet_schemas::event::{Event, TicketCancelled};
//! use guichet_schemas::words::{CancelReason, TicketState};
//! # use guichet_schemas::time::Timestamp;
//! let spam = Event::from(TicketCancelled { reason: CancelReason::Spam });
//! let ticket: Ticket = evolve(None, &spam, Timestamp(0));
//! assert_eq!(ticket.state(), TicketState::Cancelled);
//! ```

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod calendar;

mod articles;
mod beside;
mod clocks;
mod conflict;
mod decide;
mod desk;
mod draft;
mod evolve;
mod import;
mod permission;
mod recognise;
mod state;
mod transition;
mod verbs;

pub use articles::{Article, KnownArticle, Solved, decide_article};
pub use beside::{Found, LooksAt, Other, Others, Reads, goes_on_to, looks_at, looks_at_others};
pub use conflict::{Missed, missed};
pub use decide::{Context, decide};
pub use desk::{
    AUTO_CLOSE, Action, Asking, CLI_CALLER, ClosedMessage, DeskRules, FiredRule, Life, PendingGuard,
    ProcedureRule, RATING_WINDOW_MS, REOPEN_LIMIT, REOPEN_LIMIT_WITHIN_MS, SLA_CALLER, Unconfigured, Whose,
};
pub use draft::{Draft, Stored};
pub use evolve::evolve;
pub use permission::{Reach, permits, sees};
pub use recognise::{Past, recognise};
pub use state::{
    Approval, Assistance, Attachment, DraftState, Elsewhere, FOLD_VERSION, ImportMark, ImportProgress,
    LastResolution, Lease, Merged, Moderation, Phase, Procedure, Proposal, REDACTED, REOPEN_LIMIT_MAX,
    Redacted, ReplyDraft, SURVEYS_MAX, Said, Side, Step, Suggestion, Survey, Task, TaskState, Ticket, Work,
};
pub use transition::{allowed_verbs, allowed_when_merged};
pub use verbs::copied_bytes;
