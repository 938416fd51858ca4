//! What the reports keep of an event, in the order in which it holds.

use guichet_config::EVENTS;
use guichet_schemas::event::{
    Actor, Classification, CommentAdded, Confirmation, Conversation, Event, LifeCycle, Ownership, Relations,
    Satisfaction, TicketCreated, TicketEscalated, TicketEvent, Work,
};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::store::moment::What;
use guichet_schemas::wire::store::{
    Moment, MomentCreated, MomentEscalated, MomentRated, MomentReply, MomentResolved, MomentSurvey,
    MomentWorked,
};
use guichet_schemas::words::{ActorKind, AuthorKind, ConfirmedBy, Visibility};
use prost::Message as _;

/// False for an event of a ticket that has no moment: readers of a history need not decode it.
#[must_use]
pub fn may_count(type_name: &str) -> bool {
    // A call is time that was worked, as figures see it.
    EVENTS.contains(&type_name) || type_name == "CallLogged"
}

/// The moments of a record; most have one, many none.
#[must_use]
pub fn distill(record: &Record) -> Vec<Moment> {
    moments(record.position.get(), record.occurred_at.0, &record.event, by(&record.actor)).collect()
}

/// Kind and id of an actor.
pub type By<'a> = (ActorKind, &'a str);

/// An actor, as [`moments`] asks for one.
#[must_use]
pub fn by(actor: &Actor) -> By<'_> {
    (actor.kind, &actor.id)
}

/// The same of what is decoded of a record: where it stands, when it happened, what, and by whom.
pub fn moments(position: u64, at: i64, event: &Event, by: By<'_>) -> impl Iterator<Item = Moment> {
    let moment = move |what| Moment { position, at, what: Some(what) };
    let (first, second) = match event {
        Event::Ticket(TicketEvent::LifeCycle(event)) => (life_cycle(event, by.0), None),
        Event::Ticket(TicketEvent::Ownership(event)) => ownership(event),
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => (comment(e), None),
        // The ticket stays as it was, and no figure counts what did not happen.
        Event::Ticket(TicketEvent::Conversation(Conversation::ReopenHeld(_))) => (None, None),
        Event::Ticket(TicketEvent::Conversation(Conversation::CallLogged(e))) => {
            (worked(by, e.duration_s), None)
        }
        // A ticket counts for the channel of its creation.
        Event::Ticket(TicketEvent::Conversation(Conversation::ChannelSwitched(_))) => (None, None),
        Event::Ticket(TicketEvent::Relations(event)) => (relations(event), None),
        Event::Ticket(TicketEvent::Confirmation(event)) => (confirmation(event), None),
        Event::Ticket(TicketEvent::Classification(event)) => (classification(event), None),
        Event::Ticket(TicketEvent::Satisfaction(event)) => (Some(satisfaction(event)), None),
        Event::Ticket(TicketEvent::Work(Work::TimeLogged(e))) => (worked(by, e.seconds), None),
        Event::Ticket(TicketEvent::Work(Work::ArticleUsed(_))) => (Some(What::Article(true)), None),
        Event::Ticket(TicketEvent::Work(_) | TicketEvent::Attachments(_)) => (None, None),
        // An answer that was given counts, whatever becomes of its text.
        Event::Ticket(TicketEvent::Moderation(_)) => (None, None),
        // Nor does what is said beside the conversation, or suggested.
        Event::Ticket(TicketEvent::Assistance(_)) => (None, None),
        Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => (None, None),
    };
    first.into_iter().chain(second).map(moment)
}

/// Appends a moment to the bytes of a history.
///
/// # Panics
/// Never: a vector takes whatever is put into it.
pub fn encode(moment: &Moment, to: &mut Vec<u8>) {
    moment.encode_length_delimited(to).expect("a vector grows");
}

fn life_cycle(event: &LifeCycle, actor: ActorKind) -> Option<What> {
    Some(match event {
        LifeCycle::TicketCreated(e) => What::Created(created(e)),
        LifeCycle::TicketImported(_) => return None,
        LifeCycle::StatusChanged(e) => What::State(e.to.to_wire()),
        LifeCycle::TicketResolved(e) => {
            let as_proposed = match e.confirmed_by {
                ConfirmedBy::Requester | ConfirmedBy::Timeout => true,
                ConfirmedBy::Override | ConfirmedBy::None => false,
            };
            What::Resolved(MomentResolved { by: e.by.clone(), human: is_human(actor), as_proposed })
        }
        LifeCycle::TicketReopened(_) => What::Reopened(true),
        LifeCycle::TicketClosed(e) => What::Closed(e.reason.to_wire()),
        LifeCycle::TicketCancelled(e) => What::Cancelled(e.reason.to_wire()),
    })
}

