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
//! | `external_refs` | tenant, 0, length of the id (8), id, source, ticket (16) | nothing: the ticket is known by that id there |
//! | `redactions` | tenant, 0, ticket (16), comment (16), position (8) | `CommentRedacted`, protobuf |
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
//! | `report_config` | tenant, 0, position (8) | the record of a publication as received |
//! | `recorded` | tenant, 0, position / 4096 (8) | position (8) and time of recording (8), of record after record |
//!
//! The model `sla`; the last five are drawn from the others, step by step, and are not part of the content:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `sla_tickets` | tenant, 0, ticket (16) | `model::sla::Row`, postcard |
//! | `sla_histories` | tenant, 0, ticket (16) | `Moment` after `Moment`, protobuf, each with its length before it |
//! | `sla_breaches` | tenant, 0, instant (8), ticket (16), metric (1), instance (4) | `SlaBreachView`, protobuf, without what an answer looks up |
//! | `sla_config` | tenant, 0, position (8) | the record of a publication as received |
//! | `sla_alarms` | tenant, 0, instant (8), ticket (16) | nothing: something is to be recorded after that instant |
//! | `sla_due` | tenant, 0, instant (8), ticket (16) | nothing: the first of its running clocks is due then |
//! | `sla_armed` | tenant, 0, ticket (16) | instants (8, 8) of its alarm and its due one, all ones: none. Tickets that are not over |
//! | `sla_sweep` | tenant | position (8) of the first record that is not everywhere, tickets done (8), the key in `sla_armed` to go on from |
//! | `sla_plans` | tenant | instant (8): what is planned until then has taken hold of what is due |
//!
//! The model `articles`; it has `numbers` as `ticket` has:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `articles` | tenant, 0, article | `PublishedArticle`, protobuf: the newest version |
//! | `article_versions` | tenant, 0, article, 0, version (4) | the same, of that version as it was published |
//! | `article_terms` | tenant, 0, article | stems and weights of the newest version, postcard; none where it is retired |
//! | `article_uses` | tenant, 0, article | `model::articles::Uses`, protobuf; also of an article that stands elsewhere |
//! | `article_tickets` | tenant, 0, ticket (16) | `model::articles::Row`, protobuf |
//! | `knowledge_gaps` | tenant, 0, instant (8), ticket (16) | nothing: it was resolved then, without an article |
//!
//! Every model:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `quarantine` | tenant, 0, ticket (16) | `QuarantinedTicket`, protobuf |
//! | `meta` | `format` | version of this page (4) |
//! | `meta` | `projection` | name, 0, version of the fold (4) |
//! | `meta` | `checkpoint` | generation (8), position (8), hash (32) |
//! | `meta` | `restricted`, 0, tenant, 0, ticket (16) | groups that alone see it, each with a zero byte behind it |
//! | `meta` | `look`, 0, tenant, 0, position (8) | the record of a look at restricted tickets as received |
//! | `meta` | `tenant`, 0, tenant | position (8) of its first record. That of the zero-configuration start has none |
//!
//! A tenant is a token without zero bytes, so no key of one tenant begins like a key of another.

use guichet_schemas::event::ExternalRef;
use guichet_schemas::ids::{CommentId, TicketId, TicketNumber};
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::time::Timestamp;
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
/// Tickets by their id in another system.
pub const EXTERNAL_REFS: &str = "external_refs";
/// What was redacted.
pub const REDACTIONS: &str = "redactions";
/// The queue board's row of a ticket.
pub const QUEUE_ROWS: &str = "queue_rows";
/// Subjects of tickets.
pub const SUBJECTS: &str = "subjects";
/// The moments of each ticket.
pub const HISTORIES: &str = "histories";
/// Publications of the kinds of configuration that reports go by.
pub const REPORT_CONFIG: &str = "report_config";
pub const RECORDED: &str = "recorded";
/// The clocks of each ticket.
pub const SLA_TICKETS: &str = "sla_tickets";
/// The moments of each ticket, with those of its clocks.
pub const SLA_HISTORIES: &str = "sla_histories";
/// Broken promises by instant.
pub const SLA_BREACHES: &str = "sla_breaches";
pub const SLA_CONFIG: &str = "sla_config";
/// Tickets by the instant of their next alarm.
pub const SLA_ALARMS: &str = "sla_alarms";
/// Tickets by the instant at which the first of their running clocks is due.
pub const SLA_DUE: &str = "sla_due";
/// Where each ticket stands among the alarms and the due ones.
pub const SLA_ARMED: &str = "sla_armed";
/// How far a publication has been carried to the alarms.
pub const SLA_SWEEP: &str = "sla_sweep";
/// Until when plans have taken hold.
pub const SLA_PLANS: &str = "sla_plans";
/// The newest version of each article.
pub const ARTICLES: &str = "articles";
/// Every version of each article.
pub const ARTICLE_VERSIONS: &str = "article_versions";
/// By which words an article is found.
pub const ARTICLE_TERMS: &str = "article_terms";
/// How many tickets an article helped with.
pub const ARTICLE_USES: &str = "article_uses";
/// What articles have to do with a ticket.
pub const ARTICLE_TICKETS: &str = "article_tickets";
/// Tickets by the instant at which they were resolved without an article.
pub const KNOWLEDGE_GAPS: &str = "knowledge_gaps";
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
/// The prefix of the keys of the tenants.
pub const META_TENANTS: &[u8] = b"tenant\0";

