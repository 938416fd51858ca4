//! `queue`: the tickets that wait, in the order in which they should be taken.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use guichet_schemas::codec::number_text;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::rejection::FieldError;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{QueueEntry, QueueView};
use guichet_schemas::words::QueueOrder;
use prost::Message as _;

use crate::keys;
use crate::model::queues::{self, Lane, Row, Subject, TenantBoard, Waiting};
use crate::queries::ask::Name;
use crate::queries::ask::{Ask, Queue};
use crate::queries::page::{NOT_OURS, Page};
use crate::queries::reader::{Found, Reader, Refusal};
use crate::store::StoreError;

/// Where a ticket stands in an order: the smaller comes first, and no two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Without anything that would move it.
    Came(u64),
    /// By when it is due; those that never are stand behind, as [`Place::Never`].
    Due(i64, u64),
    Never(u64),
    /// By points, the most first.
    Points(Reverse<Points>, u64),
}

/// Points that can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Points(f64);

impl Eq for Points {}

impl PartialOrd for Points {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Points {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Where a page ended, and of which instant its order is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cursor {
    pub(super) now: Timestamp,
    after: Place,
}

impl Cursor {
    pub(super) fn read(ask: &Ask, order: QueueOrder) -> Result<Option<Self>, FieldError> {
        let Some(text) = &ask.cursor else { return Ok(None) };
        Self::parse(text, order).map(Some).ok_or_else(|| FieldError::new("cursor", NOT_OURS))
    }

    fn parse(text: &str, order: QueueOrder) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let [kind, now, key, place] = parts[..] else { return None };
        let place: u64 = place.parse().ok()?;
        let after = match (order, kind) {
            (QueueOrder::Fifo, "f") => Place::Came(place),
            (QueueOrder::Due, "d") => Place::Due(key.parse().ok()?, place),
            (QueueOrder::Due, "n") => Place::Never(place),
            (QueueOrder::Priority, "s") => {
                Place::Points(Reverse(Points(f64::from_bits(u64::from_str_radix(key, 16).ok()?))), place)
            }
            (QueueOrder::Fifo | QueueOrder::Due | QueueOrder::Priority, _) => return None,
        };
        Some(Self { now: Timestamp::new(now.parse().ok()?)?, after })
    }

    fn write(self) -> String {
        let now = self.now.0;
        match self.after {
            Place::Came(place) => format!("f.{now}..{place}"),
            Place::Due(due, place) => format!("d.{now}.{due}.{place}"),
            Place::Never(place) => format!("n.{now}..{place}"),
            Place::Points(Reverse(Points(points)), place) => {
                format!("s.{now}.{:x}.{place}", points.to_bits())
            }
        }
    }
}

pub(super) fn answer(reader: &Reader<'_>, desk: &TenantBoard, which: &Queue) -> Result<Found, Refusal> {
    let after = Cursor::read(reader.ask, which.order)?.map(|cursor| cursor.after);
    let mut page = Page::new(reader.ask);
    let (mut last, mut next) = (after, None);
    // One more than the page takes, to know whether there is another.
    for (place, waiting) in line(reader, desk, which, after)? {
        if !page.takes(entry(reader, waiting)?) {
            next = last.map(|after| Cursor { now: reader.now, after }.write());
            break;
        }
        last = Some(place);
    }
    Ok((Data::Queue(QueueView { tickets: page.into_entries() }), next))
}

/// The tickets of the queue behind a place, in order: one more than a page takes.
fn line<'a>(
    reader: &Reader<'_>,
    desk: &'a TenantBoard,
    which: &Queue,
    after: Option<Place>,
) -> Result<Vec<(Place, &'a Waiting)>, Refusal> {
    let (now, most) = (reader.now, reader.ask.limit.saturating_add(1));
    let Some(lane) = lane(desk, which) else { return Ok(Vec::new()) };
    // Ends a walk that costs too much or cannot be read; why is said at the end.
    let over = Cell::new(None);
    let is_hidden = |id| {
        reader.hides(id).unwrap_or_else(|why| {
            over.set(Some(why));
            true
        })
    };
    let found = |place: u64| {
        let waiting = desk.waiting.get(&place).filter(|waiting| takes(which, &waiting.row));
        waiting.filter(|waiting| !is_hidden(waiting.id))
    };
    let goes_on = || reader.entry(0).map_err(|why| over.set(Some(why))).is_ok();
    let came = |after: u64| {
        let places = lane.places.range((Excluded(after), Unbounded)).take_while(|_| goes_on());
        places.filter_map(|place| found(*place))
    };
    let line: Vec<_> = match which.order {
        QueueOrder::Fifo => {
            let after = match after {
                Some(Place::Came(place)) => place,
                Some(Place::Due(..) | Place::Never(_) | Place::Points(..)) | None => 0,
            };
            came(after).map(|waiting| (Place::Came(waiting.row.place), waiting)).take(most).collect()
        }
        QueueOrder::Due => {
            let (due, never) = match after {
                Some(Place::Due(due, place)) => (Some(Excluded((due, place))), 0),
                Some(Place::Never(place)) => (None, place),
                Some(Place::Came(_) | Place::Points(..)) | None => (Some(Included((i64::MIN, 0))), 0),
            };
            let due = due.into_iter().flat_map(|from| lane.due.range((from, Unbounded)));
            let due = due.take_while(|_| goes_on());
            let due = due.filter_map(|(at, place)| Some((Place::Due(*at, *place), found(*place)?)));
            let never = came(never).filter(|waiting| waiting.due_at.is_none());
            due.chain(never.map(|waiting| (Place::Never(waiting.row.place), waiting))).take(most).collect()
        }
        QueueOrder::Priority => {
            // The score moves with the instant, so no order is kept; but only the first need be sorted.
            let mut first = BinaryHeap::with_capacity(most.saturating_add(1));
            for place in lane.places.iter().take_while(|_| goes_on()) {
                let Some(waiting) = found(*place) else { continue };
                let points = Points(queues::points(waiting, now));
                let place = Place::Points(Reverse(points), waiting.row.place);
                if after.is_some_and(|after| place <= after) {
                    continue;
                }
                if first.len() < most {
                    first.push(place);
                } else if first.peek().is_some_and(|worst| place < *worst) {
                    first.pop();
                    first.push(place);
                }
            }
            let ordered = first.into_sorted_vec().into_iter();
            ordered.filter_map(|place| Some((place, desk.waiting.get(&number(place))?))).collect()
        }
    };
    over.take().map_or(Ok(line), Err)
}

