//! Which verb which state allows. A verb whose effect already holds is allowed too, and does nothing.

use guichet_schemas::command::{self, Order, Verb};
use guichet_schemas::each_verb;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::TicketState;

use crate::state::{Merged, Ticket};

macro_rules! table {
    ($($verb:ident => $variant:ident on $about:ident,)*) => {
        /// Every verb with the states that it can change.
        const STATES: &[(&str, &[TicketState])] = &[$((stringify!($verb), <command::$variant as Verb>::STATES),)*];
    };
}
each_verb!(table);

/// The verbs that can change a ticket in this state, in the order of the contract.
#[must_use]
pub fn allowed_verbs(state: TicketState) -> Vec<&'static str> {
    STATES.iter().filter(|(_, states)| states.contains(&state)).map(|(verb, _)| *verb).collect()
}

/// Verbs that a ticket takes which went into another one: ties that end, and what is taken back. What clocks and supervisors find is not among them, for no
/// state matters to it.
const OF_MERGED: &[&str] = &[
    command::Unlink::VERB,
    command::MakeCommentPrivate::VERB,
    command::RedactComment::VERB,
    command::ReportScan::VERB,
    command::RedactAttachment::VERB,
];

/// The verbs that can change a ticket which went into another one.
#[must_use]
pub const fn allowed_when_merged() -> &'static [&'static str] {
    OF_MERGED
}

/// Refuses an order on a ticket that went into another one, and says where it went.
pub(crate) fn is_here(ticket: &Ticket, order: &Order) -> Result<(), Rejection> {
    let (Some(merged), false) = (ticket.merged(), order.states().is_empty()) else { return Ok(()) };
    // Two merges that name each other: what is so already is looked at first.
    if OF_MERGED.contains(&order.verb()) || matches!(order, Order::Merge(_)) {
        return Ok(());
    }
    Err(gone(ticket, merged, order))
}

const fn gone(ticket: &Ticket, Merged { into, number }: Merged, order: &Order) -> Rejection {
    Rejection::MergedAway { number: ticket.number, into, into_number: number, verb: order.verb() }
}

/// Refuses an order that the state does not allow.
pub(crate) fn require(ticket: &Ticket, order: &Order) -> Result<(), Rejection> {
    let (state, verb) = (ticket.state(), order.verb());
    if let Some(merged) = ticket.merged() {
        return Err(gone(ticket, merged, order));
    }
    if order.states().contains(&state) {
        Ok(())
    } else if state.is_terminal() {
        Err(Rejection::TerminalState { number: ticket.number, state, verb })
    } else {
        Err(Rejection::InvalidTransition { number: ticket.number, state, verb })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_offers_its_verbs_in_the_order_of_the_contract() {
        let in_work = [
            "assign",
            "unassign",
            "escalate",
            "deescalate",
            "set_status",
            "request_information",
            "add_comment",
            "propose_resolution",
            "confirm_resolution",
            "reject_resolution",
            "resolve",
            "cancel",
            "set_due_date",
            "set_priority",
            "set_type",
            "set_category",
            "change_tags",
            "set_field",
            "link",
            "unlink",
            "request_survey",
            "rate",
            "record_nps",
            "claim",
            "renew_claim",
            "release_claim",
            "set_participants",
            "log_call",
            "switch_channel",
            "add_task",
            "complete_task",
            "cancel_task",
            "log_time",
            "schedule_follow_up",
            "record_follow_up",
            "use_article",
            "request_approval",
            "decide_approval",
            "merge",
            "split",
            "declare_problem",
            "broadcast_to_linked",
            "link_external",
            "link_asset",
            "make_comment_private",
            "redact_comment",
            "draft_reply",
            "approve_reply",
            "reject_reply",
            "review_decision",
            "hand_off",
            "open_side_conversation",
            "add_side_message",
            "close_side_conversation",
            "suggest",
            "accept_suggestion",
            "set_restriction",
            "add_attachment",
            "report_scan",
            "redact_attachment",
            "attach_procedure",
            "complete_step",
        ];
        for state in [TicketState::Open, TicketState::Pending, TicketState::Hold] {
            assert_eq!(allowed_verbs(state), in_work, "{state}");
        }
        // Nobody has said anything that could be confirmed.
        let new: Vec<_> = in_work.into_iter().filter(|verb| !verb.ends_with("_resolution")).collect();
        assert_eq!(allowed_verbs(TicketState::New), new);
        let resolved = [
            "assign",
            "unassign",
            "add_comment",
            "confirm_resolution",
            "reject_resolution",
            "reopen",
            "close",
            "set_due_date",
            "set_priority",
            "set_type",
            "set_category",
            "change_tags",
            "set_field",
            "link",
            "unlink",
            "request_survey",
            "rate",
            "record_nps",
            "claim",
            "renew_claim",
            "release_claim",
            "set_participants",
            "log_call",
            "switch_channel",
            "add_task",
            "complete_task",
            "cancel_task",
            "log_time",
            "schedule_follow_up",
            "record_follow_up",
            "use_article",
            "request_approval",
            "decide_approval",
            "merge",
            "split",
            "declare_problem",
            "broadcast_to_linked",
            "link_external",
            "link_asset",
            "make_comment_private",
            "redact_comment",
            "draft_reply",
            "approve_reply",
            "reject_reply",
            "review_decision",
            "hand_off",
            "open_side_conversation",
            "add_side_message",
            "close_side_conversation",
            "suggest",
            "accept_suggestion",
            "set_restriction",
            "add_attachment",
            "report_scan",
            "redact_attachment",
            "attach_procedure",
            "complete_step",
        ];
        assert_eq!(allowed_verbs(TicketState::Resolved), resolved);
        assert_eq!(
            allowed_verbs(TicketState::Closed),
            [
                "create_follow_up",
                "change_tags",
                "link",
                "unlink",
                "rate",
                "link_external",
                "link_asset",
                "make_comment_private",
                "redact_comment",
                "report_scan",
                "redact_attachment"
            ]
        );
        assert_eq!(
            allowed_verbs(TicketState::Cancelled),
            [
                "change_tags",
                "link",
                "unlink",
                "rate",
                "link_external",
                "link_asset",
                "make_comment_private",
                "redact_comment",
                "report_scan",
                "redact_attachment"
            ]
        );
    }
}
