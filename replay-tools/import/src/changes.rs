//! Exports that tell changes: a row, or an element of a list, says which field changed, from what and to what.
//! Each becomes a row that is the ticket after its change, so that everything behind reads one kind of row.
//!
//! The state at the beginning is found backwards: a field began with what its first change came from, and one
//! that never changed is what the record says. What does not fit together is counted, and never settled in
//! silence.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use guichet_schemas::time::Timestamp;

use super::balance::{Note, Reason};
use super::bounds::shown;
use super::grammar::{self, Unknown};
use super::mapping::{Column, Fault, Interner, Mapping, Slot};
use super::row::{Place, Row};
use super::usable;

/// Prefix of columns whose values only changes tell.
pub(super) const PREFIX: &str = "changes:";
/// Bytes of a value that a sentence repeats.
const VALUE_SHOWN: usize = 200;

/// Where changes stand, and what they change.
#[derive(Debug, Clone)]
pub(super) struct Changes {
    field: Slot,
    /// By the name that the source has for it.
    fields: BTreeMap<String, Field>,
    ignore: Vec<String>,
    unknown: Unknown,
    from: Option<Slot>,
    to: Slot,
}

#[derive(Debug, Clone, Copy)]
struct Field {
    column: Slot,
    from: Option<Slot>,
    to: Slot,
}

pub(super) fn check(c: grammar::Changes, columns: &mut Interner) -> Result<Changes, Fault> {
    if c.unknown == Unknown::Default {
        return Err(Fault::new("changes.unknown", "must be one of note, ignore, reject"));
    }
    if c.fields.is_empty() {
        return Err(Fault::new("changes.fields", "must name at least one field"));
    }
    let field = columns.slot("changes.field", c.field)?;
    let from = columns.optional("changes.from", c.from)?;
    let to = columns.slot("changes.to", c.to)?;
    let mut fields = BTreeMap::new();
    for (name, changed) in c.fields {
        let Some(column) = columns.find(&changed.column) else {
            let problem = format!("changes the column {:?}, which no other key names", changed.column);
            return Err(Fault::new(format!("changes.fields.{name:?}"), problem));
        };
        let own_from = columns.optional("changes.from", changed.from)?;
        let own_to = columns.optional("changes.to", changed.to)?;
        fields.insert(name, Field { column, from: own_from.or(from), to: own_to.unwrap_or(to) });
    }
    if let Some(name) = c.ignore.iter().find(|name| fields.contains_key(*name)) {
        return Err(Fault::new("changes.ignore", format!("names {name:?}, which changes.fields names too")));
    }
    Ok(Changes { field, fields, ignore: c.ignore, unknown: c.unknown, from, to })
}

/// Changes need columns that a ticket keeps, and no milestones, which tell the same moments otherwise.
pub(super) fn fits(m: &Mapping) -> Result<(), Fault> {
    let told = |slot: Slot| m.changes.as_ref().is_some_and(|changes| changes.tell(slot));
    let is_told = |(slot, column): &(Slot, &Column)| column.optional && !told(*slot);
    if let Some((_, column)) = m.columns.iter().enumerate().find(is_told) {
        let problem = format!("names {:?}, which no field of changes.fields changes", column.name);
        return Err(Fault::new(column.key.clone(), problem));
    }
    let Some(changes) = &m.changes else { return Ok(()) };
    if !m.milestones.is_empty() {
        return Err(Fault::new(
            "changes.field",
            "tells when things happened, and so does milestones: write one of them",
        ));
    }
    for (name, field) in &changes.fields {
        if !m.carried.contains(&field.column) {
            let problem =
                format!("changes {:?}, which is nothing that a ticket keeps", m.columns[field.column].name);
            return Err(Fault::new(format!("changes.fields.{name:?}"), problem));
        }
    }
    let of_changes = changes.fields.values().flat_map(|field| [Some(field.to), field.from]);
    let own = of_changes.flatten().chain([changes.field, changes.to]).chain(changes.from);
    if let Some(slot) = own.into_iter().find(|slot| m.carried.contains(slot)) {
        let problem = format!("is {:?}, which is a value of the ticket as well", m.columns[slot].name);
        return Err(Fault::new("changes", problem));
    }
    Ok(())
}

