//! OCEL 2.0 in JSON: events, and the objects that they are about (tickets, agents, groups, requesters, configurations).
//! Events stream through; the objects, with what they were when, are held until the end.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use guichet_schemas::codec::Head;
use guichet_schemas::event::{Change, ConfigEvent, Event, Meaning as _, TicketCreated, TicketEvent};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::time::Timestamp;
use serde_json::{Value, json};

use super::activity;
use crate::HistoryError;
use crate::filter::ticket_of;
use crate::rows::Decoded;
use crate::write::Events;

/// Attributes of a ticket that have a history.
const TICKET_ATTRIBUTES: [&str; 7] = ["state", "priority", "group", "assignee", "tier", "type", "category"];
/// Attributes of every event.
const EVENT_ATTRIBUTES: [(&str, &str); 4] =
    [("position", "integer"), ("version", "integer"), ("actor", "string"), ("reason", "string")];

/// Writes one document.
pub struct OcelFile<W: Write> {
    to: W,
    activities: BTreeSet<String>,
    tickets: BTreeMap<TicketId, Ticket>,
    others: BTreeMap<String, &'static str>,
    is_first: bool,
}

#[derive(Default)]
struct Ticket {
    number: Option<TicketNumber>,
    requester: Option<String>,
    history: Vec<(&'static str, i64, String)>,
}

impl Ticket {
    fn became(&mut self, name: &'static str, at: i64, value: Option<&str>) {
        // OCEL knows no absent value.
        self.history.push((name, at, value.unwrap_or_default().to_owned()));
    }

    fn begins(&mut self, e: &TicketCreated, at: i64) {
        self.number = Some(TicketNumber(e.number));
        self.requester = Some(e.requester.clone());
        self.became("priority", at, Some(e.priority.as_str()));
        self.became("group", at, e.group.as_deref());
        self.became("assignee", at, e.assignee.as_deref());
        self.became("tier", at, Some(&e.tier.to_string()));
        self.became("type", at, Some(e.r#type.as_str()));
        self.became("category", at, e.category.as_deref());
    }

    fn changes(&mut self, event: &TicketEvent, at: i64) {
        if let Some(state) = event.enters() {
            self.became("state", at, Some(state.as_str()));
        }
        event.changes(|change| match change {
            Change::Group(to) => self.became("group", at, to),
            Change::Assignee { to, .. } => self.became("assignee", at, to),
            Change::Tier { to, .. } => self.became("tier", at, Some(&to.to_string())),
            Change::Priority { to, .. } => self.became("priority", at, Some(to.as_str())),
            Change::Type { to, .. } => self.became("type", at, Some(to.as_str())),
            Change::Category { to, .. } => self.became("category", at, to),
            Change::Urgency(_)
            | Change::Impact(_)
            | Change::Tags { .. }
            | Change::Field { .. }
            | Change::DueAt(_)
            | Change::Claim(_)
            | Change::Participants { .. }
            | Change::Restriction { .. }
            | Change::Channel { .. }
            | Change::Link { .. } => {}
        });
    }
}

impl<W: Write> OcelFile<W> {
    /// Begins a document.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(mut to: W) -> Result<Self, HistoryError> {
        to.write_all(b"{\"events\":[")?;
        Ok(Self {
            to,
            activities: BTreeSet::new(),
            tickets: BTreeMap::new(),
            others: BTreeMap::new(),
            is_first: true,
        })
    }

    /// An object that is no ticket, by its id.
    fn other(&mut self, kind: &'static str, name: &str) -> String {
        let id = format!("{kind}:{name}");
        if !self.others.contains_key(&id) {
            self.others.insert(id.clone(), kind);
        }
        id
    }

    /// The objects of an event, each with what it is to it.
    fn objects(&mut self, head: &Head<'_>, decoded: &Decoded) -> Vec<Value> {
        let mut objects = Vec::new();
        let mut relate = |id: String, qualifier: &str| {
            let relation = json!({"objectId": id, "qualifier": qualifier});
            if !objects.contains(&relation) {
                objects.push(relation);
            }
        };
        match (&decoded.event, ticket_of(head)) {
            (Some(Event::Config(ConfigEvent::ConfigPublished(e))), _) => {
                relate(self.other("configuration", &format!("{}/{}", e.kind, e.id)), "publishes");
            }
            (Some(Event::Config(ConfigEvent::ConfigRetired(e))), _) => {
                relate(self.other("configuration", &format!("{}/{}", e.kind, e.id)), "retires");
            }
            (Some(Event::Ticket(event)), Some(id)) => {
                relate(ticket_object(id), "about");
                if let Some(created) = decoded.event.as_ref().and_then(Event::created) {
                    relate(self.other("requester", &created.requester), "raised by");
                    created.group.iter().for_each(|group| relate(self.other("group", group), "to group"));
                    created.assignee.iter().for_each(|agent| relate(self.other("agent", agent), "to agent"));
                }
                event.changes(|change| match change {
                    Change::Group(Some(group)) => relate(self.other("group", group), "to group"),
                    Change::Assignee { to: Some(agent), .. } => {
                        relate(self.other("agent", agent), "to agent")
                    }
                    Change::Group(None)
                    | Change::Assignee { .. }
                    | Change::Tier { .. }
                    | Change::Priority { .. }
                    | Change::Urgency(_)
                    | Change::Impact(_)
                    | Change::Type { .. }
                    | Change::Category { .. }
                    | Change::Tags { .. }
                    | Change::Field { .. }
                    | Change::DueAt(_)
                    | Change::Claim(_)
                    | Change::Participants { .. }
                    | Change::Restriction { .. }
                    | Change::Channel { .. }
                    | Change::Link { .. } => {}
                });
            }
            (_, Some(id)) => relate(ticket_object(id), "about"),
            (_, None) => {}
        }
        objects
    }
}

/// Ids of objects hold their type, so that a ticket and an agent never have the same.
fn ticket_object(id: TicketId) -> String {
    format!("ticket:{id}")
}

impl<W: Write> Events for OcelFile<W> {
    fn event(&mut self, head: &Head<'_>, decoded: &Decoded) -> Result<(), HistoryError> {
        let activity = activity(head, decoded).into_owned();
        let relationships = self.objects(head, decoded);
        if let Some(id) = ticket_of(head) {
            let ticket = self.tickets.entry(id).or_default();
            if let Some(created) = decoded.event.as_ref().and_then(Event::created) {
                ticket.begins(created, head.occurred_at);
            }
            if let Some(Event::Ticket(event)) = &decoded.event {
                ticket.changes(event, head.occurred_at);
            }
        }
        let mut attributes = vec![
            json!({"name": "position", "value": head.position}),
            json!({"name": "version", "value": head.version}),
            json!({"name": "actor", "value": decoded.actor.id}),
        ];
        attributes.extend(decoded.reason().map(|reason| json!({"name": "reason", "value": reason})));
        let event = json!({
            "id": format!("event:{}", head.position),
            "type": activity,
            "time": Timestamp(head.occurred_at).to_string(),
            "attributes": attributes,
            "relationships": relationships,
        });
        self.activities.insert(activity);
        self.to.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        Ok(serde_json::to_writer(&mut self.to, &event).map_err(std::io::Error::from)?)
    }

