//! `tickets`: the tickets that match every filter given, newest number first.

use std::collections::BTreeMap;
use std::ops::Range;

use guichet_key_client::Text;
use guichet_schemas::event::TicketCreated;
use guichet_schemas::ids::{CommandId, TicketId, TicketNumber};
use guichet_schemas::mirror::Wire;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::wire::personal::Form;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{TicketView, TicketsQuery, TicketsView};
use guichet_schemas::words::{Channel, Priority, TicketState};

use super::merged;
use crate::model::ticket;
use crate::queries::page::{Cursor, Page, ROWS_READ_MAX};
use crate::queries::reader::{Found, Reader, Refusal};
use crate::store::StoreError;

type Entry = Result<(TicketNumber, TicketId), StoreError>;

/// Rows whose subjects are opened together, with one request for their keys.
const TOGETHER: usize = 256;

pub(super) fn answer(reader: &Reader<'_>, query: &TicketsQuery) -> Result<Found, Refusal> {
    if reader.ask.looks_back() {
        return Err(
            Rejection::Unsupported("the query tickets with as_of or as_of_position".to_owned()).into()
        );
    }
    let filter = Filter::new(query)?;
    let after = Cursor::Number.read(reader.ask)?;
    let mut page = Page::new(reader.ask);
    let mut last = after;
    let last_number = after.map_or(u64::MAX, |n| n.saturating_sub(1));
    let mut numbers: Box<dyn Iterator<Item = Entry> + '_> = match &query.external_id {
        Some(id) => Box::new(with_external_id(reader, query, id, last_number)?),
        None => Box::new(reader.view.numbers_down_from(reader.tenant(), last_number)),
    };
    let mut read = 0_usize;
    loop {
        let mut some = Vec::new();
        for entry in numbers.by_ref().take(TOGETHER) {
            let (number, id) = entry?;
            let row = reader.view.ticket(reader.tenant(), id)?;
            reader.entry(row.as_ref().map_or(0, prost::Message::encoded_len))?;
            let row = row.filter(|row| filter.matches(row));
            some.push((number, if row.is_some() && reader.hides(id)? { None } else { row }));
        }
        if filter.text.is_some() {
            reader.open(some.iter_mut().filter_map(|(_, row)| subject_of(row.as_mut()?)).collect());
        }
        let end = some.len() < TOGETHER;
        for (number, row) in some {
            read = read.saturating_add(1);
            let row = row.filter(|row| filter.text_matches(row));
            let mut row = row;
            if let Some(row) = &mut row {
                merged::followed(reader, row)?;
            }
            let fits = row.is_none_or(|row| page.takes(ticket::answer(row, reader.now)));
            if fits {
                last = Some(number.0);
            }
            if !fits || read >= ROWS_READ_MAX || reader.slice_is_over() {
                let next = last.map(|last| Cursor::Number.write(last));
                return Ok((Data::Tickets(TicketsView { tickets: page.into_entries() }), next));
            }
        }
        if end {
            return Ok((Data::Tickets(TicketsView { tickets: page.into_entries() }), None));
        }
    }
}

/// The tickets with an id in another system, newest number first: a few at most, so they are sought by that id.
fn with_external_id(
    reader: &Reader<'_>,
    query: &TicketsQuery,
    id: &str,
    last: u64,
) -> Result<impl Iterator<Item = Entry> + use<>, Refusal> {
    let mut found = BTreeMap::new();
    for entry in reader.view.tickets_by_external_id(reader.tenant(), id) {
        let (source, id) = entry?;
        reader.entry(source.len())?;
        if query.external_source.as_ref().is_some_and(|wanted| *wanted != source) {
            continue;
        }
        let row = reader.view.ticket(reader.tenant(), id)?;
        if let Some(number) = row.and_then(|row| TicketNumber::parse(&row.number)) {
            found.insert(number, id);
        }
    }
    Ok(found.into_iter().rev().filter(move |(number, _)| number.0 <= last).map(Ok))
}

