//! Which verb which state allows. A verb whose effect already holds is allowed too, and does nothing.

use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::TicketState;

use crate::state::Ticket;

/// The verbs that can change a ticket in this state, in the order of the contract.
#[must_use]
pub const fn allowed_verbs(state: TicketState) -> &'static [&'static str] {
    match state {
        TicketState::New | TicketState::Open | TicketState::Pending | TicketState::Hold => &[
            "assign",
            "unassign",
            "escalate",
            "deescalate",
            "set_status",
            "add_comment",
            "resolve",
            "cancel",
            "set_priority",
            "set_category",
            "change_tags",
        ],
        TicketState::Resolved => &[
            "assign",
            "unassign",
            "add_comment",
            "reopen",
            "close",
            "set_priority",
            "set_category",
            "change_tags",
        ],
        TicketState::Closed | TicketState::Cancelled => &["change_tags"],
    }
}

/// Refuses a verb that the state does not allow.
pub(crate) fn require(ticket: &Ticket, verb: &'static str) -> Result<(), Rejection> {
    let state = ticket.state();
    if allowed_verbs(state).contains(&verb) {
        Ok(())
    } else if state.is_terminal() {
        Err(Rejection::TerminalState { number: ticket.number, state, verb })
    } else {
        Err(Rejection::InvalidTransition { number: ticket.number, state, verb })
    }
}
