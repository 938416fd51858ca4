//! The head of a history: what it is about, who is concerned, and the dates.

use chrono_tz::Tz;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::view::readable;
use guichet_schemas::wire;
use guichet_schemas::wire::record::Data;
use guichet_schemas::words::{Channel, Priority, RequesterKind, ResolutionCode, TicketType};

use super::Story;
use crate::show;
use guichet_client::output::{Look, one_line};

/// Columns of the labels.
const LABELS: usize = 12;

pub(super) fn write(story: &Story<'_>, zone: Tz, look: Look) -> String {
    let t = story.ticket;
    let title = format!("{}  {}", t.number, one_line(readable(t.subject.as_ref())));
    let mut out = format!("{}\n{}\n\n", look.bold(&title), classification(t));
    let mut row = |label: &str, text: String| {
        for (i, line) in show::wrapped(&one_line(&text), look.width - LABELS - 2).iter().enumerate() {
            let label = look.dim(&format!("{:<LABELS$}", if i == 0 { label } else { "" }));
            out.push_str(&format!("  {label}{line}\n"));
        }
    };
    row("Requester", requester(t));
    row(
        "Assignee",
        match (&t.assignee, &t.group) {
            (Some(agent), Some(group)) => format!("{agent}, group {group}"),
            (Some(agent), None) => format!("{agent}, no group"),
            (None, Some(group)) => format!("nobody, group {group}"),
            (None, None) => "nobody, no group".to_owned(),
        },
    );
    if !t.tags.is_empty() {
        row("Tags", t.tags.join(", "));
    }
    let second = |ms: i64| show::second(Timestamp(ms), zone);
    row("Created", second(t.created_at));
    if let Some(last) = t.last_resolved_at {
        row("Resolved", resolved(t, last, zone));
    }
    if let Some(proposal) = &t.proposal {
        let since = second(proposal.proposed_at);
        row("Proposed", format!("by {} {since}; the requester has not decided", proposal.by));
    }
    if let Some(at) = t.reopen_held_at {
        row(
            "Held",
            format!("since {} a requester's message waits: it did not reopen the ticket", second(at)),
        );
    }
    if !t.links.is_empty() {
        row("Linked", show::links(t));
    }
    for (label, named) in [("Elsewhere", show::externals(t)), ("Assets", show::assets(t))] {
        if !named.is_empty() {
            row(label, named);
        }
    }
    if let Some(workaround) = &t.workaround {
        row("Workaround", readable(workaround.text.as_ref()).to_owned());
    }
    if let Some(i) = &t.incidents {
        let (total, over) = (i.total, i.over);
        row(
            "Incidents",
            format!("{total}: {} unresolved, {} resolved, {over} over", i.unresolved, i.resolved),
        );
    }
    if !t.merged_into.is_empty() {
        row("Merged into", show::numbers(&t.merged_into));
    }
    if !t.merged_from.is_empty() {
        row("Merged here", show::numbers(&t.merged_from));
    }
    if let Some(at) = t.closed_at {
        row("Closed", second(at));
    }
    if let Some(at) = t.cancelled_at {
        row("Cancelled", second(at));
    }
    if let Some(at) = t.due_at {
        row("Due", second(at));
    }
    if let Some(from) = imported(story.entries) {
        row("Imported", format!("from {}, recorded {}", from.0, second(from.1)));
    }
    let id = TicketId::from_wire(t.ticket_id.clone()).map_or_else(|_| String::new(), |id| format!("{id}, "));
    row("Ticket", format!("{id}version {}", t.version));
    let before =
        story.as_of.map_or(String::new(), |at| format!("what happened before {}, ", show::second(at, zone)));
    row("Shown", format!("{before}as known at position {}; times in {zone}", story.position));
    out
}

fn classification(t: &wire::TicketView) -> String {
    let mut words = vec![
        show::state(t),
        format!("{} priority", show::word::<Priority>(t.priority)),
        show::word::<TicketType>(t.r#type),
    ];
    words.extend(t.category.clone());
    words.push(format!("tier {}", t.tier));
    if t.synthetic {
        words.push("training ticket".to_owned());
    }
    one_line(&words.join(" · "))
}

fn requester(t: &wire::TicketView) -> String {
    let mut words = vec![t.requester.clone()];
    let texts = [&t.requester_name, &t.requester_email, &t.requester_phone];
    words.extend(texts.iter().map(|p| readable(p.as_ref()).to_owned()).filter(|text| !text.is_empty()));
    words.extend(t.requester_kind.map(show::word::<RequesterKind>));
    words.extend(t.organisation.clone());
    format!("{}; by {}", words.join(", "), show::word::<Channel>(t.channel))
}

fn resolved(t: &wire::TicketView, last: i64, zone: Tz) -> String {
    let mut text = show::second(Timestamp(last), zone);
    if let Some(resolution) = &t.resolution {
        text.push_str(&format!(" by {} ({})", resolution.by, show::word::<ResolutionCode>(resolution.code)));
    }
    if let Some(first) = t.first_resolved_at.filter(|first| *first != last) {
        text.push_str(&format!("; first {}", show::second(Timestamp(first), zone)));
    }
    if t.reopen_count > 0 {
        text.push_str(&format!("; reopened {}", show::count(u64::from(t.reopen_count), "time", "times")));
    }
    text
}

/// Where the facts come from, and when they were recorded.
fn imported(entries: &[wire::TimelineEntry]) -> Option<(String, i64)> {
    entries.iter().find_map(|entry| match &entry.data.as_ref()?.data {
        Some(Data::TicketImported(e)) => Some((format!("{} {}", e.source, e.external_id), entry.recorded_at)),
        Some(_) | None => None,
    })
}
