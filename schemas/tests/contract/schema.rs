//! JSON Schemas (draft 2020-12) from the descriptors, in the JSON mapping of the contract.

use std::collections::BTreeMap;

use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::descriptors::{self, Format, Limit};

/// Greatest whole number of JSON that every reader holds exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Who writes the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// A caller, in a command or a query: limits hold, `null` is absent, unknown fields are refused.
    Caller,
    /// A caller, in an imported fact: like an event, but what the engine can fill in may be absent.
    Fact,
    /// We: what is always there is required, and more may come.
    Engine,
}

/// Messages that may be absent; `optional` says so for all other fields.
const OPTIONAL_MESSAGES: &[&str] = &[
    "Create.external_ref",
    "SetField.value",
    "TicketCreated.requester_name",
    "TicketCreated.requester_email",
    "TicketCreated.requester_phone",
    "TicketCreated.external_ref",
    "FieldChanged.from",
    "FieldChanged.to",
    "Fact.actor",
    "TicketView.requester_name",
    "TicketView.requester_email",
    "TicketView.requester_phone",
    "TicketView.external_ref",
    "TicketView.resolution",
    "TicketView.rating",
    "TicketRated.comment",
    "TicketView.proposal",
    "TicketView.hand_off",
    "TicketView.incidents",
    "TicketView.workaround",
    "DecisionReviewed.note",
    "FirstResponseRow.business",
    "ProjectionView.rebuild",
    "ProjectionView.steps",
    "QueueRow.oldest",
    "QueueRow.nearest_due",
    "QueueEntry.subject",
    "QueueEntry.score",
    "EscalationRow.escalation_rate_cohort",
    "AgentLoadRow.load",
    "AgentLoadRow.utilisation",
];
/// Required although `optional` on the wire, where 0 must differ from absent; or of a fact and not of its event.
const REQUIRED: &[&str] = &[
    "Deescalate.to_tier",
    "Rate.score",
    "LogCall.duration_s",
    "RecordFollowUp.effective",
    "FollowUpRecorded.effective",
    "RecordNps.score",
    "TicketRated.score",
    "NpsRecorded.score",
    "TextSpan.from",
    "TextSpan.length",
    "Suggest.score",
    "ClassificationSuggested.score",
    "Fact.type",
    "Fact.occurred_at",
];

/// Collects the definitions that a schema refers to.
#[derive(Default)]
pub(crate) struct Definitions(BTreeMap<String, Value>);