/// The prefix of the keys in `meta` of the restricted tickets of a tenant.
#[must_use]
pub fn meta_restricted(tenant: &str) -> Vec<u8> {
    [b"restricted\0", self::tenant(tenant).as_slice()].concat()
}

/// Key in `meta` of a restricted ticket; without the prefix, the key of its row.
#[must_use]
pub fn meta_restricted_ticket(ticket: &[u8]) -> Vec<u8> {
    [b"restricted\0", ticket].concat()
}

/// Key in `meta` of a look at restricted tickets.
#[must_use]
pub fn meta_look(tenant: &str, position: u64) -> Vec<u8> {
    counted([b"look\0", self::tenant(tenant).as_slice()].concat(), position)
}

/// Key in `meta` of a tenant.
#[must_use]
pub fn meta_tenant(tenant: &str) -> Vec<u8> {
    [META_TENANTS, tenant.as_bytes()].concat()
}

/// The prefix of all keys of a tenant.
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

/// Key of what an event redacted of a comment.
#[must_use]
pub fn redaction(tenant: &str, ticket: TicketId, comment: CommentId, position: LogPosition) -> Vec<u8> {
    let mut key = self::ticket(tenant, ticket);
    key.extend_from_slice(comment.0.as_bytes());
    counted(key, position.get())
}

/// Key of something that happens to a ticket at an instant. One before 1970 sorts as 1970.
#[must_use]
pub fn at(tenant: &str, at: Timestamp, ticket: TicketId) -> Vec<u8> {
    let mut key = counted(self::tenant(tenant), u64::try_from(at.0).unwrap_or(0));
    key.extend_from_slice(ticket.0.as_bytes());
    key
}

/// The lower bound of the keys of everything from an instant on.
#[must_use]
pub fn from(tenant: &str, at: Timestamp) -> Vec<u8> {
    counted(self::tenant(tenant), u64::try_from(at.0).unwrap_or(0))
}

/// The instant in such a key, behind what the keys of its tenant begin with.
#[must_use]
pub fn instant(key: &[u8], tenant: &[u8]) -> Option<Timestamp> {
    let at = u64::from_be_bytes(*key.strip_prefix(tenant)?.first_chunk()?);
    i64::try_from(at).ok().map(Timestamp)
}

/// The ticket at the end of such a key.
#[must_use]
pub fn trailing_ticket(key: &[u8]) -> Option<TicketId> {
    key.last_chunk::<16>().map(|id| TicketId(Uuid::from_bytes(*id)))
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

/// Key of an article. An id has no zero byte.
#[must_use]
pub fn article(tenant: &str, article: &str) -> Vec<u8> {
    let mut key = self::tenant(tenant);
    key.extend_from_slice(article.as_bytes());
    key
}

/// Key of a version of an article.
#[must_use]
pub fn article_version(tenant: &str, article: &str, version: u32) -> Vec<u8> {
    let mut key = self::article(tenant, article);
    key.push(0);
    key.extend_from_slice(&version.to_be_bytes());
    key
}

/// Key of a number.
#[must_use]
pub fn number(tenant: &str, number: TicketNumber) -> Vec<u8> {
    counted(self::tenant(tenant), number.0)
}

/// The prefix of the keys of all tickets that have this id in another system, whichever it is. The length keeps an id
/// apart from a longer one that begins like it.
#[must_use]
pub fn external_id(tenant: &str, id: &str) -> Vec<u8> {
    let mut key = counted(self::tenant(tenant), id.len() as u64);
    key.extend_from_slice(id.as_bytes());
    key
}

/// Key of a ticket's id in another system.
#[must_use]
pub fn external_ref(tenant: &str, reference: &ExternalRef, ticket: TicketId) -> Vec<u8> {
    let mut key = external_id(tenant, &reference.id);
    key.extend_from_slice(reference.source.as_bytes());
    key.extend_from_slice(ticket.0.as_bytes());
    key
}

/// Source and ticket of such a key, behind what the keys of its id begin with.
#[must_use]
pub fn source_and_ticket<'a>(key: &'a [u8], prefix: &[u8]) -> Option<(&'a str, TicketId)> {
    let (source, ticket) = key.strip_prefix(prefix)?.split_last_chunk::<16>()?;
    Some((std::str::from_utf8(source).ok()?, TicketId(Uuid::from_bytes(*ticket))))
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
        fn an_id_elsewhere_is_found_whole(id in "[^\\x00]{1,12}", other in "[^\\x00]{1,12}", source in "[^\\x00]{1,12}") {
            let ticket = TicketId(Uuid::from_u128(7));
            let key = external_ref("default", &ExternalRef { source: source.clone(), id: id.clone() }, ticket);
            let found = source_and_ticket(&key, &external_id("default", &id));
            prop_assert_eq!(found, Some((source.as_str(), ticket)));
            prop_assume!(id != other);
            prop_assert!(!key.starts_with(&external_id("default", &other)));
        }

        #[test]
        fn no_tenant_sees_into_another(a in "[a-z0-9_-]{1,8}", b in "[a-z0-9_-]{1,8}", p in 1u64..) {
            prop_assume!(a != b);
            prop_assert!(!record(&a, LogPosition::new(p).unwrap()).starts_with(&tenant(&b)));
        }
    }
}
