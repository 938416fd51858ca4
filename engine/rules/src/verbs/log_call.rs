//! The verb `log_call`.

use guichet_schemas::command::{Command, LogCall};
use guichet_schemas::event::{CallLogged, CommentAdded};
use guichet_schemas::ids::CommentId;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{Channel, CommentKind};

use super::shared::internal_note;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for LogCall {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        if self.started_at > context.now {
            return Err(FieldError::new("data.started_at", "must not lie in the future").into());
        }
        let mut drafts = Vec::new();
        let note_comment = self.note.as_ref().map(|note| {
            let id = CommentId(command.command_id.derive("call"));
            let note = internal_note(command, id, CommentKind::Message, note.clone().into());
            drafts.push(Draft::of(CommentAdded { channel: Some(Channel::Phone), ..note }));
            id
        });
        drafts.push(Draft::of(CallLogged {
            direction: self.direction,
            started_at: self.started_at,
            duration_s: self.duration_s,
            outcome: self.outcome,
            note_comment,
        }));
        Ok(drafts)
    }
}

impl Fold for CallLogged {
    /// No decision depends on it.
    fn fold(&self, _: &mut Ticket, _: Timestamp) {}
}
