//! Every text of the pages, once per language: [`en`], [`fr`]. A text that one language lacks does not compile.

mod en;
mod fr;

use axum::http::{HeaderMap, header};
use guichet_schemas::event::Attribute;
use guichet_schemas::wire::PublishingReason;
use guichet_schemas::words::SlaMetric;

use crate::access;

macro_rules! texts {
    ($($(#[$doc:meta])* $key:ident,)*) => {
        /// The texts of one language. `{}` in a text is where a value goes.
        #[derive(Debug)]
        pub(crate) struct Text {
            /// Code of the language.
            pub(crate) lang: &'static str,
            /// The decimal mark, and the mark between thousands.
            pub(crate) point: char,
            pub(crate) thousands: char,
            $($(#[$doc])* pub(crate) $key: &'static str,)*
        }

        #[cfg(test)]
        impl Text {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key),)*]
            }
        }
    };
}

texts! {
    // The frame.
    title, skip, overview, queue_page, read_models_page, language, live, reconnecting, source_note,
    // How fresh a tile is.
    as_of_position, up_to_date, behind, waiting,
    // Why there is nothing to see.
    not_built, unavailable, not_found, retry, door_title, door_text, error_title, go_back,
    // Queues.
    queues, queues_help, by_group, by_agent, group, agent, no_group, no_agent, tickets, status, priority, unassigned,
    oldest, nearest_due, overdue, waits_for_person, none, all_queues, nobody_waits, total, total_here,
    // States and priorities.
    new, open, pending, hold, resolved_state, closed, cancelled, low, normal, high, urgent,
    // One queue.
    queue_of, order, fifo, by_priority, by_due, subject, waiting_since, due, score, score_explained, assignee,
    next_page, first_page,
    // Reports.
    backlog, backlog_help, reopen, reopen_help, week, day, month, period, created, created_at, resolved, resolve_events, reopened,
    left, ratio, ratio_events, r1, r2, r1_help, r2_help, provisional, running, chart_of, as_table,
    figures, figures_help, figures_median, figures_more,
    // A ticket.
    ticket, timeline, recorded, cause, version, position, caller, details, requester, channel, category,
    claim, participants, restriction, tier, tags, urgency, impact, ticket_type, field, state, age, resolutions, reopens, find_ticket, find, found_several, found_cut, external_ref, reopen_held, link, proposal, awaiting_confirmation, awaited, description, root_cause, history_part, newest_page,
    newer_page, older_page, promises_cut,
    attachments, attachment_unscanned, attachment_clean, attachment_infected, attachment_unscannable, attachment_redacted,
    // Promises.
    promises, promises_help, promise, standing, policy, no_promise_runs, time_used, time_left, late_by, stands_still, kept,
    broken, voided, came_to_nothing, used_of, metric_first_reply, metric_next_reply, metric_assignment, metric_periodic_update,
    metric_pausable_update, metric_requester_wait, metric_agent_work, metric_resolution, metric_tier_time,
    event_procedure_attached, event_step_completed, procedure,
    // The knowledge base.
    knowledge, knowledge_help, find_article, article, audience, audience_internal, audience_public, article_used,
    article_published, article_retired, articles_cut, no_article, knowledge_gaps, knowledge_gaps_help, no_gap, suggested,
    // Read models.
    read_models, read_models_help, name, checkpoint, lag, verified, generation, quarantined, state_live,
    state_catching_up, state_rebuilding, state_degraded, state_halted, state_unknown, rebuild_progress, all_folded,
    stands_still_since, quarantine_cut,
    // The stream.
    publishing_live, publishing_catching_up, publishing_standing, publishing_unknown, publishing_reached,
    stream_full, stream_gone, stream_read_only, stream_silent, stream_unreachable, stream_refused, no_engine,
    // Events of a history.
    event_ticket_created, event_ticket_imported, event_status_changed, event_ticket_resolved, event_ticket_reopened, event_ticket_closed, event_ticket_cancelled,
    event_ticket_routed, event_ticket_assigned, event_ticket_unassigned, event_ticket_escalated, event_ticket_deescalated, event_comment_added, event_reopen_held, event_follow_up_created, event_resolution_proposed, event_resolution_confirmed, event_resolution_rejected, event_sla_warned, event_sla_breached,
    event_sla_breach_voided, event_time_rule_fired,
    event_survey_requested, event_ticket_rated, event_nps_recorded, event_ticket_claimed, event_claim_released,
    event_call_logged, event_task_added, event_task_completed, event_task_cancelled, event_approval_requested,
    event_approval_decided, event_time_logged, event_follow_up_scheduled, event_follow_up_recorded, event_article_used,
event_ticket_merged, event_merge_received, event_comment_copied, event_ticket_split, event_problem_declared, event_workaround_published, event_broadcast_sent, event_external_linked, event_asset_linked, externals, assets, workaround, incidents, incidents_standing, merged_into, merged_from, event_comment_made_private, event_comment_redacted, event_reply_drafted, event_reply_approved, event_reply_rejected, event_decision_reviewed, drafts_waiting, event_handed_off, event_side_conversation_opened, event_side_message_added, event_side_conversation_closed, event_classification_suggested, event_suggestion_accepted, handed_off, sides, suggestions, event_attachment_added, event_attachment_scanned, event_attachment_redacted,
    // Inputs of a score.
    score_priority, score_age, score_due, score_tier, score_reopened,
    // A history that is handed over.
    handover_title, handover_made, handover_proof, handover_proven, handover_unsigned, handover_origin, handover_root,
    handover_key, handover_checkpoint, handover_check, handover_hash, handover_before, handover_after, handover_by_time,
    handover_by_config, handover_causes, handover_causes_help, handover_outside, custom_status, hold_reason, due_date,
    // Units.
    days, hours, minutes, ago_less_than_a_minute,
}

