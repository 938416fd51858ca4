//! The verb `change_tags`.

use std::collections::BTreeSet;

use guichet_schemas::command::{ChangeTags, Command};
use guichet_schemas::event::TagsChanged;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::shared::room_for_tags;
use super::{Decide, Fold};
use crate::decide::Context;
use crate::draft::Draft;
use crate::state::Ticket;
use crate::transition::require;

impl Decide for ChangeTags {
    fn decide(&self, ticket: &Ticket, command: &Command, _: &Context<'_>) -> Result<Vec<Draft>, Rejection> {
        require(ticket, &command.order)?;
        let mut added: Vec<String> = Vec::new();
        for tag in &self.add {
            if !ticket.tags.iter().chain(&added).any(|had| had == tag.as_str()) {
                added.push(tag.as_str().to_owned());
            }
        }
        let mut removed: Vec<String> = Vec::new();
        for tag in &self.remove {
            if ticket.tags.iter().any(|had| had == tag.as_str())
                && !removed.iter().any(|gone| gone == tag.as_str())
            {
                removed.push(tag.as_str().to_owned());
            }
        }
        if added.is_empty() && removed.is_empty() {
            return Ok(Vec::new());
        }
        // A ticket of an older log may have more than it may be given now: taking away is always possible.
        if !added.is_empty() {
            let left = ticket.tags.len().saturating_sub(removed.len());
            room_for_tags(left.saturating_add(added.len()), "data.add")?;
        }
        Ok(vec![Draft::of(TagsChanged { added, removed })])
    }
}

impl Fold for TagsChanged {
    /// In a time that grows with the tags, not with their square: an older log may hold any number of them.
    fn fold(&self, ticket: &mut Ticket, _: Timestamp) {
        let tags = &mut ticket.tags;
        if !self.removed.is_empty() {
            let removed: BTreeSet<&String> = self.removed.iter().collect();
            tags.retain(|tag| !removed.contains(tag));
        }
        let mut had: BTreeSet<&String> = tags.iter().collect();
        let added: Vec<String> = self.added.iter().filter(|tag| had.insert(tag)).cloned().collect();
        tags.extend(added);
    }
}
