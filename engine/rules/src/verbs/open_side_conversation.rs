//! The verb `open_side_conversation`.

use guichet_schemas::command::{Command, OpenSideConversation, limits};
use guichet_schemas::event::SideConversationOpened;
use guichet_schemas::ids::SideId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::SideParty;

use super::shared::{of_the_desk, room_for};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::{Side, Ticket};
use crate::transition::require;

impl Decide for OpenSideConversation {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        require(ticket, &command.order)?;
        room_for(ticket, "side conversations", ticket.assistance.sides.len(), limits::SIDES)?;
        Ok(vec![Draft::of(SideConversationOpened {
            side_id: SideId(command.command_id.derive("side")),
            with: self.with.as_str().to_owned(),
            party: self.party,
            subject: self.subject.clone().into(),
        })])
    }
}

impl Fold for SideConversationOpened {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let is_third_party = self.party == SideParty::ThirdParty;
        let side = Side { with: self.with.clone(), is_third_party, closed: false };
        ticket.assistance.sides.insert(self.side_id, side);
    }
}
