//! The verb `link_external`.

use guichet_schemas::command::{Command, LinkExternal, limits};
use guichet_schemas::event::ExternalLinked;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::{of_the_desk, room_for};
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;

impl Decide for LinkExternal {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        of_the_desk(command)?;
        let linked = ExternalLinked {
            system: self.system.as_str().to_owned(),
            r#ref: self.r#ref.as_str().to_owned(),
            url: self.url.as_ref().map(|url| url.as_str().to_owned()),
        };
        if ticket.elsewhere.externals.get(&linked.key()) == Some(&linked.url) {
            return Ok(Vec::new());
        }
        if !ticket.elsewhere.externals.contains_key(&linked.key()) {
            room_for(ticket, "external links", ticket.elsewhere.externals.len(), limits::EXTERNALS)?;
        }
        Ok(vec![Draft::of(linked)])
    }
}

trait Key {
    fn key(&self) -> (String, String);
}

impl Key for ExternalLinked {
    fn key(&self) -> (String, String) {
        (self.system.clone(), self.r#ref.clone())
    }
}

impl Fold for ExternalLinked {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        ticket.elsewhere.externals.insert(self.key(), self.url.clone());
    }
}