impl Changes {
    /// Whether changes tell the values of a column.
    pub(super) fn tell(&self, slot: Slot) -> bool {
        self.fields.values().any(|field| field.column == slot)
    }

    fn of(&self, row: &Row) -> Option<Field> {
        self.fields.get(row.get(self.field)?).copied()
    }

    /// A row none of whose keys names a change becomes a note that counts it, or a reason to leave it out.
    pub(super) fn look_at(&self, row: &Row) -> Result<Option<Note>, Note> {
        let Some(name) = self.unknown_field(row) else { return Ok(None) };
        let text =
            format!("the field {:?} changed, which is not in changes.fields", shown(name, VALUE_SHOWN));
        match self.unknown {
            Unknown::Reject => Err(Note::new(Reason::UnknownValue, text)),
            Unknown::Ignore => Ok(Some(Note::new(Reason::Ignored, text))),
            Unknown::Note | Unknown::Default => Ok(Some(Note::new(Reason::UnknownValue, text))),
        }
    }

    /// The note at the ticket about a change that nobody knows.
    pub(super) fn note_of(&self, row: &Row) -> Option<String> {
        let name = self.unknown_field(row).filter(|_| self.unknown == Unknown::Note)?;
        let value =
            |slot: Option<Slot>| row.optional(slot).map_or("nothing".to_owned(), |v| format!("{v:?}"));
        let (from, to) = (value(self.from), value(Some(self.to)));
        Some(format!("The source changed {name:?} from {from} to {to}"))
    }

    fn unknown_field<'r>(&self, row: &'r Row) -> Option<&'r str> {
        let name = row.get(self.field)?;
        let known = self.fields.contains_key(name) || self.ignore.iter().any(|ignored| ignored == name);
        (!known).then_some(name)
    }
}

/// The values of a column; none where it has no value.
type Values = Vec<String>;

fn values(row: &Row, slot: Slot) -> Values {
    row.values(slot).map(str::to_owned).collect()
}

struct Change {
    column: Slot,
    /// `None` where the row does not say it.
    from: Option<Values>,
    to: Values,
}

/// The ticket as its changes tell it, in order.
struct Story<'m> {
    m: &'m Mapping,
    /// When the ticket was created, and whether the export says it.
    created: (Timestamp, bool),
    /// The record's values, which are those at the end of the ticket.
    record: BTreeMap<Slot, Values>,
    changes: Vec<Option<Change>>,
}

/// Makes every row the ticket after its change. The rows are those of one ticket, in order.
pub(super) fn unfold<E>(
    m: &Mapping,
    rows: &mut Vec<Row>,
    used: &mut usize,
    mut hear: impl FnMut(Place, Note) -> Result<(), E>,
) -> Result<(), E> {
    let Some(changes) = &m.changes else { return Ok(()) };
    if *used == 0 {
        return Ok(());
    }
    let story = Story::of(m, changes, &rows[..*used]);
    if rows[0].file == 0 && m.has_row_files() {
        // The row of the ticket says how it stands at the end; the others tell what happened before.
        rows[0].at = story.created.0;
    }
    let beginning = story.beginning(&rows[..*used]);
    let mut now = beginning.clone();
    if let Some(first) = story.first_row(&rows[..*used]) {
        if !story.created.1 {
            let text = "it changed before the export tells that it was created; its first row stands for its creation";
            hear(first.place(), Note::new(Reason::GuessedTime, text))?;
        }
        // Buffers behind `used` are spare ones.
        rows.insert(0, first);
        *used = used.saturating_add(1);
        forget(m, &mut rows[0]);
        story.tell(&mut now, &mut rows[1..*used], &mut hear)?;
    } else {
        story.tell(&mut now, &mut rows[..*used], &mut hear)?;
    }
    put_all(&mut rows[0], &beginning);
    let Some(last) = rows[..*used].last() else { return Ok(()) };
    let differs = |(slot, value): &(&Slot, &Values)| !same(m, **slot, value, &now[*slot]);
    let wrong: Vec<_> =
        story.record.iter().filter(differs).map(|(slot, value)| (*slot, value.clone())).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let (mut end, place) = (made_of(m, last), last.place());
    for (slot, value) in wrong {
        let text = format!(
            "its changes leave {:?} at {}, and the record says {}; the record decides, at the time of the last row",
            m.columns[slot].name,
            told(&now[&slot]),
            told(&value)
        );
        hear(place, Note::new(Reason::Contradicted, text))?;
        put(&mut end, slot, &value);
    }
    rows.insert(*used, end);
    *used = used.saturating_add(1);
    Ok(())
}

