//! The other files of an export: tickets in one, their comments, changes and people in others, joined by a key.
//! A column of another file is called by the file's name, a colon and its own name, such as `users:email`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bounds::FILES_MAX;
use super::encoding;
use super::grammar::{self, Format, Order};
use super::mapping::{self, Column, Fault, Interner, Mapping, Slot, Source};

/// A file of an export of several. The first one holds the tickets, and has no name.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: String,
    /// Reads the file: its own columns alone, by their own names.
    pub(super) mapping: Arc<Mapping>,
    /// For each of its columns, the column of the whole.
    pub(super) slots: Vec<Slot>,
    pub(super) role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Tickets,
    /// Its rows are rows of the ticket that this column of its own names.
    Rows(Slot),
    /// Its rows are asked for by a column of the whole, and found by a column of its own.
    Asked {
        on: Slot,
        key: Slot,
    },
}

/// The keys of a file, as columns of the whole.
pub(super) struct Keys {
    key: Slot,
    on: Option<Slot>,
}

pub(super) fn keys(
    files: &BTreeMap<String, grammar::File>,
    columns: &mut Interner,
) -> Result<Vec<Keys>, Fault> {
    let keys = files.iter().map(|(name, file)| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || matches!(name.as_str(), "trace" | "changes") || !name.bytes().all(word) {
            return Err(Fault::new(
                format!("files.{name}"),
                "must be called by a word of letters and digits other than trace and changes",
            ));
        }
        let key = columns.slot(&format!("files.{name}.key"), format!("{name}:{}", file.key))?;
        let on = columns.optional(&format!("files.{name}.on"), file.on.clone())?;
        Ok(Keys { key, on })
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    if keys.len() > FILES_MAX {
        return Err(Fault::new("files", format!("has more than {FILES_MAX} files")));
    }
    Ok(keys)
}

/// Parts the mapping among the files of the export.
pub(super) fn check(
    files: BTreeMap<String, grammar::File>,
    keys: &[Keys],
    mapping: &mut Mapping,
) -> Result<(), Fault> {
    if files.is_empty() {
        return Ok(());
    }
    let (format, member) = (mapping.source.format, mapping.source.member.is_some());
    if format == Format::Ocel || !member {
        return Err(Fault::new(
            "source.member",
            "must say which file holds the tickets, and its format must not be ocel",
        ));
    }
    if mapping.source.grouped && format != Format::Xes {
        return Err(Fault::new("source.grouped", "cannot be true where an export has several files"));
    }
    mapping.source.grouped = false;
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let mut parts = vec![part(mapping, "", &names, mapping.source.clone(), Role::Tickets)];
    for ((name, file), keys) in files.iter().zip(keys) {
        let source = source(name, file, &mapping.source)?;
        if keys.on.is_none() {
            // Rows of several files have no other order.
            mapping.source.order = Order::Time;
        }
        let mut file = part(mapping, name, &names, source, Role::Rows(0));
        let key = file.slots.iter().position(|slot| *slot == keys.key).unwrap_or_default();
        file.role = keys.on.map_or(Role::Rows(key), |on| Role::Asked { on, key });
        parts.push(file);
    }
    mapping.files = parts;
    Ok(())
}

fn source(name: &str, file: &grammar::File, of: &Source) -> Result<Source, Fault> {
    let key = |key: &str| format!("files.{name}.{key}");
    let format = file.format.unwrap_or(of.format);
    if format == Format::Ocel {
        return Err(Fault::new(key("format"), "must not be ocel"));
    }
    let encoding = file.encoding.as_deref().map(|label| {
        encoding::of_label(label).ok_or_else(|| Fault::new(key("encoding"), "is no encoding of the WHATWG"))
    });
    let delimiter = mapping::of_csv(&key("delimiter"), file.delimiter.as_deref(), format)?;
    let inherits = |delimiter: Option<u8>| delimiter.filter(|_| format == Format::Csv);
    Ok(Source {
        format,
        member: Some(file.member.clone()),
        encoding: encoding.transpose()?.or(of.encoding),
        delimiter: delimiter.or_else(|| inherits(of.delimiter)),
        json: mapping::json(&format!("files.{name}"), format, file.records.as_deref(), file.rows.clone())?,
        ..of.clone()
    })
}

/// The mapping with the columns of one file alone.
fn part(m: &Mapping, name: &str, names: &[&str], source: Source, role: Role) -> File {
    let (mut slots, mut columns) = (Vec::new(), Vec::<Column>::new());
    for (slot, column) in m.columns.iter().enumerate() {
        let of = column.name.split_once(':').filter(|(file, _)| names.contains(file));
        let own = match of {
            Some((file, own)) if file == name => own,
            None if name.is_empty() => column.name.as_str(),
            Some(_) | None => continue,
        };
        slots.push(slot);
        columns.push(Column { name: own.to_owned(), ..column.clone() });
    }
    // A file without the time of a row has no place for it.
    let at = slots.iter().position(|slot| *slot == m.at).unwrap_or(Slot::MAX);
    let mut mapping = m.clone();
    (mapping.columns, mapping.source, mapping.at) = (columns, source, at);
    mapping.files.clear();
    File { name: name.to_owned(), mapping: Arc::new(mapping), slots, role }
}

impl Mapping {
    /// Whether rows of one ticket come from several files.
    pub(super) fn has_row_files(&self) -> bool {
        self.files.iter().any(|file| matches!(file.role, Role::Rows(_)))
    }
}
