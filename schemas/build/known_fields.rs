//! Writes the tables by which `src/codec/strict.rs` tells known protobuf fields from unknown ones: one static for
//! every message that can stand in a command or a query.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

/// The statics as Rust source. `messages` are full names, and hold whatever they refer to.
pub(crate) fn tables(pool: &DescriptorPool, messages: &BTreeSet<String>) -> String {
    let mut out = String::new();
    for name in messages {
        table(&mut out, &pool.get_message_by_name(name).expect("every message is in the pool"));
    }
    out
}

fn table(out: &mut String, message: &MessageDescriptor) {
    let name = message.full_name();
    write!(out, "pub(super) static {}: Message = Message {{ name: \"{name}\", fields: &[", constant(message))
        .expect("a string takes it");
    // Reflection gives them in the order of their numbers, by which they are looked up.
    for (index, field) in message.fields().enumerate() {
        let slot = slot(index, &field, message);
        assert!(slot < 128, "{name} has more fields than the bits that mark what was seen");
        let inner =
            field.kind().as_message().map_or("None".to_owned(), |m| format!("Some(&{})", constant(m)));
        write!(
            out,
            "Field {{ number: {}, name: \"{}\", shown: \"{}\", repeated: {}, slot: {slot}, holds: Holds::{}, message: {inner} }},",
            field.number(),
            field.name(),
            shown(&field),
            field.is_list() || field.is_map(),
            holds(&field),
        )
        .expect("a string takes it");
    }
    out.push_str("] };\n");
}

/// The name in JSON: a choice stands in `data`, or, in a query, beside the other fields.
fn shown(field: &FieldDescriptor) -> &str {
    let choice = field.containing_oneof().filter(|oneof| oneof.name() == "data");
    match choice {
        Some(oneof) if oneof.parent_message().name() == "Query" => "",
        Some(_) => "data",
        None => field.name(),
    }
}

/// Which numbers may stand there.
fn holds(field: &FieldDescriptor) -> &'static str {
    match (super::json_format(field), field.kind()) {
        (1, _) => "Time",
        (_, Kind::Uint64) => "Whole",
        (_, Kind::Uint32) => "Small",
        (_, Kind::Enum(_)) => "Word",
        (_, Kind::Message(_) | Kind::String | Kind::Bytes | Kind::Bool | Kind::Double) => "Other",
        (_, kind) => panic!("{}: which range has a {kind:?}?", field.full_name()),
    }
}

/// The members of a oneof share the place of its first one: only one of them may be there.
fn slot(index: usize, field: &FieldDescriptor, message: &MessageDescriptor) -> usize {
    let Some(oneof) = field.containing_oneof() else { return index };
    let first = oneof.fields().next().expect("a oneof has members");
    message.fields().position(|f| f == first).expect("a member is a field")
}

fn constant(message: &MessageDescriptor) -> String {
    message.full_name().replace('.', "_").to_ascii_uppercase()
}
