//! When work came, and to whom: creations and reopenings, as they were and as a draft of the routing would have had them.

use std::collections::BTreeMap;

use guichet_schemas::event::{Event, LifeCycle, TicketEvent};
use guichet_schemas::ids::TicketId;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_sla::Ticket;

use super::draft::Routing;

/// A ticket as it came.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    pub(super) at: Timestamp,
    /// The first group that it had.
    pub(super) group: Option<String>,
    /// The group that the draft says; `None`: no rule is for it.
    pub(super) drafted: Option<String>,
    /// When it was reopened, and which group had it then.
    pub(super) reopened: Vec<(Timestamp, Option<String>)>,
}

/// Work that comes to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Work<'a> {
    pub(super) at: Timestamp,
    pub(super) group: Option<&'a str>,
    pub(super) again: bool,
}

/// Gathers what came.
#[derive(Debug, Default)]
pub(super) struct Arrivals(BTreeMap<TicketId, Arrived>);

impl Arrivals {
    /// Takes a record of a ticket, and the ticket after it.
    pub(super) fn take(
        &mut self,
        id: TicketId,
        record: &Record,
        ticket: Option<&Ticket>,
        routing: Option<&Routing>,
    ) {
        let attribute = |name: &str| ticket.map_or_else(Vec::new, |ticket| ticket.attribute(name).to_vec());
        let group = attribute("group").into_iter().next();
        if let Some(created) = record.event.created() {
            let drafted = routing.and_then(|routing| routing.group(created.tier, attribute));
            let drafted = drafted.map(str::to_owned);
            let arrived = Arrived { at: record.occurred_at, group, drafted, reopened: Vec::new() };
            self.0.insert(id, arrived);
            return;
        }
        let Some(arrived) = self.0.get_mut(&id) else { return };
        if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_))) = &record.event {
            arrived.reopened.push((record.occurred_at, group.clone()));
        }
        if arrived.group.is_none() {
            arrived.group = group;
        }
    }

    /// Takes a ticket out again, such as one of the sandbox.
    pub(super) fn forget(&mut self, id: TicketId) {
        self.0.remove(&id);
    }

    /// The tickets that came within a span.
    pub(super) fn tickets(&self, span: (Option<Timestamp>, Timestamp)) -> impl Iterator<Item = &Arrived> {
        self.0.values().filter(move |arrived| is_within(arrived.at, span))
    }

    /// The work that came within a span, the oldest first. With a draft, a ticket is for the group that the draft says,
    /// when it comes and when it comes again.
    pub(super) fn work(&self, span: (Option<Timestamp>, Timestamp)) -> Vec<Work<'_>> {
        let each = self.0.values().flat_map(|arrived| {
            let drafted = arrived.drafted.as_deref();
            let again = arrived.reopened.iter().map(move |(at, group)| Work {
                at: *at,
                group: drafted.or(group.as_deref()),
                again: true,
            });
            let first = Work { at: arrived.at, group: drafted.or(arrived.group.as_deref()), again: false };
            std::iter::once(first).chain(again)
        });
        let mut work: Vec<_> = each.filter(|work| is_within(work.at, span)).collect();
        work.sort_unstable();
        work
    }
}

fn is_within(at: Timestamp, (from, to): (Option<Timestamp>, Timestamp)) -> bool {
    from.is_none_or(|from| at >= from) && at < to
}