/// The languages, in the order in which the page offers them.
pub(crate) static LANGUAGES: [&Text; 2] = [&en::TEXT, &fr::TEXT];

/// Name of the cookie that keeps the choice.
pub(crate) const COOKIE: &str = "guichet_lang";

/// The texts of a language, by its code.
pub(crate) fn by_code(code: &str) -> Option<&'static Text> {
    LANGUAGES.iter().copied().find(|text| text.lang == code)
}

/// The language of a request: what it asks for, what was chosen before, what the browser prefers, English.
pub(crate) fn choose(asked: Option<&str>, headers: &HeaderMap) -> &'static Text {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    asked
        .and_then(by_code)
        .or_else(|| access::cookie(headers, COOKIE).and_then(by_code))
        .or_else(|| preferred(accepted))
        .unwrap_or(&en::TEXT)
}

/// The first of our languages by the browser's weights.
fn preferred(accepted: &str) -> Option<&'static Text> {
    let mut wanted: Vec<(f32, &Text)> = Vec::new();
    for part in accepted.split(',') {
        let mut words = part.split(';');
        let code = words.next().unwrap_or_default().trim();
        let primary = code.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let weight = words.find_map(|w| w.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        if let Some(text) = by_code(&primary).filter(|_| weight > 0.0) {
            wanted.push((weight, text));
        }
    }
    // Stable: of equal weights the first named wins.
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    wanted.first().map(|(_, text)| *text)
}

