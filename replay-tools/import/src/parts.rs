//! Cuts a long history into commands that fit.

use std::collections::VecDeque;

use guichet_schemas::command::{Fact, Import};
use guichet_schemas::event::{
    Assistance, Attachments, Classification, Confirmation, Conversation, Event, FieldValue, LifeCycle,
    Moderation, Ownership, Personal, Relations, Satisfaction, TicketCreated, TicketEvent, Work,
};
use guichet_schemas::hash::Hash;
use guichet_schemas::text::Label;

use super::mapping::Mapping;

/// Facts of one command.
const PART_FACTS_MAX: usize = 200;
/// Bytes of one command, roughly; the contract allows 256 KiB.
const PART_BYTES_MAX: usize = 150 * 1024;

/// The commands of one ticket, in order.
pub(super) fn of(mapping: &Mapping, external_id: &Label, facts: Vec<Fact>, ready: &mut VecDeque<Import>) {
    let mut parts: Vec<Vec<Fact>> = Vec::with_capacity(1);
    let mut bytes = 0_usize;
    if facts.len() <= PART_FACTS_MAX && facts.iter().map(weight).sum::<usize>() <= PART_BYTES_MAX {
        parts.push(facts);
    } else {
        for fact in facts {
            let more = weight(&fact);
            match parts.last_mut() {
                Some(part) if part.len() < PART_FACTS_MAX && bytes.saturating_add(more) <= PART_BYTES_MAX => {
                    bytes = bytes.saturating_add(more);
                    part.push(fact);
                }
                _ => {
                    bytes = more;
                    parts.push(vec![fact]);
                }
            }
        }
    }
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let (mut begins_at, mut digest) = (0_u64, Hash::ZERO);
    for (part, events) in (1..).zip(parts) {
        let prefix = (begins_at > 0).then_some(digest);
        let first = begins_at;
        if part < count {
            digest = Import::digest(digest, &events);
            begins_at = begins_at.saturating_add(events.len() as u64);
        }
        ready.push_back(Import {
            source: mapping.name.clone(),
            external_id: external_id.clone(),
            part,
            parts: count,
            events,
            mapping_version: mapping.version.clone(),
            begins_at: Some(first),
            prefix,
            replies_complete: mapping.tells_replies(),
        });
    }
}

