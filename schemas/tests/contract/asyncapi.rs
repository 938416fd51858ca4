//! The AsyncAPI 3.0 document: which subjects there are, what goes over them, and what comes back.

use guichet_schemas::event::Event;
use guichet_schemas::verb;
use serde_json::{Map, Value, json};

use crate::descriptors::{message, message_comment};
use crate::published::payload;
use crate::schema::events_of;

const JSON_SCHEMA: &str = "application/schema+json;version=draft-2020-12";
const PROTOBUF: &str = "application/vnd.google.protobuf;version=3";

/// The whole document.
pub(crate) fn document() -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for verb in verb::VERBS {
        let name = format!("command_{verb}");
        let answer = "command_reply".to_owned();
        let entity = if matches!(*verb, "create" | "import") {
            "The word new, or for create a ticket UUID."
        } else {
            "UUID of the ticket."
        };
        let parameters = json!({"tenant": token("Tenant of the caller's account."), "caller": token("The calling service."), "entity": {"description": entity}});
        messages.insert(
            name.clone(),
            json_message(
                &name,
                &message_comment(&payload("Command", verb)),
                &format!("./commands/{verb}.json"),
            ),
        );
        request(
            &mut channels,
            &mut operations,
            &name,
            &format!("guichet.v1.cmd.{{tenant}}.{{caller}}.{{entity}}.{verb}"),
            &parameters,
            &answer,
        );
    }
    messages.insert(
        "command_reply".to_owned(),
        json_message("command_reply", "Accepted or refused.", "./replies/command.json"),
    );
    for query in verb::QUERIES {
        let (name, answer) = (format!("query_{query}"), format!("query_{query}_reply"));
        let parameters = json!({"tenant": token("Tenant of the caller's account."), "caller": token("The calling service.")});
        messages.insert(
            name.clone(),
            json_message(
                &name,
                &message_comment(&payload("Query", query)),
                &format!("./queries/{query}.json"),
            ),
        );
        messages.insert(
            answer.clone(),
            json_message(
                &answer,
                &format!("Answer to the query {query}."),
                &format!("./replies/query-{query}.json"),
            ),
        );
        request(
            &mut channels,
            &mut operations,
            &name,
            &format!("guichet.v1.query.{{tenant}}.{{caller}}.{query}"),
            &parameters,
            &answer,
        );
    }
    for event in events_of(&message("Record")) {
        let name = format!("event_{}", event.name());
        let address = format!("guichet.v1.evt.{{tenant}}.{{partition}}.{}", event.name());
        messages.insert(name.clone(), event_message(&event));
        channels.insert(name.clone(), json!({
            "address": address,
            "description": "In the JetStream stream GUICHET_EVENTS_<partition>, sequence = position.",
            "parameters": {"tenant": token("Tenant of the ticket."), "partition": {"description": "Partition of the log; 0 until scale-out."}},
            "messages": {&name: {"$ref": format!("#/components/messages/{name}")}},
        }));
        operations.insert(
            format!("publish_{}", event.name()),
            json!({
                "action": "send",
                "channel": {"$ref": format!("#/channels/{name}")},
                "messages": [{"$ref": format!("#/channels/{name}/messages/{name}")}],
            }),
        );
    }
    auditing(&mut channels, &mut operations, &mut messages);
    attachments(&mut channels, &mut operations, &mut messages);
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Guichet",
            "version": "1.0.0",
            "description": "Commands and queries over NATS request/reply, events over JetStream. Actions are seen from Guichet. Bodies are JSON, or protobuf with Content-Type: application/protobuf; the reply has the encoding of the request.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    })
}

