//! The limits that live commands keep, kept by what is imported too. What is over them leaves its row out, or
//! is cut where the mapping says so; a cut is counted and says how long the text was.

use std::borrow::Cow;

use guichet_schemas::command::limits;
use guichet_schemas::event::FieldValue;
use guichet_schemas::text::{self, CategoryPath, Label, Subject, Tag};

use super::balance::{Note, Reason};
use super::bounds::NUMBER_MAX;
use super::grammar::{Absent, Format, TooLong};
use super::history::joined;
use super::mapping::{Mapping, Slot};
use super::row::Row;
use super::words::Words;

/// A row with what it leaves unsaid, and what of it was cut.
pub(super) struct Prepared<'r> {
    pub(super) row: Cow<'r, Row>,
    pub(super) cut: Vec<(Slot, Note)>,
}

/// Fills in what a row leaves unsaid, and brings its values within the limits.
pub(super) fn prepare<'r>(m: &Mapping, row: &'r Row, before: Option<&Row>) -> Result<Prepared<'r>, Note> {
    let mut now = Cow::Borrowed(row);
    if let Some(before) = before {
        for slot in m.carried.iter().copied().filter(|slot| leaves_unsaid(m, row, *slot)) {
            if before.get(slot).is_some() {
                now.to_mut().put_all(slot, before, slot);
            }
        }
    }
    let mut cut = Vec::new();
    if row.text().contains('\0') {
        for slot in (0..row.slots()).filter(|slot| row.get(*slot).is_some_and(|v| v.contains('\0'))) {
            let name = &m.columns[slot].name;
            if row.values(slot).count() > 1 {
                let text = format!("a value of the list {name:?} holds a NUL character");
                return Err(Note::new(Reason::OverLimit, text));
            }
            over(m, || format!("{name:?} holds a NUL character"))?;
            cut.push((
                slot,
                Note::new(Reason::Cut, format!("{name:?} held a NUL character, which was taken out")),
            ));
            let clean = now.get(slot).unwrap_or_default().replace('\0', "");
            now.to_mut().put(slot, &clean);
        }
    }
    for slot in m.labels.iter().copied() {
        let Some(Cow::Owned(short)) = now.get(slot).map(label) else { continue };
        let (name, chars) = (&m.columns[slot].name, now.get(slot).unwrap_or_default().chars().count());
        over(m, || {
            format!("{name:?} has more than {} characters, or control characters", Label::CHARACTERS)
        })?;
        let text = format!("{name:?} has {chars} characters; what is kept of it is {short:?}");
        cut.push((slot, Note::new(Reason::Cut, text)));
        now.to_mut().put(slot, &short);
    }
    too_long_texts(m, &now, before, &mut cut)?;
    Ok(Prepared { row: now, cut })
}

/// Of the texts that are cut where they are used.
fn too_long_texts(
    m: &Mapping,
    now: &Row,
    before: Option<&Row>,
    cut: &mut Vec<(Slot, Note)>,
) -> Result<(), Note> {
    if before.is_none() {
        if let Some((slot, text)) = m.ticket.subject.and_then(|slot| Some((slot, now.get(slot)?)))
            && longer(text, Subject::CHARACTERS)
        {
            cut.push((slot, too_long(m, slot, text.chars().count(), Subject::CHARACTERS, "characters")?));
        }
        let slot = m.ticket.description.or(m.ticket.subject);
        if let Some((slot, text)) = slot.and_then(|slot| Some((slot, now.get(slot)?)))
            && text.len() > text::Body::BYTES
        {
            cut.push((slot, too_long(m, slot, text.len(), text::Body::BYTES, "bytes")?));
        }
    }
    if let Some((slot, text)) = m.resolution.summary.and_then(|slot| Some((slot, now.get(slot)?)))
        && text.len() > text::Note::BYTES
    {
        cut.push((slot, too_long(m, slot, text.len(), text::Note::BYTES, "bytes")?));
    }
    if let Some(slot) = m.ticket.category.first().copied()
        && let Some(path) = joined(now, &m.ticket.category)
        && longer(&path, CategoryPath::CHARACTERS)
    {
        cut.push((slot, too_long(m, slot, path.chars().count(), CategoryPath::CHARACTERS, "characters")?));
    }
    if let Some(slot) = m.ticket.tags {
        let all = every_tag(m, now);
        if let Some(tag) = all.iter().find(|tag| longer(tag, Tag::CHARACTERS)) {
            cut.push((slot, too_long(m, slot, tag.chars().count(), Tag::CHARACTERS, "characters in a tag")?));
        }
        if all.len() > limits::TAGS {
            cut.push((slot, too_long(m, slot, all.len(), limits::TAGS, "tags")?));
        }
    }
    Ok(())
}

