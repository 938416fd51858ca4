//! A later row: what differs from the one before.

use guichet_schemas::event::{
    CategoryChanged, FieldChanged, PriorityChanged, TagsChanged, TicketAssigned, TicketDeescalated,
    TicketEscalated, TicketRouted, TicketUnassigned,
};
use guichet_schemas::words::{EscalationKind, EscalationReason, StatusCause, Strategy};

use crate::bounds::shown;
use crate::limits::{self};
use crate::mapping::ENTRY_TIER;
use crate::names::Kind;
use crate::row::Row;

use super::{History, NAME_SHOWN, joined};

/// The field that says what the source calls a row.
const ACTIVITY: &str = "activity";

/// Later rows.
impl History<'_> {
    pub(crate) fn changed(&mut self, row: &Row, before: &Row) {
        self.people(row);
        self.classification(row, before);
        for (slot, field) in &self.mapping.ticket.fields {
            let (from, to) = (before.get(*slot), row.get(*slot));
            if from != to {
                let field = field.clone();
                let value = |text| limits::field_value(self.mapping, *slot, text);
                let (from, to) = (from.map(value), to.map(value));
                self.push(FieldChanged { field, from, to });
            }
        }
        self.said_once(row, before);
        self.links(row, Some(before));
    }

    /// Where every row is to be told, one event for each: what the source calls the row, also if nothing else changed.
    pub(crate) fn activity(&mut self, row: &Row, before: Option<&Row>) {
        let Some((slot, to)) = self.mapping.activity.and_then(|slot| Some((slot, row.get(slot)?))) else {
            return;
        };
        let value = |text| limits::field_value(self.mapping, slot, text);
        let (from, to) = (before.and_then(|before| before.get(slot)).map(value), Some(value(to)));
        self.push(FieldChanged { field: ACTIVITY.to_owned(), from, to });
    }

    /// A change of a field that the mapping does not know stays visible.
    pub(super) fn unknown_change(&mut self, row: &Row) {
        if let Some(text) = self.mapping.changes.as_ref().and_then(|changes| changes.note_of(row)) {
            self.note(&text);
        }
    }

    /// A value that only the creation of a ticket can carry has no event of its own later: it becomes a note.
    pub(super) fn said_once(&mut self, row: &Row, before: &Row) {
        let m = self.mapping;
        let t = &m.ticket;
        let of_ticket = [
            t.subject,
            t.description,
            t.channel,
            t.r#type,
            t.urgency,
            t.impact,
            t.product,
            t.brand,
            t.language,
            t.organisation,
            t.due_at,
        ];
        let of_person = m.requester.iter().flat_map(|r| [Some(r.id), r.name, r.email, r.phone, r.kind]);
        for slot in of_ticket.into_iter().chain(of_person).flatten() {
            if m.field_name(slot).is_some() || before.get(slot) == row.get(slot) {
                continue;
            }
            if let Some(to) = row.get(slot) {
                let name = shown(&m.columns[slot].name, NAME_SHOWN);
                self.note(&format!("The source changed {name:?} to: {to}"));
            }
        }
    }

    pub(crate) fn people(&mut self, row: &Row) {
        let group = row.optional(self.mapping.group);
        let agent = row.optional(self.mapping.agent);
        let (new_group, new_agent) = (self.group() != group, self.agent() != agent);
        let from_group = self.group().filter(|_| new_group).map(str::to_owned);
        if new_agent {
            let from = self.agent().map(str::to_owned);
            match agent {
                Some(to) => self.push(TicketAssigned {
                    from,
                    to: to.to_owned(),
                    group: group.map(str::to_owned),
                    strategy: Strategy::Manual,
                    handover_comment: None,
                    station_no: self.ticket.as_ref().map_or(0, |t| t.stations).saturating_add(1),
                    reason: None,
                }),
                None => self.push(TicketUnassigned { from: from.unwrap_or_default(), reason: None }),
            }
        }
        // An assignment to somebody names the group already.
        if new_group && !(new_agent && agent.is_some()) {
            self.push(TicketRouted {
                from_group,
                to_group: group.map(str::to_owned),
                rule: None,
                strategy: Strategy::Manual,
                reason: None,
            });
        }
        if new_group
            && let Some(group) = group
            && !self.mapping.names.leaves_out(Kind::Tier, &self.strangers)
        {
            self.tier(self.mapping.tier(group));
        }
    }

    pub(super) fn tier(&mut self, to: u32) {
        let from = self.ticket.as_ref().map_or(ENTRY_TIER, |t| t.tier);
        if to > from {
            self.push(TicketEscalated {
                kind: EscalationKind::Functional,
                from_tier: from,
                to_tier: to,
                to_manager: None,
                reason: EscalationReason::Expertise,
                tags_at: Vec::new(),
                category_at: self.category().map(str::to_owned),
                note_comment: None,
            });
        } else if to < from {
            self.push(TicketDeescalated { from_tier: from, to_tier: to, reason: None });
        }
    }

    pub(super) fn classification(&mut self, row: &Row, before: &Row) {
        let m = self.mapping;
        let value = row.optional(m.ticket.priority);
        if value.is_some() && before.optional(m.ticket.priority) != value {
            let from = self.priority();
            let stays = from.to_string();
            if let Some(to) = self.word(&m.priorities, "priority", value, &stays).filter(|to| *to != from) {
                let cause = StatusCause::Command;
                self.push(PriorityChanged { from, to, urgency: None, impact: None, cause, reason: None });
            }
        }
        if m.ticket.category.iter().any(|s| before.get(*s) != row.get(*s)) {
            let to = limits::category(m, row);
            if let (Some(words), Some(path)) = (&m.categories, joined(row, &m.ticket.category)) {
                self.word(words, "category", Some(&path), "in the category of that name");
            }
            if to.as_deref() != self.category() {
                let from = self.category().map(str::to_owned);
                self.push(CategoryChanged { from, to });
            }
        }
        if m.ticket.tags.is_some_and(|slot| before.get(slot) != row.get(slot)) {
            let now = limits::tags(m, row);
            let before = std::mem::replace(&mut self.tags, now.clone());
            let less =
                |a: &[String], b: &[String]| a.iter().filter(|t| !b.contains(t)).cloned().collect::<Vec<_>>();
            let (added, removed) = (less(&now, &before), less(&before, &now));
            if !(added.is_empty() && removed.is_empty()) {
                self.push(TagsChanged { added, removed });
            }
        }
    }

    /// Where a row without facts is later than the one that follows it, nothing would tell the engine to
    /// lift what follows. The order of the source holds, so it gets a fact to hold on to.
    pub(super) fn keep_order(&mut self, row: &Row, before: &Row) {
        if row.at < before.at && self.clock() < before.at {
            let (at, by) = (self.at, self.by.take());
            self.at = before.at;
            self.by = before.optional(self.mapping.by).map(str::to_owned);
            self.note(
                "An update without a change that the mapping knows. The source's clock steps back after it.",
            );
            (self.at, self.by) = (at, by);
        }
    }
}
