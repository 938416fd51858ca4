//! The verb `escalate`.

use guichet_schemas::command::{Command, Escalate};
use guichet_schemas::event::{TagsChanged, TicketEscalated};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::text::Tag;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{CommentKind, EscalationKind};

use super::shared::{internal_note, room_for_tags};
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for Escalate {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        if self.tags.is_empty() && context.desk.life().escalation_needs_tag {
            let rule = "must hold at least one tag, so that reports can say why tickets escalate";
            return Err(FieldError::new("data.tags", rule).into());
        }
        require(ticket, &command.order)?;
        let to_tier = self.to_tier.unwrap_or(ticket.tier);
        if self.kind == EscalationKind::Functional && to_tier <= ticket.tier || to_tier < ticket.tier {
            return Err(FieldError::new(
                "data.to_tier",
                format!("must be above the present tier {}", ticket.tier),
            )
            .into());
        }
        let mut drafts = Vec::new();
        let tags_at = with_tags(ticket, &self.tags, &mut drafts)?;
        let note_comment = self.note.as_ref().map(|note| {
            let id = CommentId(command.command_id.derive("note"));
            drafts.push(Draft::of(internal_note(command, id, CommentKind::Handover, note.clone().into())));
            id
        });
        drafts.push(Draft::of(TicketEscalated {
            kind: self.kind,
            from_tier: ticket.tier,
            to_tier,
            to_manager: self.to_manager.as_ref().map(|m| m.as_str().to_owned()),
            reason: self.reason,
            tags_at,
            category_at: ticket.category.clone(),
            note_comment,
        }));
        Ok(drafts)
    }
}

impl Fold for TicketEscalated {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.tier = self.to_tier;
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from_tier = ticket.tier;
        self.tags_at.clone_from(&ticket.tags);
        self.category_at.clone_from(&ticket.category);
    }

    fn repeats(&self, ticket: &Ticket) -> usize {
        // Each with its key and its length.
        let tags =
            ticket.tags.iter().fold(0_usize, |sum, tag| sum.saturating_add(tag.len()).saturating_add(2));
        tags.saturating_add(ticket.category.as_ref().map_or(0, String::len))
    }
}

/// Adds tags that the ticket has not, and says which it has then.
fn with_tags(t: &Ticket, tags: &[Tag], drafts: &mut Vec<Draft>) -> Result<Vec<String>, Rejection> {
    let mut all = t.tags.clone();
    for tag in tags {
        if !all.iter().any(|had| had == tag.as_str()) {
            all.push(tag.as_str().to_owned());
        }
    }
    let added = all.get(t.tags.len()..).unwrap_or_default().to_vec();
    if !added.is_empty() {
        room_for_tags(all.len(), "data.tags")?;
        drafts.push(Draft::of(TagsChanged { added, removed: Vec::new() }));
    }
    Ok(all)
}
