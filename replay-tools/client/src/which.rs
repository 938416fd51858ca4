//! A ticket as people name it.

use std::str::FromStr;

use clap::Args;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire;

/// By its number, or by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Id(TicketId),
    Number(TicketNumber),
}

impl Which {
    /// The question for the ticket.
    #[must_use]
    pub fn query(self) -> wire::TicketQuery {
        let (ticket_id, number) = self.filters();
        wire::TicketQuery { ticket_id, number, ..Default::default() }
    }

    /// The two filters of a query, of which one is set: `ticket_id` and `number`.
    #[must_use]
    pub fn filters(self) -> (Option<Vec<u8>>, Option<String>) {
        match self {
            Self::Id(id) => (Some(id.to_wire()), None),
            Self::Number(number) => (None, Some(number.to_string())),
        }
    }
}

/// The ticket that a tool is about.
#[derive(Debug, Clone, Args)]
pub struct TicketArgs {
    /// Which ticket: its number or its UUID
    #[arg(value_name = "TICKET", required_unless_present = "external_ref", conflicts_with = "external_ref")]
    pub ticket: Option<Which>,
    /// Its id in another system.
    #[command(flatten)]
    pub external: ExternalRefArgs,
}

/// A ticket by the id that it has in another system.
#[derive(Debug, Clone, Default, Args)]
pub struct ExternalRefArgs {
    /// The ticket that has this id in another system, such as the desk from which it was imported
    #[arg(long, value_name = "ID")]
    pub external_ref: Option<String>,
    /// The name of that system, where several know the id
    #[arg(long, value_name = "NAME", requires = "external_ref")]
    pub source: Option<String>,
}

impl TicketArgs {
    /// The question for the ticket.
    #[must_use]
    pub fn query(&self) -> wire::TicketQuery {
        self.external.query().unwrap_or_else(|| self.ticket.map(Which::query).unwrap_or_default())
    }

    /// The question for its history.
    #[must_use]
    pub fn timeline(&self) -> wire::TimelineQuery {
        let wire::TicketQuery { ticket_id, number, external_id, external_source } = self.query();
        wire::TimelineQuery { ticket_id, number, external_id, external_source, ..Default::default() }
    }
}

impl ExternalRefArgs {
    /// The question for the ticket, if it is named in this way.
    #[must_use]
    pub fn query(&self) -> Option<wire::TicketQuery> {
        let id = self.external_ref.clone()?;
        let external_source = self.source.clone();
        Some(wire::TicketQuery { external_id: Some(id), external_source, ..Default::default() })
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
