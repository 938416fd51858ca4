//! Every key of the log's database, byte by byte. All numbers are big-endian, so that byte order is number order.
//!
//! | column family | key | value |
//! |---|---|---|
//! | `events` | position u64 | record bytes |
//! | `tickets_index` | tenant, 0, ticket 16, version u64 | position u64 |
//! | `snapshots` | tenant, 0, ticket 16 | fold version 4, then `tickets::Entry`, postcard |
//! | `commands` | tenant, 0, command id 16 | `store.v1.CommandOutcome` |
//! | `numbers` | tenant | last ticket number u64 |
//! | `external_refs` | tenant, 0, source, 0, id | ticket 16 |
//! | `subjects` | tenant, 0, requester | position u64 of the newest `KeyCreated` |
//! | `config` | tenant, 0, version u64 | position u64 of what was configured |
//! | `tree` | level u8, index u64 | a full tile of the Merkle tree: 256 hashes of 32 bytes |
//! | `meta` | one of the names below | see there |
//!
//! A tenant is a token of `[A-Za-z0-9_-]`, a source, an external id and a requester hold no control characters: no 0
//! byte inside, so no key is the beginning of another tenant's.

use guichet_schemas::event::ExternalRef;
use guichet_schemas::ids::{CommandId, TicketId};
use guichet_schemas::position::{LogPosition, StreamVersion};

/// The log itself.
pub const EVENTS: &str = "events";
/// Where each version of a ticket stands.
pub const TICKETS_INDEX: &str = "tickets_index";
/// Folded tickets, every hundred events.
pub const SNAPSHOTS: &str = "snapshots";
pub const COMMANDS: &str = "commands";
/// Last ticket number of each tenant.
pub const NUMBERS: &str = "numbers";
/// Tickets by their identity elsewhere.
pub const EXTERNAL_REFS: &str = "external_refs";
/// The newest key of each data subject. The first family to be made, and none that a folder of format 1 has.
pub const SUBJECTS: &str = "subjects";
/// Where each version of a tenant's configuration stands.
pub const CONFIG: &str = "config";
/// Full tiles of the Merkle tree.
pub const TREE: &str = "tree";
/// Facts about the folder.
pub const META: &str = "meta";

/// Every column family.
pub const ALL: [&str; 10] =
    [SUBJECTS, EVENTS, TICKETS_INDEX, SNAPSHOTS, COMMANDS, NUMBERS, EXTERNAL_REFS, CONFIG, TREE, META];

/// `meta`: format version of the folder, u32.
pub const META_FORMAT: &[u8] = b"format";
/// `meta`: secret of the request hashes, 32 bytes.
pub const META_REQUEST_KEY: &[u8] = b"request_key";
/// `meta`: the derived rows cover the log up to here, u64.
pub const META_DERIVED: &[u8] = b"derived";
/// `meta`: lineage of the log, u64.
pub const META_GENERATION: &[u8] = b"generation";
/// `meta`: from this position on the messages of the stream have a MAC, u64.
pub const META_MACS_FROM: &[u8] = b"macs_from";
/// `meta`: so many answers of commands that wrote no event are kept, u64.
pub const META_ANSWERS: &[u8] = b"answers";
/// `meta`: position of the newest `EpochStarted`, u64.
pub const META_EPOCH: &[u8] = b"epoch";

/// Key in `events`.
#[must_use]
pub fn event(position: LogPosition) -> [u8; 8] {
    position.get().to_be_bytes()
}

/// Key in `tree`.
#[must_use]
pub fn tile(level: u8, index: u64) -> [u8; 9] {
    let mut key = [level; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Reads a big-endian number.
#[must_use]
pub fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// Key in `snapshots`, and beginning of the keys in `tickets_index`.
#[must_use]
pub fn ticket(tenant: &str, ticket: TicketId) -> Vec<u8> {
    prefixed(tenant, ticket.0.as_bytes(), 8)
}

/// Key in `tickets_index`.
#[must_use]
pub fn ticket_version(tenant: &str, id: TicketId, version: StreamVersion) -> Vec<u8> {
    let mut key = ticket(tenant, id);
    key.extend_from_slice(&version.get().to_be_bytes());
    key
}

/// Key in `commands`.
#[must_use]
pub fn command(tenant: &str, id: CommandId) -> Vec<u8> {
    prefixed(tenant, id.0.as_bytes(), 0)
}

/// Key in `subjects`.
#[must_use]
pub fn subject(tenant: &str, requester: &str) -> Vec<u8> {
    prefixed(tenant, requester.as_bytes(), 0)
}

/// Key in `config`; without a version, the beginning of all keys of a tenant.
#[must_use]
pub fn config(tenant: &str, version: Option<StreamVersion>) -> Vec<u8> {
    let version = version.map(|version| version.get().to_be_bytes());
    prefixed(tenant, version.as_ref().map_or(&[], |bytes| &bytes[..]), 0)
}

/// Key in `meta`: position of the newest `AccessRecorded` of a tenant, u64. No name of ours there has a zero byte.
#[must_use]
pub fn access(tenant: &str) -> Vec<u8> {
    prefixed("access", tenant.as_bytes(), 0)
}

/// Key in `meta`: position of the newest record about any article of a tenant, u64.
#[must_use]
pub fn articles(tenant: &str) -> Vec<u8> {
    prefixed("articles", tenant.as_bytes(), 0)
}

/// Key in `meta`: position of the newest record about an article, u64.
#[must_use]
pub fn article(tenant: &str, article: &str) -> Vec<u8> {
    let mut key = prefixed("article", tenant.as_bytes(), article.len() + 1);
    key.push(0);
    key.extend_from_slice(article.as_bytes());
    key
}

/// Key in `external_refs`.
#[must_use]
pub fn external_ref(tenant: &str, reference: &ExternalRef) -> Vec<u8> {
    let mut key = prefixed(tenant, reference.source.as_bytes(), reference.id.len() + 1);
    key.push(0);
    key.extend_from_slice(reference.id.as_bytes());
    key
}

fn prefixed(tenant: &str, rest: &[u8], spare: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(tenant.len() + 1 + rest.len() + spare);
    key.extend_from_slice(tenant.as_bytes());
    key.push(0);
    key.extend_from_slice(rest);
    key
}

#[cfg(test)]
mod tests {
    use guichet_schemas::ids::TicketId;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn key_order_is_position_order(a in 1u64.., b in 1u64..) {
            let (pa, pb) = (LogPosition::new(a).unwrap(), LogPosition::new(b).unwrap());
            prop_assert_eq!(event(pa).cmp(&event(pb)), a.cmp(&b));
        }

        #[test]
        fn key_order_is_version_order_within_a_ticket(id: u128, a in 1u64.., b in 1u64..) {
            let id = TicketId(uuid::Uuid::from_u128(id));
            let key = |v| ticket_version("default", id, StreamVersion::new(v).unwrap());
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn tenants_do_not_share_keys(a in "[A-Za-z0-9_-]{1,8}", b in "[A-Za-z0-9_-]{1,8}", id: u128) {
            prop_assume!(a != b);
            let id = TicketId(uuid::Uuid::from_u128(id));
            prop_assert!(!ticket(&a, id).starts_with(&[b.as_bytes(), &[0]].concat()));
        }
    }
}