impl<'m> Story<'m> {
    fn of(m: &'m Mapping, changes: &Changes, rows: &[Row]) -> Self {
        let mut record = BTreeMap::new();
        for field in changes.fields.values() {
            if let Some(row) = rows.iter().rev().find(|row| row.mentions(field.column)) {
                record.insert(field.column, values(row, field.column));
            }
        }
        let change = |row: &Row| {
            let field = changes.of(row)?;
            let from = field.from.filter(|slot| row.mentions(*slot)).map(|slot| values(row, slot));
            Some(Change { column: field.column, from, to: values(row, field.to) })
        };
        let named = m.ticket.created_at.and_then(|slot| {
            let row = rows.iter().find(|row| row.get(slot).is_some())?;
            usable::time(m, row, slot, None).ok()
        });
        Self {
            m,
            created: (named.map_or(rows[0].at, |instant| instant.at), named.is_some()),
            record,
            changes: rows.iter().map(change).collect(),
        }
    }

    /// A value that came from nothing at the instant of creation is what the ticket began with.
    fn is_creation(&self, row: &Row, change: &Change) -> bool {
        row.at <= self.created.0 && change.from.as_ref().is_none_or(Vec::is_empty)
    }

    /// How the ticket stood when it was created.
    fn beginning(&self, rows: &[Row]) -> BTreeMap<Slot, Values> {
        let mut beginning = BTreeMap::new();
        for (row, change) in rows.iter().zip(&self.changes) {
            let Some(change) = change else { continue };
            if let Entry::Vacant(entry) = beginning.entry(change.column) {
                let first = self.is_creation(row, change).then_some(&change.to).or(change.from.as_ref());
                entry.insert(first.cloned().unwrap_or_default());
            }
        }
        let columns = self.m.changes.iter().flat_map(|changes| changes.fields.values());
        for column in columns.map(|field| field.column) {
            let unchanged = || self.record.get(&column).cloned().unwrap_or_default();
            beginning.entry(column).or_insert_with(unchanged);
        }
        beginning
    }

    /// The row of the creation, where none of the rows is it.
    fn first_row(&self, rows: &[Row]) -> Option<Row> {
        let first = &rows[0];
        let opens = first.at <= self.created.0;
        let batch = rows.iter().zip(&self.changes).take_while(|(row, _)| row.at == first.at);
        let begins = batch.filter_map(|(row, change)| Some((row, change.as_ref()?)));
        if opens && begins.into_iter().all(|(row, change)| self.is_creation(row, change)) {
            return None;
        }
        let mut made = made_of(self.m, first);
        made.at = self.created.0.min(first.at);
        Some(made)
    }

