//! What happened, in the language of the page. English comes with the answer; French is written here, from the same
//! record.

mod french;
pub(super) mod words;

use guichet_schemas::record::Record;
use guichet_schemas::view::readable;
use guichet_schemas::wire;
use guichet_schemas::wire::record::Data;

use super::text::Text;

/// The quotation in the English sentence of a comment begins with this.
const QUOTE: &str = ": “";

/// A sentence, and the code of its language.
pub(super) fn of(t: &Text, entry: &wire::TimelineEntry) -> (String, &'static str) {
    if t.lang == "fr"
        && let Some(sentence) = french(t, entry)
    {
        return (sentence, "fr");
    }
    let quoted = matches!(data(entry), Some(Data::CommentAdded(_) | Data::CommentCopied(_)));
    match entry.sentence.split_once(QUOTE).filter(|_| quoted) {
        Some((start, _)) => (start.to_owned(), "en"),
        None => (entry.sentence.clone(), "en"),
    }
}

/// Nothing where the event is of a newer program: its English sentence is better than none.
fn french(t: &Text, entry: &wire::TimelineEntry) -> Option<String> {
    let record = Record::from_wire(entry.data.clone()?).ok()?;
    Some(french::sentence(t, &record.actor, &record.event))
}

/// The text that somebody wrote, in full; the sentence does not quote it, or not all of it.
pub(super) fn said(t: &Text, entry: &wire::TimelineEntry) -> Option<String> {
    let data = data(entry)?;
    if let Data::CommentAdded(e) = data {
        return Some(readable(e.body.as_ref()).to_owned());
    }
    if let Data::CommentCopied(e) = data {
        return Some(readable(e.body.as_ref()).to_owned());
    }
    let Data::TicketResolved(e) = data else { return None };
    let summary = readable(e.summary.as_ref());
    let mut lines = Vec::new();
    // The sentence quotes it whole where it is short.
    if !entry.sentence.contains(&format!("“{summary}”")) {
        lines.push(summary.to_owned());
    }
    lines.extend((1..).zip(&e.steps).map(|(n, step)| format!("{n}. {step}")));
    lines.extend(e.root_cause.as_ref().map(|cause| super::text::fill(t.root_cause, &[cause])));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn data(entry: &wire::TimelineEntry) -> Option<&Data> {
    entry.data.as_ref()?.data.as_ref()
}

#[cfg(test)]
mod tests;
