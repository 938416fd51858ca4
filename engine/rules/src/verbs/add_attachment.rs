//! The verb `add_attachment`.

use guichet_schemas::command::{AddAttachment, Command, limits};
use guichet_schemas::event::AttachmentAdded;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::KeyId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::shared::room_for;
use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Attachment, Ticket};
use crate::transition::require;

impl Decide for AddAttachment {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let known = ticket.attachments.get(&self.sha256);
        if known.is_some_and(Attachment::is_stored) {
            return Ok(Vec::new());
        }
        if known.is_none() {
            let most = limits::ATTACHMENTS_OF_TICKET;
            room_for(ticket, "attachments", ticket.attachments.len(), most)?;
        }
        let Some(stored) = context.stored else {
            return Err(FieldError::new(
                "data.sha256",
                "names bytes that were not uploaded to this ticket; upload them, then send the command again",
            )
            .into());
        };
        if stored.size != self.size {
            let rule = format!("is {}, but the bytes that were uploaded are {}", self.size, stored.size);
            return Err(FieldError::new("data.size", rule).into());
        }
        Ok(vec![Draft::of(AttachmentAdded {
            sha256: self.sha256,
            size: self.size,
            media_type: self.media_type.as_str().to_owned(),
            name: self.name.clone().into(),
            key_id: stored.key_id,
        })])
    }
}

impl Fold for AttachmentAdded {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let attachment = Attachment { size: self.size, key_id: self.key_id, verdict: None, redacted: false };
        ticket.attachments.insert(self.sha256, attachment);
    }

    /// A history that is imported brings no bytes, whatever key they had elsewhere.
    fn complete(&mut self, _: &Ticket, _: &Replayed<'_>) {
        self.key_id = KeyId(Default::default());
    }
}

/// An attachment that is there; it may be infected.
pub(crate) fn attachment(ticket: &Ticket, field: &str, sha256: Hash) -> Result<Attachment, FieldError> {
    let found = ticket.attachments.get(&sha256).copied();
    found.filter(|found| !found.redacted).ok_or_else(|| {
        FieldError::new(field, "names no attachment of the ticket; add it with add_attachment first")
    })
}
