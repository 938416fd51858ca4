//! One value of everything, every field filled, the same in every run.

pub(crate) mod commands;
pub(crate) mod events;
pub(crate) mod replies;
mod reports;

use guichet_schemas::command::Entity;
use guichet_schemas::event::{Actor, Event, LogEvent, Personal};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CallerId, CommandId, CommentId, CorrelationId, EventId, TenantId, TicketId};
use guichet_schemas::position::{Epoch, LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use guichet_schemas::subject::CommandSubject;
use guichet_schemas::time::Timestamp;
use guichet_schemas::verb;
use guichet_schemas::words::{ActorKind, Channel, StreamKind};
use uuid::Uuid;

/// The `n`-th UUID of version 7.
pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0198_f0e1_d2c3_7000_8000_0000_0000_0000 + n)
}

pub(crate) fn ticket() -> TicketId {
    TicketId(uuid(1))
}

pub(crate) fn comment(n: u128) -> CommentId {
    CommentId(uuid(0x100 + n))
}

pub(crate) fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

/// Minute `n` of a Monday morning.
pub(crate) fn minute(n: i64) -> Timestamp {
    Timestamp(1_772_442_000_000 + n * 60_000)
}

pub(crate) fn plain(text: &str) -> Personal {
    Personal::Plain(text.to_owned())
}

pub(crate) fn actor() -> Actor {
    Actor { kind: ActorKind::Agent, id: "alice".to_owned(), on_behalf_of: Some("bob".to_owned()) }
}

/// Where a command with this verb goes.
pub(crate) fn subject(verb: &str) -> CommandSubject {
    let verb = verb::VERBS.iter().find(|v| **v == verb).expect("a verb of this build");
    let entity = match *verb {
        "create" | "create_follow_up" | "import" => Entity::New,
        "publish_config" | "retire_config" => Entity::Config,
        "record_access" => Entity::Desk,
        "publish_article" | "publish_article_from_ticket" | "retire_article" => Entity::Articles,
        _ => Entity::Ticket(ticket()),
    };
    CommandSubject {
        tenant: TenantId::default_tenant(),
        caller: CallerId::parse("cli").unwrap(),
        entity,
        verb,
    }
}

/// A record with every field filled.
pub(crate) fn record(event: Event) -> Record {
    let engine = matches!(event, Event::Log(LogEvent::EpochStarted(_)));
    let subject = matches!(event, Event::Log(LogEvent::KeyCreated(_)));
    let article = matches!(event, Event::Desk(_));
    let access = matches!(event, Event::Log(LogEvent::AccessRecorded(_)));
    Record {
        position: LogPosition::new(1234).unwrap(),
        partition: Partition(3),
        epoch: Epoch(7),
        tenant: if engine { TenantId::system().to_string() } else { "default".to_owned() },
        stream_kind: if engine || access {
            StreamKind::System
        } else if subject {
            StreamKind::Subject
        } else if article {
            StreamKind::Article
        } else {
            StreamKind::Ticket
        },
        stream_id: if engine {
            "engine".to_owned()
        } else if access {
            "access".to_owned()
        } else if subject {
            "r-1".to_owned()
        } else if article {
            "kb-17".to_owned()
        } else {
            ticket().to_string()
        },
        version: StreamVersion::new(4).unwrap(),
        event_id: EventId(uuid(2)),
        recorded_at: minute(5),
        occurred_at: minute(4),
        caller: "cli".to_owned(),
        actor: actor(),
        command_id: CommandId(uuid(3)),
        request_hash: hash(0xab),
        channel: Some(Channel::InApp),
        causation_id: Some(CorrelationId(uuid(4))),
        correlation_id: Some(CorrelationId(uuid(5))),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        config_version: 12,
        prev_hash: hash(0xcd),
        source_time: Some(minute(3)),
        command_index: 1,
        command_count: 2,
        event,
    }
}