impl Text {
    /// The name of a kind of event; none: it has no other than that of the attribute that it changes.
    pub(crate) fn event(&self, type_name: &str) -> Option<&'static str> {
        Some(match type_name {
            "TicketCreated" => self.event_ticket_created,
            "TicketImported" => self.event_ticket_imported,
            "StatusChanged" => self.event_status_changed,
            "TicketResolved" => self.event_ticket_resolved,
            "TicketReopened" => self.event_ticket_reopened,
            "TicketClosed" => self.event_ticket_closed,
            "TicketCancelled" => self.event_ticket_cancelled,
            "TicketRouted" => self.event_ticket_routed,
            "TicketAssigned" => self.event_ticket_assigned,
            "TicketUnassigned" => self.event_ticket_unassigned,
            "TicketEscalated" => self.event_ticket_escalated,
            "TicketDeescalated" => self.event_ticket_deescalated,
            "CommentAdded" => self.event_comment_added,
            "ReopenHeld" => self.event_reopen_held,
            "FollowUpCreated" => self.event_follow_up_created,
            "ResolutionProposed" => self.event_resolution_proposed,
            "ResolutionConfirmed" => self.event_resolution_confirmed,
            "ResolutionRejected" => self.event_resolution_rejected,
            "SlaWarned" => self.event_sla_warned,
            "SlaBreached" => self.event_sla_breached,
            "SlaBreachVoided" => self.event_sla_breach_voided,
            "TimeRuleFired" => self.event_time_rule_fired,
            "SurveyRequested" => self.event_survey_requested,
            "TicketRated" => self.event_ticket_rated,
            "NpsRecorded" => self.event_nps_recorded,
            "TicketClaimed" => self.event_ticket_claimed,
            "ClaimReleased" => self.event_claim_released,
            "CallLogged" => self.event_call_logged,
            "TaskAdded" => self.event_task_added,
            "TaskCompleted" => self.event_task_completed,
            "TaskCancelled" => self.event_task_cancelled,
            "ApprovalRequested" => self.event_approval_requested,
            "ApprovalDecided" => self.event_approval_decided,
            "TimeLogged" => self.event_time_logged,
            "FollowUpScheduled" => self.event_follow_up_scheduled,
            "FollowUpRecorded" => self.event_follow_up_recorded,
            "ArticleUsed" => self.event_article_used,
            "TicketMerged" => self.event_ticket_merged,
            "MergeReceived" => self.event_merge_received,
            "CommentCopied" => self.event_comment_copied,
            "TicketSplit" => self.event_ticket_split,
            "ProblemDeclared" => self.event_problem_declared,
            "WorkaroundPublished" => self.event_workaround_published,
            "BroadcastSent" => self.event_broadcast_sent,
            "CommentMadePrivate" => self.event_comment_made_private,
            "CommentRedacted" => self.event_comment_redacted,
            "ReplyDrafted" => self.event_reply_drafted,
            "ReplyApproved" => self.event_reply_approved,
            "ReplyRejected" => self.event_reply_rejected,
            "DecisionReviewed" => self.event_decision_reviewed,
            "HandedOff" => self.event_handed_off,
            "SideConversationOpened" => self.event_side_conversation_opened,
            "SideMessageAdded" => self.event_side_message_added,
            "SideConversationClosed" => self.event_side_conversation_closed,
            "ClassificationSuggested" => self.event_classification_suggested,
            "SuggestionAccepted" => self.event_suggestion_accepted,
            "AttachmentAdded" => self.event_attachment_added,
            "AttachmentScanned" => self.event_attachment_scanned,
            "AttachmentRedacted" => self.event_attachment_redacted,
            "ExternalLinked" => self.event_external_linked,
            "AssetLinked" => self.event_asset_linked,
            "ProcedureAttached" => self.event_procedure_attached,
            "StepCompleted" => self.event_step_completed,
            _ => return None,
        })
    }

    /// The name of an attribute of a ticket.
    pub(crate) const fn attribute(&self, attribute: Attribute) -> &'static str {
        match attribute {
            Attribute::Group => self.group,
            Attribute::Assignee => self.assignee,
            Attribute::Tier => self.tier,
            Attribute::Priority => self.priority,
            Attribute::Urgency => self.urgency,
            Attribute::Impact => self.impact,
            Attribute::Type => self.ticket_type,
            Attribute::Category => self.category,
            Attribute::Tags => self.tags,
            Attribute::Field => self.field,
            Attribute::DueAt => self.due,
            Attribute::Claim => self.claim,
            Attribute::Participants => self.participants,
            Attribute::Restriction => self.restriction,
            Attribute::Channel => self.channel,
            Attribute::Link => self.link,
        }
    }

    /// The name of what a clock measures.
    pub(crate) const fn metric(&self, metric: SlaMetric) -> &'static str {
        match metric {
            SlaMetric::FirstReply => self.metric_first_reply,
            SlaMetric::NextReply => self.metric_next_reply,
            SlaMetric::Assignment => self.metric_assignment,
            SlaMetric::PeriodicUpdate => self.metric_periodic_update,
            SlaMetric::PausableUpdate => self.metric_pausable_update,
            SlaMetric::RequesterWait => self.metric_requester_wait,
            SlaMetric::AgentWork => self.metric_agent_work,
            SlaMetric::Resolution => self.metric_resolution,
            SlaMetric::TierTime => self.metric_tier_time,
        }
    }

    pub(crate) const fn publishing_reason(&self, reason: PublishingReason) -> &'static str {
        match reason {
            PublishingReason::StreamFull => self.stream_full,
            PublishingReason::StreamGone => self.stream_gone,
            PublishingReason::StreamReadOnly => self.stream_read_only,
            PublishingReason::StreamSilent => self.stream_silent,
            PublishingReason::Unreachable => self.stream_unreachable,
            PublishingReason::Refused => self.stream_refused,
            PublishingReason::NoEngine => self.no_engine,
            PublishingReason::Unspecified => self.state_unknown,
        }
    }

    /// The name of an input of a score; its own where it is newer than this page.
    pub(crate) fn score_input<'t>(&self, name: &'t str) -> &'t str
    where
        'static: 't,
    {
        match name {
            "priority" => self.score_priority,
            "age" | "age_hours" | "age_days" => self.score_age,
            "due" => self.score_due,
            "tier" => self.score_tier,
            "reopened" | "reopens" => self.score_reopened,
            newer => newer,
        }
    }
}

