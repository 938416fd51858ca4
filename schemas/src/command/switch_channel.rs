//! The verb `switch_channel`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::rejection::FieldError;
use crate::words::{Channel, TicketState};

mirror! {
    /// Go on somewhere else, in the same ticket.
    pub struct SwitchChannel {
        /// Where.
        pub to: Channel,
    }
}

impl Verb for SwitchChannel {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// The contact goes on somewhere else.
    pub struct ChannelSwitched {
        /// From.
        pub from: Channel,
        /// To.
        pub to: Channel,
    }
}

personal_texts!(ChannelSwitched {});

impl Meaning for ChannelSwitched {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, mut tell: impl FnMut(Change<'a>)) {
        tell(Change::Channel { from: self.from, to: self.to });
    }
}
