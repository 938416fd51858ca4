//! Which events are wanted.

use std::collections::HashMap;

use clap::Args;
use guichet_rules::{Ticket, evolve};
use guichet_schemas::codec::{DecodeError, Head};
use guichet_schemas::event::Event;
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::StreamKind;
use serde::{Deserialize, Serialize};

use crate::HistoryError;

/// Which events. Each may be repeated, and then any of its values will do; all that are named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Which events")]
pub struct Filter {
    /// Only events of this type, such as TicketReopened
    #[arg(long = "type", value_name = "TYPE")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Only this ticket: its number or its id
    #[arg(long = "ticket", value_name = "TICKET")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<String>,
    /// Only tickets of this group, as of the event
    #[arg(long = "group", value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Only tickets of this category or of one below it, as of the event
    #[arg(long = "category", value_name = "PATH")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Only tickets with this tag, as of the event
    #[arg(long = "tag", value_name = "TAG")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Only tickets of this requester
    #[arg(long = "requester", value_name = "ID")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requesters: Vec<String>,
}

impl Filter {
    /// Checks what can be checked before anything is read.
    ///
    /// # Errors
    /// A type that is none, or a ticket that is neither a number nor an id.
    pub fn check(&self) -> Result<(), HistoryError> {
        if let Some(unknown) = self.types.iter().find(|name| !Event::TYPES.contains(&name.as_str())) {
            return Err(HistoryError::usage(format!(
                "{unknown:?} is no type of event; there are {}",
                Event::TYPES.join(", ")
            )));
        }
        match self.tickets.iter().find(|text| Named::parse(text).is_none()) {
            Some(text) => {
                Err(HistoryError::usage(format!("{text:?} is neither a number such as T-42 nor an id")))
            }
            None => Ok(()),
        }
    }

    /// True where every event is wanted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// True where one must know how the ticket of an event stands.
    fn asks_of_tickets(&self) -> bool {
        let attributes = [&self.groups, &self.categories, &self.tags, &self.requesters];
        attributes.iter().any(|values| !values.is_empty())
            || self.tickets.iter().any(|text| matches!(Named::parse(text), Some(Named::Number(_))))
    }

    /// True for a ticket that is wanted, whatever the type of its events.
    #[must_use]
    pub fn takes_ticket(&self, id: TicketId, ticket: &Ticket) -> bool {
        let any = |values: &[String], of: &dyn Fn(&str) -> bool| {
            values.is_empty() || values.iter().any(|value| of(value))
        };
        any(&self.tickets, &|text| match Named::parse(text) {
            Some(Named::Number(number)) => ticket.number == number,
            Some(Named::Id(named)) => named == id,
            None => false,
        }) && any(&self.groups, &|name| ticket.group.as_deref() == Some(name))
            && any(&self.categories, &|path| {
                ticket.category.as_deref().is_some_and(|own| is_within(own, path))
            })
            && any(&self.tags, &|tag| ticket.tags.iter().any(|own| own == tag))
            && any(&self.requesters, &|id| ticket.requester == id)
    }
}

enum Named {
    Number(TicketNumber),
    Id(TicketId),
}

impl Named {
    fn parse(text: &str) -> Option<Self> {
        TicketId::parse(text).map(Self::Id).or_else(|| TicketNumber::parse(text).map(Self::Number))
    }
}

/// The path itself, or one below it.
fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Applies a filter to the events in their order. It keeps the state of every ticket only where it is asked of one.
pub struct Sieve {
    tenant: String,
    filter: Filter,
    tickets: Option<HashMap<TicketId, Ticket>>,
}

impl Sieve {
    /// The events of a desk that a filter takes.
    #[must_use]
    pub fn new(tenant: &str, filter: Filter) -> Self {
        let tickets = filter.asks_of_tickets().then(HashMap::new);
        Self { tenant: tenant.to_owned(), filter, tickets }
    }

    /// True where it must see every event from the first on, wanted or not.
    #[must_use]
    pub const fn needs_the_beginning(&self) -> bool {
        self.tickets.is_some()
    }

    /// True for an event that is wanted.
    ///
    /// # Errors
    /// The record is none of ours.
    pub fn takes(&mut self, head: &Head<'_>) -> Result<bool, DecodeError> {
        if head.tenant != self.tenant {
            return Ok(false);
        }
        let of_type =
            self.filter.types.is_empty() || self.filter.types.iter().any(|name| name == head.r#type);
        let Some(tickets) = &mut self.tickets else {
            let named = self.filter.tickets.is_empty()
                || self.filter.tickets.iter().any(|id| id.eq_ignore_ascii_case(head.stream_id));
            return Ok(of_type && named);
        };
        let Some(id) = ticket_of(head) else { return Ok(false) };
        let event = head.event(head.content()?)?;
        let ticket = evolve(tickets.remove(&id), &event, Timestamp(head.occurred_at));
        let takes = of_type && self.filter.takes_ticket(id, &ticket);
        tickets.insert(id, ticket);
        Ok(takes)
    }
}

/// The ticket that an event is about.
#[must_use]
pub fn ticket_of(head: &Head<'_>) -> Option<TicketId> {
    (head.stream_kind == StreamKind::Ticket.to_wire()).then(|| TicketId::parse(head.stream_id)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_holds_those_below_it_and_no_namesake() {
        assert!(is_within("technical/network", "technical"));
        assert!(is_within("technical", "technical"));
        assert!(!is_within("technical-old", "technical"));
    }

    #[test]
    fn what_is_no_type_and_no_ticket_is_named() {
        let filter = |types: &[&str], tickets: &[&str]| Filter {
            types: types.iter().map(ToString::to_string).collect(),
            tickets: tickets.iter().map(ToString::to_string).collect(),
            ..Filter::default()
        };
        assert!(filter(&["TicketReopened"], &["T-1"]).check().is_ok());
        assert!(filter(&["Reopened"], &[]).check().unwrap_err().to_string().contains("Reopened"));
        assert!(filter(&[], &["one"]).check().unwrap_err().to_string().contains("one"));
    }
}
