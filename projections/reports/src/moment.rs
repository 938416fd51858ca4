//! What the reports keep of an event, in the order in which it holds.

use guichet_schemas::event::{
    Classification, CommentAdded, ConfigEvent, Conversation, Event, LifeCycle, LogEvent, Ownership, SlaEvent,
    TicketCreated, TicketEscalated, TicketEvent,
};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{Moment, MomentCreated, MomentEscalated, MomentReply, MomentResolved};
use guichet_schemas::words::{ActorKind, AuthorKind, Visibility};
use prost::Message as _;

/// The moments of a record; most have one, many none.
#[must_use]
pub fn distill(record: &Record) -> Vec<Moment> {
    let moment =
        |what| Moment { position: record.position.get(), at: record.occurred_at.0, what: Some(what) };
    let one = |what| vec![moment(what)];
    match &record.event {
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) => one(What::Created(created(e))),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) => {
            one(What::State(e.to.to_wire()))
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) => {
            one(What::Resolved(MomentResolved { by: e.by.clone(), human: is_human(record.actor.kind) }))
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_))) => one(What::Reopened(true)),
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(e))) => {
            one(What::Closed(e.reason.to_wire()))
        }
        Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(e))) => {
            one(What::Cancelled(e.reason.to_wire()))
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketRouted(e))) => {
            one(What::Group(text(e.to_group.as_ref())))
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketAssigned(e))) => {
            vec![moment(What::Group(text(e.group.as_ref()))), moment(What::Assignee(e.to.clone()))]
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketUnassigned(_))) => {
            one(What::Assignee(String::new()))
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketEscalated(e))) => {
            one(What::Escalated(escalated(e)))
        }
        Event::Ticket(TicketEvent::Ownership(Ownership::TicketDeescalated(e))) => {
            one(What::Deescalated(e.to_tier))
        }
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => {
            comment(e).map(moment).into_iter().collect()
        }
        Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(e))) => {
            one(What::Priority(e.to.to_wire()))
        }
        Event::Ticket(TicketEvent::Classification(Classification::CategoryChanged(e))) => {
            one(What::Category(text(e.to.as_ref())))
        }
        Event::Ticket(TicketEvent::LifeCycle(_) | TicketEvent::Classification(_))
        | Event::Log(_)
        | Event::Sla(_)
        | Event::Config(_) => Vec::new(),
    }
}

/// Appends a moment to the bytes of a history.
///
/// # Panics
/// Never: a vector takes whatever is put into it.
pub fn encode(moment: &Moment, to: &mut Vec<u8>) {
    moment.encode_length_delimited(to).expect("a vector grows");
}

fn created(e: &TicketCreated) -> MomentCreated {
    MomentCreated {
        channel: e.channel.to_wire(),
        origin: e.origin.to_wire(),
        priority: e.priority.to_wire(),
        category: text(e.category.as_ref()),
        group: text(e.group.as_ref()),
        assignee: text(e.assignee.as_ref()),
        product: text(e.product.as_ref()),
        tier: e.tier,
        synthetic: e.synthetic,
    }
}

fn escalated(e: &TicketEscalated) -> MomentEscalated {
    MomentEscalated {
        kind: e.kind.to_wire(),
        to_tier: e.to_tier,
        reason: e.reason.to_wire(),
        tags_at: e.tags_at.clone(),
        category_at: text(e.category_at.as_ref()),
    }
}

/// What of the conversation counts: public answers, and what requesters write.
fn comment(e: &CommentAdded) -> Option<What> {
    match (e.visibility, e.author_kind) {
        (Visibility::Internal, _) => None,
        (Visibility::Public, AuthorKind::Requester) => {
            Some(What::Inbound(e.channel.map_or(0, |channel| channel.to_wire())))
        }
        (Visibility::Public, AuthorKind::Bot) => Some(What::Reply(MomentReply { human: false })),
        (
            Visibility::Public,
            AuthorKind::Agent | AuthorKind::System | AuthorKind::Peer | AuthorKind::ThirdParty,
        ) => e.counts_as_reply.then_some(What::Reply(MomentReply { human: true })),
    }
}

const fn is_human(kind: ActorKind) -> bool {
    match kind {
        ActorKind::Requester
        | ActorKind::Agent
        | ActorKind::LightAgent
        | ActorKind::Supervisor
        | ActorKind::Admin => true,
        ActorKind::Bot | ActorKind::Service | ActorKind::System => false,
    }
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}
