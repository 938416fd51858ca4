//! Roles against actors: whether the caller of each event, and the actor for whom it spoke, were allowed to cause it by
//! the configuration of that moment. The rule is the engine's own.

use std::collections::BTreeMap;

use guichet_config::Configuration;
use guichet_rules::{Asking, SLA_CALLER, Unconfigured};
use guichet_schemas::codec::{Head, decode_actor, decode_record_wire};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::record::Data;
use guichet_schemas::words::ActorKind;

use crate::findings::{Check, Findings};

/// The caller of the events that the engine writes by itself.
const ENGINE: &str = "engine";
/// Their tenant.
const SYSTEM: &str = "_system";

/// Verbs that go on with a closed ticket in a new one.
const FOLLOW_UP: &[&str] = &["create_follow_up", "add_comment"];

/// Verbs that begin a ticket with a part of another one.
const SPLIT: &[&str] = &["split"];

/// Whose word an event is.
enum By {
    /// Of whoever may use one of these verbs.
    Verbs(&'static [&'static str]),
    /// The engine's own.
    Engine,
    /// A by-product of whatever else the command did.
    Command,
}

/// The verbs whose commands write an event. `None`: this program does not know the event.
fn cause(event: &str) -> Option<By> {
    Some(By::Verbs(match event {
        "EpochStarted" => return Some(By::Engine),
        "KeyCreated" => return Some(By::Command),
        "TicketCreated" => &["create"],
        "TicketImported" => &["import"],
        "StatusChanged" => &[
            "set_status",
            "add_comment",
            "assign",
            "request_information",
            "reject_resolution",
            "approve_reply",
        ],
        "TicketResolved" => &["resolve", "confirm_resolution"],
        "TicketReopened" => &["reopen", "add_comment", "reject_resolution"],
        "TicketClosed" => &["close", "merge"],
        "TicketCancelled" => &["cancel"],
        "TicketRouted" => &["assign", "unassign", "hand_off", "accept_suggestion"],
        "TicketAssigned" => &["assign", "resolve", "confirm_resolution"],
        "TicketUnassigned" => &["unassign", "hand_off"],
        "TicketEscalated" => &["escalate"],
        "TicketDeescalated" => &["deescalate"],
        "CommentAdded" => &[
            "add_comment",
            "assign",
            "escalate",
            "set_status",
            "request_information",
            "broadcast_to_linked",
            "approve_reply",
            "log_call",
        ],
        "ReopenHeld" => &["add_comment"],
        "FollowUpCreated" => FOLLOW_UP,
        "TicketsLinked" => &["link", "create_follow_up", "add_comment", "split", "declare_problem"],
        "TicketsUnlinked" => &["unlink"],
        "TicketMerged" | "MergeReceived" => &["merge"],
        "CommentCopied" => &["merge", "split"],
        "TicketSplit" => SPLIT,
        "ProblemDeclared" | "WorkaroundPublished" => &["declare_problem"],
        "ExternalLinked" => &["link_external"],
        "AssetLinked" => &["link_asset"],
        "BroadcastSent" => &["broadcast_to_linked"],
        "ResolutionProposed" => &["propose_resolution"],
        "ResolutionConfirmed" => &["confirm_resolution"],
        "ResolutionRejected" => &["reject_resolution"],
        "PriorityChanged" => &["set_priority", "accept_suggestion"],
        "TypeChanged" => &["set_type", "declare_problem", "accept_suggestion"],
        "CategoryChanged" => &["set_category", "accept_suggestion"],
        "TagsChanged" => &["change_tags", "escalate", "accept_suggestion"],
        "FieldChanged" => &["set_field"],
        "TicketClaimed" => &["claim", "renew_claim"],
        "ClaimReleased" => &["claim", "release_claim"],
        "ParticipantsChanged" => &["set_participants"],
        "CallLogged" => &["log_call"],
        "ChannelSwitched" => &["switch_channel"],
        "TaskAdded" => &["add_task"],
        "TaskCompleted" => &["complete_task"],
        "TaskCancelled" => &["cancel_task"],
        "TimeLogged" => &["log_time"],
        "FollowUpScheduled" => &["schedule_follow_up"],
        "FollowUpRecorded" => &["record_follow_up"],
        "ArticleUsed" => &["use_article"],
        "ApprovalRequested" => &["request_approval"],
        "ApprovalDecided" => &["decide_approval"],
        "SurveyRequested" => &["request_survey"],
        "TicketRated" => &["rate"],
        "NpsRecorded" => &["record_nps"],
        "DueDateSet" => &["set_due_date"],
        "SlaWarned" => &["record_sla_warning"],
        "SlaBreached" => &["record_sla_breach"],
        "TimeRuleFired" => &["fire_time_rule"],
        "SlaBreachVoided" => &["void_sla_breach"],
        "ConfigPublished" => &["publish_config"],
        "ConfigRetired" => &["retire_config"],
        "AttachmentAdded" => &["add_attachment"],
        "AttachmentScanned" => &["report_scan"],
        "AttachmentRedacted" => &["redact_attachment"],
        "AccessRecorded" => &["record_access"],
        "CommentMadePrivate" => &["make_comment_private"],
        "CommentRedacted" => &["redact_comment"],
        "ReplyDrafted" => &["draft_reply", "add_comment"],
        "ReplyApproved" => &["approve_reply"],
        "ReplyRejected" => &["reject_reply"],
        "DecisionReviewed" => &["review_decision"],
        "HandedOff" => &["hand_off"],
        "SideConversationOpened" => &["open_side_conversation"],
        "SideMessageAdded" => &["add_side_message"],
        "SideConversationClosed" => &["close_side_conversation"],
        "ClassificationSuggested" => &["suggest"],
        "SuggestionAccepted" => &["accept_suggestion"],
        "RestrictionChanged" => &["set_restriction"],
        "ProcedureAttached" => &["attach_procedure"],
        "StepCompleted" => &["complete_step"],
        "ArticlePublished" => &["publish_article", "publish_article_from_ticket"],
        "ArticleRetired" => &["retire_article"],
        _ => return None,
    }))
}

