//! The verb `broadcast_to_linked`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::codec::check::size;
use crate::event::{Change, Meaning, Personal};
use crate::rejection::FieldError;
use crate::text::Note;
use crate::words::TicketState;

mirror! {
    /// Tell the requesters of all incidents of a problem the same.
    pub struct BroadcastToLinked {
        /// What to tell; `{number}` stands for the number of each incident, `{problem}` for that of the problem.
        pub template: Note,
    }
}

impl Verb for BroadcastToLinked {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}

mirror! {
    /// The requesters of the incidents of a problem were told the same.
    pub struct BroadcastSent {
        /// Incidents that got it as a public comment.
        pub reached: u32,
        /// Incidents that were closed or cancelled, and got nothing.
        pub over: u32,
        /// What was told, before the numbers were put in.
        pub template: Personal,
    }
}

personal_texts!(BroadcastSent { TEMPLATE: template });

impl Meaning for BroadcastSent {
    fn sizes(&self) -> Result<(), FieldError> {
        size::bytes("template", size::plain(&self.template), Note::BYTES)
    }

    fn changes<'a>(&'a self, _: impl FnMut(Change<'a>)) {}
}
