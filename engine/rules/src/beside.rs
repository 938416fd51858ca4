//! What a decision needs of tickets beside that of its command: which one it looks at, and where a message goes on to that
//! was sent to a ticket which is over.

use guichet_schemas::command::{AddComment, Command, Entity, Link, Merge, Order, Unlink};
use guichet_schemas::event::{Actor, Event};
use guichet_schemas::ids::{CommentId, EventId, TicketId};
use guichet_schemas::words::{ActorKind, CommentMode, TicketState, Visibility};

use crate::desk::{ClosedMessage, DeskRules};
use crate::recognise::Past;
use crate::state::Ticket;
use crate::verbs::incidents;

/// A ticket that a decision looks at and does not stand on.
#[derive(Debug, Clone, PartialEq)]
pub struct Other {
    /// Which.
    pub id: TicketId,
    /// As it is.
    pub ticket: Ticket,
    /// The event of it that was asked for, with its texts open where their key is still there.
    pub event: Option<Event>,
    /// What was said in it, its first words first, where that was asked for. It ends where it is more than one command
    /// copies.
    pub said: Vec<Past>,
    /// Where that event stands, and who caused it.
    pub found: Option<Found>,
}

/// Further tickets that a decision looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Which; those that are not there are left out of what it sees.
    pub tickets: Vec<TicketId>,
    /// It reads what was said in them.
    pub said: bool,
}

/// What stands beside an event that was looked for by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The version of the ticket.
    pub version: u64,
    pub by: Actor,
}

/// Which event of a ticket a decision reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// None.
    Nothing,
    /// Its first words.
    Creation,
    Version(u64),
    /// Where a comment was added, if there is one of that id.
    Comment(CommentId),
    /// The one of that id, if there is one.
    Event(EventId),
}

/// Which ticket a decision looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LooksAt {
    /// Which; none: that of the command.
    pub ticket: Option<TicketId>,
    /// Which of its events.
    pub reads: Reads,
}

/// The ticket that a decision looks at beside its own; `None`: most look at none.
#[must_use]
pub fn looks_at(ticket: Option<&Ticket>, command: &Command) -> Option<LooksAt> {
    if let Order::CreateFollowUp(order) = &command.order {
        return Some(LooksAt { ticket: Some(order.of), reads: Reads::Creation });
    }
    let ticket = ticket?;
    if let Order::Link(Link { other, .. }) | Order::Unlink(Unlink { other, .. }) = &command.order {
        return Some(LooksAt { ticket: Some(*other), reads: Reads::Nothing });
    }
    if matches!(command.order, Order::ConfirmResolution(_) | Order::FireTimeRule(_)) {
        let reads = Reads::Version(ticket.proposal.as_ref()?.version);
        return Some(LooksAt { ticket: None, reads });
    }
    if let Some(reads) = moderated(ticket, &command.order) {
        return Some(LooksAt { ticket: None, reads });
    }
    comes_back(ticket, command).then_some(LooksAt { ticket: None, reads: Reads::Creation })
}

/// What was written or done before, where somebody takes it back, lets it go out, or reviews it.
fn moderated(ticket: &Ticket, order: &Order) -> Option<Reads> {
    if let Order::MakeCommentPrivate(order) = order {
        Some(Reads::Comment(order.comment_id))
    } else if let Order::RedactComment(order) = order {
        Some(Reads::Comment(order.comment_id))
    } else if let Order::ReviewDecision(order) = order {
        Some(Reads::Event(order.event_id))
    } else if let Order::ApproveReply(order) = order {
        let draft = ticket.moderation.drafts.get(&order.draft_id)?;
        Some(Reads::Version(draft.version))
    } else {
        None
    }
}

/// Further tickets that a decision looks at; most look at none.
#[must_use]
pub fn looks_at_others(ticket: Option<&Ticket>, command: &Command) -> Others {
    if let Order::Merge(Merge { sources, comment_mode }) = &command.order {
        return Others { tickets: sources.clone(), said: *comment_mode != Some(CommentMode::Reference) };
    }
    if let (Order::Split(_), Entity::Ticket(own)) = (&command.order, command.entity) {
        return Others { tickets: vec![own], said: true };
    }
    if let Order::DeclareProblem(order) = &command.order {
        return Others { tickets: order.tickets.clone(), said: false };
    }
    if let (Order::BroadcastToLinked(_), Some(problem)) = (&command.order, ticket) {
        return Others { tickets: incidents(problem).collect(), said: false };
    }
    Others::default()
}

/// The follow-up of a closed ticket: there the conversation goes on, as long as that one is not over too; or the ticket
/// that it went into. `None`: the message stays where it was sent.
#[must_use]
pub fn goes_on_to(ticket: &Ticket, command: &Command, desk: &dyn DeskRules) -> Option<TicketId> {
    let Order::AddComment(order) = &command.order else { return None };
    if let Some(merged) = ticket.merged() {
        return is_message(order, command).then_some(merged.into);
    }
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
