//! Recognises what was imported before the log kept a mark of imported facts. Nothing but the facts themselves can tell
//! there whether an import goes on with its ticket or tells another past, so they are compared one by one.

use std::collections::BTreeMap;
use std::convert::Infallible;

use guichet_schemas::command::{Command, Fact, Import};
use guichet_schemas::event::{Actor, Conversation, Event, LifeCycle, Personal, TicketEvent};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::CommandId;
use guichet_schemas::personal;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use crate::decide::Context;
use crate::evolve::{complete, evolve};
use crate::import::rewritten;
use crate::state::{ImportMark, Ticket};
use crate::verbs::Replayed;

/// An event of a ticket as the log has it. Its personal texts are open where their key is still there.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    pub event: Event,
    pub occurred_at: Timestamp,
    /// The source's own time where the fact was lifted.
    pub source_time: Option<Timestamp>,
    pub actor: Actor,
    /// The command that wrote it.
    pub command: CommandId,
}

/// The mark that the imported facts of a ticket would have. `past` holds all events of the ticket, in order.
///
/// The facts before `begins_at` are not in the command: their digest is taken from it, and the parts before it, which
/// were recognised the same way, vouch for it.
///
/// # Errors
/// `rewritten_past`: the command tells what is here otherwise.
pub fn recognise(
    past: &[Past],
    order: &Import,
    command: &Command,
    context: &Context<'_>,
) -> Result<ImportMark, Rejection> {
    let imported = imported(past);
    let have = imported.iter().filter(|is| **is).count() as u64;
    let begins_at = order.begins_at.unwrap_or(0);
    let (mut ticket, mut place) = (None, 0_u64);
    for (event, imported) in past.iter().zip(imported) {
        if imported {
            let told = place.checked_sub(begins_at).and_then(|n| usize::try_from(n).ok());
            let told = told.and_then(|n| order.events.get(n));
            if told.is_some_and(|fact| !is_same(event, fact, ticket.as_ref(), command, context)) {
                return Err(rewritten(have));
            }
            place = place.saturating_add(1);
        }
        ticket = Some(evolve(ticket, &event.event, event.occurred_at));
    }
    let here = usize::try_from(have.saturating_sub(begins_at)).unwrap_or(usize::MAX);
    let known = &order.events[..here.min(order.events.len())];
    Ok(ImportMark { facts: have, digest: Import::digest(order.prefix.unwrap_or(Hash::ZERO), known) })
}

/// Which of the events are imported facts: those that the command of a `TicketImported` wrote behind it.
fn imported(past: &[Past]) -> Vec<bool> {
    let mut import = None;
    let mut is_fact = |event: &Past| {
        if event.event.imported().is_some() {
            import = Some(event.command);
            return false;
        }
        import == Some(event.command)
    };
    past.iter().map(&mut is_fact).collect()
}

/// Whether a fact, completed as an import completes it, is the event that the log has.
fn is_same(
    past: &Past,
    fact: &Fact,
    ticket: Option<&Ticket>,
    command: &Command,
    context: &Context<'_>,
) -> bool {
    let at = past.source_time.unwrap_or(past.occurred_at);
    if at != fact.occurred_at || fact.actor.as_ref().is_some_and(|actor| *actor != past.actor) {
        return false;
    }
    let mut event = fact.event.clone();
    if let Some(ticket) = ticket {
        complete(&mut event, ticket, &Replayed { at: fact.occurred_at, index: 0, command, context });
    }
    given_here(&mut event, past, fact);
    still_sealed(&mut event, past);
    event == past.event
}

/// Copies into the event whatever the engine adds, and no export can know.
fn given_here(event: &mut Event, past: &Past, fact: &Fact) {
    if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(created))) = event {
        created.number = past.event.created().map_or(0, |created| created.number);
    }
    let comment = |event: &Event| match event {
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(comment))) => {
            Some(comment.comment_id)
        }
        Event::Ticket(_) | Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => None,
    };
    let (told, here) = (comment(&fact.event), comment(&past.event));
    if let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(added))) = event
        && told.is_some_and(|id| id.0.is_nil())
        && let Some(id) = here
    {
        added.comment_id = id;
    }
}

/// A text whose key was destroyed cannot be compared: it counts as the one that is told.
fn still_sealed(event: &mut Event, past: &Past) {
    let mut sealed = BTreeMap::new();
    let mut copy = past.event.clone();
    let Ok(()) = personal::each(&mut copy, |field, text| {
        if matches!(text, Personal::Sealed(_)) {
            sealed.insert(field, text.clone());
        }
        Ok::<_, Infallible>(())
    });
    let Ok(()) = personal::each(event, |field, text| {
        if let Some(of_past) = sealed.get(&field) {
            text.clone_from(of_past);
        }
        Ok::<_, Infallible>(())
    });
}
