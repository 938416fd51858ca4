//! The verb `redact_attachment`.

use guichet_schemas::command::{Command, RedactAttachment};
use guichet_schemas::event::AttachmentRedacted;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::ActorKind;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for RedactAttachment {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if command.actor.kind == ActorKind::Requester {
            let why = "an actor of kind requester redacts nothing; ask an agent to do it";
            return Err(Rejection::Forbidden(why.to_owned()));
        }
        let Some(known) = ticket.attachments.get(&self.sha256) else {
            return Err(FieldError::new("data.sha256", "names no attachment of the ticket").into());
        };
        if known.redacted {
            return Ok(Vec::new());
        }
        let reason = self.reason.as_str().to_owned();
        Ok(vec![Draft::of(AttachmentRedacted { sha256: self.sha256, reason })])
    }
}

impl Fold for AttachmentRedacted {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(attachment) = ticket.attachments.get_mut(&self.sha256) {
            attachment.redacted = true;
        }
    }
}
