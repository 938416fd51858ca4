//! What the reports are made of, folded from the log as the read models do: the moments of every ticket, and what the
//! desk had published.

use std::collections::HashMap;

use guichet_config::{Configuration, Publication};
use guichet_history::HistoryError;
use guichet_history::filter::ticket_of;
use guichet_reports::{Cut, Damaged, History, Kind, by, encode, may_count, moments};
use guichet_schemas::codec::{Head, decode_actor};
use guichet_schemas::event::Event;
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::store::Moment;
use guichet_schemas::words::{ActorKind, StreamKind};
use guichet_sla::{Rulebook, Ticket};

use crate::past::Fold;

/// About how much memory an entry of a map takes beside its moments, and what the clocks of a ticket take.
const ENTRY_BYTES: usize = 64;
const CLOCKS_BYTES: usize = 2 << 10;

/// Moments by ticket, as bytes: they are read once per report.
pub(crate) struct Figures {
    moments: Moments,
    clocks: Option<Clocks>,
    pub(crate) configuration: Configuration,
    /// The earliest instant of a moment, in milliseconds.
    pub(crate) first: Option<i64>,
    /// When the newest record was recorded.
    pub(crate) last: Timestamp,
    /// The newest position.
    pub(crate) position: u64,
    /// Publications, where they are not known to be the first of the desk.
    published: Vec<Event>,
    clocks_bytes: usize,
}

/// The moments of tickets, one behind the other.
#[derive(Default)]
struct Moments {
    of: HashMap<TicketId, Vec<u8>>,
    bytes: usize,
}

/// The same with what clocks did in between.
#[derive(Default)]
struct Clocks {
    book: Rulebook,
    tickets: HashMap<TicketId, Ticket>,
    moments: Moments,
}

impl Figures {
    pub(crate) fn new(tenant: &str, with_clocks: bool) -> Self {
        Self {
            moments: Moments::default(),
            clocks: with_clocks.then(Clocks::default),
            configuration: Configuration::new(tenant),
            first: None,
            last: Timestamp(0),
            position: 0,
            published: Vec::new(),
            clocks_bytes: 0,
        }
    }

    /// Takes the next record of a desk whose clocks nobody asks for: less of it is decoded.
    pub(crate) fn take_head(&mut self, head: &Head<'_>) -> Result<(), HistoryError> {
        let wrong = |problem| HistoryError::Record { position: head.position, problem };
        self.seen(head.position, Timestamp(head.recorded_at));
        let is_config = head.stream_kind == StreamKind::Config.to_wire();
        let ticket = ticket_of(head).filter(|_| may_count(head.r#type));
        if ticket.is_none() && !is_config {
            return Ok(());
        }
        let event = head.event(head.content().map_err(wrong)?).map_err(wrong)?;
        if is_config {
            self.published.push(event);
        } else if let Some(id) = ticket {
            let actor = decode_actor(head.actor).map_err(wrong)?;
            let kind = ActorKind::from_wire(actor.kind).map_err(|problem| wrong(problem.into()))?;
            self.count(id, moments(head.position, head.occurred_at, &event, (kind, &actor.id)));
        }
        Ok(())
    }

    /// Adds what comes behind it in the log.
    pub(crate) fn then(&mut self, later: Self) {
        self.seen(later.position, later.last);
        self.first = self.first.into_iter().chain(later.first).min();
        self.moments.then(later.moments);
        self.published.extend(later.published);
    }

    /// Brings what was published into force. There is nothing before it.
    pub(crate) fn publish(&mut self) {
        for event in std::mem::take(&mut self.published) {
            if Publication::of(&event).is_some_and(|publication| publication.kind.is_read_by_reports()) {
                self.configuration.evolve(&event);
            }
        }
    }

    /// The histories that a report is a sum over.
    pub(crate) fn histories(&self, kind: Kind) -> impl Iterator<Item = Result<History, Damaged>> + '_ {
        let of_clocks = Kind::OF_CLOCKS.contains(&kind.as_str());
        let clocked = self.clocks.as_ref().filter(|_| of_clocks).map(|clocks| &clocks.moments);
        let moments = clocked.unwrap_or(&self.moments);
        moments.of.values().map(|bytes| History::read(bytes, Cut::NONE))
    }

    fn seen(&mut self, position: u64, recorded_at: Timestamp) {
        self.position = self.position.max(position);
        self.last = self.last.max(recorded_at);
    }

    fn count(&mut self, id: TicketId, moments: impl Iterator<Item = Moment>) {
        let first = &mut self.first;
        self.moments.append(
            id,
            moments.inspect(|moment| *first = Some(first.map_or(moment.at, |at| at.min(moment.at)))),
        );
    }
}

impl Fold for Figures {
    fn take(&mut self, record: &Record) {
        self.seen(record.position.get(), record.recorded_at);
        if let Some(publication) = Publication::of(&record.event) {
            self.published.push(record.event.clone());
            self.publish();
            if let Some(clocks) = &mut self.clocks {
                clocks.book.take(record.recorded_at, &publication);
            }
        }
        let Some(id) = record.ticket_id() else { return };
        let counted =
            || moments(record.position.get(), record.occurred_at.0, &record.event, by(&record.actor));
        if let Some(clocks) = &mut self.clocks {
            let fresh = clocks.take(id, record, counted());
            self.clocks_bytes = self.clocks_bytes.saturating_add(fresh);
        }
        self.count(id, counted());
    }

    fn bytes(&self) -> usize {
        let clocks = self.clocks.as_ref().map_or(0, |clocks| clocks.moments.bytes);
        self.moments.bytes.saturating_add(clocks).saturating_add(self.clocks_bytes)
    }
}

impl Clocks {
    /// Goes on with a ticket; gives how much memory the ticket takes.
    fn take(&mut self, id: TicketId, record: &Record, counted: impl Iterator<Item = Moment>) -> usize {
        let (mut facts, before) = (Vec::new(), self.tickets.remove(&id));
        let fresh = if before.is_none() { CLOCKS_BYTES } else { 0 };
        self.tickets.insert(id, Ticket::fold(before, record, &self.book, &mut facts));
        // What time did comes before what happened.
        let of_time = facts.iter().filter_map(|fact| fact.counted(record.position.get()));
        self.moments.append(id, of_time.chain(counted));
        fresh
    }
}

impl Moments {
    fn append(&mut self, id: TicketId, moments: impl Iterator<Item = Moment>) {
        let mut moments = moments.peekable();
        if moments.peek().is_none() {
            return;
        }
        let bytes = self.of.entry(id).or_default();
        let (before, entry) = (bytes.capacity(), if bytes.is_empty() { ENTRY_BYTES } else { 0 });
        moments.for_each(|moment| encode(&moment, bytes));
        self.bytes = self.bytes.saturating_add(bytes.capacity().saturating_sub(before)).saturating_add(entry);
    }

    fn then(&mut self, later: Self) {
        if self.of.is_empty() {
            *self = later;
            return;
        }
        self.bytes = self.bytes.saturating_add(later.bytes);
        #[expect(clippy::iter_over_hash_type, reason = "each goes to its own ticket, in whatever order")]
        for (id, bytes) in later.of {
            self.of.entry(id).or_default().extend_from_slice(&bytes);
        }
    }
}