/// What is known of the command that is being read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// Each of its events is judged.
    #[default]
    Plain,
    /// Its facts have actors of another system, whom nobody here allows anything.
    Import,
    /// It goes on with a closed ticket: the new one needs no right to create.
    FollowUp,
    /// It begins a ticket with a part of another one, which needs no right to create either.
    Split,
    /// What a rule of the clocks does, it does with the rule's right.
    Clocks,
}

/// Judges callers and actors, event by event.
#[derive(Debug, Default)]
pub(crate) struct Permitted {
    command: Vec<u8>,
    nature: Nature,
    /// Events that were judged.
    pub(crate) judged: u64,
    /// Facts of imports, whose actors are of another system.
    pub(crate) imported: u64,
    /// Events that callers in a configuration were judged by.
    pub(crate) configured: u64,
    /// Events that this program does not know, by name.
    pub(crate) unknown: BTreeMap<String, u64>,
}

impl Permitted {
    /// Judges the next event by what was configured before it.
    pub(crate) fn judge(
        &mut self,
        head: &Head<'_>,
        configuration: Option<&Configuration>,
        findings: &mut Findings,
    ) {
        if head.command_id != self.command {
            self.command.clear();
            self.command.extend_from_slice(head.command_id);
            self.nature = Nature::Plain;
        }
        let Some(by) = cause(head.r#type) else {
            *self.unknown.entry(head.r#type.to_owned()).or_default() += 1;
            return;
        };
        if self.nature == Nature::Import {
            self.imported += 1;
            return;
        }
        match head.r#type {
            "TicketImported" => self.nature = Nature::Import,
            "FollowUpCreated" => self.nature = Nature::FollowUp,
            "TicketSplit" => self.nature = Nature::Split,
            "SlaWarned" | "SlaBreached" | "TimeRuleFired" => self.nature = Nature::Clocks,
            _ => {}
        }
        let kind = decode_actor(head.actor).ok().and_then(|actor| ActorKind::from_wire(actor.kind).ok());
        let Some(actor) = kind else {
            findings.at(Check::Roles, head.position, "its actor cannot be read".to_owned());
            return;
        };
        let allowed = match by {
            By::Command => return,
            By::Engine => engine(head, actor),
            By::Verbs(_) if head.tenant == SYSTEM => Err(format!("tenant {SYSTEM} is the engine's alone")),
            By::Verbs(_) if self.nature == Nature::Clocks => (head.caller == SLA_CALLER
                && actor == ActorKind::System)
                .then_some(())
                .ok_or_else(|| format!("what clocks found is recorded by caller {SLA_CALLER} alone")),
            By::Verbs(_) if self.nature == Nature::FollowUp && head.r#type == "TicketCreated" => {
                self.verbs(head, actor, FOLLOW_UP, configuration)
            }
            By::Verbs(_) if self.nature == Nature::Split && head.r#type == "TicketCreated" => {
                self.verbs(head, actor, SPLIT, configuration)
            }
            By::Verbs(_) if is_look(head) => {
                self.configured += u64::from(is_configured(configuration, head));
                allowed(configuration, head, &Asking::for_look(head.caller, actor))
                    .map_err(|no| no.to_string())
            }
            By::Verbs(verbs) => self.verbs(head, actor, verbs, configuration),
        };
        self.judged += 1;
        if let Err(why) = allowed {
            let what = format!("{} by {actor} through caller {}: {why}", head.r#type, head.caller);
            findings.at(Check::Roles, head.position, what);
        }
    }

    fn verbs(
        &mut self,
        head: &Head<'_>,
        actor: ActorKind,
        verbs: &[&str],
        configuration: Option<&Configuration>,
    ) -> Result<(), String> {
        self.configured += u64::from(is_configured(configuration, head));
        let mut why = String::new();
        for verb in verbs {
            let asking = Asking::for_verb(head.caller, actor, verb);
            match allowed(configuration, head, &asking) {
                Ok(()) => return Ok(()),
                Err(Rejection::Forbidden(said)) if why.is_empty() => why = said,
                Err(_) => {}
            }
        }
        Err(why)
    }
}