/// A text with its values.
pub(crate) fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut values = values.iter();
    for (n, piece) in text.split("{}").enumerate() {
        if n > 0 {
            out.push_str(values.next().copied().unwrap_or_default());
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_everything_with_the_same_values() {
        let (en, fr) = (en::TEXT.all(), fr::TEXT.all());
        assert_eq!(en.len(), fr.len());
        for ((key, english), (french_key, french)) in en.into_iter().zip(fr) {
            assert_eq!(key, french_key);
            assert!(!english.trim().is_empty() && !french.trim().is_empty(), "{key} is empty");
            assert_eq!(english.matches("{}").count(), french.matches("{}").count(), "{key}");
        }
    }

    #[test]
    fn french_is_not_english() {
        let (en, fr) = (en::TEXT.all(), fr::TEXT.all());
        let same: Vec<_> = en.into_iter().zip(fr).filter(|(a, b)| a.1 == b.1).map(|(a, _)| a.0).collect();
        // Words that are the same in both.
        let may = [
            "title",
            "tickets",
            "minutes",
            "hours",
            "period",
            "agent",
            "article",
            "ticket",
            "version",
            "impact",
            "ticket_type",
            "position",
            "score",
            "total",
            "ratio",
            "r1",
            "r2",
            "ago_less_than_a_minute",
            "description",
        ];
        let untranslated: Vec<_> = same.into_iter().filter(|key| !may.contains(key)).collect();
        assert!(untranslated.is_empty(), "{untranslated:?}");
    }

    #[test]
    fn the_language_is_what_the_reader_wants() {
        let headers = |accept: &str, cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            headers
        };
        for (asked, accept, cookie, chosen) in [
            (None, "", "", "en"),
            (None, "fr-CA,fr;q=0.9,en;q=0.8", "", "fr"),
            (None, "de,en;q=0.5,fr;q=0.7", "", "fr"),
            (None, "fr;q=0, en", "", "en"),
            (None, "fr", "guichet_lang=en", "en"),
            (Some("fr"), "en", "guichet_lang=en", "fr"),
            (Some("tlh"), "fr", "", "fr"),
        ] {
            assert_eq!(choose(asked, &headers(accept, cookie)).lang, chosen, "{asked:?} {accept} {cookie}");
        }
    }
}
