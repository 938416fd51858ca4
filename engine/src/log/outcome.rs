//! Answers of commands that came before: rebuilt from the log, or stored where no event tells them.

use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, TenantId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::LogPosition;
use guichet_schemas::wire;
use guichet_schemas::wire::store::CommandOutcome;
use guichet_schemas::words::StreamKind;
use prost::Message as _;

use super::disk::Disk;
use super::told::{About, Recorded, Told, Unwise};
use super::{Store, StoreFault, keys, tickets};

/// The stored answer of a command, with the hash of its request.
pub(super) fn load<D: Disk>(
    store: &Store<D>,
    tenant: &TenantId,
    id: CommandId,
) -> Result<Option<(Hash, wire::Accepted)>, StoreFault> {
    let Some(bytes) = store.get(keys::COMMANDS, &keys::command(tenant.as_str(), id))? else {
        return Ok(None);
    };
    let doing = "read the outcome of a command";
    let row = CommandOutcome::decode(bytes.as_slice()).map_err(|e| StoreFault::found(doing, e))?;
    let hash = Hash::from_slice(&row.request_hash)
        .ok_or_else(|| StoreFault::found(doing, "its request hash is not 32 bytes"))?;
    let accepted = match (LogPosition::new(row.first_position), LogPosition::new(row.last_position)) {
        (Some(first), Some(last)) => from_log(store, first, last)?,
        _ => wire::Accepted::decode(row.reply.as_slice()).map_err(|e| StoreFault::found(doing, e))?,
    };
    Ok(Some((hash, accepted)))
}

/// The answer of a command, from what it led to and its events.
pub(super) fn accepted(told: &Told, events: &[Recorded]) -> wire::Accepted {
    let mut accepted = wire::Accepted {
        version: told.version,
        partition: told.partition.0,
        position: LogPosition::or_zero(told.position),
        events: events
            .iter()
            .map(|e| wire::EventRef {
                event_id: e.event_id.to_wire(),
                r#type: e.type_name.to_owned(),
                version: e.version.get(),
                position: e.position.get(),
            })
            .collect(),
        ..wire::Accepted::default()
    };
    match &told.about {
        About::Ticket(id, number) => {
            accepted.ticket_id = Some(id.to_wire());
            accepted.number = Some(number.to_string());
            accepted.warnings = events.iter().filter_map(|e| Some(e.unwise?.warning(*number))).collect();
        }
        About::Config(tenant) => (accepted.entity, accepted.entity_id) = about_config(tenant.as_str()),
        About::Access(tenant) => (accepted.entity, accepted.entity_id) = about_desk(tenant.as_str()),
        About::Article(id) => (accepted.entity, accepted.entity_id) = about_articles(id),
    }
    accepted
}

/// What an answer about the configuration is about.
fn about_config(tenant: &str) -> (Option<String>, Option<String>) {
    (Some("config".to_owned()), Some(tenant.to_owned()))
}

/// What an answer about the desk as a whole is about.
fn about_desk(tenant: &str) -> (Option<String>, Option<String>) {
    (Some("desk".to_owned()), Some(tenant.to_owned()))
}

/// What an answer about an article is about.
fn about_articles(id: &str) -> (Option<String>, Option<String>) {
    (Some("articles".to_owned()), Some(id.to_owned()))
}

/// The row of a command that wrote no event.
pub(super) fn row_without_events(request_hash: Hash, accepted: &wire::Accepted) -> Vec<u8> {
    CommandOutcome {
        request_hash: request_hash.to_wire(),
        first_position: 0,
        last_position: 0,
        reply: accepted.encode_to_vec(),
    }
    .encode_to_vec()
}

fn from_log<D: Disk>(
    store: &Store<D>,
    first: LogPosition,
    last: LogPosition,
) -> Result<wire::Accepted, StoreFault> {
    let mut accepted = wire::Accepted::default();
    let mut damage = None;
    let (mut ticket, mut unwise) = (None, Vec::new());
    store.scan(first, |position, bytes| {
        match decode_record(bytes) {
            // A key that the command made first: the answer is about the ticket only.
            Ok(record) if record.stream_kind == StreamKind::Subject => {}
            Ok(record) => {
                accepted.version = record.version.get();
                accepted.partition = record.partition.0;
                accepted.position = record.position.get();
                ticket = record.ticket_id().map(|id| (record.tenant.clone(), id));
                if record.stream_kind == StreamKind::Config {
                    (accepted.entity, accepted.entity_id) = about_config(&record.tenant);
                } else if record.stream_kind == StreamKind::System {
                    (accepted.entity, accepted.entity_id) = about_desk(&record.tenant);
                } else if record.stream_kind == StreamKind::Article {
                    (accepted.entity, accepted.entity_id) = about_articles(&record.stream_id);
                }
                unwise.extend(Unwise::of(&record.event));
                accepted.events.push(wire::EventRef {
                    event_id: record.event_id.to_wire(),
                    r#type: record.event.type_name().to_owned(),
                    version: record.version.get(),
                    position: record.position.get(),
                });
            }
            Err(e) => damage = Some(e),
        }
        position < last && damage.is_none()
    })?;
    if let Some(e) = damage {
        return Err(StoreFault::found("rebuild an answer from the log", e));
    }
    if let Some((tenant, id)) = ticket {
        let entry = tickets::load(store, &tenant, id)?;
        accepted.ticket_id = Some(id.to_wire());
        let number = entry.map_or(TicketNumber(0), |e| e.ticket.number);
        accepted.number = Some(number.to_string());
        accepted.warnings = unwise.into_iter().map(|one: Unwise| one.warning(number)).collect();
    }
    Ok(accepted)
}
