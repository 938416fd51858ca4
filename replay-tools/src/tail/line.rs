//! One event on one line, for a person who watches.

use std::collections::HashMap;

use chrono_tz::Tz;
use guichet_key_client::{Opener, of_record};
use guichet_schemas::ids::TicketNumber;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query_reply;
use guichet_schemas::wire::record::Data;
use guichet_schemas::words::{ActorKind, StreamKind};

use crate::show;
use guichet_client::Client;
use guichet_client::output::{Look, one_line};

/// Numbers remembered.
const NUMBERS_MAX: usize = 100_000;
/// How long a read model may take to come to a record that the stream has.
const WAIT_MS: u64 = 2_000;

/// Fields that a line has no room for; `--json` has them all.
const UNTOLD: &[&str] = &[
    "attachments",
    "author_kind",
    "category_at",
    "cause",
    "comment_id",
    "comment_version",
    "confirmed_by",
    "counts_as_reply",
    "description",
    "draft_id",
    "external_ref",
    "fields",
    "handover_comment",
    "impact",
    "in_reply_to",
    "language",
    "note_comment",
    "number",
    "organisation",
    "original_created_at",
    "origin",
    "requester_email",
    "requester_kind",
    "requester_name",
    "requester_phone",
    "resolution_no",
    "resolver_of_last",
    "since_resolved_ms",
    "spans",
    "station_no",
    "tags_at",
    "tier",
    "urgency",
];

/// Writes lines, and remembers the numbers of tickets.
pub(super) struct Lines {
    client: Client,
    opener: Opener,
    look: Look,
    /// By stream id; none: no read model knows it.
    numbers: HashMap<String, Option<String>>,
    /// Ids of redacted comments, by stream id.
    redacted: HashMap<String, Vec<Vec<u8>>>,
}

impl Lines {
    pub(super) fn new(client: Client, look: Look) -> Self {
        let opener = Opener::new(client.nats(), Partition::default());
        Self { client, opener, look, numbers: HashMap::new(), redacted: HashMap::new() }
    }

    /// Learns the number of a new ticket, shown or not.
    pub(super) fn notice(&mut self, record: &wire::Record) {
        if let Some(Data::TicketCreated(created)) = &record.data {
            self.remember(record.stream_id.clone(), Some(TicketNumber(created.number).to_string()));
        }
        if let Some(Data::CommentRedacted(redacted)) = &record.data
            && let Some(known) = self.redacted.get_mut(&record.stream_id)
        {
            known.push(redacted.comment_id.clone());
        }
    }

    /// The line of a record, its texts opened where the keys are given to us.
    pub(super) async fn of(&mut self, mut record: wire::Record) -> String {
        let subject = self.subject(&record).await;
        let tenant = record.tenant.clone();
        match self.is_redacted(&record).await {
            Some(false) => self.opener.open(&tenant, of_record(&mut record)).await,
            Some(true) => redact(&mut record),
            // Nobody could say: it stays sealed.
            None => {}
        }
        line(&record, &subject, self.look)
    }

    /// The number of a ticket; the end of its id, which is the random part, where no read model knows it yet.
    async fn subject(&mut self, record: &wire::Record) -> String {
        if StreamKind::from_wire(record.stream_kind) != Ok(StreamKind::Ticket) {
            return record.stream_id.clone();
        }
        if !self.numbers.contains_key(&record.stream_id) {
            // The number of an import stands in its second event.
            let number = if record.version == 1 { None } else { self.ask(&record.stream_id).await };
            self.remember(record.stream_id.clone(), number);
        }
        self.numbers
            .get(&record.stream_id)
            .cloned()
            .flatten()
            .unwrap_or_else(|| format!("…{}", record.stream_id.get(28..).unwrap_or_default()))
    }

    /// Whether a comment, or the draft of one, was redacted since; `None`: no read model could say.
    async fn is_redacted(&mut self, record: &wire::Record) -> Option<bool> {
        let Some(id) = comment_of(record) else { return Some(false) };
        if !self.redacted.contains_key(&record.stream_id) {
            let view = self.view(&record.stream_id, Some(record.position)).await?;
            if self.redacted.len() >= NUMBERS_MAX {
                self.redacted.clear();
            }
            self.redacted.insert(record.stream_id.clone(), view.redacted_comments);
        }
        self.redacted.get(&record.stream_id).map(|known| known.contains(id))
    }

    async fn ask(&self, id: &str) -> Option<String> {
        self.view(id, None).await.map(|view| view.number)
    }

