//! The verb `switch_channel`.

use guichet_schemas::command::{Command, SwitchChannel};
use guichet_schemas::event::ChannelSwitched;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold, Replayed};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SwitchChannel {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        match ticket.channel {
            Some(from) if from != self.to => Ok(vec![Draft::of(ChannelSwitched { from, to: self.to })]),
            Some(_) | None => Ok(Vec::new()),
        }
    }
}

impl Fold for ChannelSwitched {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.channel = Some(self.to);
    }

    fn complete(&mut self, ticket: &Ticket, _: &Replayed<'_>) {
        self.from = ticket.channel.unwrap_or(self.from);
    }
}
