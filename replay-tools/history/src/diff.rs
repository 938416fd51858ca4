//! `guichet diff`: what changed between two instants or positions, at a desk, in a queue, or of one ticket.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::ControlFlow;

use clap::Args;
use guichet_client::ConnectArgs;
use guichet_client::exit;
use guichet_client::output::{Output, OutputArgs};
use guichet_rules::{Ticket, evolve};
use guichet_schemas::codec::{DecodeError, Head};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::time::Timestamp;
use serde_json::{Value, json};

use crate::HistoryError;
use crate::export::Place;
use crate::filter::{Filter, ticket_of};
use crate::picture::{Field, Picture};
use crate::reader::each;
use crate::source::{History, SourceArgs};

/// Two instants or positions to compare.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  guichet diff --at 2026-03-01T08:00:00Z --at 2026-03-08T08:00:00Z
  guichet diff --at 1200 --group network               # one queue, from position 1200 until now
  guichet diff --at 1200 --at 1900 --ticket T-42 --json

The desk at the first place is compared with the desk at the second, or as it is now where only one is named. With a
filter a ticket counts where it fits at either place, so one that left the group is seen too. Instants are those of the
engine's clock: what was known then.")]
pub struct DiffArgs {
    /// A position, or an instant (RFC 3339); once or twice, the earlier first
    #[arg(long = "at", value_name = "POSITION|TIME", required = true, num_args = 1)]
    pub at: Vec<Place>,
    /// Where the history is read.
    #[command(flatten)]
    pub source: SourceArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Which tickets.
    #[command(flatten)]
    pub filter: Filter,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where the desk is.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

/// A ticket that is not the same at both places.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    pub id: TicketId,
    pub number: TicketNumber,
    /// At the first place; `None`: it did not exist.
    pub before: Option<Picture>,
    /// At the second place.
    pub after: Picture,
    /// Events of it in between.
    pub events: u64,
}

/// The changes of a desk between two positions.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first position.
    pub from: u64,
    /// The second position.
    pub to: u64,
    /// Tickets that are wanted at either place.
    pub tickets: u64,
    /// Those that are new or differ, in the order of their numbers.
    pub changed: Vec<Changed>,
    /// Tickets in each state, at the first and at the second place.
    pub states: BTreeMap<&'static str, (u64, u64)>,
}

