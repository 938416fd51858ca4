//! Facts that another Guichet has recorded: each row is one. What its engine filled in is filled in again by ours; where
//! a personal text was left out of the export, a placeholder stands for it, and is counted.

use guichet_schemas::command::Fact;
use guichet_schemas::event::{Event, TicketEvent};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::text::Label;
use guichet_schemas::wire;
use serde_json::{Map, Value, json};

use super::balance::{Note, Reason};
use super::bounds::FACTS_BYTES_MAX;
use super::event_rows::Envelope;
use super::history::{Heard, Told};
use super::mapping::Slot;
use super::parts::weight;
use super::row::{Place, Row};

/// What stands for a text that the export does not have.
const WITHHELD: &str = "[withheld]";
/// Personal texts that every event has in which they can stand.
const NEEDED: [&str; 4] = ["subject", "description", "summary", "body"];
/// Those that may be absent.
const OPTIONAL: [&str; 3] = ["requester_name", "requester_email", "requester_phone"];

/// The facts of a ticket, one for each row. `ask` is where the row begins whose fact is wanted.
pub(super) fn of<E>(
    event: Slot,
    rows: &[Row],
    ask: Option<Place>,
    mut hear: impl FnMut(&Row, Heard) -> Result<(), E>,
) -> Result<Told, E> {
    let (mut facts, mut bytes, mut asked) = (Vec::with_capacity(rows.len()), 0_usize, None);
    let mut unread = rows.len() as u64;
    for row in rows {
        match fact(row.get(event).unwrap_or_default()) {
            Ok((fact, withheld)) => {
                if let Event::Ticket(TicketEvent::Relations(_)) = &fact.event {
                    let text = "it names another ticket by its id at the desk that was exported";
                    hear(row, Heard::Noted(Note::new(Reason::MissingValue, text)))?;
                }
                if withheld > 0 {
                    let text = format!("personal texts are not in the export: {withheld}");
                    hear(row, Heard::Noted(Note::new(Reason::Withheld, text)))?;
                }
                if ask == Some(row.place()) {
                    asked = Some(facts.len()..facts.len().saturating_add(1));
                }
                bytes = bytes.saturating_add(weight(&fact));
                facts.push(fact);
            }
            Err(note) => {
                unread = unread.saturating_sub(1);
                hear(row, Heard::Rejected(note))?;
            }
        }
        if bytes > FACTS_BYTES_MAX {
            return Ok(Told::TooMuch { unread });
        }
    }
    let used = facts.len() as u64;
    Ok(Told::Facts { facts, used, without_effect: 0, asked })
}

/// Where a ticket came from that was imported there, too: it stays the same one.
pub(super) fn origin(facts: &[Fact]) -> Option<(Label, Label)> {
    let created = facts.first()?.event.created()?.external_ref.as_ref()?;
    Some((Label::parse(created.source.clone()).ok()?, Label::parse(created.id.clone()).ok()?))
}

/// A fact, and how many personal texts of it are missing.
fn fact(line: &str) -> Result<(Fact, usize), Note> {
    let envelope = Envelope::read(line)?;
    let mut data: Map<String, Value> = serde_json::from_str(envelope.data.get())
        .map_err(|e| Note::from(format!("its data is no object: {e}")))?;
    let withheld = withhold(&mut data);
    let mut actor = json!({"kind": envelope.actorkind, "id": envelope.actor});
    if let Some(on_behalf_of) = &envelope.onbehalfof {
        actor["on_behalf_of"] = json!(on_behalf_of);
    }
    let form = json!({
        "type": envelope.name(), "occurred_at": envelope.time, "actor": actor, "data": data,
    });
    let wire: wire::Fact =
        serde_json::from_value(form).map_err(|e| Note::from(format!("it is no fact: {e}")))?;
    let fact = Fact::from_wire(wire).map_err(|e| Note::from(e.to_string()))?;
    Ok((fact, withheld))
}

/// A personal text that is neither plain nor sealed.
fn is_withheld(text: &Value) -> bool {
    text.is_null() || text.as_object().is_some_and(Map::is_empty)
}

fn withhold(data: &mut Map<String, Value>) -> usize {
    let mut withheld = 0_usize;
    for name in NEEDED {
        if let Some(text) = data.get_mut(name).filter(|text| is_withheld(text)) {
            *text = json!({"plain": WITHHELD});
            withheld = withheld.saturating_add(1);
        }
    }
    for name in OPTIONAL {
        if data.get(name).is_some_and(is_withheld) {
            data.remove(name);
            withheld = withheld.saturating_add(1);
        }
    }
    withheld
}

#[cfg(test)]
mod tests {
    use guichet_schemas::event::{Conversation, Event, Personal, TicketEvent};

    use super::*;

    fn line(data: &str) -> String {
        format!(
            r#"{{"specversion":"1.0","type":"guichet.CommentAdded.v1","subject":"x","time":"2026-03-10T09:00:00.000Z","actorkind":"agent","actor":"bob","onbehalfof":"r-1","sequence":"7","data":{data}}}"#
        )
    }

    #[test]
    fn a_line_is_the_fact_that_was_recorded_and_a_missing_text_is_counted() {
        let comment = r#"{"comment_id":"0190d3b0-0000-7000-8000-000000000001","visibility":"public","author":"bob","author_kind":"agent","kind":"message","counts_as_reply":true,"body":BODY}"#;
        let (told, withheld) = fact(&line(&comment.replace("BODY", r#"{"plain":"Here."}"#))).unwrap();
        assert_eq!(withheld, 0);
        let actor = told.actor.unwrap();
        assert_eq!((actor.id.as_str(), actor.on_behalf_of.as_deref()), ("bob", Some("r-1")));
        let (told, withheld) = fact(&line(&comment.replace("BODY", "null"))).unwrap();
        assert_eq!(withheld, 1);
        let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(told))) = told.event else {
            panic!("another event")
        };
        assert_eq!(told.body, Personal::Plain(WITHHELD.to_owned()));
        let wrong = fact(&line("{}")).unwrap_err();
        assert_eq!(wrong.reason, Reason::Unreadable, "{}", wrong.text);
    }
}
