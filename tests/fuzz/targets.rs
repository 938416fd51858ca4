//! What outsiders hand us, each as a function of bytes that must never panic, and that says what must hold of
//! whatever it takes. Used by the corpus run of `cargo test` and by libFuzzer alike.

use guichet_import::Mapping;
use guichet_schemas::codec::{
    self, Encoding, Request, RequestKey, command_to_wire, decode_command, decode_query, decode_record,
    encode_record,
};
use guichet_schemas::subject::{self, CommandSubject, QuerySubject};
use guichet_schemas::verb::{self, About};
use prost::Message as _;

/// A name, and what is done with the bytes.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const ALL: &[Target] = &[
    ("command_json", command_json),
    ("command_protobuf", command_protobuf),
    ("query_json", query_json),
    ("query_protobuf", query_protobuf),
    ("record", record),
    ("subject", subject),
    ("mapping", mapping),
];

const KEY: RequestKey = RequestKey([7; 32]);

/// The first byte chooses the verb, the rest is the body.
fn command_of(data: &[u8], encoding: Encoding) -> Option<(CommandSubject, Request)> {
    let (chosen, body) = data.split_first()?;
    let verb = verb::VERBS[usize::from(*chosen) % verb::VERBS.len()];
    let entity = match verb::about(verb).expect("a verb of ours") {
        About::New => "new",
        About::Config => "config",
        About::Desk => "desk",
        About::Articles => "articles",
        About::Ticket => "01980000-0000-7000-8000-000000000001",
    };
    let subject = format!("guichet.v1.cmd.default.fuzz.{entity}.{verb}");
    let subject = CommandSubject::parse(&subject).expect("a subject of ours");
    let request = decode_command(subject.clone(), encoding, body, None, &KEY).ok()?;
    Some((subject, request))
}

/// A command that is taken says the same in the other encoding: same content, same request hash.
fn command_json(data: &[u8]) {
    let Some((subject, request)) = command_of(data, Encoding::Json) else { return };
    let wire = command_to_wire(request.command.clone()).encode_to_vec();
    let again =
        decode_command(subject, Encoding::Protobuf, &wire, None, &KEY).expect("what we wrote can be read");
    assert_eq!(again.command, request.command);
    assert_eq!(again.request_hash, request.request_hash);
}

/// A command that is taken and written again is the same command.
fn command_protobuf(data: &[u8]) {
    let Some((subject, request)) = command_of(data, Encoding::Protobuf) else { return };
    let wire = command_to_wire(request.command.clone()).encode_to_vec();
    let again =
        decode_command(subject, Encoding::Protobuf, &wire, None, &KEY).expect("what we wrote can be read");
    assert_eq!(again.command, request.command);
}

fn query_of(data: &[u8], encoding: Encoding) {
    let Some((chosen, body)) = data.split_first() else { return };
    let name = verb::QUERIES[usize::from(*chosen) % verb::QUERIES.len()];
    let Ok(query) = decode_query(name, encoding, body) else { return };
    let again =
        decode_query(name, Encoding::Protobuf, &query.encode_to_vec()).expect("what we wrote can be read");
    assert_eq!(again, query);
}

fn query_json(data: &[u8]) {
    query_of(data, Encoding::Json);
}

fn query_protobuf(data: &[u8]) {
    query_of(data, Encoding::Protobuf);
}

/// A record that can be read is read the same by the reader in place and by the general one, and written again it
/// is the same record.
fn record(data: &[u8]) {
    let head = codec::Head::read(data).map(|head| head.position);
    let Ok(record) = decode_record(data) else { return };
    if let Some(position) = head {
        assert_eq!(position, record.position.get());
    }
    let bytes = encode_record(record.clone());
    assert_eq!(decode_record(&bytes).expect("what we wrote can be read"), record);
}

/// A subject that is taken can be written, and is the one that was read.
fn subject(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(read) = CommandSubject::parse(text) {
        let written = subject::command(&read.tenant, &read.caller, read.entity, read.verb);
        // A UUID may come in capitals.
        assert_eq!(written.to_lowercase(), text.to_lowercase());
    }
    if let Ok(read) = QuerySubject::parse(text) {
        assert_eq!(subject::query(&read.tenant, &read.caller, read.name), text);
    }
    if subject::is_reply(text) {
        assert!(!text.starts_with('$') && !text.contains(['*', '>', ' ']));
    }
}

/// A mapping is read, or refused with a sentence.
fn mapping(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Mapping::parse(text) {
        assert!(!error.to_string().is_empty());
    }
}