fn is_configured(configuration: Option<&Configuration>, head: &Head<'_>) -> bool {
    configuration.is_some_and(|known| known.callers(Timestamp(head.recorded_at)).is_some())
}

fn allowed(
    configuration: Option<&Configuration>,
    head: &Head<'_>,
    asking: &Asking<'_>,
) -> Result<(), Rejection> {
    match configuration {
        Some(configuration) => configuration.at(Timestamp(head.recorded_at)).permits(asking),
        None => Unconfigured.permits(asking),
    }
}

/// Whether the event is a look at restricted tickets, which many may take, and no reading of texts outside of answers.
fn is_look(head: &Head<'_>) -> bool {
    let read = (head.r#type == "AccessRecorded").then(|| decode_record_wire(head.data).ok());
    let Some(Some(Data::AccessRecorded(access))) = read.flatten().map(|record| record.data) else {
        return false;
    };
    access.ticket_id.is_some() || !access.groups.is_empty()
}

fn engine(head: &Head<'_>, actor: ActorKind) -> Result<(), String> {
    (head.caller == ENGINE && head.tenant == SYSTEM && actor == ActorKind::System)
        .then_some(())
        .ok_or_else(|| "the engine alone writes this event".to_owned())
}

#[cfg(test)]
mod tests {
    use guichet_schemas::event::Event;
    use guichet_schemas::verb;

    use super::{By, cause};

    #[test]
    fn the_cause_of_every_event_is_known_and_is_a_verb_of_the_contract() {
        assert!(Event::TYPES.len() > 20, "{:?}", Event::TYPES);
        for event in Event::TYPES {
            let by = cause(event).unwrap_or_else(|| panic!("nobody says which verbs write {event}"));
            if let By::Verbs(verbs) = by {
                assert!(verbs.iter().all(|word| verb::verb(word).is_some()), "{event}: {verbs:?}");
            }
        }
    }
}
