//! Merges, as the row of a ticket shows them.

use guichet_schemas::codec::number_text;
use guichet_schemas::event::Relations;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::{AssetView, ExternalView, MergedTicket, TicketView, WorkaroundView};
use guichet_schemas::words::TicketState;

use super::{count, state};

pub(super) fn take(row: &mut TicketView, event: &Relations, record: &Record) {
    match event {
        Relations::TicketMerged(e) => row.merged_into = vec![end(e.into, e.into_number)],
        Relations::MergeReceived(e) => row.merged_from.push(end(e.from, e.from_number)),
        Relations::CommentCopied(_) => count(&mut row.copied_comments),
        Relations::WorkaroundPublished(e) => {
            row.workaround = Some(WorkaroundView {
                text: e.text.clone().to_wire(),
                published_at: record.occurred_at.0,
                command_id: Some(record.command_id.to_wire()),
            });
        }
        Relations::ExternalLinked(e) => {
            row.externals.retain(|known| (&known.system, &known.r#ref) != (&e.system, &e.r#ref));
            let (system, r#ref, url) = (e.system.clone(), e.r#ref.clone(), e.url.clone());
            row.externals.push(ExternalView { system, r#ref, url });
        }
        Relations::AssetLinked(e) => {
            row.assets.retain(|known| (&known.system, &known.asset) != (&e.system, &e.asset));
            let (system, asset) = (e.system.clone(), e.asset.clone());
            row.assets.push(AssetView { system, asset, kind: e.kind.clone(), label: e.label.clone() });
        }
        Relations::ProblemDeclared(_)
        | Relations::BroadcastSent(_)
        | Relations::TicketSplit(_)
        | Relations::FollowUpCreated(_)
        | Relations::TicketsLinked(_)
        | Relations::TicketsUnlinked(_) => {}
    }
}

/// The ticket that it went into; `None`: it is one of its own.
pub(crate) fn went(row: &TicketView) -> Option<TicketId> {
    let into = row.merged_into.last().filter(|_| state(row) == Some(TicketState::Closed))?;
    TicketId::from_wire(into.ticket_id.clone()).ok()
}

fn end(ticket: TicketId, number: u64) -> MergedTicket {
    MergedTicket { ticket_id: ticket.to_wire(), number: number_text(number) }
}
