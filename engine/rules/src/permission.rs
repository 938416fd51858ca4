//! Who counts as a person of the desk, and which tickets somebody may act on.

use guichet_schemas::command::{Command, Order};
use guichet_schemas::event::Actor;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::words::ActorKind;

use crate::beside::Other;
use crate::desk::DeskRules;
use crate::state::Ticket;

/// True for the people whose public words are an answer of the desk.
pub(crate) const fn is_human_agent(kind: ActorKind) -> bool {
    match kind {
        ActorKind::Agent | ActorKind::LightAgent | ActorKind::Supervisor | ActorKind::Admin => true,
        ActorKind::Requester | ActorKind::Bot | ActorKind::Service | ActorKind::System => false,
    }
}

/// True for whoever may set aside what others hold, and override guards with a reason.
pub(crate) const fn supervises(kind: ActorKind) -> bool {
    matches!(kind, ActorKind::Supervisor | ActorKind::Admin)
}

/// True for such an actor where their caller may do it by a role that reaches every ticket: whoever speaks for a supervisor
/// has not yet the rights of one.
pub(crate) fn oversees(command: &Command, desk: &dyn DeskRules) -> bool {
    supervises(command.actor.kind) && desk.any_reach(command, &|reach| reach == Reach::Every)
}

/// Which tickets a role acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// All of them.
    Every,
    /// Those of the actor's groups, those that the actor has, and those that no group has. All of them where nobody has said
    /// who is in which group.
    OwnGroups,
    /// Those whose requester the actor is.
    Own,
    /// Those that the actor reads along.
    TakesPart,
}

impl Reach {
    fn holds(self, ticket: &Ticket, actor: &Actor, desk: &dyn DeskRules) -> bool {
        match self {
            Self::Every => true,
            Self::OwnGroups => {
                let is_theirs =
                    |group: &String| desk.groups_of(&actor.id).is_none_or(|all| all.contains(group));
                ticket.assignee.as_ref() == Some(&actor.id) || ticket.group.as_ref().is_none_or(is_theirs)
            }
            Self::Own => ticket.requester == actor.id,
            Self::TakesPart => ticket.participants.contains(&actor.id),
        }
    }
}

/// Whether whoever sends a command may do so to this ticket, or to one that it begins where there is none.
///
/// # Errors
/// `forbidden`, with what would allow it.
pub fn permits(ticket: Option<&Ticket>, command: &Command, desk: &dyn DeskRules) -> Result<(), Rejection> {
    desk.may(command)?;
    may_write_internally(command)?;
    match ticket {
        Some(ticket) if !begins(&command.order) => {
            if !sees(ticket, &command.actor, desk) {
                // The same words as where there is none.
                return Err(Rejection::NotFound { what: "the ticket".to_owned() });
            }
            reaches(ticket, command, desk)
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether somebody may know of a ticket: one that is restricted is seen by the groups that it is restricted to, by its
/// requester and by who reads along. Clocks and rules act on what nobody sees, too.
#[must_use]
pub fn sees(ticket: &Ticket, actor: &Actor, desk: &dyn DeskRules) -> bool {
    let of_a_group = || {
        let groups = desk.groups_of(&actor.id).unwrap_or_default();
        groups.iter().any(|group| ticket.restricted_to.contains(group))
    };
    ticket.restricted_to.is_empty()
        || actor.kind == ActorKind::System
        || ticket.requester == actor.id
        || ticket.participants.contains(&actor.id)
        || of_a_group()
}

/// The same for a ticket that the command names beside its own.
pub(crate) fn sees_other(other: &Other, command: &Command, desk: &dyn DeskRules) -> Result<(), Rejection> {
    if sees(&other.ticket, &command.actor, desk) {
        return Ok(());
    }
    Err(Rejection::NotFound { what: format!("ticket {}", other.id) })
}

/// What meets a ticket that is there already says so by itself, and an import is past every rule.
const fn begins(order: &Order) -> bool {
    matches!(order, Order::Create(_) | Order::CreateFollowUp(_) | Order::Import(_))
}

/// Refuses to act on a ticket that none of the caller's roles reaches. A survey is answered by its token, whoever has it.
pub(crate) fn reaches(ticket: &Ticket, command: &Command, desk: &dyn DeskRules) -> Result<(), Rejection> {
    let (actor, verb) = (&command.actor, command.order.verb());
    if matches!(command.order, Order::Rate(_))
        || desk.any_reach(command, &|reach| reach.holds(ticket, actor, desk))
    {
        return Ok(());
    }
    let of_group = desk.any_reach(command, &|reach| reach == Reach::OwnGroups);
    let why = match &ticket.group {
        Some(group) if of_group => format!(
            "ticket {} is of group {group}, and {} is not in it: a member of it or a supervisor may {verb}",
            ticket.number, actor.id
        ),
        Some(_) | None => format!(
            "caller {} may {verb} only for the requester of a ticket, or for who reads along; {} is neither",
            command.caller, actor.id
        ),
    };
    Err(Rejection::Forbidden(why))
}

/// Internal notes are words among the people of the desk: whoever asks for help neither reads nor writes them.
fn may_write_internally(command: &Command) -> Result<(), Rejection> {
    if command.actor.kind == ActorKind::Requester && command.order.is_internal() {
        return Err(Rejection::Forbidden(
            "an actor of kind requester writes public comments only; this one would be internal".to_owned(),
        ));
    }
    Ok(())
}
