//! What a running desk has published, from its log.

use guichet_schemas::event::{ConfigEvent, Event};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::{self, query_reply::Data};

use crate::query;
use guichet_client::{Client, ClientError};

/// One publication or retirement.
pub(crate) struct Entry {
    pub(crate) version: u64,
    pub(crate) position: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) actor: String,
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) item_version: u64,
    pub(crate) effective_from: Timestamp,
    pub(crate) body_hash: String,
    /// `None`: retired.
    pub(crate) body: Option<String>,
    pub(crate) event: Event,
}

/// Everything that the tenant has published, oldest first; nothing of one that is not there yet.
///
/// # Errors
/// Nobody answers, or a record is of a newer program.
pub(crate) async fn published(client: &Client) -> Result<Vec<Entry>, ClientError> {
    let mut entries = Vec::new();
    // What was acknowledged a moment ago is seen.
    let min_position = client.head().await.ok();
    for r#type in ["ConfigPublished", "ConfigRetired"] {
        let events = wire::EventsQuery { r#type: Some(r#type.to_owned()), ..wire::EventsQuery::default() };
        let query = wire::Query {
            min_position,
            wait_ms: Some(5000),
            limit: Some(1000),
            data: Some(wire::query::Data::Events(events)),
            ..wire::Query::default()
        };
        let reply = query::whole(client, "events", query).await?;
        match reply.data {
            Some(Data::Events(view)) => {
                for record in view.events.into_iter().filter_map(|event| event.record) {
                    entries.extend(entry(client, record)?);
                }
            }
            // Publishing makes a tenant: before that there is none.
            Some(Data::Error(error)) if error.code == "not_found" => {}
            Some(Data::Error(error)) => {
                return Err(ClientError::Refused { code: error.code, message: error.message });
            }
            Some(_) | None => {}
        }
    }
    entries.sort_by_key(|entry| entry.position);
    Ok(entries)
}

fn entry(client: &Client, record: wire::Record) -> Result<Option<Entry>, ClientError> {
    let record = Record::from_wire(record).map_err(|e| client.strange("a record".to_owned(), &e))?;
    let (kind, id, item_version, effective_from, body) =
        if let Event::Config(ConfigEvent::ConfigPublished(e)) = &record.event {
            (e.kind.clone(), e.id.clone(), e.version, e.effective_from, Some((e.body.clone(), e.body_hash)))
        } else if let Event::Config(ConfigEvent::ConfigRetired(e)) = &record.event {
            (e.kind.clone(), e.id.clone(), e.version, e.effective_from, None)
        } else {
            return Ok(None);
        };
    let (body, body_hash) = body.unzip();
    Ok(Some(Entry {
        version: record.version.get(),
        position: record.position.get(),
        recorded_at: record.recorded_at,
        actor: record.actor.id.clone(),
        kind,
        id,
        item_version,
        effective_from,
        body_hash: body_hash.map_or(String::new(), |hash| hash.to_string()),
        body,
        event: record.event,
    }))
}