    /// A ticket as the read model has it, once it has come to a position.
    async fn view(&self, id: &str, min_position: Option<u64>) -> Option<wire::TicketView> {
        let id = guichet_schemas::ids::TicketId::parse(id)?;
        let query = wire::TicketQuery { ticket_id: Some(id.to_wire()), ..Default::default() };
        let wait_ms = min_position.map(|_| WAIT_MS);
        let data = Some(wire::query::Data::Ticket(query));
        let query = wire::Query { data, min_position, wait_ms, ..wire::Query::default() };
        match self.client.query("ticket", query).await.ok()?.data {
            Some(query_reply::Data::Ticket(view)) => Some(view),
            Some(_) | None => None,
        }
    }

    fn remember(&mut self, id: String, number: Option<String>) {
        if self.numbers.len() >= NUMBERS_MAX {
            self.numbers.clear();
        }
        self.numbers.insert(id, number);
    }
}

/// The comment that a record wrote, or that its draft becomes.
fn comment_of(record: &wire::Record) -> Option<&Vec<u8>> {
    if let Some(Data::CommentAdded(e)) = &record.data {
        Some(&e.comment_id)
    } else if let Some(Data::ReplyDrafted(e)) = &record.data {
        Some(&e.draft_id)
    } else {
        None
    }
}

/// Puts a mark in the place of the text.
fn redact(record: &mut wire::Record) {
    for text in of_record(record) {
        text.text.form = Some(wire::personal::Form::Plain("[redacted]".to_owned()));
    }
}

fn line(record: &wire::Record, subject: &str, look: Look) -> String {
    let time = show::second(Timestamp(record.recorded_at), Tz::UTC);
    let actor = record
        .actor
        .as_ref()
        .map_or_else(String::new, |a| format!("{}:{}", show::word::<ActorKind>(a.kind), a.id));
    let start =
        format!("{time}Z {:>8}  {subject:<9} v{:<3} {:<18}", record.position, record.version, record.r#type);
    let gist = gist(record);
    let rest = one_line(&format!("{actor}  {gist}"));
    let room = look.width.saturating_sub(start.chars().count() + 1).max(20);
    format!("{} {}", look.bold(&start), show::shortened(&rest, room))
}

/// The fields of an event that tell most: `to=bob group=network`.
fn gist(record: &wire::Record) -> String {
    let json = serde_json::to_value(record).unwrap_or_default();
    let Some(data) = json.get("data").and_then(|d| d.as_object()) else { return String::new() };
    let actor = record.actor.as_ref().map_or("", |a| a.id.as_str());
    let mut words: Vec<String> = Vec::new();
    // Texts of people are long and go last.
    let mut texts: Vec<String> = Vec::new();
    for (key, value) in
        data.iter().filter(|(key, value)| !UNTOLD.contains(&key.as_str()) && value.as_str() != Some(actor))
    {
        match value {
            serde_json::Value::String(text) if !text.is_empty() => words.push(format!("{key}={text}")),
            serde_json::Value::Number(number) => words.push(format!("{key}={number}")),
            serde_json::Value::Bool(true) => words.push(key.clone()),
            serde_json::Value::Array(list) if !list.is_empty() => {
                let list: Vec<String> =
                    list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
                words.push(format!("{key}={}", list.join(",")));
            }
            serde_json::Value::Object(form) => {
                texts
                    .extend(form.get("plain").and_then(|p| p.as_str()).map(|text| format!("{key}=“{text}”")));
                texts.extend(form.get("sealed").map(|_| format!("{key}=[sealed]")));
            }
            serde_json::Value::Null
            | serde_json::Value::Bool(false)
            | serde_json::Value::String(_)
            | serde_json::Value::Array(_) => {}
        }
    }
    words.append(&mut texts);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use guichet_schemas::words::Strategy;

    use super::*;

    #[test]
    fn a_line_says_when_where_what_and_who() {
        let assigned = wire::TicketAssigned {
            to: "bob".to_owned(),
            group: Some("network".to_owned()),
            strategy: Strategy::Manual.to_wire(),
            station_no: 1,
            ..Default::default()
        };
        let record = wire::Record {
            position: 1234,
            version: 2,
            r#type: "TicketAssigned".to_owned(),
            recorded_at: 0,
            actor: Some(wire::Actor {
                kind: ActorKind::Supervisor.to_wire(),
                id: "ana".to_owned(),
                on_behalf_of: None,
            }),
            data: Some(Data::TicketAssigned(assigned)),
            ..wire::Record::default()
        };
        let text = line(&record, "T-42", Look { width: 200, colour: false });
        assert!(
            text.starts_with(
                "1970-01-01 00:00:00Z     1234  T-42      v2   TicketAssigned     supervisor:ana"
            ),
            "{text}"
        );
        assert!(text.contains("to=bob") && text.contains("group=network"), "{text}");
        assert!(line(&record, "T-42", Look::PLAIN).chars().count() <= 100);
    }
}
