//! Where the time went: from the creation to the milestones, and in each state, group and pair of hands.

use guichet_rules::{Ticket, evolve};
use guichet_schemas::event::{Event, LifeCycle, TicketEvent};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;

use super::Story;
use crate::show;
use guichet_client::output::{Look, one_line};

/// Columns of the labels.
const LABELS: usize = 20;

/// Spans in milliseconds.
#[derive(Debug, Default)]
struct Spans {
    created: Option<Timestamp>,
    first_resolved: Option<u64>,
    last_resolved: Option<u64>,
    closed: Option<u64>,
    cancelled: Option<u64>,
    /// In the order in which they first occurred.
    states: Vec<(String, u64)>,
    groups: Vec<(String, u64)>,
    agents: Vec<(String, u64)>,
}

pub(super) fn write(out: &mut String, story: &Story<'_>, look: Look) {
    out.push_str(&format!("\n{}\n", look.bold("In total")));
    let mut row = |label: &str, text: &str| {
        for (i, line) in show::wrapped(&one_line(text), look.width - LABELS - 2).iter().enumerate() {
            let label = look.dim(&format!("{:<LABELS$}", if i == 0 { label } else { "" }));
            out.push_str(&format!("  {label}{line}\n"));
        }
    };
    match measure(story.entries, story.now) {
        Some(spans) => {
            for (label, ms) in [
                ("first resolution", spans.first_resolved),
                ("last resolution", spans.last_resolved.filter(|last| Some(*last) != spans.first_resolved)),
                ("closing", spans.closed),
                ("cancellation", spans.cancelled),
            ] {
                ms.into_iter().for_each(|ms| row(label, &format!("{} after the creation", show::span(ms))));
            }
            if let (None, None, Some(created)) = (spans.closed, spans.cancelled, spans.created) {
                row("age", &show::span(story.now.since(created)));
            }
            for (label, list) in [
                ("time in state", &spans.states),
                ("unsolved in group", &spans.groups),
                ("unsolved with", &spans.agents),
            ] {
                let text = listed(list);
                if !text.is_empty() {
                    row(label, &text);
                }
            }
        }
        None => row("times", "unknown: an event is of a newer program, upgrade this one"),
    }
    row("counts", &counts(story.ticket, story.entries.len() as u64));
}

/// Spans shorter than a second were only passed through.
fn listed(list: &[(String, u64)]) -> String {
    list.iter()
        .filter(|(_, ms)| *ms >= 1000)
        .map(|(name, ms)| format!("{name} {}", show::span(*ms)))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn counts(t: &wire::TicketView, events: u64) -> String {
    let mut words = vec![show::count(events, "event", "events")];
    for (n, one, many) in [
        (t.public_comments, "public comment", "public comments"),
        (t.internal_comments, "internal comment", "internal comments"),
        (t.agent_changes, "change of agent", "changes of agent"),
        (t.group_changes, "change of group", "changes of group"),
        (t.escalations, "escalation", "escalations"),
        (t.reopen_count, "reopening", "reopenings"),
    ] {
        if n > 0 {
            words.push(show::count(u64::from(n), one, many));
        }
    }
    words.join(" · ")
}

/// `None` where an event is unknown here: a fold that skips it would tell wrong times.
fn measure(entries: &[wire::TimelineEntry], now: Timestamp) -> Option<Spans> {
    let mut spans = Spans::default();
    let mut before: Option<(Ticket, Timestamp)> = None;
    for entry in entries {
        let record = Record::from_wire(entry.data.clone()?).ok()?;
        let at = record.occurred_at;
        let ticket = match before.take() {
            Some((ticket, since)) => {
                spans.add(&ticket, at.since(since));
                Some(ticket)
            }
            None => None,
        };
        if let Event::Ticket(TicketEvent::LifeCycle(event)) = &record.event {
            spans.milestone(event, at);
        }
        before = Some((evolve(ticket, &record.event, at), at));
    }
    if let Some((ticket, since)) = before {
        spans.add(&ticket, now.since(since));
    }
    Some(spans)
}

impl Spans {
    fn add(&mut self, ticket: &Ticket, ms: u64) {
        // Before its creation, and after its end, no time of a ticket passes.
        if self.created.is_none() || ticket.state().is_terminal() {
            return;
        }
        let reason =
            ticket.hold_reason().map_or(String::new(), |r| format!(" ({})", r.as_str().replace('_', " ")));
        put(&mut self.states, format!("{}{reason}", ticket.state()), ms);
        if !ticket.state().is_done() {
            put(&mut self.groups, ticket.group.clone().unwrap_or_else(|| "none".to_owned()), ms);
            put(&mut self.agents, ticket.assignee.clone().unwrap_or_else(|| "nobody".to_owned()), ms);
        }
    }

    fn milestone(&mut self, event: &LifeCycle, at: Timestamp) {
        let after = at.since(self.created.unwrap_or(at));
        match event {
            LifeCycle::TicketCreated(_) => self.created = Some(at),
            LifeCycle::TicketResolved(_) => {
                self.first_resolved.get_or_insert(after);
                self.last_resolved = Some(after);
            }
            // Only an imported ticket comes back from there.
            LifeCycle::TicketReopened(_) => self.closed = None,
            LifeCycle::TicketClosed(_) => self.closed = Some(after),
            LifeCycle::TicketCancelled(_) => self.cancelled = Some(after),
            LifeCycle::TicketImported(_) | LifeCycle::StatusChanged(_) => {}
        }
    }
}

fn put(list: &mut Vec<(String, u64)>, name: String, ms: u64) {
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += ms,
        None => list.push((name, ms)),
    }
}
