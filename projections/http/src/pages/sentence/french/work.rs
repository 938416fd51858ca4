//! Work on a ticket: claims, calls, tasks, approvals, time.

use guichet_schemas::event::{Actor, CallLogged, ClaimReleased, TicketClaimed, Work};
use guichet_schemas::words::{CallOutcome, Direction, ReleaseReason, StepOutcome, TimeKind, Verdict};

use super::{because, instant, shortened};
use crate::pages::form;
use crate::pages::text::Text;

pub(super) fn told(t: &Text, event: &Work) -> String {
    match event {
        Work::TaskAdded(e) => {
            let owner = e.owner.as_ref().map_or(String::new(), |owner| format!(" pour {owner}"));
            let due = e.due.map_or(String::new(), |due| format!(", pour le {}", instant(due)));
            let blocks = if e.blocks_resolve { ", avant la résolution du ticket" } else { "" };
            format!("a ajouté une tâche{owner} : « {} »{due}{blocks}", shortened(&e.title))
        }
        Work::TaskCompleted(_) => "a terminé une tâche".to_owned(),
        Work::TaskCancelled(e) => format!("a annulé une tâche{}", because(e.reason.as_deref())),
        Work::ApprovalRequested(e) => format!(
            "a demandé l’accord de {} ; il en faut {} sur {}",
            e.approvers.join(", "),
            e.quorum,
            e.approvers.len()
        ),
        Work::ApprovalDecided(e) => {
            let verdict = match e.verdict {
                Verdict::Approved => "a donné son accord",
                Verdict::Rejected => "a refusé son accord",
            };
            format!("{verdict}{}", because(e.reason.as_deref()))
        }
        Work::TimeLogged(e) => {
            let kind = match e.kind {
                TimeKind::Work => "travail",
                TimeKind::Research => "recherche",
                TimeKind::Communication => "communication",
                TimeKind::Travel => "déplacement",
                TimeKind::Other => "autre activité",
            };
            format!("a noté {} de temps ({kind})", took(t, e.seconds))
        }
        Work::FollowUpScheduled(e) => format!("vérifiera le {} que la solution a tenu", instant(e.at)),
        Work::FollowUpRecorded(e) if e.effective => "a constaté que la solution a tenu".to_owned(),
        Work::FollowUpRecorded(_) => "a constaté que la solution n’a pas tenu".to_owned(),
        Work::ArticleUsed(e) => format!("s’est servi de l’article {}, version {}", e.article, e.version),
        Work::ProcedureAttached(e) => format!(
            "a joint la procédure {}, version {}, de {} étapes, dont {} obligatoires",
            e.procedure,
            e.version,
            e.steps.len(),
            e.mandatory.len()
        ),
        Work::StepCompleted(e) => {
            let outcome = match e.outcome {
                StepOutcome::Done => "faite",
                StepOutcome::Skipped => "sans objet",
                StepOutcome::Failed => "sans succès",
            };
            format!("étape {} de la procédure {} : {outcome}", e.step, e.procedure)
        }
    }
}

pub(super) fn claimed(e: &TicketClaimed, actor: &Actor) -> String {
    let by = if e.by == actor.id { String::new() } else { format!(" pour {}", e.by) };
    format!("a réservé le ticket{by} jusqu’au {}", instant(e.until))
}

pub(super) fn released(e: &ClaimReleased, actor: &Actor) -> String {
    match e.reason {
        ReleaseReason::Released if e.by == actor.id => "a libéré le ticket".to_owned(),
        ReleaseReason::Released => format!("a libéré le ticket réservé par {}", e.by),
        ReleaseReason::Expired => format!("a trouvé la réservation de {} expirée", e.by),
        ReleaseReason::Forced => format!("a mis fin à la réservation de {}", e.by),
        ReleaseReason::Superseded => format!("a remplacé la réservation de {}", e.by),
    }
}

pub(super) fn participants(added: &[String], removed: &[String]) -> String {
    match (added.is_empty(), removed.is_empty()) {
        (false, false) => {
            format!("a ajouté les participants {} et retiré {}", added.join(", "), removed.join(", "))
        }
        (false, true) => format!("a ajouté les participants {}", added.join(", ")),
        (true, _) => format!("a retiré les participants {}", removed.join(", ")),
    }
}

pub(super) fn called(t: &Text, e: &CallLogged) -> String {
    let what = match e.direction {
        Direction::Inbound => "a pris un appel",
        Direction::Outbound => "a appelé",
    };
    let how = match e.outcome {
        CallOutcome::Answered => took(t, e.duration_s),
        CallOutcome::NoAnswer => "sans réponse".to_owned(),
        CallOutcome::Voicemail => "message laissé sur le répondeur".to_owned(),
        CallOutcome::Busy => "ligne occupée".to_owned(),
        CallOutcome::Failed => "échec de l’appel".to_owned(),
    };
    format!("{what} le {} : {how}", instant(e.started_at))
}

fn took(t: &Text, seconds: u32) -> String {
    if seconds < 60 {
        format!("{seconds}\u{a0}s")
    } else {
        form::span(t, u64::from(seconds).saturating_mul(1_000))
    }
}
