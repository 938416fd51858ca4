//! The verb `close_side_conversation`.

use guichet_schemas::command::{CloseSideConversation, Command};
use guichet_schemas::event::SideConversationClosed;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::add_side_message::side_of;
use super::shared::of_the_desk;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for CloseSideConversation {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let is_open = !side_of(ticket, self.side_id)?.closed;
        require(ticket, &command.order)?;
        Ok(is_open.then(|| Draft::of(SideConversationClosed { side_id: self.side_id })).into_iter().collect())
    }
}

impl Fold for SideConversationClosed {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        if let Some(side) = ticket.assistance.sides.get_mut(&self.side_id) {
            side.closed = true;
        }
    }
}
