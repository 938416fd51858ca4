//! What was proposed to the requester, and what they said to it.

use guichet_schemas::event::Confirmation;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::{ProposalView, TicketView};

pub(super) fn take(row: &mut TicketView, event: &Confirmation, record: &Record) {
    match event {
        Confirmation::ResolutionProposed(e) => {
            row.proposal = Some(ProposalView {
                by: e.by.clone(),
                code: e.code.to_wire(),
                summary: e.summary.clone().to_wire(),
                proposed_at: record.occurred_at.0,
                command_id: Some(record.command_id.to_wire()),
            });
        }
        Confirmation::ResolutionConfirmed(_) => row.awaiting_confirmation = false,
        Confirmation::ResolutionRejected(_) => row.proposal = None,
    }
}
