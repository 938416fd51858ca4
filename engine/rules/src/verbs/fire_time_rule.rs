//! The verb `fire_time_rule`.

use guichet_schemas::command::{Command, FireTimeRule, limits};
use guichet_schemas::event::{
    Event, Personal, PriorityChanged, TagsChanged, TicketClosed, TicketEscalated, TimeRuleFired,
};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{CloseReason, CommentKind, ConfirmedBy, EscalationKind, StatusCause};

use super::confirm_resolution::as_proposed;
use super::shared::internal_note;
use super::{Decide, Fold};
use crate::clocks::{at, found, key};
use crate::decide::Context;
use crate::desk::{Action, FiredRule};
use crate::draft::Draft;
use crate::evolve::evolve;
use crate::state::Ticket;
use crate::transition::allowed_verbs;

impl Decide for FireTimeRule {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        let id = self.rule.as_str();
        if key::has_rule(&ticket.facts, id, self.instance) {
            return Ok(Vec::new());
        }
        found(self.due_at, "data.due_at", self.config_version, context)?;
        if self.holds && command.expected_version.is_none() {
            let rule = "is required: it says of which version data.holds is true";
            return Err(FieldError::new("expected_version", rule).into());
        }
        // Found late, the ticket may have gone on. Only who folds its clocks knows what has lasted.
        let rule = context.desk.time_rule(id);
        let rule = rule.filter(|rule| self.holds && rule.states.contains(&ticket.state()));
        let rule = rule.filter(|rule| !(ticket.reopen_held && only_closes(rule)));
        let actions = rule.as_ref().map_or(&[][..], |rule| &rule.actions);
        let event = TimeRuleFired {
            rule: id.to_owned(),
            version: context.config_version,
            instance: self.instance,
            due_at: self.due_at,
            actions: actions.iter().map(|action| action.name().to_owned()).collect(),
            suppressed: rule.is_none(),
            skipped: self.skipped.filter(|count| *count > 0),
        };
        let mut drafts = vec![at(self.due_at, event)];
        let mut now = ticket.clone();
        for (n, action) in actions.iter().enumerate() {
            let resolved = resolved(&now, action, context);
            for event in resolved.into_iter().chain(done(&now.clone(), action, n, command)) {
                now = evolve(Some(now), &event, context.now);
                drafts.push(event.into());
            }
        }
        Ok(drafts)
    }
}

impl Fold for TimeRuleFired {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        key::note_rule(&mut ticket.facts, &self.rule, self.instance);
    }
}

/// Closing a ticket would lose the message that waits at it for a person.
fn only_closes(rule: &FiredRule) -> bool {
    matches!(rule.actions.as_slice(), [Action::Close {}])
}

/// Drafts of an action on a ticket; none where its effect already holds, or cannot be.
fn done(t: &Ticket, action: &Action, n: usize, command: &Command) -> Option<Event> {
    // The event says which rule acted: whoever sends messages follows the events.
    let verb = action.verb()?;
    if !allowed_verbs(t.state()).contains(&verb) {
        return None;
    }
    match action {
        Action::Close {} => (!t.reopen_held)
            .then_some(Event::from(TicketClosed { reason: CloseReason::Resolved, auto: true })),
        Action::SetPriority { priority } => {
            (t.priority != *priority).then_some(Event::from(PriorityChanged {
                from: t.priority,
                to: *priority,
                urgency: t.urgency,
                impact: t.impact,
                cause: StatusCause::Timer,
                reason: None,
            }))
        }
        Action::AddTags { tags } => {
            let mut added: Vec<String> = Vec::new();
            for tag in tags {
                if !t.tags.contains(tag) && !added.contains(tag) {
                    added.push(tag.clone());
                }
            }
            let fits = t.tags.len().saturating_add(added.len()) <= limits::TAGS;
            (fits && !added.is_empty()).then(|| Event::from(TagsChanged { added, removed: Vec::new() }))
        }
        Action::Escalate { to_tier, reason } => (t.tier < *to_tier).then(|| {
            Event::from(TicketEscalated {
                kind: EscalationKind::Functional,
                from_tier: t.tier,
                to_tier: *to_tier,
                to_manager: None,
                reason: *reason,
                tags_at: t.tags.clone(),
                category_at: t.category.clone(),
                note_comment: None,
            })
        }),
        Action::Note { text } => {
            let id = CommentId(command.command_id.derive(&format!("action {n}")));
            let note = internal_note(command, id, CommentKind::Message, Personal::Plain(text.clone()));
            Some(Event::from(note))
        }
        Action::Resolve {} | Action::Notify { .. } => None,
    }
}

/// A proposal to which the requester has said nothing holds.
fn resolved(t: &Ticket, action: &Action, context: &Context<'_>) -> Vec<Event> {
    let waits = t.proposal.as_ref().filter(|proposal| !proposal.answered && !t.state().is_done());
    match (action, waits) {
        (Action::Resolve {}, Some(proposal)) => as_proposed(t, proposal, ConfirmedBy::Timeout, context),
        _ => Vec::new(),
    }
}
