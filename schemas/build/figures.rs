//! Writes the list of the figures of each report: what of its rows a goal can be for.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// Fields below this number say of what a row is.
const FIRST_FIGURE: u32 = 20;
const OF_DURATIONS: [&str; 5] = ["mean", "p50", "p90", "p95", "max"];

/// The list as Rust source.
pub(crate) fn table(pool: &DescriptorPool) -> String {
    let reply = pool.get_message_by_name("guichet.v1.QueryReply").expect("every message is in the pool");
    let mut out = String::from("static FIGURES: &[(&str, &[&str])] = &[");
    for report in reply.fields().filter(|field| field.name().starts_with("report_")) {
        let row = held(&report).get_field_by_name("rows").map(|rows| held(&rows)).expect("a report has rows");
        // Rows of no period have no end at which a goal could be in force; a figure that a desk defined is named beside.
        if row.get_field_by_name("period").is_some() && row.get_field_by_name("definition_version").is_none()
        {
            let figures: Vec<_> = row
                .fields()
                .filter(|field| field.number() >= FIRST_FIGURE)
                .flat_map(|field| figures(&field))
                .collect();
            write!(out, "(\"{}\", &{figures:?}),", report.name()).expect("a string takes it");
        }
    }
    out.push_str("];\n");
    out
}

fn held(field: &FieldDescriptor) -> MessageDescriptor {
    field.kind().as_message().expect("reports and rows are messages").clone()
}

fn figures(field: &FieldDescriptor) -> Vec<String> {
    let (name, kind) = (field.name(), field.kind());
    let Some(message) = kind.as_message() else {
        let counts = matches!(kind, Kind::Double | Kind::Uint64) && !field.is_list();
        return if counts { vec![name.to_owned()] } else { Vec::new() };
    };
    if field.is_list() {
        return of_list(name, message);
    }
    match message.name() {
        "Ratio" => vec![name.to_owned()],
        "Durations" => OF_DURATIONS.iter().map(|of| format!("{name}.{of}")).collect(),
        _ => Vec::new(),
    }
}

/// Shares in a list whose entries are told apart by a word.
fn of_list(name: &str, message: &MessageDescriptor) -> Vec<String> {
    let Some(by) = message.fields().find_map(|field| field.kind().as_enum().cloned()) else {
        return Vec::new();
    };
    let is_share = |field: &FieldDescriptor| field.kind().as_message().is_some_and(|m| m.name() == "Ratio");
    let shares: Vec<_> = message.fields().filter(is_share).collect();
    let of = |word: String| shares.iter().map(move |share| format!("{name}.{word}.{}", share.name()));
    words(&by).into_iter().flat_map(of).collect()
}

fn words(of: &EnumDescriptor) -> Vec<String> {
    let values = of.values().filter(|value| value.number() != 0);
    let prefix = super::prefix(of.name());
    values.map(|value| value.name().trim_start_matches(&prefix).to_ascii_lowercase()).collect()
}