fn too_long(m: &Mapping, slot: Slot, has: usize, most: usize, of: &str) -> Result<Note, Note> {
    let name = &m.columns[slot].name;
    over(m, || format!("{name:?} has {has} {of}, and may have {most}"))?;
    Ok(Note::new(Reason::Cut, format!("The source's {name:?} has {has} {of}; the first {most} are kept.")))
}

/// A value over a limit leaves its row out unless the mapping has it cut.
fn over(m: &Mapping, why: impl FnOnce() -> String) -> Result<(), Note> {
    match m.source.too_long {
        TooLong::Cut => Ok(()),
        TooLong::Reject => {
            Err(Note::new(Reason::OverLimit, format!("{}; source.too_long = \"cut\" would cut it", why())))
        }
    }
}

/// Whether a row says nothing of a column that keeps its value until a row says otherwise. A key that is not
/// there says nothing; an empty cell, or null, says that there is no value.
fn leaves_unsaid(m: &Mapping, row: &Row, slot: Slot) -> bool {
    if m.changes.as_ref().is_some_and(|changes| changes.tell(slot)) {
        return !row.mentions(slot);
    }
    match m.source.absent {
        None => !row.mentions(slot),
        Some(Absent::Unchanged) => {
            !row.mentions(slot) || (m.source.format == Format::Csv && row.get(slot).is_none())
        }
        Some(Absent::Cleared) => false,
    }
}

