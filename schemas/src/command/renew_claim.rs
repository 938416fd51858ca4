//! The verb `renew_claim`. What it leads to stands with `claim`.

use super::Verb;
use super::verb::UNTIL_CLOSED;
use crate::wire;
use crate::words::TicketState;

/// Hold it for as long again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenewClaim;
message!(RenewClaim, wire::RenewClaim, |_w| Ok(Self), |_v| wire::RenewClaim {});

impl Verb for RenewClaim {
    const STATES: &'static [TicketState] = UNTIL_CLOSED;
}
