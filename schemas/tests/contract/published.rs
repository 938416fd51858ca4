//! `schemas/contract/`: what other teams program against, generated here and kept in step by a test.

use std::collections::BTreeMap;

use guichet_schemas::event::Event;
use guichet_schemas::{figures, verb};
use serde_json::{Value, json};

use crate::descriptors::message;
use crate::schema::{Definitions, Side, events_of, merge};
use crate::{asyncapi, files, verbs};

/// The message of a verb's or query's content in the oneof of `root`.
pub(crate) fn payload(root: &str, name: &str) -> prost_reflect::MessageDescriptor {
    let field = message(root).get_field_by_name(name).unwrap_or_else(|| panic!("{root} has {name}"));
    field.kind().as_message().expect("it is a message").clone()
}

/// Every schema by its path below `schemas/contract/`.
pub(crate) fn schemas() -> BTreeMap<String, Value> {
    let commands = verb::VERBS.iter().map(|v| (format!("commands/{v}.json"), command(v)));
    let queries = verb::QUERIES.iter().map(|q| (format!("queries/{q}.json"), query(q)));
    let answers = verb::QUERIES.iter().map(|q| (format!("replies/query-{q}.json"), query_reply(q)));
    let events = Event::TYPES.iter().map(|e| (format!("events/{e}.json"), event(e)));
    let reply = ("replies/command.json".to_owned(), command_reply());
    commands.chain(queries).chain(answers).chain(events).chain([reply]).collect()
}

fn command(verb: &str) -> Value {
    let mut definitions = Definitions::default();
    let payload = payload("Command", verb);
    let mut schema = definitions.object(&message("Command"), Side::Caller);
    let data = definitions.reference(&payload, Side::Caller);
    // Where everything in it may be absent, so may data itself.
    if matches!(verb, "close" | "confirm_resolution" | "set_category" | "renew_claim" | "release_claim") {
        schema["properties"]["data"] = json!({"anyOf": [data, {"type": "null"}]});
    } else {
        schema["properties"]["data"] = data;
        schema["required"].as_array_mut().expect("a list").push("data".into());
    }
    schema["description"] = format!("Body of a command with the verb {verb}.").into();
    definitions.document(&format!("command:{verb}"), verb, schema)
}

fn query(name: &str) -> Value {
    let mut definitions = Definitions::default();
    let mut schema = definitions.object(&message("Query"), Side::Caller);
    merge(&mut schema, definitions.object(&payload("Query", name), Side::Caller));
    definitions.document(&format!("query:{name}"), name, schema)
}

fn refused(definitions: &mut Definitions) -> Value {
    let mut error = definitions.object(&message("Error"), Side::Engine);
    for name in ["field", "retry_after_ms"] {
        let one = error["properties"][name]["type"].take();
        error["properties"][name]["type"] = json!([one, "null"]);
    }
    error["required"] = json!(["code", "message", "field", "details", "retry_after_ms"]);
    // Of the details, only those that the code names are there.
    let mut details = definitions.object(&message("ErrorDetails"), Side::Engine);
    details["required"] = json!([]);
    error["properties"]["details"] = details;
    json!({"type": "object", "properties": {"ok": {"const": false}, "error": error}, "required": ["ok", "error"]})
}

fn command_reply() -> Value {
    let mut definitions = Definitions::default();
    let mut accepted = definitions.object(&message("Accepted"), Side::Engine);
    merge(&mut accepted, json!({"properties": {"ok": {"const": true}}}));
    accepted["required"].as_array_mut().expect("a list").push("ok".into());
    let schema =
        json!({"description": "Answer to a command.", "oneOf": [accepted, refused(&mut definitions)]});
    definitions.document("reply:command", "command reply", schema)
}

