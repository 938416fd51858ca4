//! The verb `close_side_conversation`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::event::{Change, Meaning};
use crate::ids::SideId;
use crate::rejection::FieldError;
use crate::words::TicketState;

mirror! {
    /// End a side conversation.
    pub struct CloseSideConversation {
        /// Which one.
        pub side_id: SideId,
    }
}

impl Verb for CloseSideConversation {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    /// The requester does not see it.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// A side conversation is over.
    pub struct SideConversationClosed {
        /// Which one.
        pub side_id: SideId,
    }
}

personal_texts!(SideConversationClosed {});

impl Meaning for SideConversationClosed {
    /// It carries no text of its own.
    fn sizes(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
