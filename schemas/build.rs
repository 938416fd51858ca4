//! Generates the wire types from the `.proto` files, with the JSON mapping of the contract as serde attributes.
//!
//! The mapping is driven by the descriptors and by our two field options, so that a new field needs no
//! code: times, UUIDs, hashes and enumerations get their converter here.

#[path = "build/figures.rs"]
mod figures;
#[path = "build/known_fields.rs"]
mod known_fields;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use prost_reflect::DescriptorPool;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const ROOT: &str = "proto";
/// Messages whose JSON form is not field by field; written by hand in `src/json/`.
const BY_HAND: &[&str] = &[
    "Command",
    "Fact",
    "Record",
    "RecordView",
    "EventsView",
    "TimelineEntry",
    "TimelineView",
    "CommandReply",
    "Query",
    "QueryReply",
    "Personal",
    "FieldValue",
];
/// Messages that outsiders send. In these, and in all that they hold, unknown fields are refused; the
/// answers may grow, so their readers ignore what they do not know.
const STRICT_ROOTS: &[&str] = &["guichet.v1.Command", "guichet.v1.Query"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    println!("cargo:rerun-if-changed=build");
    let files = [
        "guichet/v1/options.proto",
        "guichet/v1/common.proto",
        "guichet/v1/event.proto",
        "guichet/v1/record.proto",
        "guichet/v1/command.proto",
        "guichet/v1/query.proto",
        "guichet/v1/log.proto",
        "guichet/v1/key.proto",
        "guichet/store/v1/store.proto",
    ];
    // Our option values stand in the raw bytes only: prost's own descriptor types drop unknown fields.
    let mut compiler = protox::Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let pool = compiler.descriptor_pool();
    let set: FileDescriptorSet = compiler.file_descriptor_set();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let mut config = prost_build::Config::new();
    config.btree_map(["."]);
    let mut enums = String::new();
    let strict = strict(&pool);
    std::fs::write(out.join("figures.rs"), figures::table(&pool))?;
    std::fs::write(out.join("known_fields.rs"), known_fields::tables(&pool, &strict))?;
    for file in set.file.iter().filter(|f| f.package() == "guichet.v1") {
        for message in &file.message_type {
            annotate(&mut config, &pool, &strict, message);
        }
        for e in &file.enum_type {
            if e.name() != "JsonFormat" {
                enum_names(&mut enums, e);
            }
        }
    }
    // Read by hand in src/json.rs.
    config.type_attribute(
        "guichet.v1.Personal.form",
        "#[derive(serde::Serialize)] #[serde(rename_all = \"snake_case\")]",
    );
    config.type_attribute("guichet.v1.FieldValue.value", "#[derive(serde::Serialize)] #[serde(untagged)]");
    // A key never prints itself; see src/wire.rs.
    config.skip_debug(["guichet.v1.Key"]);
    config.compile_fds(set)?;
    std::fs::write(out.join("json_enums.rs"), enums)?;
    Ok(())
}

/// Full names of the messages that can stand in a command or a query.
fn strict(pool: &DescriptorPool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<_> = STRICT_ROOTS
        .iter()
        .map(|root| pool.get_message_by_name(root).expect("every message is in the pool"))
        .collect();
    while let Some(message) = open.pop() {
        if found.insert(message.full_name().to_owned()) {
            open.extend(message.fields().filter_map(|f| f.kind().as_message().cloned()));
        }
    }
    found
}

fn annotate(
    config: &mut prost_build::Config,
    pool: &DescriptorPool,
    strict: &BTreeSet<String>,
    message: &DescriptorProto,
) {
    let name = message.name();
    if name.ends_with("Entry") && message.options.as_ref().is_some_and(|o| o.map_entry()) {
        return;
    }
    if BY_HAND.contains(&name) {
        return;
    }
    let path = format!("guichet.v1.{name}");
    config.type_attribute(&path, "#[derive(serde::Serialize, serde::Deserialize)] #[serde(default)]");
    if strict.contains(&path) {
        config.type_attribute(&path, "#[serde(deny_unknown_fields)]");
    }
    let reflected = pool.get_message_by_name(&path).expect("every message is in the pool");
    for field in &message.field {
        let format = reflected.get_field_by_name(field.name()).map_or(0, |f| json_format(&f));
        if let Some(attribute) = field_attribute(message, field, format, strict.contains(&path)) {
            config.field_attribute(format!("{path}.{}", field.name()), attribute);
        }
    }
}