/// What workers and auditors read: the log, its tree, and every checkpoint.
fn auditing(
    channels: &mut Map<String, Value>,
    operations: &mut Map<String, Value>,
    messages: &mut Map<String, Value>,
) {
    let partition = json!({"partition": {"description": "Partition of the log; 0 until scale-out."}});
    for (name, asked, answered) in [("log", "LogRequest", "LogBatch"), ("tile", "TileRequest", "TileBatch")] {
        for (message_name, kind) in [(name.to_owned(), asked), (format!("{name}_reply"), answered)] {
            let summary = message_comment(&message(kind));
            messages.insert(message_name.clone(), json!({
                "name": message_name, "title": kind, "summary": summary, "contentType": "application/protobuf",
                "payload": {"schemaFormat": PROTOBUF, "schema": {"$ref": "../proto/guichet/v1/log.proto"}},
            }));
        }
        let address = format!("guichet.v1.{name}.{{partition}}");
        request(channels, operations, name, &address, &partition, &format!("{name}_reply"));
    }
    messages.insert("checkpoint".to_owned(), json!({
        "name": "checkpoint", "title": "checkpoint",
        "summary": "A signed checkpoint of the log: C2SP tlog-checkpoint, a signed note.",
        "description": "Keep one now and then, out of reach of whoever runs the desk: `guichet verify --checkpoint` and every witness compare the log with it.",
        "contentType": "text/plain; charset=utf-8", "payload": {"type": "string"},
    }));
    channels.insert("checkpoint".to_owned(), json!({
        "address": "guichet.v1.checkpoint.{partition}",
        "description": "Plain NATS, no JetStream: at most half a second after the log has grown. The newest one comes with every answer of the log and of the tree.",
        "parameters": partition,
        "messages": {"checkpoint": {"$ref": "#/components/messages/checkpoint"}},
    }));
    operations.insert(
        "publish_checkpoint".to_owned(),
        json!({
            "action": "send",
            "channel": {"$ref": "#/channels/checkpoint"},
            "messages": [{"$ref": "#/channels/checkpoint/messages/checkpoint"}],
        }),
    );
}

/// The bytes of attachments, either way.
fn attachments(
    channels: &mut Map<String, Value>,
    operations: &mut Map<String, Value>,
    messages: &mut Map<String, Value>,
) {
    let part = "A part of a file, at most 262144 bytes.";
    let received = json!({"type": "object", "required": ["ok", "received", "stored"], "properties": {
        "ok": {"const": true},
        "received": {"type": "integer", "description": "So many bytes are here: the next part begins there."},
        "stored": {"type": "boolean", "description": "All are on disk, and add_attachment may name them."},
    }});
    let size = json!({"type": "object", "properties": {"Guichet-Size": {"type": "string", "description": "Bytes of the whole."}}});
    let access = json!({"type": "object", "properties": {"Guichet-Access": {"type": "string", "description": "For a restricted ticket: the position of a record_access about it, by the same caller, at most five minutes old."}}});
    let binary = "application/octet-stream";
    for (name, summary, content_type, payload) in [
        ("attachment_put", part, binary, json!({"type": "string"})),
        ("attachment_put_reply", "How far the upload has come.", "application/json", received),
        ("attachment_get", "Empty.", binary, json!({"type": "null"})),
        ("attachment_get_reply", part, binary, json!({"type": "string"})),
    ] {
        let mut message =
            json!({"name": name, "summary": summary, "contentType": content_type, "payload": payload});
        match name {
            "attachment_get_reply" => message["headers"] = size.clone(),
            "attachment_put" | "attachment_get" => message["headers"] = access.clone(),
            _ => {}
        }
        messages.insert(name.to_owned(), message);
    }
    let mut parameters = json!({
        "tenant": token("Tenant of the caller's account."), "caller": token("The calling service."),
        "entity": {"description": "UUID of the ticket."},
        "sha256": {"description": "SHA-256 of the whole file, in lower-case hex."},
        "offset": {"description": "Where the part begins, in bytes."},
    });
    let of = "guichet.v1.attachment.{tenant}.{caller}.{entity}";
    let get = format!("{of}.get.{{sha256}}.{{offset}}");
    request(channels, operations, "attachment_get", &get, &parameters, "attachment_get_reply");
    parameters["size"] = json!({"description": "Bytes of the whole file, at most 26214400."});
    let put = format!("{of}.put.{{sha256}}.{{size}}.{{offset}}");
    request(channels, operations, "attachment_put", &put, &parameters, "attachment_put_reply");
}

fn token(description: &str) -> Value {
    json!({"description": format!("{description} One token of [A-Za-z0-9_-]{{1,64}}.")})
}