pub(super) fn check(m: &Mapping, row: &Row, first: bool) -> Result<(), Note> {
    let t = &m.ticket;
    let fields = t.fields.iter();
    let bytes: usize =
        fields.map(|(slot, name)| row.get(*slot).map_or(0, str::len).saturating_add(name.len())).sum();
    if bytes > limits::FIELDS_BYTES {
        let text = format!("its fields have more than {} bytes together", limits::FIELDS_BYTES);
        return Err(Note::new(Reason::OverLimit, text));
    }
    rejects(&m.priorities, "priority", row.optional(t.priority))?;
    if let Some(words) = &m.categories {
        rejects(words, "category", joined(row, &t.category).as_deref())?;
    }
    rejects(&m.resolution.codes, "resolution", row.optional(m.resolution.code))?;
    if first {
        rejects(&m.channels, "channel", row.optional(t.channel))?;
        rejects(&m.types, "type", row.optional(t.r#type))?;
        rejects(&m.urgencies, "urgency", row.optional(t.urgency))?;
        rejects(&m.impacts, "impact", row.optional(t.impact))?;
    }
    Ok(())
}

fn rejects<T: Clone>(words: &Words<T>, what: &str, value: Option<&str>) -> Result<(), Note> {
    match value {
        Some(value) if words.rejects(value) => {
            Err(Note::new(Reason::UnknownValue, format!("the {what} {value:?} is not in {what}.map")))
        }
        Some(_) | None => Ok(()),
    }
}

/// A field as the mapping says what it holds; what is no such thing stays a text.
pub(super) fn field_value(m: &Mapping, slot: Slot, text: &str) -> FieldValue {
    let number = || m.ticket.numbers.contains(&slot).then(|| number(text, m.source.decimal)).flatten();
    let flag = m.ticket.flags.contains(&slot).then(|| flag(text)).flatten().map(FieldValue::Flag);
    flag.or_else(|| number().map(FieldValue::Number)).unwrap_or_else(|| FieldValue::Text(text.to_owned()))
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" => Some(true),
        "false" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A number as the source writes it. What parts the thousands is passed over where it stands before three digits;
/// a text that is no number, or none that is exact, is `None`.
fn number(text: &str, decimal: char) -> Option<f64> {
    let grouping = if decimal == ',' { '.' } else { ',' };
    let (whole, decimals) = text.trim().split_once(decimal).unwrap_or((text.trim(), "0"));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let mut groups = digits.split([grouping, ' ', '\u{a0}', '\u{202f}', '\'']);
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().filter(|first| all_digits(first))?;
    let mut number = first.to_owned();
    for group in groups {
        if group.len() != 3 || !all_digits(group) || first.len() > 3 {
            return None;
        }
        number.push_str(group);
    }
    if !all_digits(decimals) {
        return None;
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let number: f64 = format!("{sign}{number}.{decimals}").parse().ok()?;
    (number.abs() <= NUMBER_MAX as f64).then_some(number)
}

/// A name as live commands take it.
pub(super) fn label(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) && !longer(text, Label::CHARACTERS) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(one_line(text).chars().take(Label::CHARACTERS).collect::<String>().trim_end().to_owned())
}

/// The path of the ticket's category.
pub(super) fn category(m: &Mapping, row: &Row) -> Option<String> {
    let path = joined(row, &m.ticket.category)?;
    let path = match &m.categories {
        Some(words) => words.meant(&path).value().unwrap_or(path),
        None => path,
    };
    Some(if longer(&path, CategoryPath::CHARACTERS) {
        path.chars().take(CategoryPath::CHARACTERS).collect()
    } else {
        path
    })
}

fn every_tag(m: &Mapping, row: &Row) -> Vec<String> {
    let mut tags = Vec::<String>::new();
    for value in m.ticket.tags.into_iter().flat_map(|slot| row.values(slot)) {
        let pieces = match &m.ticket.tag_separator {
            Some(separator) => value.split(separator.as_str()).collect(),
            None => vec![value],
        };
        for tag in pieces.into_iter().map(|tag| one_line(tag.trim())).filter(|tag| !tag.is_empty()) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags
}

/// The ticket's tags.
pub(super) fn tags(m: &Mapping, row: &Row) -> Vec<String> {
    let all = every_tag(m, row).into_iter();
    let short = |tag: String| tag.chars().take(Tag::CHARACTERS).collect::<String>().trim_end().to_owned();
    all.take(limits::TAGS).map(short).collect()
}

/// Subject and description of a ticket.
pub(super) fn texts(m: &Mapping, row: &Row, external_id: &str) -> (String, String) {
    let subject = row.optional(m.ticket.subject);
    let description = row.optional(m.ticket.description).or(subject);
    let description = match description {
        Some(text) => cut(text, text::Body::BYTES).to_owned(),
        None => format!("Imported from {}, where it is {external_id}.", m.name),
    };
    (subject.map_or_else(|| external_id.to_owned(), line), description)
}

/// A subject is one line; what it says beyond that stands in the description.
fn line(text: &str) -> String {
    let line = one_line(text);
    if !longer(&line, Subject::CHARACTERS) {
        return line;
    }
    let kept = line.chars().take(Subject::CHARACTERS.saturating_sub(1)).collect::<String>();
    kept.trim_end().to_owned() + "…"
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(super) fn longer(text: &str, chars: usize) -> bool {
    text.len() > chars && text.chars().count() > chars
}

/// The longest beginning of at most so many bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
