//! What a decision needs of tickets beside that of its command: which one it looks at, and where a message goes on to that
//! was sent to a ticket which is over.

use guichet_schemas::command::{AddComment, Command, Order};
use guichet_schemas::event::TicketCreated;
use guichet_schemas::ids::TicketId;
use guichet_schemas::words::{ActorKind, TicketState, Visibility};

use crate::desk::{ClosedMessage, DeskRules};
use crate::state::Ticket;

/// A ticket that a decision looks at and does not stand on.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// Which.
    pub id: TicketId,
    /// As it is.
    pub ticket: Ticket,
    /// Its first words, open where their key is still there; none: nobody asked for them.
    pub created: Option<TicketCreated>,
}

/// Which ticket a decision looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LooksAt {
    /// Which; none: that of the command.
    pub ticket: Option<TicketId>,
    /// Its creation is read too.
    pub creation: bool,
}

/// The ticket that a decision looks at beside its own; `None`: most look at none.
#[must_use]
pub fn looks_at(ticket: Option<&Ticket>, command: &Command) -> Option<LooksAt> {
    if let Order::CreateFollowUp(order) = &command.order {
        return Some(LooksAt { ticket: Some(order.of), creation: true });
    }
    comes_back(ticket?, command).then_some(LooksAt { ticket: None, creation: true })
}

/// The follow-up of a closed ticket: there the conversation goes on, as long as that one is not over too. `None`: the
/// message stays where it was sent.
#[must_use]
pub fn goes_on_to(ticket: &Ticket, command: &Command, desk: &dyn DeskRules) -> Option<TicketId> {
    let Order::AddComment(order) = &command.order else { return None };
    let follows = comes_back(ticket, command) && !order.no_reopen;
    ticket.follow_up.filter(|_| follows && desk.life().closed_message == ClosedMessage::FollowUp)
}

/// True for a message of the requester to a ticket that is closed.
pub(crate) fn comes_back(ticket: &Ticket, command: &Command) -> bool {
    let Order::AddComment(order) = &command.order else { return false };
    ticket.state() == TicketState::Closed && is_message(order, command)
}

/// True for what a requester writes to be read.
pub(crate) fn is_message(order: &AddComment, command: &Command) -> bool {
    order.visibility == Visibility::Public && command.actor.kind == ActorKind::Requester
}
