//! The verb `set_participants`.

use std::collections::BTreeSet;

use guichet_schemas::command::{Command, SetParticipants, limits};
use guichet_schemas::event::ParticipantsChanged;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;

use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for SetParticipants {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let mut seen = BTreeSet::new();
        let mut those = |ids: &[guichet_schemas::text::Label], are_there: bool| -> Vec<String> {
            let ids = ids.iter().map(|id| id.as_str().to_owned());
            ids.filter(|id| ticket.participants.contains(id) == are_there && seen.insert(id.clone()))
                .collect()
        };
        let (added, removed) = (those(&self.add, false), those(&self.remove, true));
        if added.is_empty() && removed.is_empty() {
            return Ok(Vec::new());
        }
        let left = ticket.participants.len().saturating_sub(removed.len()).saturating_add(added.len());
        if !added.is_empty() && left > limits::PARTICIPANTS {
            let rule = format!("must leave the ticket with at most {} participants", limits::PARTICIPANTS);
            return Err(FieldError::new("data.add", rule).into());
        }
        Ok(vec![Draft::of(ParticipantsChanged { added, removed })])
    }
}

impl Fold for ParticipantsChanged {
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        for id in &self.removed {
            ticket.participants.remove(id);
        }
        ticket.participants.extend(self.added.iter().cloned());
    }
}
