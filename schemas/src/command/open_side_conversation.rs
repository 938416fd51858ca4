//! The verb `open_side_conversation`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::ids::SideId;
use crate::rejection::FieldError;
use crate::text::{Label, Subject};
use crate::words::{SideParty, TicketState};

mirror! {
    /// Begin a conversation about the ticket with somebody else.
    pub struct OpenSideConversation {
        /// With whom.
        pub with: Label,
        /// Who that is.
        pub party: SideParty,
        /// What it is about, in one line.
        pub subject: Subject,
    }
}

impl Verb for OpenSideConversation {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    /// The requester does not see it.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// A conversation with somebody else began.
    pub struct SideConversationOpened {
        /// Which one.
        pub side_id: SideId,
        /// With whom.
        pub with: String,
        /// Who that is.
        pub party: SideParty,
        /// What it is about.
        pub subject: Personal,
    }
}

personal_texts!(SideConversationOpened { SUBJECT: subject });

impl Meaning for SideConversationOpened {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("with", Some(&self.with))?;
        size::characters("subject", size::plain(&self.subject), Subject::CHARACTERS)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