impl Definitions {
    /// A reference to a message's schema.
    pub(crate) fn reference(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let name = message.name().to_owned();
        if !self.0.contains_key(&name) {
            self.0.insert(name.clone(), Value::Null);
            let schema = match (name.as_str(), side) {
                ("Personal", _) => self.personal(message, side),
                ("FieldValue", _) => {
                    json!({"description": descriptors::message_comment(message), "type": ["string", "number", "boolean"]})
                }
                ("Fact", _) => self.fact(message),
                _ => self.object(message, side),
            };
            self.0.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }

    /// The schema of a message, field by field; a real oneof is left to the caller.
    pub(crate) fn object(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in plain_fields(message) {
            let needed = is_required(&field, side);
            let mut schema = self.field(&field, side);
            if side != Side::Engine && !needed {
                schema = nullable(schema);
            }
            let comment = descriptors::field_comment(&field);
            if !comment.is_empty() {
                schema["description"] = comment.into();
            }
            if needed {
                required.push(field.name().to_owned());
            }
            properties.insert(field.name().to_owned(), schema);
        }
        let mut schema = json!({"type": "object", "description": descriptors::message_comment(message), "properties": properties, "required": required});
        if side != Side::Engine {
            schema["additionalProperties"] = false.into();
        }
        merge(&mut schema, between_fields(message.name()));
        schema
    }

    /// A whole document, with the definitions that it uses.
    pub(crate) fn document(self, id: &str, title: &str, mut schema: Value) -> Value {
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["$id"] = format!("urn:guichet:v1:{id}").into();
        schema["title"] = title.into();
        let mut used = BTreeMap::new();
        let mut open = vec![schema.to_string()];
        while let Some(text) = open.pop() {
            for (name, definition) in &self.0 {
                if text.contains(&format!("\"#/$defs/{name}\""))
                    && used.insert(name.clone(), definition.clone()).is_none()
                {
                    open.push(definition.to_string());
                }
            }
        }
        if !used.is_empty() {
            schema["$defs"] = used.into_iter().collect::<Map<_, _>>().into();
        }
        schema
    }

    fn field(&mut self, field: &FieldDescriptor, side: Side) -> Value {
        if field.is_map() {
            let values = json!({"$ref": "#/$defs/FieldValue"});
            self.reference(
                field
                    .kind()
                    .as_message()
                    .expect("a map is a list of entries")
                    .map_entry_value_field()
                    .kind()
                    .as_message()
                    .expect("of messages"),
                side,
            );
            return match side {
                Side::Caller => {
                    json!({"type": "object", "additionalProperties": nullable(values), "maxProperties": 100, "propertyNames": {"minLength": 1, "maxLength": 64}})
                }
                Side::Fact => json!({"type": "object", "additionalProperties": nullable(values)}),
                Side::Engine => json!({"type": "object", "additionalProperties": values}),
            };
        }
        let one = self.one(field, side);
        if field.is_list() { json!({"type": "array", "items": one}) } else { one }
    }

    fn one(&mut self, field: &FieldDescriptor, side: Side) -> Value {
        let asked = side != Side::Engine;
        match (descriptors::format(field), field.kind()) {
            (Format::Time, _) => {
                let decimals_and_zone =
                    if asked { r"(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2})" } else { r"\.[0-9]{3}Z" };
                json!({"type": "string", "format": "date-time", "pattern": format!("^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}{decimals_and_zone}$")})
            }
            (Format::Uuid, _) if asked => {
                json!({"type": "string", "format": "uuid", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"})
            }
            (Format::Uuid, _) => {
                json!({"type": "string", "format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"})
            }
            (Format::Hex, _) => {
                let digit = if asked { "[0-9a-fA-F]" } else { "[0-9a-f]" };
                let count = if field.parent_message().name() == "Sealed" { "+" } else { "{32}" };
                json!({"type": "string", "pattern": format!("^({digit}{{2}}){count}$")})
            }
            (Format::Object, _) => json!({"type": "object"}),
            (Format::None, Kind::Enum(e)) => json!({"enum": descriptors::words(&e)}),
            (Format::None, Kind::Message(m)) => self.reference(&m, side),
            (Format::None, Kind::Bool) => json!({"type": "boolean"}),
            (Format::None, Kind::Uint32) => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            (Format::None, Kind::Uint64) => json!({"type": "integer", "minimum": 0, "maximum": INTEGER_MAX}),
            (Format::None, Kind::String) if side == Side::Caller && !is_filter(field) => {
                match descriptors::limit(field) {
                    Limit::Characters(max) => json!({"type": "string", "minLength": 1, "maxLength": max}),
                    Limit::Bytes(max) => {
                        json!({"type": "string", "minLength": 1, "maxLength": max, "$comment": "maxLength in bytes of UTF-8"})
                    }
                }
            }
            (Format::None, Kind::String) => json!({"type": "string"}),
            (Format::None, Kind::Double) if field.supports_presence() => json!({"type": ["number", "null"]}),
            (Format::None, Kind::Double) => json!({"type": "number"}),
            (format, kind) => panic!("{}: no rule for {format:?} {kind:?}", field.full_name()),
        }
    }

    fn personal(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let sealed = message
            .get_field_by_name("sealed")
            .and_then(|f| f.kind().as_message().cloned())
            .expect("Personal has a sealed form");
        let sealed = self.reference(&sealed, side);
        let forms = [("plain", json!({"type": "string"})), ("sealed", sealed)];
        let form = |(name, schema): (&str, Value)| json!({"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": side == Side::Engine});
        json!({"description": descriptors::message_comment(message), "oneOf": forms.map(form)})
    }

    fn fact(&mut self, message: &MessageDescriptor) -> Value {
        let mut schema = self.object(message, Side::Fact);
        let names: Vec<_> = events_of(message).iter().map(|e| e.name().to_owned()).collect();
        schema["properties"]["type"] = json!({"enum": names});
        schema["properties"]["data"] = json!({"type": "object"});
        schema["required"].as_array_mut().expect("a list").push("data".into());
        schema["oneOf"] = self.data_by_type(message, Side::Fact);
        schema
    }

    /// `data` has the shape that `type` names.
    pub(crate) fn data_by_type(&mut self, message: &MessageDescriptor, side: Side) -> Value {
        let choice = |e: &MessageDescriptor| json!({"properties": {"type": {"const": e.name()}, "data": self.reference(e, side)}});
        events_of(message).iter().map(choice).collect()
    }
}

/// The messages of a record's or fact's `data`.
pub(crate) fn events_of(message: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let data = message.oneofs().find(|o| o.name() == "data").expect("a record has data");
    data.fields().map(|f| f.kind().as_message().expect("data is a message").clone()).collect()
}

/// The fields outside of a real oneof.
pub(crate) fn plain_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    message.fields().filter(|f| f.containing_oneof().is_none_or(|o| o.is_synthetic())).collect()
}

/// Whether the field must be there.
pub(crate) fn is_required(field: &FieldDescriptor, side: Side) -> bool {
    let name = descriptors::short(field);
    if REQUIRED.contains(&name.as_str()) {
        return true;
    }
    let one = field.cardinality() != Cardinality::Repeated;
    match (side, field.kind()) {
        (_, Kind::Message(_)) if one => !OPTIONAL_MESSAGES.contains(&name.as_str()),
        // A figure that there is not is null, and so always there.
        (Side::Engine, Kind::Double) => true,
        (Side::Engine, _) => !(one && field.supports_presence()),
        // An import without facts says nothing. Whether an escalation needs a tag is for the desk to say.
        (Side::Caller, _) if !one => name == "Import.events",
        (Side::Caller, kind) => !field.supports_presence() && kind != Kind::Bool,
        (Side::Fact, kind) => {
            one && !field.supports_presence() && matches!(kind, Kind::Enum(_) | Kind::Bytes)
        }
    }
}

/// Filters of queries match or do not; a long one is no error.
fn is_filter(field: &FieldDescriptor) -> bool {
    field.parent_message().name().ends_with("Query")
}

fn nullable(mut schema: Value) -> Value {
    if let Some(one) = schema.get("type").cloned() {
        schema["type"] = json!([one, "null"]);
    } else if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    } else {
        schema = json!({"anyOf": [schema, {"type": "null"}]});
    }
    schema
}

/// What the descriptors cannot say: rules between fields, and limits of numbers and lists.
fn between_fields(message: &str) -> Value {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"not": {"type": "null"}}}});
    let is = |name: &str, word: &str| json!({"required": [name], "properties": {name: {"const": word}}});
    let tier = json!({"maximum": 4});
    let tags = json!({"maxItems": 64});
    let people = json!({"maxItems": 200});
    match message {
        "Create" => json!({"properties": {"tags": tags, "restricted_to": {"maxItems": 20}}}),
        "SetRestriction" => json!({"properties": {"restricted_to": {"maxItems": 20}}}),
        "RecordAccess" => json!({"properties": {"groups": {"maxItems": 20}}}),
        "Assign" => json!({"anyOf": [given("assignee"), given("group")]}),
        "Escalate" => json!({
            "properties": {"to_tier": tier, "tags": tags},
            "allOf": [
                {"if": is("kind", "functional"), "then": given("to_tier")},
                {"if": is("kind", "hierarchical"), "then": given("to_manager")},
            ],
        }),
        "Deescalate" => json!({"properties": {"to_tier": tier}}),
        "SetStatus" => json!({
            "properties": {"to": {"enum": ["open", "pending", "hold"]}},
            "if": is("to", "hold"), "then": given("hold_reason"), "else": {"properties": {"hold_reason": {"type": "null"}}},
        }),
        "AddComment" => json!({"properties": {"attachments": {"maxItems": 50}}}),
        "Link" | "Unlink" => {
            json!({"properties": {"kind": {"enum": ["relates", "duplicates", "blocks", "parent", "caused_by"]}}})
        }
        "Resolve" | "ProposeResolution" => json!({"properties": {"steps": {"maxItems": 100}}}),
        "SetPriority" => json!({"anyOf": [given("priority"), given("urgency"), given("impact")]}),
        "ChangeTags" => json!({
            "properties": {"add": tags, "remove": tags},
            "anyOf": [
                {"required": ["add"], "properties": {"add": {"type": "array", "minItems": 1}}},
                {"required": ["remove"], "properties": {"remove": {"type": "array", "minItems": 1}}},
            ],
        }),
        "Rate" => {
            let scale = |word: &str, lowest: u32, highest: u32| {
                let score = json!({"properties": {"score": {"minimum": lowest, "maximum": highest}}});
                json!({"if": is("scale", word), "then": score})
            };
            json!({"allOf": [scale("good_bad", 0, 1), scale("one_to_five", 1, 5), scale("one_to_seven", 1, 7)]})
        }
        "Claim" => json!({"properties": {"ttl_s": {"minimum": 1, "maximum": 3600}}}),
        "SetParticipants" => json!({
            "properties": {"add": people, "remove": people},
            "anyOf": [
                {"required": ["add"], "properties": {"add": {"type": "array", "minItems": 1}}},
                {"required": ["remove"], "properties": {"remove": {"type": "array", "minItems": 1}}},
            ],
        }),
        "LogCall" => json!({"properties": {"duration_s": {"maximum": 86_400}}}),
        "LogTime" => json!({"properties": {"seconds": {"minimum": 1, "maximum": 86_400}}}),
        "AddAttachment" => json!({"properties": {
            "size": {"minimum": 1, "maximum": 26_214_400},
            "media_type": {"pattern": "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$"},
            "name": {"pattern": "^[^/\\\\]*$"},
        }}),
        "UseArticle" => json!({"properties": {"version": {"minimum": 1}}}),
        "RequestApproval" => json!({
            "required": ["approvers", "quorum"],
            "properties": {
                "approvers": {"type": "array", "minItems": 1, "maxItems": 50, "uniqueItems": true},
                "quorum": {"minimum": 1, "$comment": "at most the number of approvers"},
            },
        }),
        "Merge" => json!({
            "required": ["sources"],
            "properties": {"sources": {"type": "array", "minItems": 1, "maxItems": 20, "uniqueItems": true}},
        }),
        "DeclareProblem" => json!({
            "properties": {"tickets": {"maxItems": 1_000, "uniqueItems": true}},
            "anyOf": [
                {"required": ["tickets"], "properties": {"tickets": {"type": "array", "minItems": 1}}},
                given("workaround"),
            ],
        }),
        "TextSpan" => {
            json!({"properties": {"from": {"maximum": 49_152}, "length": {"minimum": 1, "maximum": 49_152}}})
        }
        "RedactComment" => json!({"properties": {"spans": {"maxItems": 100}}}),
        "Suggest" => {
            json!({"properties": {"score": {"maximum": 100}}, "$comment": "value is one of what kind names"})
        }
        "LinkExternal" => {
            json!({"properties": {"url": {"pattern": "^https?://[^\\s\\u0000-\\u001f\\u007f-\\u009f]*$"}}})
        }
        "RecordNps" => json!({"properties": {"score": {"maximum": 10}}}),
        "Import" => {
            json!({"properties": {"part": {"minimum": 1}, "parts": {"minimum": 1}, "events": {"minItems": 1}}})
        }
        "Query" => {
            json!({"properties": {"wait_ms": {"maximum": 30_000}, "limit": {"minimum": 1, "maximum": 1000}}})
        }
        "ReportQuery" => json!({"properties": {"window_days": {"minimum": 1, "maximum": 365}}}),
        "TicketQuery" => json!({"oneOf": [given("ticket_id"), given("number")]}),
        "TimelineQuery" => json!({
            "oneOf": [given("ticket_id"), given("number")],
            "properties": {"before": {"minimum": 1}},
        }),
        _ => json!({}),
    }
}

/// Adds what is in `more`; where both hold an object, theirs are merged too.
pub(crate) fn merge(schema: &mut Value, more: Value) {
    match (schema, more) {
        (Value::Object(schema), Value::Object(more)) => {
            for (key, value) in more {
                merge(schema.entry(key).or_insert(Value::Null), value);
            }
        }
        (schema, more) => *schema = more,
    }
}
