//! What the `.proto` files say about a message: its fields, our options, its comments.

use std::sync::LazyLock;

use guichet_schemas::wire;
use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(wire::DESCRIPTORS).unwrap());

/// A message of the contract by its short name.
pub(crate) fn message(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(&format!("guichet.v1.{name}"))
        .unwrap_or_else(|| panic!("there is a message {name}"))
}

/// The form in JSON of what protobuf knows only as a number or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    None,
    Time,
    Uuid,
    Hex,
    Object,
}

pub(crate) fn format(field: &FieldDescriptor) -> Format {
    let options = field.options();
    let number = options
        .extensions()
        .find(|(e, _)| e.full_name() == "guichet.v1.json")
        .and_then(|(_, v)| v.as_enum_number());
    match number {
        Some(1) => Format::Time,
        Some(2) => Format::Uuid,
        Some(3) => Format::Hex,
        Some(4) => Format::Object,
        _ => Format::None,
    }
}

/// The words of an enumeration, as in JSON.
pub(crate) fn words(e: &EnumDescriptor) -> Vec<String> {
    let mut prefix = String::new();
    for c in e.name().chars() {
        if c.is_ascii_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(c.to_ascii_uppercase());
    }
    let word = |name: &str| {
        name.strip_prefix(&format!("{prefix}_")).expect("values begin with the name").to_lowercase()
    };
    e.values().filter(|v| v.number() != 0).map(|v| word(v.name())).collect()
}

pub(crate) fn message_comment(message: &MessageDescriptor) -> String {
    comment(&message.parent_file(), message.path())
}

pub(crate) fn field_comment(field: &FieldDescriptor) -> String {
    comment(&field.parent_message().parent_file(), field.path())
}

fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.clone().unwrap_or_default();
    let location = info.location.into_iter().find(|l| l.path == path);
    let text = location.and_then(|l| l.leading_comments).unwrap_or_default();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// The last part of a field's full name, such as `Create.subject`.
pub(crate) fn short(field: &FieldDescriptor) -> String {
    format!("{}.{}", field.parent_message().name(), field.name())
}

/// The limit of a text in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// One line of so many characters.
    Characters(usize),
    /// So many bytes of UTF-8.
    Bytes(usize),
}

pub(crate) fn limit(field: &FieldDescriptor) -> Limit {
    match field.name() {
        "subject" | "title" => Limit::Characters(300),
        "description" | "body" | "comment" | "packet" | "edits" => Limit::Bytes(49_152),
        "steps" if field.parent_message().name() == "ProcedureAttached" => Limit::Characters(128),
        "note" | "handover_note" | "summary" | "reason" | "steps" | "root_cause" | "override_reason" => {
            Limit::Bytes(4_096)
        }
        "template" | "workaround" | "url" => Limit::Bytes(4_096),
        "text" if field.parent_message().name() == "WorkaroundPublished" => Limit::Bytes(4_096),
        "add" | "remove" if field.parent_message().name() == "SetParticipants" => Limit::Characters(128),
        "tags" | "add" | "remove" | "added" | "removed" | "tags_at" | "keywords" => Limit::Characters(64),
        "category" | "categories" => Limit::Characters(200),
        "value" if field.parent_message().name() == "Suggest" => Limit::Characters(200),
        "field" => Limit::Bytes(64),
        _ => Limit::Characters(128),
    }
}
