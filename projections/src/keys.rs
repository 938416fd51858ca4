//! Every key of the read models on one page. Numbers are big-endian, so keys sort as they count.
//!
//! The model `ticket`:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `records` | tenant, 0, position (8) | the record as received |
//! | `ticket_events` | tenant, 0, ticket (16), version (8) | position (8) |
//! | `tickets` | tenant, 0, ticket (16) | `TicketView`, protobuf, without what an answer computes |
//! | `numbers` | tenant, 0, number (8) | ticket (16) |
//!
//! The model `queues`:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `queue_rows` | tenant, 0, ticket (16) | `model::queues::Row`, protobuf |
//! | `subjects` | tenant, 0, ticket (16) | `Personal`, protobuf |
//!
//! The model `reports`:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `histories` | tenant, 0, ticket (16) | `Moment` after `Moment`, protobuf, each with its length before it |
//! | `recorded` | tenant, 0, position / 4096 (8) | position (8) and time of recording (8), of record after record |
//!
//! Every model:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `quarantine` | tenant, 0, ticket (16) | `QuarantinedTicket`, protobuf |
//! | `meta` | `format` | version of this page (4) |
//! | `meta` | `projection` | name, 0, version of the fold (4) |
//! | `meta` | `checkpoint` | generation (8), position (8), hash (32) |
//!
//! A tenant is a token without zero bytes, so no key of one tenant begins like a key of another.

use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::position::{LogPosition, StreamVersion};
use uuid::Uuid;

/// Version of this page. A folder with a higher one is refused.
pub const FORMAT: u32 = 1;

/// Records as received.
pub const RECORDS: &str = "records";
/// Where the events of a ticket stand.
pub const TICKET_EVENTS: &str = "ticket_events";
/// The ticket view.
pub const TICKETS: &str = "tickets";
/// Tickets by number.
pub const NUMBERS: &str = "numbers";
/// What the queue board knows of a ticket.
pub const QUEUE_ROWS: &str = "queue_rows";
/// Subjects of tickets.
pub const SUBJECTS: &str = "subjects";
/// The moments of each ticket.
pub const HISTORIES: &str = "histories";
/// When records were recorded.
pub const RECORDED: &str = "recorded";
/// Tickets whose fold failed.
pub const QUARANTINE: &str = "quarantine";
/// Format, projection, checkpoint.
pub const META: &str = "meta";

/// Key of the format version.
pub const META_FORMAT: &[u8] = b"format";
/// Key of the projection's name and version.
pub const META_PROJECTION: &[u8] = b"projection";
/// Key of the checkpoint.
pub const META_CHECKPOINT: &[u8] = b"checkpoint";

/// What all keys of a tenant begin with.
#[must_use]
pub fn tenant(tenant: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(tenant.len() + 1 + 16 + 8);
    key.extend_from_slice(tenant.as_bytes());
    key.push(0);
    key
}

/// Key of a record.
#[must_use]
pub fn record(tenant: &str, position: LogPosition) -> Vec<u8> {
    counted(self::tenant(tenant), position.get())
}

/// Key of the block that says when a record was recorded.
#[must_use]
pub fn recorded(tenant: &str, position: LogPosition) -> Vec<u8> {
    counted(self::tenant(tenant), position.get() >> 12)
}

/// Key of a ticket's row, and what the keys of its events begin with.
#[must_use]
pub fn ticket(tenant: &str, id: TicketId) -> Vec<u8> {
    let mut key = self::tenant(tenant);
    key.extend_from_slice(id.0.as_bytes());
    key
}

/// Tenant and ticket of such a key.
#[must_use]
pub fn tenant_and_ticket(key: &[u8]) -> Option<(&str, TicketId)> {
    let (tenant, id) = key.split_last_chunk::<16>()?;
    let (zero, tenant) = tenant.split_last()?;
    (*zero == 0).then_some((std::str::from_utf8(tenant).ok()?, TicketId(Uuid::from_bytes(*id))))
}

/// Key of an event of a ticket.
#[must_use]
pub fn ticket_event(tenant: &str, id: TicketId, version: StreamVersion) -> Vec<u8> {
    counted(ticket(tenant, id), version.get())
}

/// Key of a number.
#[must_use]
pub fn number(tenant: &str, number: TicketNumber) -> Vec<u8> {
    counted(self::tenant(tenant), number.0)
}

/// The counter at the end of a key, or a value that is one; `None` if it is too short.
#[must_use]
pub fn trailing_counter(bytes: &[u8]) -> Option<u64> {
    bytes.last_chunk().map(|b| u64::from_be_bytes(*b))
}

/// A ticket as a value.
#[must_use]
pub fn ticket_id(value: &[u8]) -> Option<TicketId> {
    Uuid::from_slice(value).ok().map(TicketId)
}

fn counted(mut key: Vec<u8>, counter: u64) -> Vec<u8> {
    key.extend_from_slice(&counter.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_positions_count(a in 1u64.., b in 1u64..) {
            let key = |p| record("default", LogPosition::new(p).unwrap());
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(trailing_counter(&key(a)), Some(a));
        }

        #[test]
        fn no_tenant_sees_into_another(a in "[a-z0-9_-]{1,8}", b in "[a-z0-9_-]{1,8}", p in 1u64..) {
            prop_assume!(a != b);
            prop_assert!(!record(&a, LogPosition::new(p).unwrap()).starts_with(&tenant(&b)));
        }
    }
}