fn json_message(name: &str, summary: &str, schema: &str) -> Value {
    json!({"name": name, "summary": summary, "contentType": "application/json", "payload": {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": schema}}})
}

fn event_message(event: &prost_reflect::MessageDescriptor) -> Value {
    let text = json!({"type": "string"});
    let names = [
        "ce-specversion",
        "ce-id",
        "ce-source",
        "ce-type",
        "ce-subject",
        "ce-time",
        "ce-recordedtime",
        "ce-causationid",
        "ce-correlationid",
        "ce-sequence",
        "ce-partitionkey",
        "ce-authid",
        "ce-dataschema",
        "traceparent",
        "Guichet-Epoch",
        "Guichet-Generation",
        "Guichet-Hash",
        "Guichet-Prev-Hash",
        "Guichet-Mac",
    ];
    let headers: Map<String, Value> = names.iter().map(|n| ((*n).to_owned(), text.clone())).collect();
    json!({
        "name": format!("guichet.{}.v1", event.name()),
        "title": event.name(),
        "summary": message_comment(event),
        "description": format!("A protobuf guichet.v1.Record, the exact bytes that are hashed. As JSON (query events, guichet tail --json): ./events/{}.json.", event.name()),
        "contentType": "application/protobuf",
        "headers": {"type": "object", "properties": headers},
        "payload": {"schemaFormat": PROTOBUF, "schema": {"$ref": "../proto/guichet/v1/record.proto"}},
    })
}

/// A channel that takes requests, the one for its answers, and the operation that joins them.
fn request(
    channels: &mut Map<String, Value>,
    operations: &mut Map<String, Value>,
    name: &str,
    address: &str,
    parameters: &Value,
    answer: &str,
) {
    channels.insert(name.to_owned(), json!({"address": address, "parameters": parameters, "messages": {name: {"$ref": format!("#/components/messages/{name}")}}}));
    let inbox = json!({"address": null, "description": "The inbox of the request; it must begin with _INBOX or _R_.", "messages": {answer: {"$ref": format!("#/components/messages/{answer}")}}});
    channels.insert(answer.to_owned(), inbox);
    operations.insert(name.to_owned(), json!({
        "action": "receive",
        "channel": {"$ref": format!("#/channels/{name}")},
        "messages": [{"$ref": format!("#/channels/{name}/messages/{name}")}],
        "reply": {
            "address": {"location": "$message.header#/reply", "description": "The reply subject of the NATS request."},
            "channel": {"$ref": format!("#/channels/{answer}")},
            "messages": [{"$ref": format!("#/channels/{answer}/messages/{answer}")}],
        },
    }));
}

#[test]
fn every_subject_of_the_asyncapi_document_is_one_that_we_build_or_read() {
    use guichet_schemas::position::Partition;
    use guichet_schemas::subject::{self, AttachmentSubject, CommandSubject, QuerySubject};
    let document = document();
    let fill = |address: &str| {
        let entity = if [".create", ".create_follow_up", ".import"].iter().any(|verb| address.ends_with(verb))
        {
            "new".to_owned()
        } else if address.contains("_config") {
            "config".to_owned()
        } else if address.contains("_article") && !address.ends_with(".use_article") {
            "articles".to_owned()
        } else if address.ends_with(".record_access") {
            "desk".to_owned()
        } else {
            crate::samples::ticket().to_string()
        };
        address
            .replace("{tenant}", "default")
            .replace("{caller}", "cli")
            .replace("{entity}", &entity)
            .replace("{partition}", "0")
            .replace("{sha256}", &"11".repeat(32))
            .replace("{size}", "9")
            .replace("{offset}", "0")
    };
    let addresses: Vec<String> = document["channels"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|c| c["address"].as_str())
        .map(fill)
        .collect();
    let partition = Partition(0);
    let auditing = [subject::log(partition), subject::tile(partition), subject::checkpoint(partition)];
    let (mut commands, mut queries, mut events, mut audits, mut files) = (0, 0, 0, 0, 0);
    for address in addresses {
        if address.starts_with("guichet.v1.cmd.") {
            commands += usize::from(CommandSubject::parse(&address).is_ok());
        } else if address.starts_with("guichet.v1.query.") {
            queries += usize::from(QuerySubject::parse(&address).is_ok());
        } else if address.starts_with("guichet.v1.attachment.") {
            let parsed = AttachmentSubject::parse(&address);
            files += usize::from(parsed.is_ok_and(|parsed| parsed.to_string() == address));
        } else if auditing.contains(&address) {
            audits += 1;
        } else {
            events += usize::from(
                Event::TYPES.iter().any(|t| subject::event("default", Partition(0), t) == address),
            );
        }
    }
    assert_eq!((commands, queries, events), (verb::VERBS.len(), verb::QUERIES.len(), Event::TYPES.len()));
    assert_eq!((audits, files), (auditing.len(), 2));
}