fn query_reply(name: &str) -> Value {
    let mut definitions = Definitions::default();
    let list = |items: Value| json!({"type": "array", "items": items});
    let data = match name {
        "ticket" => definitions.reference(&message("TicketView"), Side::Engine),
        "timeline" => list(timeline_entry(&mut definitions)),
        "tickets" => list(definitions.reference(&message("TicketView"), Side::Engine)),
        "events" => {
            let mut record = record(&mut definitions);
            record["required"].as_array_mut().expect("a list").push("hash".into());
            record["oneOf"] = definitions.data_by_type(&message("Record"), Side::Engine);
            list(record)
        }
        "projections" => list(definitions.reference(&message("ProjectionView"), Side::Engine)),
        "queues" => list(definitions.reference(&message("QueueRow"), Side::Engine)),
        "queue" => list(definitions.reference(&message("QueueEntry"), Side::Engine)),
        "figures" => list(definitions.reference(&message("FigureView"), Side::Engine)),
        "sla_clocks" => list(definitions.reference(&message("SlaClockView"), Side::Engine)),
        "sla_breaches" => list(definitions.reference(&message("SlaBreachView"), Side::Engine)),
        "article" => definitions.reference(&message("PublishedArticle"), Side::Engine),
        "articles" => list(definitions.reference(&message("PublishedArticle"), Side::Engine)),
        "suggested_articles" => definitions.reference(&message("SuggestedArticlesView"), Side::Engine),
        "knowledge_gaps" => list(definitions.reference(&message("KnowledgeGap"), Side::Engine)),
        report if report.starts_with("report_") => list(definitions.reference(&row_of(report), Side::Engine)),
        other => panic!("say here what the query {other} answers"),
    };
    let mut answer = definitions.object(&message("QueryReply"), Side::Engine);
    merge(&mut answer, json!({"properties": {"ok": {"const": true}, "data": data}}));
    // Only of reports there is something to tell, and only where somebody has a goal.
    if figures::of(name).is_none() {
        answer["properties"].as_object_mut().expect("an object").remove("attainment");
    }
    answer["required"].as_array_mut().expect("a list").retain(|field| field != "attainment");
    if name == "projections" {
        let publishing = definitions.reference(&message("PublishingView"), Side::Engine);
        merge(&mut answer, json!({"properties": {"publishing": publishing}}));
    }
    answer["required"].as_array_mut().expect("a list").extend(["ok".into(), "data".into()]);
    let schema = json!({"description": format!("Answer to the query {name}."), "oneOf": [answer, refused(&mut definitions)]});
    definitions.document(&format!("reply:query:{name}"), &format!("{name} reply"), schema)
}

/// The rows of a report: the one field of its answer.
fn row_of(report: &str) -> prost_reflect::MessageDescriptor {
    let rows = payload("QueryReply", report).get_field_by_name("rows").expect("a report has rows");
    rows.kind().as_message().expect("rows are messages").clone()
}

fn timeline_entry(definitions: &mut Definitions) -> Value {
    let mut entry = definitions.object(&message("TimelineEntry"), Side::Engine);
    entry["properties"]["type"] = json!({"enum": Event::TYPES});
    entry["properties"]["data"] =
        json!({"type": "object", "description": "What happened; its shape is that of the type."});
    entry["properties"]["causation_id"]["type"] = json!(["string", "null"]);
    entry["required"].as_array_mut().expect("a list").push("causation_id".into());
    entry["oneOf"] = definitions.data_by_type(&message("Record"), Side::Engine);
    entry
}

fn record(definitions: &mut Definitions) -> Value {
    let mut schema = definitions.object(&message("Record"), Side::Engine);
    let hash = definitions.object(&message("RecordView"), Side::Engine)["properties"]["hash"].take();
    merge(
        &mut schema,
        json!({"properties": {"type": {"enum": Event::TYPES}, "data": {"type": "object"}, "hash": hash}}),
    );
    schema["required"].as_array_mut().expect("a list").push("data".into());
    schema
}

fn event(name: &str) -> Value {
    let mut definitions = Definitions::default();
    let mut schema = record(&mut definitions);
    let data = events_of(&message("Record"))
        .into_iter()
        .find(|e| e.name() == name)
        .expect("every type is in the record");
    merge(
        &mut schema,
        json!({"properties": {"type": {"const": name}, "data": definitions.reference(&data, Side::Engine)}}),
    );
    schema["properties"]["type"].as_object_mut().expect("an object").remove("enum");
    definitions.document(&format!("event:{name}"), name, schema)
}

#[test]
fn the_published_contract_is_what_the_descriptors_say() {
    let mut documents: BTreeMap<String, Vec<u8>> =
        schemas().into_iter().map(|(path, schema)| (path, files::pretty(&schema))).collect();
    documents.insert("asyncapi.json".to_owned(), files::pretty(&asyncapi::document()));
    documents.insert("verbs.md".to_owned(), verbs::document().into_bytes());
    let wrong: Vec<_> = documents
        .iter()
        .filter_map(|(path, bytes)| files::keep(&format!("contract/{path}"), bytes).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let mut found = files::names("contract");
    for folder in ["commands", "events", "queries", "replies"] {
        found.extend(
            files::names(&format!("contract/{folder}")).into_iter().map(|name| format!("{folder}/{name}")),
        );
    }
    found.sort();
    assert_eq!(
        found,
        documents.into_keys().collect::<Vec<_>>(),
        "schemas/contract holds a file that nothing generates"
    );
}
