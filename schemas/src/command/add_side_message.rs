//! The verb `add_side_message`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::ids::SideId;
use crate::rejection::FieldError;
use crate::text::Body;
use crate::words::{AuthorKind, TicketState};

mirror! {
    /// Write to a side conversation, or bring what the other side wrote.
    pub struct AddSideMessage {
        /// Which one.
        pub side_id: SideId,
        /// The text.
        pub body: Body,
        /// The other side wrote it.
        pub from_party: bool,
    }
}

impl Verb for AddSideMessage {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    /// The requester does not see it.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// Somebody wrote beside the conversation with the requester.
    pub struct SideMessageAdded {
        /// Which conversation.
        pub side_id: SideId,
        /// Author.
        pub author: String,
        /// Author kind.
        pub author_kind: AuthorKind,
        /// The text.
        pub body: Personal,
    }
}

personal_texts!(SideMessageAdded { BODY: body });

impl Meaning for SideMessageAdded {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("author", Some(&self.author))?;
        size::bytes("body", size::plain(&self.body), Body::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
