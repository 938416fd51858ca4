//! Files, as the row of a ticket shows them.

use guichet_schemas::event::Attachments;
use guichet_schemas::hash::Hash;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::{AttachmentView, TicketView};

pub(super) fn take(row: &mut TicketView, event: &Attachments, record: &Record) {
    match event {
        Attachments::AttachmentAdded(e) => {
            let view = AttachmentView {
                sha256: e.sha256.to_wire(),
                size: e.size,
                media_type: e.media_type.clone(),
                added_at: record.occurred_at.0,
                ..AttachmentView::default()
            };
            // One that was redacted may come again.
            row.attachments.retain(|known| known.sha256 != view.sha256);
            row.attachments.push(view);
        }
        Attachments::AttachmentScanned(e) => {
            with(row, e.sha256, |known| known.verdict = e.verdict.to_wire().into());
        }
        Attachments::AttachmentRedacted(e) => with(row, e.sha256, |known| known.redacted = true),
    }
}

fn with(row: &mut TicketView, sha256: Hash, change: impl FnOnce(&mut AttachmentView)) {
    if let Some(known) = row.attachments.iter_mut().find(|known| known.sha256 == sha256.0) {
        change(known);
    }
}
