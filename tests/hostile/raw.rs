//! What is no message of ours: bytes, texts that were changed, odd subjects, replies and headers, and requests to the
//! services that only our own roles call.

use guichet_schemas::verb;

use crate::desks::{CALLERS, UnderAttack};
use crate::message::Message;
use guichet_test_support::corpus;
use guichet_test_support::mutate;
use guichet_test_support::mutate::Dice;

/// Replies that must not be answered: orders to the broker, subjects of others, nothing at all.
const REPLIES: &[&str] = &[
    "$JS.API.STREAM.PURGE.GUICHET_EVENTS_0",
    "$JS.API.STREAM.DELETE.GUICHET_EVENTS_0",
    "guichet.v1.evt.default.0.TicketCreated",
    "guichet.v1.cmd.default.shop.new.create",
    "guichet.v1.checkpoint.0",
    "_INBOX",
    "_INBOXES.x",
    "_R_",
    "_INBOX.x.y.z.a.b.c.d.e.f",
    "$SYS.x",
];
/// Services inside the house.
const SERVICES: &[&str] = &[
    "guichet.v1.log.0",
    "guichet.v1.tile.0",
    "guichet.v1.key.0",
    "guichet.v1.log.1",
    "guichet.v1.projection.0.ticket.rebuild",
    "guichet.v1.projection.0.sla.swap",
    "$SRV.PING",
    "$SRV.INFO.guichet-engine",
    "$SRV.STATS.guichet-projections",
    "guichet.v1.evt.default.0.TicketCreated",
    "guichet.v1.checkpoint.0",
    "guichet.v1",
    "guichet.v2.cmd.default.shop.new.create",
];

/// Beginnings to change, made once.
pub(crate) struct Corpora {
    command_json: Vec<Vec<u8>>,
    command_protobuf: Vec<Vec<u8>>,
    query_json: Vec<Vec<u8>>,
    query_protobuf: Vec<Vec<u8>>,
}

impl Corpora {
    pub(crate) fn new() -> Self {
        Self {
            command_json: corpus::of("command_json"),
            command_protobuf: corpus::of("command_protobuf"),
            query_json: corpus::of("query_json"),
            query_protobuf: corpus::of("query_protobuf"),
        }
    }

    /// One of them.
    pub(crate) fn message(&self, desk: &UnderAttack, dice: &mut Dice) -> Message {
        let message = match dice.below(12) {
            0..=2 => Self::command(&self.command_json, desk, dice),
            3..=4 => Self::command(&self.command_protobuf, desk, dice).protobuf(),
            5 => Self::query(&self.query_json, desk, dice),
            6 => Self::query(&self.query_protobuf, desk, dice).protobuf(),
            7 => nested(desk, dice),
            8 => service(dice),
            9 => odd_subject(desk, dice),
            10 => noise(desk, dice),
            _ => odd_headers(Self::command(&self.command_json, desk, dice), dice),
        };
        if dice.once_in(25) {
            return Message { reply: Some((*dice.pick(REPLIES)).to_owned()), ..message };
        }
        message
    }

    /// The first byte chooses the verb, as in the fuzz targets.
    fn command(corpus: &[Vec<u8>], desk: &UnderAttack, dice: &mut Dice) -> Message {
        let changed = mutate::change(corpus, dice);
        let chosen = changed.first().map_or(0, |n| usize::from(*n) % verb::VERBS.len());
        let (verb, ticket) = (verb::VERBS[chosen], desk.ticket(dice).to_string());
        let entity = match verb {
            "create" | "create_follow_up" | "import" => "new",
            "publish_config" | "retire_config" => "config",
            "record_access" => "desk",
            "publish_article" | "publish_article_from_ticket" | "retire_article" => "articles",
            _ => &ticket,
        };
        let subject = format!("guichet.v1.cmd.{}.{}.{entity}.{verb}", desk.tenant, dice.pick(CALLERS));
        Message::new("raw", subject, changed.get(1..).unwrap_or_default().to_vec())
    }

    fn query(corpus: &[Vec<u8>], desk: &UnderAttack, dice: &mut Dice) -> Message {
        let changed = mutate::change(corpus, dice);
        let chosen = changed.first().map_or(0, |n| usize::from(*n) % verb::QUERIES.len());
        let subject =
            format!("guichet.v1.query.{}.{}.{}", desk.tenant, dice.pick(CALLERS), verb::QUERIES[chosen]);
        Message::new("raw", subject, changed.get(1..).unwrap_or_default().to_vec())
    }
}