/// Bytes of a fact on the wire, and a little more.
pub(super) fn weight(fact: &Fact) -> usize {
    /// Tags, numbers, times and words.
    const FRAME: usize = 160;
    let actor = fact.actor.as_ref().map_or(0, |a| a.id.len());
    let texts = match &fact.event {
        Event::Ticket(TicketEvent::LifeCycle(event)) => of_life_cycle(event),
        Event::Ticket(TicketEvent::Ownership(event)) => of_ownership(event),
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => {
            sum([e.author.len(), of_personal(&e.body)])
        }
        Event::Ticket(TicketEvent::Conversation(
            Conversation::ReopenHeld(_) | Conversation::CallLogged(_) | Conversation::ChannelSwitched(_),
        )) => 0,
        Event::Ticket(TicketEvent::Relations(Relations::CommentCopied(e))) => {
            sum([e.author.len(), e.requester.len(), of_personal(&e.body)])
        }
        Event::Ticket(TicketEvent::Relations(Relations::ExternalLinked(e))) => {
            sum([e.system.len(), e.r#ref.len(), of_text(&e.url)])
        }
        Event::Ticket(TicketEvent::Relations(_)) => 0,
        Event::Ticket(TicketEvent::Confirmation(event)) => of_confirmation(event),
        Event::Ticket(TicketEvent::Classification(event)) => of_classification(event),
        Event::Ticket(TicketEvent::Satisfaction(event)) => of_satisfaction(event),
        Event::Ticket(TicketEvent::Work(event)) => of_work(event),
        Event::Ticket(TicketEvent::Moderation(event)) => of_moderation(event),
        Event::Ticket(TicketEvent::Assistance(event)) => of_assistance(event),
        Event::Ticket(TicketEvent::Attachments(event)) => of_attachments(event),
        Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => 0,
    };
    sum([FRAME, actor, texts])
}

fn of_life_cycle(event: &LifeCycle) -> usize {
    match event {
        LifeCycle::TicketCreated(e) => of_creation(e),
        LifeCycle::StatusChanged(e) => of_text(&e.custom_status),
        LifeCycle::TicketResolved(e) => sum([e.by.len(), of_personal(&e.summary)]),
        LifeCycle::TicketReopened(e) => of_text(&e.resolver_of_last),
        LifeCycle::TicketImported(_) | LifeCycle::TicketClosed(_) | LifeCycle::TicketCancelled(_) => 0,
    }
}

fn of_attachments(event: &Attachments) -> usize {
    match event {
        Attachments::AttachmentAdded(e) => sum([e.media_type.len(), of_personal(&e.name)]),
        Attachments::AttachmentScanned(e) => e.engine.len(),
        Attachments::AttachmentRedacted(e) => e.reason.len(),
    }
}

fn of_confirmation(event: &Confirmation) -> usize {
    match event {
        Confirmation::ResolutionProposed(e) => sum(e.steps.iter().map(String::len).chain([
            e.by.len(),
            of_personal(&e.summary),
            of_text(&e.root_cause),
        ])),
        Confirmation::ResolutionConfirmed(e) => e.by.len(),
        Confirmation::ResolutionRejected(e) => of_personal(&e.reason),
    }
}

fn of_ownership(event: &Ownership) -> usize {
    match event {
        Ownership::TicketRouted(e) => sum([of_text(&e.from_group), of_text(&e.to_group)]),
        Ownership::TicketAssigned(e) => sum([of_text(&e.from), e.to.len(), of_text(&e.group)]),
        Ownership::TicketUnassigned(e) => e.from.len(),
        Ownership::TicketEscalated(e) => of_text(&e.category_at),
        Ownership::TicketDeescalated(_) => 0,
        Ownership::TicketClaimed(e) => e.by.len(),
        Ownership::ClaimReleased(e) => e.by.len(),
        Ownership::ParticipantsChanged(e) => names(e.added.iter().chain(&e.removed)),
    }
}

/// Of the others the frame is enough.
fn of_classification(event: &Classification) -> usize {
    if let Classification::CategoryChanged(e) = event {
        sum([of_text(&e.from), of_text(&e.to)])
    } else if let Classification::FieldChanged(e) = event {
        sum([e.field.len(), of_field(e.from.as_ref()), of_field(e.to.as_ref())])
    } else if let Classification::TagsChanged(e) = event {
        sum(e.added.iter().chain(&e.removed).map(|tag| tag.len().saturating_add(4)))
    } else if let Classification::RestrictionChanged(e) = event {
        sum([names(e.from.iter().chain(&e.to)), e.reason.len()])
    } else {
        0
    }
}

fn of_work(event: &Work) -> usize {
    match event {
        Work::TaskAdded(e) => sum([e.title.len(), of_text(&e.owner)]),
        Work::TaskCancelled(e) => of_text(&e.reason),
        Work::ApprovalRequested(e) => names(&e.approvers),
        Work::ApprovalDecided(e) => sum([e.by.len(), of_text(&e.reason)]),
        Work::ArticleUsed(e) => e.article.len(),
        Work::ProcedureAttached(e) => sum([e.procedure.len(), names(&e.steps), names(&e.mandatory)]),
        Work::StepCompleted(e) => sum([e.procedure.len(), e.step.len()]),
        Work::TaskCompleted(_)
        | Work::TimeLogged(_)
        | Work::FollowUpScheduled(_)
        | Work::FollowUpRecorded(_) => 0,
    }
}

fn of_assistance(event: &Assistance) -> usize {
    match event {
        Assistance::HandedOff(e) => sum([e.to_group.len(), e.reason.len(), of_personal(&e.packet)]),
        Assistance::SideConversationOpened(e) => sum([e.with.len(), of_personal(&e.subject)]),
        Assistance::SideMessageAdded(e) => sum([e.author.len(), of_personal(&e.body)]),
        Assistance::SideConversationClosed(_) => 0,
        Assistance::ClassificationSuggested(e) => sum([e.value.len(), e.model.len()]),
        Assistance::SuggestionAccepted(e) => e.value.len(),
    }
}

fn of_moderation(event: &Moderation) -> usize {
    /// Numbers of a span, with their frame.
    const SPAN: usize = 16;
    /// SHA-256 of an attachment, with its frame.
    const HASH: usize = 40;
    match event {
        Moderation::CommentMadePrivate(e) => e.reason.len(),
        Moderation::CommentRedacted(e) => sum([e.reason.len(), e.spans.len().saturating_mul(SPAN)]),
        Moderation::ReplyDrafted(e) => {
            sum([e.author.len(), of_personal(&e.body), e.attachments.len().saturating_mul(HASH)])
        }
        Moderation::ReplyApproved(e) => e.approver.len(),
        Moderation::ReplyRejected(e) => e.reason.len(),
        Moderation::DecisionReviewed(e) => sum([e.of.len(), e.note.as_ref().map_or(0, of_personal)]),
    }
}

fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> usize {
    sum(names.into_iter().map(|name| name.len().saturating_add(4)))
}

fn of_satisfaction(event: &Satisfaction) -> usize {
    match event {
        Satisfaction::SurveyRequested(e) => e.to.len(),
        Satisfaction::TicketRated(e) => {
            sum([e.comment.as_ref().map_or(0, of_personal), of_text(&e.credited_agent)])
        }
        Satisfaction::NpsRecorded(_) => 0,
    }
}

fn of_creation(e: &TicketCreated) -> usize {
    /// Frame of one field.
    const FIELD: usize = 16;
    let fields = e.fields.iter().map(|(name, value)| sum([name.len(), of_field(Some(value)), FIELD]));
    let external = e.external_ref.as_ref().map_or(0, |r| sum([r.source.len(), r.id.len()]));
    let people =
        [&e.group, &e.assignee, &e.category, &e.product, &e.brand, &e.language, &e.organisation].map(of_text);
    let person = [&e.requester_name, &e.requester_email, &e.requester_phone];
    let person = sum(person.into_iter().flatten().map(of_personal));
    let tags = sum(e.tags.iter().map(|tag| tag.len().saturating_add(FIELD)));
    let texts =
        [of_personal(&e.subject), of_personal(&e.description), e.requester.len(), external, person, tags];
    sum(fields.chain(people).chain(texts))
}

fn sum(bytes: impl IntoIterator<Item = usize>) -> usize {
    bytes.into_iter().fold(0, usize::saturating_add)
}

fn of_text(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

fn of_personal(text: &Personal) -> usize {
    match text {
        Personal::Plain(text) => text.len(),
        Personal::Sealed(sealed) => sealed.ciphertext.len(),
    }
}

fn of_field(value: Option<&FieldValue>) -> usize {
    match value {
        Some(FieldValue::Text(text)) => text.len(),
        Some(FieldValue::Number(_) | FieldValue::Flag(_)) | None => 8,
    }
}

#[cfg(test)]
mod tests {
    use guichet_schemas::event::FieldChanged;
    use guichet_schemas::time::Timestamp;

    use super::*;

    #[test]
    fn each_part_says_where_it_begins_and_what_comes_before_it() {
        let mapping = "[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n";
        let (mapping, id) = (Mapping::parse(mapping).unwrap(), Label::parse("A".to_owned()).unwrap());
        let fact = |n: i64| {
            let event = FieldChanged { field: format!("f{n}"), from: None, to: None }.into();
            Fact { occurred_at: Timestamp(n), actor: None, event }
        };
        let facts: Vec<Fact> = (0..450).map(fact).collect();
        let mut parts = VecDeque::new();
        of(&mapping, &id, facts.clone(), &mut parts);
        assert_eq!(parts.iter().map(|part| part.events.len()).collect::<Vec<_>>(), [200, 200, 50]);
        let before = |n: usize| (n > 0).then(|| Import::digest(Hash::ZERO, &facts[..n]));
        for (part, begins_at) in parts.iter().zip([0, 200, 400]) {
            assert_eq!((part.begins_at, part.prefix), (Some(begins_at as u64), before(begins_at)));
        }
    }
}