/// The subject of a row, to be opened.
fn subject_of(row: &mut TicketView) -> Option<Text<'_>> {
    Some(Text {
        ticket: TicketId::from_wire(row.ticket_id.clone()).ok()?,
        command: CommandId::from_wire(row.created_command_id.clone()?).ok()?,
        field: TicketCreated::SUBJECT,
        text: row.subject.as_mut()?,
    })
}

struct Filter<'a> {
    query: &'a TicketsQuery,
    /// In lower case.
    text: Option<String>,
    /// The prefix of everything below the category.
    below: Option<String>,
    created: Range<i64>,
    updated: Range<i64>,
    due: Option<Range<i64>>,
}

impl<'a> Filter<'a> {
    fn new(query: &'a TicketsQuery) -> Result<Self, FieldError> {
        word::<TicketState>("status", query.status)?;
        word::<Priority>("priority", query.priority)?;
        word::<Channel>("channel", query.channel)?;
        let any_due = query.due_from.is_none() && query.due_to.is_none();
        Ok(Self {
            query,
            text: query.text.as_ref().map(|text| text.to_lowercase()),
            below: query.category.as_ref().map(|category| format!("{category}/")),
            created: range(query.created_from, query.created_to),
            updated: range(query.updated_from, query.updated_to),
            due: (!any_due).then(|| range(query.due_from, query.due_to)),
        })
    }

    fn matches(&self, row: &TicketView) -> bool {
        let q = self.query;
        ticket::state(row).is_some()
            && q.status.is_none_or(|status| row.state == status)
            && q.priority.is_none_or(|priority| row.priority == priority)
            && q.channel.is_none_or(|channel| row.channel == channel)
            && equals(q.group.as_ref(), row.group.as_ref())
            && equals(q.assignee.as_ref(), row.assignee.as_ref())
            && equals(q.requester.as_ref(), Some(&row.requester))
            && (!q.reopen_held || row.reopen_held_at.is_some())
            && self.source_matches(row)
            && q.tag.as_ref().is_none_or(|tag| row.tags.contains(tag))
            && self.category_matches(row)
            && self.created.contains(&row.created_at)
            && self.updated.contains(&row.updated_at)
            && self.due.as_ref().is_none_or(|due| row.due_at.is_some_and(|at| due.contains(&at)))
    }

    /// Where an id is asked for, the search by it has looked at the source.
    fn source_matches(&self, row: &TicketView) -> bool {
        let source = self.query.external_source.as_ref().filter(|_| self.query.external_id.is_none());
        equals(source, row.external_ref.as_ref().map(|reference| &reference.source))
    }

    /// Looked at last, because the subject has to be opened for it. One that stays sealed is not found.
    fn text_matches(&self, row: &TicketView) -> bool {
        let Some(text) = &self.text else { return true };
        match row.subject.as_ref().and_then(|subject| subject.form.as_ref()) {
            Some(Form::Plain(subject)) => subject.to_lowercase().contains(text),
            Some(Form::Sealed(_)) | None => false,
        }
    }

    fn category_matches(&self, row: &TicketView) -> bool {
        let Some(below) = &self.below else { return true };
        row.category.as_ref().is_some_and(|category| {
            self.query.category.as_ref() == Some(category) || category.starts_with(below)
        })
    }
}

fn equals(wanted: Option<&String>, value: Option<&String>) -> bool {
    wanted.is_none_or(|wanted| value == Some(wanted))
}

/// Holds its start and not its end; open where nothing is given.
fn range(from: Option<i64>, to: Option<i64>) -> Range<i64> {
    from.unwrap_or(i64::MIN)..to.unwrap_or(i64::MAX)
}

/// Refuses a number that is no word of the list.
fn word<W: Wire<Repr = i32>>(field: &str, value: Option<i32>) -> Result<(), FieldError> {
    value.map_or(Ok(()), |value| W::from_wire(value).map(|_| ()).map_err(|e| e.in_field(field)))
}
