//! What is done, and must be done, as the row of a ticket shows it.

use guichet_schemas::event::{ApprovalDecided, CallLogged, ProcedureAttached, Satisfaction, Work};
use guichet_schemas::ids::TaskId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{
    ApprovalView, ArticleView, ProcedureView, RatingView, StepView, TaskState, TaskView, TicketView,
};
use guichet_schemas::words::{TicketState, Verdict};

use super::{count, state};

pub(super) fn take(row: &mut TicketView, event: &Work) {
    match event {
        Work::TaskAdded(e) => row.tasks.push(TaskView {
            task_id: e.task_id.to_wire(),
            title: e.title.clone(),
            owner: e.owner.clone(),
            due: e.due.to_wire(),
            blocks_resolve: e.blocks_resolve,
            state: TaskState::Open as i32,
        }),
        Work::TaskCompleted(e) => end(row, e.task_id, TaskState::Completed),
        Work::TaskCancelled(e) => end(row, e.task_id, TaskState::Cancelled),
        Work::ApprovalRequested(e) => row.approvals.push(ApprovalView {
            approval_id: e.approval_id.to_wire(),
            approvers: e.approvers.clone(),
            quorum: e.quorum,
            ..ApprovalView::default()
        }),
        Work::ApprovalDecided(e) => decided(row, e),
        Work::TimeLogged(e) => row.handled_s = row.handled_s.saturating_add(e.seconds.into()),
        Work::FollowUpScheduled(e) => row.follow_up_at = Some(e.at.0),
        Work::FollowUpRecorded(e) => {
            row.follow_up_at = None;
            row.follow_up_effective = Some(e.effective);
        }
        Work::ArticleUsed(e) => {
            row.articles.push(ArticleView { article: e.article.clone(), version: e.version });
        }
        Work::ProcedureAttached(e) => attached(row, e),
        Work::StepCompleted(e) => {
            let procedure = row.procedures.iter_mut().find(|known| known.procedure == e.procedure);
            let mut steps = procedure.into_iter().flat_map(|procedure| &mut procedure.steps);
            if let Some(step) = steps.find(|known| known.step == e.step) {
                step.outcome = Some(e.outcome.to_wire());
            }
        }
    }
}

/// Steps that the version before had, too, stay as they were.
fn attached(row: &mut TicketView, e: &ProcedureAttached) {
    let known = row.procedures.iter().position(|known| known.procedure == e.procedure);
    let before = known.map(|n| row.procedures.remove(n)).unwrap_or_default();
    let steps = e.steps.iter().map(|step| StepView {
        step: step.clone(),
        mandatory: e.mandatory.contains(step),
        outcome: before.steps.iter().find(|known| known.step == *step).and_then(|known| known.outcome),
    });
    let now = ProcedureView { procedure: e.procedure.clone(), version: e.version, steps: steps.collect() };
    row.procedures.push(now);
}

/// What requesters are asked, and what they say.
pub(super) fn asked(row: &mut TicketView, event: &Satisfaction, record: &Record) {
    match event {
        Satisfaction::SurveyRequested(_) => count(&mut row.surveys),
        Satisfaction::TicketRated(e) => {
            let ratings = row.rating.as_ref().map_or(0, |rating| rating.ratings);
            row.rating = Some(RatingView {
                scale: e.scale.to_wire(),
                score: e.score,
                at: record.occurred_at.0,
                credited_agent: e.credited_agent.clone(),
                ratings: ratings.saturating_add(1),
            });
        }
        Satisfaction::NpsRecorded(e) => row.nps = Some(e.score),
    }
}

pub(super) fn called(row: &mut TicketView, e: &CallLogged) {
    count(&mut row.calls);
    row.handled_s = row.handled_s.saturating_add(e.duration_s.into());
}

pub(super) fn claimed(row: &mut TicketView, to: Option<(&str, Timestamp)>) {
    row.claimed_by = to.map(|(by, _)| by.to_owned());
    row.claimed_until = to.map(|(_, until)| until.0);
}

/// A claim ends by itself, and with the ticket: no event says so.
pub(super) fn claim_at(row: &mut TicketView, now: Timestamp) {
    let is_over = state(row).is_some_and(TicketState::is_terminal);
    row.claimed = !is_over && row.claimed_until.is_some_and(|until| now.0 < until);
    if !row.claimed {
        (row.claimed_by, row.claimed_until) = (None, None);
    }
}

fn end(row: &mut TicketView, id: TaskId, state: TaskState) {
    let id = id.to_wire();
    if let Some(task) = row.tasks.iter_mut().find(|task| task.task_id == id) {
        task.state = state as i32;
    }
}

/// The last word of each counts.
fn decided(row: &mut TicketView, e: &ApprovalDecided) {
    let id = e.approval_id.to_wire();
    let Some(approval) = row.approvals.iter_mut().find(|approval| approval.approval_id == id) else { return };
    approval.approved.retain(|by| *by != e.by);
    approval.rejected.retain(|by| *by != e.by);
    match e.verdict {
        Verdict::Approved => approval.approved.push(e.by.clone()),
        Verdict::Rejected => approval.rejected.push(e.by.clone()),
    }
    let quorum = approval.quorum as usize;
    let left = approval.approvers.len().saturating_sub(approval.rejected.len());
    let outcome = if approval.approved.len() >= quorum {
        Some(Verdict::Approved)
    } else {
        (left < quorum).then_some(Verdict::Rejected)
    };
    approval.outcome = outcome.to_wire();
}
