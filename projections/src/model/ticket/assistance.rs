//! The help of others, as the row of a ticket shows it.

use guichet_schemas::event::Assistance;
use guichet_schemas::ids::SideId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::{HandOffView, SideConversationView, SuggestionView, TicketView};

use super::count;

pub(super) fn take(row: &mut TicketView, event: &Assistance, record: &Record) {
    match event {
        Assistance::HandedOff(e) => {
            row.hand_off = Some(HandOffView {
                by: record.actor.id.clone(),
                to_group: e.to_group.clone(),
                reason: e.reason.clone(),
                at: record.occurred_at.0,
                version: record.version.get(),
            });
        }
        Assistance::SideConversationOpened(e) => row.side_conversations.push(SideConversationView {
            side_id: e.side_id.to_wire(),
            with: e.with.clone(),
            party: e.party.to_wire(),
            opened_at: record.occurred_at.0,
            ..SideConversationView::default()
        }),
        Assistance::SideMessageAdded(e) => {
            if let Some(side) = side(row, e.side_id) {
                count(&mut side.messages);
            }
        }
        Assistance::SideConversationClosed(e) => {
            if let Some(side) = side(row, e.side_id) {
                side.closed = true;
            }
        }
        Assistance::ClassificationSuggested(e) => {
            let kind = e.kind.to_wire();
            row.suggestions.retain(|suggestion| suggestion.kind != kind);
            row.suggestions.push(SuggestionView {
                suggestion_id: e.suggestion_id.to_wire(),
                kind,
                value: e.value.clone(),
                score: e.score,
                model: e.model.clone(),
                accepted: false,
            });
        }
        Assistance::SuggestionAccepted(e) => {
            let id = e.suggestion_id.to_wire();
            for suggestion in row.suggestions.iter_mut().filter(|suggestion| suggestion.suggestion_id == id) {
                suggestion.accepted = true;
            }
        }
    }
}

fn side(row: &mut TicketView, id: SideId) -> Option<&mut SideConversationView> {
    let id = id.to_wire();
    row.side_conversations.iter_mut().find(|side| side.side_id == id)
}
