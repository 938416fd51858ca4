//! The lines of a history, grouped by day.

use chrono_tz::Tz;
use guichet_schemas::time::Timestamp;
use guichet_schemas::view::readable;
use guichet_schemas::wire;
use guichet_schemas::wire::record::Data;
use guichet_schemas::words::ActorKind;

use crate::show;
use guichet_client::output::{Look, one_line, printable};

/// Columns before the text of a line: two blanks, the clock, two blanks.
const MARGIN: usize = 12;
/// Facts are shown with both their times where these differ by this much, in milliseconds.
const LATE_MS: u64 = 1000;
/// The quotation in the sentence of a comment begins with this.
const QUOTE: &str = ": “";

pub(super) fn write(out: &mut String, entries: &[wire::TimelineEntry], zone: Tz, look: Look) {
    let mut day = String::new();
    // The second of the newest late record: an import records a whole life at once, and says so once.
    let mut late = String::new();
    for entry in entries {
        let at = Timestamp(entry.occurred_at);
        let today = show::day(at, zone);
        if today != day {
            out.push_str(&format!("\n{}\n", look.bold(&today)));
            day = today;
        }
        let lines = show::wrapped(&sentence(entry), look.width - MARGIN);
        for (i, line) in lines.iter().enumerate() {
            let clock = if i == 0 { show::clock(at, zone) } else { String::new() };
            out.push_str(&format!("  {clock:<8}  {line}\n"));
        }
        let recorded = show::second(Timestamp(entry.recorded_at), zone);
        let mut notes = vec![who(entry), format!("v{}", entry.version), format!("#{}", entry.position)];
        if entry.recorded_at.abs_diff(entry.occurred_at) >= LATE_MS && recorded != late {
            notes.push(format!("recorded {recorded}"));
            late = recorded;
        }
        notes.extend(source_time(entry).map(|said| format!("the source says {}", show::second(said, zone))));
        aside(out, &one_line(&notes.join(" · ")), look);
        for line in
            said(entry).iter().flat_map(|text| show::wrapped(&printable(text), look.width - MARGIN - 2))
        {
            out.push_str(&format!("{:MARGIN$}{}\n", "", format!("│ {line}").trim_end()));
        }
    }
}

/// Puts a note at the right end of the last line, or below it where there is no room.
fn aside(out: &mut String, note: &str, look: Look) {
    let last = out.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default().chars().count();
    let length = note.chars().count();
    if last + 2 + length <= look.width {
        out.truncate(out.trim_end_matches('\n').len());
        out.push_str(&format!("{:1$}", "", look.width - last - length));
    } else {
        out.push_str(&format!("{:1$}", "", look.width.saturating_sub(length)));
    }
    out.push_str(&look.dim(note));
    out.push('\n');
}

/// The event as a sentence. A comment is not quoted: it stands below in full.
fn sentence(entry: &wire::TimelineEntry) -> String {
    let line = one_line(&entry.sentence);
    match data(entry) {
        Some(Data::CommentAdded(_) | Data::CommentCopied(_)) => {
            line.split_once(QUOTE).map_or(line.clone(), |(start, _)| format!("{start}:"))
        }
        Some(_) | None => line,
    }
}

fn said(entry: &wire::TimelineEntry) -> Option<String> {
    let data = data(entry)?;
    if let Data::CommentAdded(e) = data {
        Some(readable(e.body.as_ref()).to_owned())
    } else if let Data::CommentCopied(e) = data {
        Some(readable(e.body.as_ref()).to_owned())
    } else if let Data::TicketCreated(e) = data {
        Some(readable(e.description.as_ref()).to_owned())
    } else if let Data::TicketResolved(e) = data {
        let summary = readable(e.summary.as_ref());
        // The sentence quotes it whole where it is short.
        let mut lines: Vec<String> = Vec::new();
        if !entry.sentence.contains(&format!("“{summary}”")) {
            lines.push(summary.to_owned());
        }
        lines.extend((1..).zip(&e.steps).map(|(i, step)| format!("{i}. {step}")));
        lines.extend(e.root_cause.as_ref().map(|cause| format!("Root cause: {cause}")));
        (!lines.is_empty()).then(|| lines.join("\n"))
    } else {
        None
    }
}

fn data(entry: &wire::TimelineEntry) -> Option<&Data> {
    entry.data.as_ref()?.data.as_ref()
}

fn source_time(entry: &wire::TimelineEntry) -> Option<Timestamp> {
    entry.data.as_ref()?.source_time.map(Timestamp)
}

/// The actor, as claimed, and the service that called.
fn who(entry: &wire::TimelineEntry) -> String {
    let actor = entry
        .actor
        .as_ref()
        .map_or_else(|| "unknown".to_owned(), |a| format!("{} {}", show::word::<ActorKind>(a.kind), a.id));
    format!("{actor} via {}", entry.caller)
}
