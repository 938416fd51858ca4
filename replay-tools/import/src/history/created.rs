//! The first row: what the ticket was created with.

use std::collections::BTreeMap;

use guichet_schemas::event::{ExternalRef, FieldValue, Personal, TicketCreated};
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::{Origin, Priority, TicketType};

use crate::balance::{Note, Reason};
use crate::limits::{self};
use crate::mapping::{ENTRY_TIER, Slot};
use crate::names::Kind;
use crate::row::Row;

use super::{History, UNKNOWN_CHANNEL, joined};

/// The first row.
impl History<'_> {
    /// `later`: a milestone tells when the ticket was given to somebody.
    pub(crate) fn created(&mut self, row: &Row, at: Timestamp, due_at: Option<Timestamp>, later: bool) {
        let m = self.mapping;
        let t = &m.ticket;
        let creator = row.optional(t.created_by).or_else(|| row.optional(m.by)).map(str::to_owned);
        self.requester = m.requester.as_ref().and_then(|r| row.get(r.id)).map(str::to_owned);
        let group = row.optional(m.group);
        let in_tier = group.filter(|_| !m.names.leaves_out(Kind::Tier, &self.strangers));
        self.tags = limits::tags(m, row);
        let known = |at: Option<Slot>| row.optional(at).map(str::to_owned);
        let priority =
            row.optional(t.priority).and_then(|p| m.priorities.meant(p).value()).unwrap_or(Priority::Normal);
        let person = |slot: Option<Slot>| known(slot).map(Personal::Plain);
        let who = m.requester.as_ref();
        let (subject, description) = limits::texts(m, row, self.external_id);
        let event = TicketCreated {
            number: 0,
            subject: Personal::Plain(subject),
            description: Personal::Plain(description),
            requester: self
                .requester
                .clone()
                .or_else(|| creator.clone())
                .unwrap_or_else(|| "unknown".to_owned()),
            requester_kind: who.and_then(|r| r.kinds.meant(row.optional(r.kind)?).value()),
            requester_name: person(who.and_then(|r| r.name)),
            requester_email: person(who.and_then(|r| r.email)),
            requester_phone: person(who.and_then(|r| r.phone)),
            channel: row
                .optional(t.channel)
                .and_then(|c| m.channels.meant(c).value())
                .unwrap_or(UNKNOWN_CHANNEL),
            origin: self.origin(creator.as_deref()),
            r#type: row
                .optional(t.r#type)
                .and_then(|w| m.types.meant(w).value())
                .unwrap_or(TicketType::Incident),
            category: limits::category(m, row),
            urgency: row.optional(t.urgency).and_then(|w| m.urgencies.meant(w).value()),
            impact: row.optional(t.impact).and_then(|w| m.impacts.meant(w).value()),
            priority,
            tags: self.tags.clone(),
            group: group.map(str::to_owned),
            assignee: if later { None } else { known(m.agent) },
            tier: in_tier.map_or(ENTRY_TIER, |group| m.tier(group)),
            product: known(t.product),
            brand: known(t.brand),
            language: known(t.language),
            organisation: known(t.organisation),
            external_ref: Some(ExternalRef {
                source: m.name.as_str().to_owned(),
                id: self.external_id.to_owned(),
            }),
            fields: self.fields(row),
            due_at,
            synthetic: false,
            restricted_to: Vec::new(),
        };
        let actor = self.actor(creator.as_deref());
        self.push_at(at, actor, event.into());
        self.unknown_words(row);
        self.links(row, None);
    }

    pub(super) fn origin(&self, creator: Option<&str>) -> Origin {
        match creator {
            Some(creator) if self.requester.as_deref() == Some(creator) => Origin::Requester,
            Some(creator) if !self.mapping.is_system(creator) => Origin::Agent,
            None if self.requester.is_some() => Origin::Requester,
            Some(_) | None => Origin::System,
        }
    }

    /// Says and counts what nobody knows of the first row.
    pub(super) fn unknown_words(&mut self, row: &Row) {
        let m = self.mapping;
        let t = &m.ticket;
        let priority = self.priority().to_string();
        self.word(&m.priorities, "priority", row.optional(t.priority), &priority);
        self.word(&m.channels, "channel", row.optional(t.channel), "of the channel api");
        self.word(&m.types, "type", row.optional(t.r#type), "an incident");
        self.word(&m.urgencies, "urgency", row.optional(t.urgency), "without one");
        self.word(&m.impacts, "impact", row.optional(t.impact), "without one");
        if let (Some(words), Some(path)) = (&m.categories, joined(row, &t.category)) {
            self.word(words, "category", Some(&path), "in the category of that name");
        }
        if let Some(r) = &m.requester {
            self.word(&r.kinds, "kind of the requester", row.optional(r.kind), "without one");
            if row.get(r.id).is_none() {
                let text = format!("{:?} is missing: who asked stays unknown", m.columns[r.id].name);
                self.heard.push(Note::new(Reason::MissingValue, text));
            }
        }
    }

    pub(super) fn fields(&self, row: &Row) -> BTreeMap<String, FieldValue> {
        let fields = self.mapping.ticket.fields.iter();
        fields
            .filter_map(|(slot, name)| {
                Some((name.clone(), limits::field_value(self.mapping, *slot, row.get(*slot)?)))
            })
            .collect()
    }
}