fn any_subject(desk: &UnderAttack, dice: &mut Dice) -> String {
    if dice.once_in(2) {
        format!("guichet.v1.query.{}.shop.{}", desk.tenant, dice.pick(verb::QUERIES))
    } else {
        format!("guichet.v1.cmd.{}.shop.{}.{}", desk.tenant, desk.ticket(dice), dice.pick(verb::VERBS))
    }
}

/// Brackets within brackets, and protobuf within protobuf.
fn nested(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let depth = *dice.pick(&[15, 16, 17, 100, 1000, 10_000, 120_000]);
    let subject = any_subject(desk, dice);
    match dice.below(4) {
        0 => Message::new("raw", subject, b"[".repeat(depth)),
        1 => Message::new("raw", subject, b"{\"a\":".repeat(depth)),
        2 => Message::new(
            "raw",
            subject,
            [b"{\"data\":".to_vec(), b"[".repeat(depth), b"]".repeat(depth), b"}".to_vec()].concat(),
        ),
        _ => {
            let mut bytes = Vec::new();
            for _ in 0..depth.min(400) {
                bytes =
                    [vec![0xa2, 0x06, u8::try_from(bytes.len().min(127)).expect("small")], bytes].concat();
            }
            Message::new("raw", subject, bytes).protobuf()
        }
    }
}

fn service(dice: &mut Dice) -> Message {
    let subject = (*dice.pick(SERVICES)).to_owned();
    let payload = match dice.below(5) {
        // A range without an end; a list of numbers without one.
        0 => vec![8, 1],
        1 => {
            vec![8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 16, 0xff, 0xff, 0xff, 0xff, 0x0f]
        }
        2 => [0x0a, 0x06, 8, 0, 16, 0, 24, 1].repeat(2_000),
        3 => Vec::new(),
        _ => {
            let len = dice.below(64);
            dice.bytes(len)
        }
    };
    Message::new("raw", subject, payload).protobuf()
}

fn odd_subject(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let long = "x".repeat(*dice.pick(&[64, 65, 3000]));
    let subjects = [
        format!("guichet.v1.cmd.{}.shop.new", desk.tenant),
        format!("guichet.v1.cmd.{}.shop.new.create.more", desk.tenant),
        format!("guichet.v1.cmd.{long}.shop.new.create"),
        format!("guichet.v1.cmd.{}.{long}.new.create", desk.tenant),
        format!("guichet.v1.query.{}.shop.{long}", desk.tenant),
        format!("guichet.v1.cmd.{}.sh\u{f6}p.new.create", desk.tenant),
        "guichet.v1.cmd._system.cli.config.publish_config".to_owned(),
        format!("guichet.v1.cmd.{}.shop.intake.record_intake", desk.tenant),
        format!("guichet.v1.query.{}.shop.report_csat", desk.tenant),
        "guichet.v1.cmd".to_owned() + &".a".repeat(120),
    ];
    Message::new("raw", dice.pick(&subjects).clone(), b"{}".to_vec())
}

fn noise(desk: &UnderAttack, dice: &mut Dice) -> Message {
    let len = *dice.pick(&[0, 1, 7, 100, 5000, 262_144, 262_145, 400_000]);
    let payload = if len > 5000 && dice.once_in(2) { vec![b' '; len] } else { dice.bytes(len) };
    let message = Message::new("raw", any_subject(desk, dice), payload);
    if dice.once_in(2) { message.protobuf() } else { message }
}

fn odd_headers(message: Message, dice: &mut Dice) -> Message {
    let long = "v".repeat(*dice.pick(&[1, 1000, 60_000]));
    match dice.below(5) {
        0 => message.header("Content-Type", "text/html; charset=\u{fffd}"),
        1 => {
            message.header("Content-Type", "application/protobuf").header("content-type", "application/json")
        }
        2 => message.header("traceparent", &long),
        3 => (0..500).fold(message, |m, n| m.header(&format!("X-{n}"), "y")),
        _ => message.header("Nats-Expected-Last-Sequence", "1").header("Nats-Service-Error-Code", &long),
    }
}