    fn end(mut self: Box<Self>) -> Result<(), HistoryError> {
        self.to.write_all(b"\n],\"objects\":[")?;
        let mut between: &[u8] = b"\n";
        for (id, ticket) in &self.tickets {
            let mut attributes: Vec<Value> = ticket
                .history
                .iter()
                .map(|(name, at, value)| {
                    json!({"name": name, "time": Timestamp(*at).to_string(), "value": value})
                })
                .collect();
            if let (Some(number), Some((_, at, _))) = (ticket.number, ticket.history.first()) {
                let (at, number) = (Timestamp(*at).to_string(), number.to_string());
                attributes.insert(0, json!({"name": "number", "time": at, "value": number}));
            }
            let raised = ticket.requester.iter().map(
                |requester| json!({"objectId": format!("requester:{requester}"), "qualifier": "raised by"}),
            );
            let object = json!({
                "id": ticket_object(*id),
                "type": "ticket",
                "attributes": attributes,
                "relationships": raised.collect::<Vec<_>>(),
            });
            self.to.write_all(between)?;
            serde_json::to_writer(&mut self.to, &object).map_err(std::io::Error::from)?;
            between = b",\n";
        }
        for (id, kind) in &self.others {
            self.to.write_all(between)?;
            let object = json!({"id": id, "type": kind, "attributes": [], "relationships": []});
            serde_json::to_writer(&mut self.to, &object).map_err(std::io::Error::from)?;
            between = b",\n";
        }
        let text = |name: &&str| json!({"name": name, "type": "string"});
        let of_ticket: Vec<Value> = ["number"].iter().chain(&TICKET_ATTRIBUTES).map(text).collect();
        let kind = |name: &str, attributes: Vec<Value>| json!({"name": name, "attributes": attributes});
        let mut object_types = vec![kind("ticket", of_ticket)];
        let others = ["agent", "group", "requester", "configuration"];
        object_types.extend(others.iter().map(|name| kind(name, Vec::new())));
        let of_event: Vec<Value> =
            EVENT_ATTRIBUTES.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        let event_types: Vec<Value> =
            self.activities.iter().map(|name| kind(name, of_event.clone())).collect();
        let (objects, events) = (Value::from(object_types), Value::from(event_types));
        writeln!(self.to, "\n],\"objectTypes\":{objects},\"eventTypes\":{events}}}")?;
        Ok(self.to.flush()?)
    }
}
