//! The verb `reject_reply`.

use guichet_schemas::command::{Command, RejectReply};
use guichet_schemas::event::ReplyRejected;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::approve_reply::{draft_of, is_open};
use super::shared::{judges, of_the_desk};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{DraftState, Ticket};
use crate::transition::require;

impl Decide for RejectReply {
    fn decide(
        &self,
        ticket: &Ticket,
        command: &Command,
        context: &Context<'_>,
    ) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let draft = draft_of(ticket, self.draft_id)?;
        judges(command, &draft.author, context)?;
        require(ticket, &command.order)?;
        let is_new = is_open(ticket, draft, DraftState::Rejected)?;
        let rejected = ReplyRejected { draft_id: self.draft_id, reason: self.reason.as_str().to_owned() };
        Ok(is_new.then(|| Draft::of(rejected)).into_iter().collect())
    }
}

impl Fold for ReplyRejected {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(draft) = ticket.moderation.drafts.get_mut(&self.draft_id) {
            draft.state = DraftState::Rejected;
        }
    }
}