    /// Carries the values through the rows. Those of one update, at one instant by one hand, are told together.
    fn tell<E>(
        &self,
        now: &mut BTreeMap<Slot, Values>,
        rows: &mut [Row],
        hear: &mut impl FnMut(Place, Note) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut begin = 0;
        while begin < rows.len() {
            let end = begin.saturating_add(self.update(&rows[begin..], &self.changes[begin..]));
            let mut changed = Vec::new();
            let update = rows[begin..end].iter_mut().zip(&self.changes[begin..end]).enumerate();
            for (place, (row, change)) in update {
                let Some(change) = change else { continue };
                changed.push(change.column);
                let was = now.insert(change.column, change.to.clone()).unwrap_or_default();
                let fits = change.from.as_ref().is_none_or(|from| same(self.m, change.column, from, &was));
                let creates = self.is_creation(row, change);
                if !fits && !creates {
                    let text = format!(
                        "{:?} changed from {}, and was {} before; what it changed to was taken",
                        self.m.columns[change.column].name,
                        told(change.from.as_deref().unwrap_or_default()),
                        told(&was)
                    );
                    hear(row.place(), Note::new(Reason::Contradicted, text))?;
                }
                row.told_before = creates || (place > 0 && !same(self.m, change.column, &was, &change.to));
            }
            for row in &mut rows[begin..end] {
                forget(self.m, row);
                changed.iter().for_each(|slot| put(row, *slot, &now[slot]));
            }
            begin = end;
        }
        Ok(())
    }

    /// Rows of one update; a column that changes once more begins another.
    fn update(&self, rows: &[Row], changes: &[Option<Change>]) -> usize {
        let first = &rows[0];
        let mut changed = Vec::new();
        let goes_on = |(row, change): &(&Row, &Option<Change>)| {
            let fresh = change.as_ref().is_none_or(|change| !changed.contains(&change.column));
            changed.extend(change.as_ref().map(|change| change.column));
            row.at == first.at && row.optional(self.m.by) == first.optional(self.m.by) && fresh
        };
        rows.iter().zip(changes).take_while(goes_on).count()
    }
}

/// A row that the export does not have: what the ticket keeps, without what its row says of itself alone.
fn made_of(m: &Mapping, row: &Row) -> Row {
    let mut made = row.clone();
    made.made = true;
    let stays = [Some(m.ticket.id), m.ticket.created_at, m.ticket.created_by, m.zone];
    for slot in (0..row.slots()).filter(|slot| !m.carried.contains(slot) && !stays.contains(&Some(*slot))) {
        made.unset(slot);
    }
    made
}

/// Removes the values that only changes tell: a row without them leaves the ticket's as they were.
fn forget(m: &Mapping, row: &mut Row) {
    let columns = m.changes.iter().flat_map(|changes| changes.fields.values());
    columns.for_each(|field| row.unset(field.column));
}

fn put(row: &mut Row, slot: Slot, values: &Values) {
    row.put_empty(slot);
    for (place, value) in values.iter().enumerate() {
        if place == 0 { row.put(slot, value) } else { row.put_more(slot, value) }
    }
}

fn put_all(row: &mut Row, values: &BTreeMap<Slot, Values>) {
    values.iter().for_each(|(slot, values)| put(row, *slot, values));
}

/// Whether two values say the same. Of tags, neither the order counts nor what parts them.
fn same(m: &Mapping, slot: Slot, one: &[String], other: &[String]) -> bool {
    if one == other {
        return true;
    }
    if m.ticket.tags != Some(slot) {
        return false;
    }
    let tags = |values: &[String]| {
        let separator = m.ticket.tag_separator.as_deref();
        let pieces = values.iter().flat_map(|value| match separator {
            Some(separator) => value.split(separator).collect::<Vec<_>>(),
            None => vec![value.as_str()],
        });
        let mut tags: Vec<String> =
            pieces.map(|tag| tag.trim().to_owned()).filter(|t| !t.is_empty()).collect();
        tags.sort_unstable();
        tags
    };
    tags(one) == tags(other)
}

fn told(values: &[String]) -> String {
    if values.is_empty() {
        return "nothing".to_owned();
    }
    format!("{:?}", shown(&values.join(", "), VALUE_SHOWN))
}
