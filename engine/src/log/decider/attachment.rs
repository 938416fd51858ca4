//! What a command about an attachment needs beside its ticket: whether the bytes are there, and that they go.

use guichet_rules::Stored;
use guichet_schemas::command::{Command, Order};
use guichet_schemas::ids::TenantId;
use guichet_schemas::rejection::Rejection;

use super::Decider;
use super::meeting::{After, Meeting};
use crate::attachments::Place;
use crate::log::StoreFault;
use crate::log::disk::Disk;

impl<D: Disk> Decider<D> {
    /// The bytes that a command attaches, where they are on disk under the present key of the requester.
    pub(super) fn stored(
        &mut self,
        command: &Command,
        meeting: &Meeting,
    ) -> Result<Result<Option<Stored>, Rejection>, StoreFault> {
        let Order::AddAttachment(order) = &command.order else { return Ok(Ok(None)) };
        let (Some(store), Some(entry)) = (&self.attachments, &meeting.entry) else { return Ok(Ok(None)) };
        let key = self.sealer.key_of(&self.store, &command.tenant, &entry.ticket.requester)?;
        let Some(key_id) = key.known() else { return Ok(Ok(None)) };
        let tenant = command.tenant.clone();
        let place = Place { tenant, key_id, sha256: order.sha256, ticket: meeting.key.1 };
        let was_redacted = entry.ticket.attachments.get(&order.sha256).is_some_and(|known| known.redacted);
        match store.held(&place, was_redacted) {
            Ok(size) => Ok(Ok(size.map(|size| Stored { size, key_id }))),
            Err(error) => {
                tracing::error!(%error, "the attachment folder refuses");
                Ok(Err(Rejection::Unavailable {
                    reason: "the attachment folder cannot be read; its log says why".to_owned(),
                    as_of_position: None,
                }))
            }
        }
    }

    /// What a command redacts may be named by none that comes after it.
    pub(super) fn redacts(&self, command: &Command, tenant: &TenantId, after: &[After]) {
        let Order::RedactAttachment(order) = &command.order else { return };
        for After { ticket, entry, .. } in after {
            if let (Some(store), Some(known)) =
                (&self.attachments, entry.ticket.attachments.get(&order.sha256))
            {
                let (tenant, key_id, sha256) = (tenant.clone(), known.key_id, order.sha256);
                store.doom(Place { tenant, key_id, sha256, ticket: *ticket }, entry.position);
            }
        }
    }
}
