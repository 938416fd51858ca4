//! What the rules know of the work on a ticket: who has claimed it, what is to be done, who must agree.

use std::collections::{BTreeMap, BTreeSet};

use guichet_schemas::ids::{ApprovalId, TaskId};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{StepOutcome, Verdict};
use serde::{Deserialize, Serialize};

use super::Ticket;

/// Somebody works on the ticket alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who.
    pub by: String,
    /// Until when; from then on it is none.
    pub until: Timestamp,
    /// For how long it was taken.
    pub ttl_ms: u64,
}

impl Lease {
    /// Whether somebody holds it still.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The ticket is not resolved before it is done.
    pub blocks_resolve: bool,
    /// How it stands.
    pub state: TaskState,
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskState {
    /// To be done.
    Open,
    /// Done.
    Completed,
    /// Need not be done.
    Cancelled,
}

/// People who were asked to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub approvers: BTreeSet<String>,
    /// How many of them must agree.
    pub quorum: u32,
    /// What each said last.
    pub verdicts: BTreeMap<String, Verdict>,
}

impl Approval {
    /// What was decided; `None`: nothing yet.
    pub(crate) fn outcome(&self) -> Option<Verdict> {
        let said = |verdict| self.verdicts.values().filter(|said| **said == verdict).count();
        let quorum = self.quorum as usize;
        if said(Verdict::Approved) >= quorum {
            return Some(Verdict::Approved);
        }
        // So many have refused that the quorum cannot be reached.
        let left = self.approvers.len().saturating_sub(said(Verdict::Rejected));
        (left < quorum).then_some(Verdict::Rejected)
    }
}

/// A procedure by which a ticket is worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Procedure {
    /// Of the configuration.
    pub version: u32,
    /// By their ids.
    pub steps: BTreeMap<String, Step>,
}

/// A step of a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The ticket is not resolved before it is done.
    pub mandatory: bool,
    /// What became of it; none: nothing yet.
    pub outcome: Option<StepOutcome>,
}

/// What is done, and must be done, on a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Tasks.
    pub tasks: BTreeMap<TaskId, Task>,
    /// Approvals.
    pub approvals: BTreeMap<ApprovalId, Approval>,
    /// Articles that helped, with their versions.
    pub articles: BTreeSet<(String, u32)>,
    /// Procedures by which it is worked on, by id.
    pub procedures: BTreeMap<String, Procedure>,
    /// When somebody will look whether the solution held.
    pub follow_up_at: Option<Timestamp>,
}

impl Ticket {
    /// Who holds it at an instant.
    #[must_use]
    pub fn lease(&self, now: Timestamp) -> Option<&Lease> {
        self.claim.as_ref().filter(|lease| lease.is_live(now))
    }

    pub(crate) fn blocking_tasks(&self) -> usize {
        self.work.tasks.values().filter(|task| task.blocks_resolve && task.state == TaskState::Open).count()
    }

    pub(crate) fn open_steps(&self) -> usize {
        let steps = self.work.procedures.values().flat_map(|procedure| procedure.steps.values());
        steps.filter(|step| step.mandatory && step.outcome != Some(StepOutcome::Done)).count()
    }

    pub(crate) fn open_approvals(&self) -> usize {
        self.work.approvals.values().filter(|approval| approval.outcome().is_none()).count()
    }
}
