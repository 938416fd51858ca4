//! The columns that an analyst's queries rely on, and the page that describes them.

use guichet_history::table::Kind::{Flag, Id, Json, Text, Texts, Time, Whole, Word};
use guichet_history::table::{TABLES, Table};
use guichet_history::write::parquet::message;

/// A change other than a new last column breaks queries.
#[test]
fn the_columns_are_those_of_the_golden_file() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/tables.txt");
    let now: Vec<String> = TABLES.iter().map(|table| message(table)).collect();
    let now = now.join("\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1") {
        std::fs::write(golden, &now).unwrap();
    }
    let kept = std::fs::read_to_string(golden).unwrap();
    assert!(
        kept == now,
        "{golden} is another; if the change is meant, run UPDATE_GOLDEN=1 cargo test -p guichet-history\n{now}"
    );
}

#[test]
fn the_page_describes_every_column() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/EXPORT.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (mut described, mut rest) = (String::new(), text.as_str());
    for table in TABLES {
        let start = format!("### `{}`\n", table.name);
        let (before, after) = rest.split_once(&start).unwrap_or_else(|| panic!("no section {start}"));
        let end = after.find("\n#").map_or(after.len(), |at| at + 1);
        described.push_str(before);
        described.push_str(&start);
        described.push_str(&section(table));
        rest = &after[end..];
    }
    described.push_str(rest);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1") {
        std::fs::write(page, &described).unwrap();
    }
    assert!(
        std::fs::read_to_string(page).unwrap() == described,
        "the page describes other columns; run UPDATE_GOLDEN=1 cargo test -p guichet-history"
    );
}

fn section(table: &Table) -> String {
    use std::fmt::Write as _;
    let mut text = format!("\n{}\n\n| column | type | null | meaning |\n|---|---|---|---|\n", table.about);
    for column in table.columns {
        let kind = match column.kind {
            Whole => "whole number",
            Time => "instant",
            Flag => "yes or no",
            Text | Word => "text",
            Id => "UUID as text",
            Texts => "list of texts",
            Json => "JSON object as text",
        };
        let null = if column.nullable { "may be" } else { "never" };
        writeln!(text, "| `{}` | {kind} | {null} | {} |", column.name, column.about).unwrap();
    }
    text.push('\n');
    text
}