/// An assignment is two moments: it names the group as well.
fn ownership(event: &Ownership) -> (Option<What>, Option<What>) {
    let one = match event {
        Ownership::TicketRouted(e) => What::Group(text(e.to_group.as_ref())),
        Ownership::TicketAssigned(e) => {
            return (Some(What::Group(text(e.group.as_ref()))), Some(What::Assignee(e.to.clone())));
        }
        Ownership::TicketUnassigned(_) => What::Assignee(String::new()),
        Ownership::TicketEscalated(e) => What::Escalated(escalated(e)),
        Ownership::TicketDeescalated(e) => What::Deescalated(e.to_tier),
        Ownership::TicketClaimed(_) | Ownership::ClaimReleased(_) | Ownership::ParticipantsChanged(_) => {
            return (None, None);
        }
    };
    (Some(one), None)
}

/// Whoever confirms did not solve it: whether a person did is known from the proposal.
const fn confirmation(event: &Confirmation) -> Option<What> {
    match event {
        Confirmation::ResolutionProposed(e) => Some(What::Proposed(is_human(e.by_kind))),
        Confirmation::ResolutionConfirmed(_) | Confirmation::ResolutionRejected(_) => None,
    }
}

/// A follow-up says that the resolution did not hold, as a reopening does.
const fn relations(event: &Relations) -> Option<What> {
    match event {
        Relations::FollowUpCreated(_) => Some(What::FollowedUp(true)),
        // That the ticket went into another one, its closing says; what is repeated was counted where it was said.
        Relations::TicketsLinked(_)
        | Relations::TicketsUnlinked(_)
        | Relations::TicketMerged(_)
        | Relations::MergeReceived(_)
        | Relations::CommentCopied(_)
        | Relations::TicketSplit(_)
        | Relations::ProblemDeclared(_)
        | Relations::WorkaroundPublished(_)
        | Relations::BroadcastSent(_)
        | Relations::ExternalLinked(_)
        | Relations::AssetLinked(_) => None,
    }
}

/// Reports are cut by priority and by category, by nothing else that a ticket is filed under.
fn classification(event: &Classification) -> Option<What> {
    if let Classification::PriorityChanged(e) = event {
        Some(What::Priority(e.to.to_wire()))
    } else if let Classification::CategoryChanged(e) = event {
        Some(What::Category(text(e.to.as_ref())))
    } else {
        None
    }
}

/// What a requester or a program spends is no time of an agent.
fn worked((kind, id): By<'_>, seconds: u32) -> Option<What> {
    let is_agent = kind != ActorKind::Requester && is_human(kind);
    (is_agent && seconds > 0).then(|| What::Worked(MomentWorked { agent: id.to_owned(), seconds }))
}

fn satisfaction(event: &Satisfaction) -> What {
    match event {
        Satisfaction::SurveyRequested(e) => {
            What::Survey(MomentSurvey { id: e.survey_id.to_wire(), kind: e.kind.to_wire() })
        }
        Satisfaction::TicketRated(e) => What::Rated(MomentRated {
            scale: e.scale.to_wire(),
            score: e.score,
            agent: text(e.credited_agent.as_ref()),
            survey: e.survey_id.to_wire().unwrap_or_default(),
        }),
        Satisfaction::NpsRecorded(e) => What::Nps(e.score),
    }
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

/// Comments that count: public answers, and messages of requesters.
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

#[cfg(test)]
mod tests {
    use guichet_test_support::history::{Dice, any_event};

    use super::*;

    #[test]
    fn what_is_said_to_have_no_moment_has_none() {
        let mut dice = Dice(7);
        let mut without = 0;
        for _ in 0..20_000 {
            let event = any_event(&mut dice);
            if !may_count(event.type_name()) {
                without += 1;
                assert_eq!(
                    moments(1, 0, &event, (ActorKind::Agent, "bob")).count(),
                    0,
                    "{}",
                    event.type_name()
                );
            }
        }
        assert!(without > 0);
    }
}
