//! The clocks of a desk under one course of its configuration, and the promises that were broken there.

use std::collections::{BTreeMap, HashMap};

use guichet_schemas::ids::TicketId;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_sla::{Fact, Kind, Rulebook, Ticket, TimerName};

/// A promise: of which ticket, its metric, and which of its metric.
pub type Promise = (TicketId, &'static str, u32);

/// Broken promises, and when each was broken.
pub type Broken = BTreeMap<Promise, Timestamp>;

/// The published configuration, the tickets under it, and the promises that were broken.
#[derive(Debug, Clone, Default)]
pub struct Course {
    pub book: Rulebook,
    /// The clocks of each ticket.
    pub tickets: HashMap<TicketId, Ticket>,
    pub broken: Broken,
}

impl Course {
    /// Takes the next record of a ticket.
    pub fn take(&mut self, id: TicketId, record: &Record) {
        let mut facts = Vec::new();
        let ticket = Ticket::fold(self.tickets.remove(&id), record, &self.book, &mut facts);
        self.tickets.insert(id, ticket);
        note(&mut self.broken, id, &facts);
    }

    /// Lets time pass until an instant.
    pub fn end(&mut self, to: Timestamp) {
        let Self { book, tickets, broken } = self;
        #[expect(clippy::iter_over_hash_type, reason = "each ticket is advanced by itself")]
        for (id, ticket) in tickets {
            let mut facts = Vec::new();
            if ticket.time() < to {
                ticket.advance(to, book, &mut facts);
            }
            note(broken, *id, &facts);
        }
    }
}

fn note(broken: &mut Broken, id: TicketId, facts: &[Fact]) {
    for fact in facts {
        if let (TimerName::Clock(metric), Kind::Breached { .. }) = (&fact.of, &fact.kind) {
            broken.insert((id, metric.as_str(), fact.instance), fact.at);
        }
    }
}

/// The promises that were broken in one course and not in the other.
#[must_use]
pub fn only_in(these: &Broken, those: &Broken) -> Broken {
    let missing = these.iter().filter(|(promise, _)| !those.contains_key(*promise));
    missing.map(|(promise, at)| (*promise, *at)).collect()
}