fn json_format(field: &prost_reflect::FieldDescriptor) -> i32 {
    let options = field.options();
    options
        .extensions()
        .find(|(e, _)| e.full_name() == "guichet.v1.json")
        .and_then(|(_, v)| v.as_enum_number())
        .unwrap_or(0)
}

/// The serde attribute of one field. Every shape takes `null` as absent; a list is always written.
fn field_attribute(
    message: &DescriptorProto,
    field: &FieldDescriptorProto,
    format: i32,
    strict: bool,
) -> Option<String> {
    let repeated = field.label() == Label::Repeated;
    let is_message = field.r#type() == Type::Message;
    let optional = field.proto3_optional() || is_message && !repeated;
    let map = repeated
        && is_message
        && message.nested_type.iter().any(|n| {
            field.type_name().ends_with(&format!(".{}", n.name()))
                && n.options.as_ref().is_some_and(|o| o.map_entry())
        });
    let module = match (format, field.r#type()) {
        (1, _) => "crate::json::time".to_owned(),
        (2, _) => "crate::json::uuid".to_owned(),
        (3, _) => "crate::json::hash".to_owned(),
        (4, _) => "crate::json::embedded".to_owned(),
        (_, Type::Enum) => {
            let rust = field.type_name().rsplit('.').next().unwrap_or_default();
            let shape = if repeated {
                "list"
            } else if optional {
                "optional"
            } else {
                "one"
            };
            let skip = if optional { ", skip_serializing_if = \"Option::is_none\"" } else { "" };
            return Some(format!(
                "#[serde(serialize_with = \"crate::json::word::{shape}_to::<{rust}, _>\", deserialize_with = \"crate::json::word::{shape}_from::<{rust}, _>\"{skip})]"
            ));
        }
        _ if map => return Some("#[serde(deserialize_with = \"crate::json::object::fields\")]".to_owned()),
        _ if is_message && repeated => {
            return Some("#[serde(deserialize_with = \"crate::json::object::list\")]".to_owned());
        }
        // A custom field's value is no object.
        _ if is_message && !field.type_name().ends_with(".FieldValue") => {
            return Some("#[serde(deserialize_with = \"crate::json::object::optional\", skip_serializing_if = \"Option::is_none\")]".to_owned());
        }
        // Whoever sends a number beyond its range is told so, with the field.
        (_, Type::Uint32 | Type::Uint64) if strict && !repeated => {
            let size = if field.r#type() == Type::Uint32 { "u32" } else { "u64" };
            return Some(if optional {
                format!(
                    "#[serde(deserialize_with = \"crate::json::whole::optional::<{size}, _>\", skip_serializing_if = \"Option::is_none\")]"
                )
            } else {
                format!("#[serde(deserialize_with = \"crate::json::whole::one::<{size}, _>\")]")
            });
        }
        // A figure that there is not is said: null.
        (_, Type::Double) => return None,
        _ if optional => return Some("#[serde(skip_serializing_if = \"Option::is_none\")]".to_owned()),
        _ => return Some("#[serde(deserialize_with = \"crate::json::null_as_default\")]".to_owned()),
    };
    Some(if repeated {
        format!("#[serde(with = \"{module}::list\")]")
    } else if optional {
        format!("#[serde(with = \"{module}::optional\", skip_serializing_if = \"Option::is_none\")]")
    } else {
        format!("#[serde(with = \"{module}\")]")
    })
}

/// The prefix of each value of an enumeration.
fn prefix(name: &str) -> String {
    let mut prefix = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            prefix.push('_');
        }
        prefix.push(c.to_ascii_uppercase());
    }
    prefix.push('_');
    prefix
}

fn enum_names(out: &mut String, e: &prost_types::EnumDescriptorProto) {
    let prefix = prefix(e.name());
    writeln!(out, "impl crate::json::word::Words for crate::wire::{} {{ const WORDS: &'static [(&'static str, i32)] = &[", e.name())
        .expect("a string takes it");
    for value in e.value.iter().filter(|v| v.number() != 0) {
        let word = value.name().trim_start_matches(&prefix).to_ascii_lowercase();
        writeln!(out, "(\"{word}\", {}),", value.number()).expect("a string takes it");
    }
    out.push_str("]; }\n");
}