impl Difference {
    /// Compares the tickets of a tenant at two positions.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn read(
        history: &History,
        tenant: &str,
        (from, to): (u64, u64),
        filter: &Filter,
        output: Option<&Output>,
    ) -> Result<Self, HistoryError> {
        let progress = output.map(|output| output.progress("reading", to));
        let mut desk = Desk::default();
        each(history, (1, to), progress.as_ref(), |head| {
            if head.tenant == tenant {
                let wrong = |problem| HistoryError::Record { position: head.position, problem };
                desk.take(head, from).map_err(wrong)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(desk.differing(from, to, filter))
    }
}

/// The tickets of a desk as they are, and as those were at the first place that have changed since.
#[derive(Default)]
struct Desk {
    now: HashMap<TicketId, Ticket>,
    since: HashMap<TicketId, Since>,
}

struct Since {
    before: Option<Ticket>,
    events: u64,
}

impl Desk {
    fn take(&mut self, head: &Head<'_>, from: u64) -> Result<(), DecodeError> {
        let Some(id) = ticket_of(head) else { return Ok(()) };
        let event = head.event(head.content()?)?;
        let before = self.now.remove(&id);
        if head.position > from {
            let since = self.since.entry(id).or_insert_with(|| Since { before: before.clone(), events: 0 });
            since.events = since.events.saturating_add(1);
        }
        self.now.insert(id, evolve(before, &event, Timestamp(head.occurred_at)));
        Ok(())
    }

    fn differing(mut self, from: u64, to: u64, filter: &Filter) -> Difference {
        let (mut tickets, mut changed) = (0_u64, Vec::new());
        let mut states: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
        let mut all: Vec<(TicketId, Ticket)> = self.now.drain().collect();
        all.sort_unstable_by_key(|(id, ticket)| (ticket.number, *id));
        for (id, now) in all {
            let since = self.since.remove(&id);
            let before = since.as_ref().map_or(Some(&now), |since| since.before.as_ref());
            let was_wanted = before.is_some_and(|before| filter.takes_ticket(id, before));
            let is_wanted = filter.takes_ticket(id, &now);
            if !was_wanted && !is_wanted {
                continue;
            }
            tickets = tickets.saturating_add(1);
            if let Some(before) = before.filter(|_| was_wanted) {
                let count = &mut states.entry(before.state().as_str()).or_default().0;
                *count = count.saturating_add(1);
            }
            if is_wanted {
                let count = &mut states.entry(now.state().as_str()).or_default().1;
                *count = count.saturating_add(1);
            }
            let Some(since) = since else { continue };
            let before = since.before.map(|before| Picture::of(&before, None));
            let after = Picture::of(&now, None);
            if before.as_ref() != Some(&after) {
                changed.push(Changed { id, number: now.number, before, after, events: since.events });
            }
        }
        Difference { from, to, tickets, changed, states }
    }
}

/// Compares, and prints what differs.
///
/// # Errors
/// The history cannot be read, or the places make no span.
pub fn run(args: &DiffArgs, history: &History) -> Result<u8, HistoryError> {
    let output = Output::new(&args.output);
    let (from, to) = args.span(history)?;
    args.filter.check()?;
    if !args.filter.types.is_empty() {
        return Err(HistoryError::usage("--type chooses events; diff compares tickets"));
    }
    let tenant = args.connect.tenant.as_str();
    let difference = Difference::read(history, tenant, (from, to), &args.filter, Some(&output))?;
    if args.json {
        output.json(&to_json(&difference))?;
    } else {
        print(&difference, &output)?;
    }
    Ok(exit::DONE)
}

impl DiffArgs {
    fn span(&self, history: &History) -> Result<(u64, u64), HistoryError> {
        let (first, second) = match self.at.as_slice() {
            [first] => (first.last(history)?, history.head),
            [first, second] => (first.last(history)?, second.last(history)?),
            _ => return Err(HistoryError::usage("--at is named once or twice")),
        };
        if first > second {
            return Err(HistoryError::usage(format!(
                "the first --at is position {first}, the second is position {second}, which is earlier: swap them"
            )));
        }
        Ok((first, second))
    }
}

fn to_json(difference: &Difference) -> Value {
    let changed = difference.changed.iter().map(|ticket| {
        let changes = ticket.fields().into_iter().map(|field| {
            let before = ticket.before.as_ref().and_then(|picture| picture.get(field));
            json!({"field": field.as_str(), "before": before, "after": ticket.after.get(field)})
        });
        json!({
            "ticket_id": ticket.id.to_string(), "number": ticket.number.to_string(),
            "is_new": ticket.before.is_none(), "events": ticket.events, "changes": changes.collect::<Vec<_>>(),
        })
    });
    let states = difference
        .states
        .iter()
        .map(|(state, (before, after))| json!({"state": state, "before": before, "after": after}));
    json!({
        "from": difference.from, "to": difference.to, "tickets": difference.tickets,
        "states": states.collect::<Vec<_>>(), "changed": changed.collect::<Vec<_>>(),
    })
}

impl Changed {
    fn fields(&self) -> Vec<Field> {
        self.before.as_ref().unwrap_or(&Picture::default()).differing(&self.after)
    }
}

fn print(difference: &Difference, output: &Output) -> Result<(), HistoryError> {
    let states = difference.states.iter().map(|(state, (before, after))| {
        let change = i128::from(*after) - i128::from(*before);
        vec![(*state).to_owned(), before.to_string(), after.to_string(), format!("{change:+}")]
    });
    output.table(&["STATE", "BEFORE", "AFTER", "CHANGE"], states.collect())?;
    let mut rows = Vec::new();
    for ticket in &difference.changed {
        for field in ticket.fields() {
            let before = match &ticket.before {
                None => "(new)",
                Some(picture) => picture.get(field).unwrap_or("(none)"),
            };
            rows.push(vec![
                ticket.number.to_string(),
                field.as_str().to_owned(),
                before.to_owned(),
                ticket.after.get(field).unwrap_or("(none)").to_owned(),
            ]);
        }
    }
    if !rows.is_empty() {
        output.table(&["TICKET", "FIELD", "BEFORE", "AFTER"], rows)?;
    }
    output.note(&format!(
        "positions {} to {}: {} of {} tickets differ",
        difference.from,
        difference.to,
        difference.changed.len(),
        difference.tickets
    ));
    Ok(())
}
