//! The verb `request_information`.

use super::Verb;
use super::verb::IN_WORK;
use crate::text::Body;
use crate::time::Timestamp;
use crate::words::TicketState;

mirror! {
    /// Ask the requester something, and wait for the answer.
    pub struct RequestInformation {
        /// The question, a public comment.
        pub comment: Body,
        /// When the wait should end.
        pub expected_until: Option<Timestamp>,
    }
}

impl Verb for RequestInformation {
    const STATES: &'static [TicketState] = IN_WORK;
}
