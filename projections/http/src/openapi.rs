//! The description of the API, OpenAPI 3.1: made of the route table and of the published JSON Schemas, so that an
//! answer is described once, for NATS and for HTTP.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::routes::{Place, ROUTES, Route};

/// Refusals that any question may meet.
const REFUSALS: &[(&str, &str)] = &[
    ("400", "Malformed: an unknown, repeated or mistyped parameter, or a tenant that is no token"),
    ("401", "The bearer token is missing or wrong"),
    ("403", "The Host header does not name this server"),
    ("404", "There is no such ticket or tenant"),
    ("410", "What was asked for was erased"),
    ("413", "The question is too large, or the request announces a body"),
    ("422", "A parameter breaks a rule; `field` names it"),
    ("429", "Too many questions at a time, of this address or of all; `Retry-After` says when to come back"),
    ("500", "A fault of this server; `details.id` names it in the operator's log"),
    ("501", "Part of the contract, but not of this build"),
    ("503", "No read model answers, it is behind `min_position`, or it is halted"),
];

/// The document.
///
/// # Panics
/// Never: the published schemas are JSON, and a test reads this text.
pub(crate) fn text() -> Bytes {
    serde_json::to_vec_pretty(&document()).expect("a document of texts").into()
}

fn document() -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for route in ROUTES {
        let answer = answer(route, &mut schemas);
        paths.insert(format!("/api/v1/{{tenant}}{}", route.path), json!({"get": operation(route, answer)}));
    }
    paths.insert("/api/v1/{tenant}/live".to_owned(), live());
    paths.insert("/api/v1/{tenant}/tickets/{ticket}/attachments/{sha256}".to_owned(), attachment());
    paths.insert("/api/openapi.json".to_owned(), this_document());
    for (path, item) in open_to_all() {
        paths.insert(path.to_owned(), item);
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Guichet", "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "The read side of a desk. Every address is a query that is answered over NATS with the same JSON; every answer names the position of the log for which it holds.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    })
}

fn operation(route: &Route, answer: Value) -> Value {
    let question: Value = serde_json::from_str(route.question).expect("the published schemas are JSON");
    let mut parameters = path_parameters(route.place);
    for (name, schema) in question["properties"].as_object().into_iter().flatten() {
        if !route.place.fields().contains(&name.as_str()) {
            parameters.push(parameter(name, schema));
        }
    }
    let mut responses = refusals(REFUSALS);
    responses.insert("200".to_owned(), answer);
    json!({
        "operationId": operation_id(route), "summary": route.summary, "description": question["description"],
        "parameters": parameters, "responses": responses,
    })
}

fn operation_id(route: &Route) -> String {
    match route.place {
        Place::Group => format!("{}_of_group", route.query),
        Place::ExternalRef => format!("{}_by_external_ref", route.query),
        Place::Ticket | Place::Article | Place::Nothing => route.query.to_owned(),
    }
}

fn tenant_parameter() -> Value {
    json!({
        "name": "tenant", "in": "path", "required": true, "example": "default",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    })
}

fn path_parameters(place: Place) -> Vec<Value> {
    let mut parameters = vec![tenant_parameter()];
    match place {
        Place::Nothing => {}
        Place::Ticket => parameters.push(json!({
            "name": "ticket", "in": "path", "required": true, "example": "T-1",
            "description": "Number such as T-42, or id",
            "schema": {"type": "string", "anyOf": [
                {"pattern": "^([Tt]-)?[1-9][0-9]{0,17}$"},
                {"format": "uuid", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"},
            ]},
        })),
        Place::ExternalRef => parameters.push(json!({
            "name": "external_id", "in": "path", "required": true, "example": "INC0000045",
            "description": "The id that another system gave the ticket",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        })),
        Place::Article => parameters.push(json!({
            "name": "article", "in": "path", "required": true, "example": "kb-17",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        })),
        Place::Group => parameters.push(json!({
            "name": "group", "in": "path", "required": true, "example": "network",
            "schema": {"type": "string", "minLength": 1},
        })),
    }
    parameters
}

/// A parameter of the query string is never null: what is absent is not there.
fn parameter(name: &str, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let description = schema.as_object_mut().and_then(|s| s.remove("description"));
    if let Some(types) = schema["type"].as_array() {
        schema["type"] = types.iter().find(|t| *t != "null").cloned().unwrap_or_default();
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null());
        schema["type"] = json!("string");
    }
    let mut parameter = json!({"name": name, "in": "query", "required": false, "schema": schema});
    if let Some(description) = description {
        parameter["description"] = description;
    }
    parameter
}

/// The good answer of a query; its parts, and the shape of refusals, go to the common schemas.
fn answer(route: &Route, schemas: &mut Map<String, Value>) -> Value {
    let mut reply: Value = serde_json::from_str(route.answer).expect("the published schemas are JSON");
    point_to_components(&mut reply);
    for (name, part) in reply["$defs"].as_object().into_iter().flatten() {
        schemas.insert(name.clone(), part.clone());
    }
    schemas.insert("Refusal".to_owned(), reply["oneOf"][1].clone());
    let name = format!("answer_{}", route.query);
    schemas.insert(name.clone(), reply["oneOf"][0].clone());
    json!({
        "description": "The answer",
        "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}},
    })
}

