//! Texts that were redacted: no answer shows them, whatever instant or position it looks back to. The record keeps the
//! sealed original; what an answer gives instead is [`REDACTED`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use guichet_key_client::of_record;
use guichet_rules::Redacted;
use guichet_schemas::event::TextSpan;
use guichet_schemas::ids::{CommentId, TicketId};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::personal;
use guichet_schemas::wire::personal::Form;
use guichet_schemas::wire::record::Data;
use guichet_schemas::wire::{self, Personal};
use prost::Message as _;

use crate::keys;
use crate::projection::Accepted;
use crate::queries::reader::{Reader, Refusal};
use crate::store::{Batch, StoreError, View};

/// What stands in the place of a redacted text.
const REDACTED: &str = "[redacted]";

/// Keeps what a record redacts, whatever becomes of its ticket's row.
pub(super) fn put(accepted: &Accepted<'_>, ticket: TicketId, batch: &mut Batch<'_>) {
    let record = accepted.record;
    let Some(e) = record.event.redacted() else { return };
    let key = keys::redaction(&record.tenant, ticket, e.comment_id, record.position);
    if let Some(row) = e.clone().to_wire() {
        batch.put(keys::REDACTIONS, &key, &row.encode_to_vec());
    }
}

/// What is redacted of the tickets of an answer, each looked up once.
#[derive(Default)]
pub(super) struct Redactions {
    known: BTreeMap<TicketId, BTreeMap<CommentId, Redacted>>,
}

impl Redactions {
    /// Takes what was redacted out of a record that goes into an answer.
    pub(super) fn hide(&mut self, reader: &Reader<'_>, record: &mut wire::Record) -> Result<(), Refusal> {
        let Some((id, is_comment)) = written(record.data.as_ref()) else { return Ok(()) };
        let Some(ticket) = TicketId::parse(&record.stream_id) else { return Ok(()) };
        let of_ticket = match self.known.entry(ticket) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(of_ticket(&reader.view, reader.tenant(), ticket)?),
        };
        let Some(redacted) = of_ticket.get(&id) else { return Ok(()) };
        // A draft may have been edited before it went out, so spans of the comment are none of it.
        if let (true, Redacted::Spans(spans)) = (is_comment, redacted) {
            reader.open(of_record(record));
            if let Some(Personal { form: Some(Form::Plain(text)) }) = body(record) {
                *text = without(text, spans);
                return Ok(());
            }
        }
        if let Some(body) = body(record) {
            body.form = Some(Form::Plain(REDACTED.to_owned()));
        }
        Ok(())
    }
}

/// The comment of a record, or the draft that became it.
fn written(data: Option<&Data>) -> Option<(CommentId, bool)> {
    if let Some(Data::CommentAdded(e)) = data {
        Some((CommentId::from_wire(e.comment_id.clone()).ok()?, true))
    } else if let Some(Data::ReplyDrafted(e)) = data {
        Some((CommentId::from_wire(e.draft_id.clone()).ok()?, false))
    } else {
        None
    }
}

/// The only text of such a record.
fn body(record: &mut wire::Record) -> Option<&mut Personal> {
    personal::on_wire(record.data.as_mut()?).next().map(|(_, text)| text)
}

fn of_ticket(
    view: &View<'_>,
    tenant: &str,
    ticket: TicketId,
) -> Result<BTreeMap<CommentId, Redacted>, StoreError> {
    let damaged = || StoreError::Damaged { what: "what was redacted of a ticket" };
    let mut all: BTreeMap<CommentId, Redacted> = BTreeMap::new();
    for row in view.redactions(tenant, ticket) {
        let row = wire::CommentRedacted::decode(row?.as_ref()).map_err(|_| damaged())?;
        let id = CommentId::from_wire(row.comment_id).map_err(|_| damaged())?;
        let spans: Vec<TextSpan> = Vec::from_wire(row.spans).map_err(|_| damaged())?;
        let before = all.remove(&id).unwrap_or(Redacted::Spans(Vec::new()));
        all.insert(id, before.and(&spans));
    }
    Ok(all)
}

/// A text without these spans, which are in order.
fn without(text: &str, spans: &[TextSpan]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut spans = spans.iter().peekable();
    for (n, letter) in text.chars().enumerate() {
        while spans.next_if(|span| span.end() as usize <= n).is_some() {}
        match spans.peek() {
            Some(span) if span.from as usize == n => out.push_str(REDACTED),
            Some(span) if (span.from as usize) < n => {}
            Some(_) | None => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_characters_and_leave_the_rest() {
        let span = |from, length| TextSpan { from, length };
        assert_eq!(without("Elle s’appelle Éva.", &[span(15, 3)]), "Elle s’appelle [redacted].");
        assert_eq!(without("abcdef", &[span(0, 2), span(3, 1)]), "[redacted]c[redacted]ef");
        assert_eq!(without("abc", &[span(1, 99)]), "a[redacted]");
        assert_eq!(without("abc", &[]), "abc");
    }
}
