//! K2: the rules run again. Every command of the log is decided once more on the ticket as it was then, and must lead
//! to the same events; and what they fold into is what the desk shows.

use std::collections::HashMap;

use guichet_rules::{Context, KnownArticle, Other, Ticket, Unconfigured, decide, evolve, looks_at};
use guichet_schemas::codec::{Encoding, RequestKey, decode_command};
use guichet_schemas::command::{Command, Entity};
use guichet_schemas::event::{Event, LifeCycle, LogEvent, TicketCreated, TicketEvent};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::wire;
use serde_json::Value;
use uuid::Uuid;

use super::Written;
use crate::finding::{Finding, Invariant};
use crate::ledger::Entry;

/// Decides and folds the whole log, and compares.
pub(super) fn check(entries: &[Entry], written: &Written, views: &[Value]) -> Vec<Finding> {
    let sent: HashMap<Uuid, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
    let mut tickets: HashMap<&str, (Ticket, u64)> = HashMap::new();
    let mut creations: HashMap<&str, &TicketCreated> = HashMap::new();
    let mut numbers = 0;
    let mut findings = Vec::new();
    let mut index = 0;
    while let Some(first) = written.records.get(index) {
        let count = (first.command_count.max(1) as usize).min(written.len() - index);
        let mut records = &written.records[index..index + count];
        index += count;
        // A key is none of the rules' business.
        if let [Record { event: Event::Log(LogEvent::KeyCreated(_)), .. }, rest @ ..] = records {
            records = rest;
        }
        let Some(first) = records.first().filter(|first| first.ticket_id().is_some()) else { continue };
        match sent.get(&first.command_id.0).map(|entry| command(entry)) {
            Some(command) => {
                let known = |id: &str| tickets.get(id).map(|(ticket, _)| ticket);
                let creation = |id: &str| creations.get(id).copied();
                findings.extend(decided_again(&known, &creation, &command, records, numbers + 1));
            }
            None => findings.push(Finding::of(
                Invariant::I2,
                format!(
                    "position {} answers command {}, which nobody sent",
                    first.position, first.command_id.0
                ),
            )),
        }
        for record in records {
            if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(created))) = &record.event {
                numbers = created.number;
                creations.insert(&record.stream_id, created);
            }
            let before = tickets.remove(record.stream_id.as_str()).map(|(ticket, _)| ticket);
            let after = evolve(before, &record.event, record.occurred_at);
            tickets.insert(&record.stream_id, (after, record.version.get()));
        }
    }
    findings.extend(shown(&tickets, views));
    findings
}

fn command(entry: &Entry) -> Command {
    let subject = CommandSubject::parse(&entry.subject).expect("the rig sends good subjects");
    let key = RequestKey([0; 32]);
    let read = decode_command(subject, Encoding::Json, &entry.body, None, &key);
    read.expect("the rig sends good commands").command
}

fn decided_again<'a>(
    known: &dyn Fn(&str) -> Option<&'a Ticket>,
    creation: &dyn Fn(&str) -> Option<&'a TicketCreated>,
    command: &Command,
    records: &[Record],
    next_number: u64,
) -> Option<Finding> {
    let first = records.first()?;
    let next_number = TicketNumber(next_number);
    // What begins a ticket may tell of it at another one first.
    let before = if command.entity == Entity::New { None } else { known(&first.stream_id) };
    let begun = records.iter().find(|record| record.event.created().is_some());
    let fresh = begun.and_then(Record::ticket_id).unwrap_or(TicketId(Uuid::nil()));
    let other = looks_at(before, command).and_then(|looks| {
        let id = looks.ticket.or_else(|| first.ticket_id())?;
        let name = id.to_string();
        let event = creation(&name).cloned().map(Event::from);
        Some(Other { id, ticket: known(&name)?.clone(), event, said: Vec::new(), found: None })
    });
    let context = Context {
        now: first.recorded_at,
        next_number,
        external_ref_of: None,
        desk: &Unconfigured,
        config_version: 0,
        fresh,
        article: KnownArticle::Elsewhere,
        other: other.as_ref(),
        others: &[],
        stored: None,
    };
    let events: Vec<&Event> = records.iter().map(|record| &record.event).collect();
    let decided = decide(before, command, &context);
    let same = decided.as_ref().is_ok_and(|drafts| {
        drafts.len() == events.len()
            && drafts.iter().zip(&events).all(|(draft, event)| said(&draft.event) == said(event))
    });
    if same {
        return None;
    }
    let what = format!(
        "position {}: decided again, the command leads to {decided:?}, not {events:?}",
        first.position
    );
    Some(Finding::of(Invariant::K2, what))
}

/// What an event says, but for the texts about people: who looks at a log may not have the keys to them.
fn said(event: &Event) -> (&'static str, Value) {
    let record = wire::Record { data: Some(event.clone().to_wire()), ..wire::Record::default() };
    let mut json = serde_json::to_value(record).expect("every record has a form in JSON");
    let mut data = json["data"].take();
    leave_out_personal(&mut data);
    (event.type_name(), data)
}

fn leave_out_personal(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("plain") || fields.contains_key("sealed") => {
            *value = Value::Null;
        }
        Value::Object(fields) => fields.values_mut().for_each(leave_out_personal),
        Value::Array(items) => items.iter_mut().for_each(leave_out_personal),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the desk shows of each ticket is what the rules fold.
fn shown(tickets: &HashMap<&str, (Ticket, u64)>, views: &[Value]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if views.len() != tickets.len() {
        let what = format!("the desk shows {} tickets, the log has {}", views.len(), tickets.len());
        findings.push(Finding::of(Invariant::K2, what));
    }
    for view in views {
        let id = view["ticket_id"].as_str().unwrap_or_default();
        let Some((ticket, version)) = tickets.get(id) else {
            findings
                .push(Finding::of(Invariant::K2, format!("the desk shows ticket {id}, the log has none")));
            continue;
        };
        let same = view["number"] == ticket.number.to_string()
            && view["version"] == *version
            && view["state"] == ticket.state().as_str()
            && view["assignee"].as_str() == ticket.assignee.as_deref()
            && view["group"].as_str() == ticket.group.as_deref()
            && view["tier"] == ticket.tier
            && view["priority"] == ticket.priority.as_str();
        if !same {
            let what = format!("the desk shows {view}, the rules fold {ticket:?} at version {version}");
            findings.push(Finding::of(Invariant::K2, what));
        }
    }
    findings
}
