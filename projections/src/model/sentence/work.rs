//! Work on a ticket: claims, calls, tasks, approvals, time.

use guichet_schemas::event::{Actor, CallLogged, ClaimReleased, TicketClaimed, Work};
use guichet_schemas::words::{CallOutcome, Direction, ReleaseReason, Verdict};

use super::{because, shortened, span, words};

pub(super) fn told(event: &Work) -> String {
    match event {
        Work::TaskAdded(e) => {
            let owner = e.owner.as_ref().map_or(String::new(), |owner| format!(" for {owner}"));
            let due = e.due.map_or(String::new(), |due| format!(", due {due}"));
            let blocks = if e.blocks_resolve { ", before the ticket is resolved" } else { "" };
            format!("added a task{owner}: “{}”{due}{blocks}", shortened(&e.title))
        }
        Work::TaskCompleted(_) => "completed a task".to_owned(),
        Work::TaskCancelled(e) => format!("cancelled a task{}", because(e.reason.as_deref())),
        Work::ApprovalRequested(e) => format!(
            "asked {} to approve, {} of {} must agree",
            e.approvers.join(", "),
            e.quorum,
            e.approvers.len()
        ),
        Work::ApprovalDecided(e) => {
            let verdict = match e.verdict {
                Verdict::Approved => "approved",
                Verdict::Rejected => "did not approve",
            };
            format!("{verdict}{}", because(e.reason.as_deref()))
        }
        Work::TimeLogged(e) => format!("logged {} of {}", took(e.seconds), words(e.kind.as_str())),
        Work::FollowUpScheduled(e) => format!("will look on {} whether the solution held", e.at),
        Work::FollowUpRecorded(e) if e.effective => "saw that the solution held".to_owned(),
        Work::FollowUpRecorded(_) => "saw that the solution did not hold".to_owned(),
        Work::ArticleUsed(e) => format!("used article {}, version {}", e.article, e.version),
        Work::ProcedureAttached(e) => format!(
            "attached procedure {}, version {}, of {} steps, {} of them mandatory",
            e.procedure,
            e.version,
            e.steps.len(),
            e.mandatory.len()
        ),
        Work::StepCompleted(e) => {
            format!("step {} of procedure {}: {}", e.step, e.procedure, words(e.outcome.as_str()))
        }
    }
}

pub(super) fn claimed(e: &TicketClaimed, actor: &Actor) -> String {
    let by = if e.by == actor.id { String::new() } else { format!(" for {}", e.by) };
    format!("claimed the ticket{by} until {}", e.until)
}

pub(super) fn released(e: &ClaimReleased, actor: &Actor) -> String {
    match e.reason {
        ReleaseReason::Released if e.by == actor.id => "released the claim".to_owned(),
        ReleaseReason::Released => format!("released the claim of {}", e.by),
        ReleaseReason::Expired => format!("found that the claim of {} had expired", e.by),
        ReleaseReason::Forced => format!("ended the claim of {}", e.by),
        ReleaseReason::Superseded => format!("ended the claim of {}, which another one replaced", e.by),
    }
}

pub(super) fn participants(added: &[String], removed: &[String]) -> String {
    match (added.is_empty(), removed.is_empty()) {
        (false, false) => {
            format!("added the participants {} and removed {}", added.join(", "), removed.join(", "))
        }
        (false, true) => format!("added the participants {}", added.join(", ")),
        (true, _) => format!("removed the participants {}", removed.join(", ")),
    }
}

pub(super) fn called(e: &CallLogged) -> String {
    let what = match e.direction {
        Direction::Inbound => "took a call",
        Direction::Outbound => "called",
    };
    let how = match e.outcome {
        CallOutcome::Answered => took(e.duration_s),
        CallOutcome::NoAnswer => "nobody answered".to_owned(),
        CallOutcome::Voicemail => "a voicemail was left".to_owned(),
        CallOutcome::Busy => "the line was busy".to_owned(),
        CallOutcome::Failed => "the call failed".to_owned(),
    };
    format!("{what} at {}: {how}", e.started_at)
}

fn took(seconds: u32) -> String {
    if seconds < 60 { format!("{seconds} s") } else { span(u64::from(seconds).saturating_mul(1_000)) }
}
