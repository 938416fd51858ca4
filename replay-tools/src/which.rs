//! A ticket as people name it.

use std::str::FromStr;

use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;

/// By its number, or by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// By id.
    Id(TicketId),
    /// By number.
    Number(TicketNumber),
}

impl Which {
    /// The two filters of a query, of which one is set: `ticket_id` and `number`.
    #[must_use]
    pub fn filters(self) -> (Option<Vec<u8>>, Option<String>) {
        match self {
            Self::Id(id) => (Some(id.to_wire()), None),
            Self::Number(number) => (None, Some(number.to_string())),
        }
    }
}

impl FromStr for Which {
    type Err = NoTicket;

    /// Reads a UUID, `T-42` or `42`.
    fn from_str(text: &str) -> Result<Self, NoTicket> {
        TicketId::parse(text)
            .map(Self::Id)
            .or_else(|| TicketNumber::parse(text).map(Self::Number))
            .ok_or(NoTicket)
    }
}

/// The text names no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name a ticket by its number, such as T-42, or by its UUID")]
pub struct NoTicket;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_has_two_names() {
        assert_eq!("T-42".parse(), Ok(Which::Number(TicketNumber(42))));
        assert_eq!("42".parse(), Ok(Which::Number(TicketNumber(42))));
        let id = "01980000-0000-7000-8000-000000000001";
        assert_eq!(id.parse(), Ok(Which::Id(TicketId::parse(id).unwrap())));
        assert_eq!("new".parse::<Which>(), Err(NoTicket));
        assert_eq!("T-0".parse::<Which>(), Err(NoTicket));
    }
}
