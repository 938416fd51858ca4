//! The verb `close`.

use super::Verb;
use crate::wire;
use crate::words::TicketState;

/// End a resolved ticket: there is nothing more to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close;
message!(Close, wire::Close, |_w| Ok(Self), |_v| wire::Close {});

impl Verb for Close {
    const STATES: &'static [TicketState] = &[TicketState::Resolved];
}