fn point_to_components(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get_mut("$ref") {
                *to = to.replace("#/$defs/", "#/components/schemas/");
            }
            members.values_mut().for_each(point_to_components);
        }
        Value::Array(items) => items.iter_mut().for_each(point_to_components),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn refusals(list: &[(&str, &str)]) -> Map<String, Value> {
    let refusal = |(status, description): &(&str, &str)| {
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}});
        ((*status).to_owned(), json!({"description": description, "content": content}))
    };
    list.iter().map(refusal).collect()
}

fn only(statuses: &[&str]) -> Map<String, Value> {
    let chosen: Vec<_> = REFUSALS.iter().copied().filter(|(status, _)| statuses.contains(status)).collect();
    refusals(&chosen)
}

fn attachment() -> Value {
    let mut parameters = path_parameters(Place::Ticket);
    parameters.push(json!({
        "name": "sha256", "in": "path", "required": true,
        "description": "SHA-256 of the bytes, as the ticket lists it",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }));
    parameters.push(json!({
        "name": "access", "in": "query", "schema": {"type": "integer", "minimum": 1},
        "description": "Position of a record_access about the ticket, where it is restricted",
    }));
    parameters.push(json!({
        "name": "Range", "in": "header", "description": "One range of bytes", "schema": {"type": "string"},
    }));
    let bytes =
        |description: &str| json!({"description": description, "content": {"application/octet-stream": {}}});
    let mut responses = refusals(REFUSALS);
    responses.insert("200".to_owned(), bytes("The bytes"));
    responses.insert("206".to_owned(), bytes("A part of them"));
    responses.insert("416".to_owned(), json!({"description": "The range begins behind the end"}));
    json!({"get": {
        "operationId": "attachment", "summary": "The bytes of an attachment; a page may fetch them with its cookie",
        "description": "An infected or redacted attachment is given to nobody.",
        "parameters": parameters, "responses": responses,
    }})
}

fn live() -> Value {
    let mut responses = only(&["400", "401", "403", "404", "413", "429", "500", "503"]);
    responses.insert("200".to_owned(), json!({
        "description": "A stream that does not end. `position`: the read models show everything up to this position of the log; its id is the position, its data `{\"position\"}`. At most five a second: what lies between two is in the second. `queues` and `reports` follow it where a board or a chart should be asked again, `reports` at most every other second.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }));
    json!({"get": {
        "operationId": "live", "summary": "What happens, as it happens (server-sent events)",
        "parameters": [tenant_parameter()], "responses": responses,
        "security": [{"token": []}],
    }})
}

fn this_document() -> Value {
    let mut responses = only(&["403", "413", "429", "500"]);
    responses.insert(
        "200".to_owned(),
        json!({"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}),
    );
    json!({"get": {"operationId": "openapi", "summary": "This document", "security": [], "responses": responses}})
}

fn open_to_all() -> [(&'static str, Value); 3] {
    let open = |id: &str, summary: &str, media: &str, schema: Value, refusing: Option<&str>| {
        let content = json!({media: {"schema": schema}});
        let mut responses = only(&["403", "413", "429", "500"]);
        responses.insert("200".to_owned(), json!({"description": summary, "content": content}));
        if let Some(why) = refusing {
            responses.insert("503".to_owned(), json!({"description": why, "content": content}));
        }
        json!({"get": {"operationId": id, "summary": summary, "security": [], "responses": responses}})
    };
    let ready = json!({
        "type": "object", "required": ["ready", "reason", "read_models"],
        "properties": {"ready": {"type": "boolean"}, "reason": {"type": ["string", "null"]},
                       "read_models": {"type": "array", "items": {"type": "object"}},
                       "publishing": {"type": ["object", "null"]}},
    });
    let alive = json!({"type": "object", "required": ["alive"]});
    [
        ("/healthz", open("healthz", "The process lives", "application/json", alive, None)),
        (
            "/readyz",
            open(
                "readyz",
                "Questions are answered",
                "application/json",
                ready,
                Some("They are not, and why"),
            ),
        ),
        ("/metrics", open("metrics", "Prometheus text", "text/plain", json!({"type": "string"}), None)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut references = 0;
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            if let Some(to) = value.get("$ref").and_then(Value::as_str) {
                references += 1;
                let pointer = to.strip_prefix('#').unwrap_or_else(|| panic!("{to} leaves the document"));
                assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
            }
            match value {
                Value::Object(members) => open.extend(members.values()),
                Value::Array(items) => open.extend(items),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        assert!(references > 200, "{references}");
    }

    #[test]
    fn one_name_means_one_shape_in_all_answers() {
        let mut known: Map<String, Value> = Map::new();
        for route in ROUTES {
            let reply: Value = serde_json::from_str(route.answer).unwrap();
            for (name, part) in reply["$defs"].as_object().into_iter().flatten() {
                let first = known.entry(name.clone()).or_insert_with(|| part.clone());
                assert_eq!(first, part, "{name} of {}", route.query);
            }
        }
    }

    #[test]
    fn a_parameter_is_described_as_it_travels() {
        let document = document();
        let tickets = &document["paths"]["/api/v1/{tenant}/tickets"]["get"]["parameters"];
        let find =
            |name: &str| tickets.as_array().unwrap().iter().find(|p| p["name"] == name).unwrap().clone();
        assert_eq!(find("limit")["schema"]["type"], "integer");
        let priority = find("priority");
        assert_eq!(priority["schema"]["enum"], json!(["low", "normal", "high", "urgent"]));
        assert_eq!(find("tenant")["in"], "path");
    }
}