const fn number(place: Place) -> u64 {
    match place {
        Place::Came(place) | Place::Due(_, place) | Place::Never(place) | Place::Points(_, place) => place,
    }
}

/// The smallest lane that holds all that is asked for.
fn lane<'a>(desk: &'a TenantBoard, which: &Queue) -> Option<&'a Lane> {
    let group = which.group.as_ref().map(|name| desk.groups.get(name));
    let agent = which.agent.as_ref().map(|name| desk.agents.get(name));
    match (group, agent) {
        (None, None) => Some(&desk.all),
        (Some(lane), None) | (None, Some(lane)) => lane,
        (Some(group), Some(agent)) => {
            let (group, agent) = (group?, agent?);
            Some(if group.places.len() <= agent.places.len() { group } else { agent })
        }
    }
}

fn takes(which: &Queue, row: &Row) -> bool {
    let is = |wanted: &Option<Name>, name: Option<&String>| match wanted {
        None => true,
        Some(Name::Named(wanted)) => name == Some(wanted),
        Some(Name::Without) => name.is_none(),
    };
    is(&which.group, row.group.as_ref()) && is(&which.agent, row.assignee.as_ref())
}

fn entry(reader: &Reader<'_>, waiting: &Waiting) -> Result<QueueEntry, StoreError> {
    let Waiting { id, row, .. } = waiting;
    let subject = match reader.view.get(keys::SUBJECTS, &keys::ticket(reader.tenant(), *id))? {
        Some(bytes) => Subject::decode(bytes.as_slice())
            .map_err(|_| StoreError::Damaged { what: "a ticket's subject" })?,
        None => Subject::default(),
    };
    // A claim ends by itself: no event says so.
    let claim = row.claimed_until.filter(|until| reader.now.0 < *until);
    Ok(QueueEntry {
        ticket_id: id.to_wire(),
        number: number_text(row.number),
        state: row.state,
        priority: row.priority,
        group: row.group.clone(),
        assignee: row.assignee.clone(),
        subject: subject.text,
        created_at: row.created_at,
        state_since: row.state_since,
        due_at: waiting.due_at,
        age_ms: reader.now.since(Timestamp(row.created_at)),
        score: Some(queues::score(waiting, reader.now)),
        organisation: row.organisation.clone(),
        tier: row.tier,
        reopen_held_at: row.reopen_held_at,
        created_command_id: Some(subject.command_id).filter(|id| !id.is_empty()),
        claimed: claim.is_some(),
        claimed_by: claim.and_then(|_| row.claimed_by.clone()),
        claimed_until: claim,
    })
}
