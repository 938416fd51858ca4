//! The verb `hand_off`.

use super::verb::UNTIL_CLOSED;
use super::{Name, Verb};
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::rejection::FieldError;
use crate::text::{Body, Label, Note};
use crate::words::{ActorKind, TicketState};

mirror! {
    /// Give the ticket to people of a group, with all that a bot has found out.
    pub struct HandOff {
        /// Whose people.
        pub to_group: Label,
        /// Why.
        pub reason: Note,
        /// What the next one must know.
        pub packet: Body,
    }
}

impl Verb for HandOff {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;

    fn names(&self) -> Vec<Name<'_>> {
        vec![Name::Group("to_group", &self.to_group)]
    }

    /// Only the desk sees the packet.
    fn is_internal(&self) -> bool {
        true
    }
}

mirror! {
    /// A bot gave the ticket to people.
    pub struct HandedOff {
        /// What gave it.
        pub from_kind: ActorKind,
        /// Whose people.
        pub to_group: String,
        /// Why.
        pub reason: String,
        /// What the next one must know.
        pub packet: Personal,
    }
}

personal_texts!(HandedOff { PACKET: packet });

impl Meaning for HandedOff {
    fn sizes(&self) -> Result<(), FieldError> {
        size::label("to_group", Some(&self.to_group))?;
        size::note("reason", Some(&self.reason))?;
        size::bytes("packet", size::plain(&self.packet), Body::BYTES)
    }

    /// That the group has it is an event of its own.
    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}

    fn reason(&self) -> Option<&str> {
        Some(&self.reason)
    }
}
