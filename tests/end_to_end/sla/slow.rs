//! The promises of the template `small-team`, judged a second time and otherwise: a table of every minute of ten years,
//! open or not, and each clock worked out from the beginning at each step. Nothing of the product but the words.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, Timelike as _, Utc, Weekday};
use chrono_tz::Europe::Paris;
use guichet_schemas::event::{Classification, Conversation, Event, LifeCycle, SlaEvent, TicketEvent};
use guichet_schemas::record::Record;
use guichet_schemas::words::{AuthorKind, Origin, Priority, TicketState, Visibility};

const MINUTE: i64 = 60_000;
/// 2009-01-01 and 2019-01-01, in minutes.
const FROM: i64 = 20_512_800;
const TO: i64 = 25_772_000;

/// A breach: ticket, metric, instance; when, and due when.
pub(super) type Breaches = BTreeSet<(String, &'static str, u32, i64, i64)>;

/// For each minute, how many were open before it.
struct Minutes(Vec<u32>);

impl Minutes {
    fn of_the_office() -> Self {
        let mut before = Vec::with_capacity(usize::try_from(TO - FROM).expect("small") + 1);
        let mut open = 0;
        for minute in FROM..TO {
            before.push(open);
            open += u32::from(is_open(minute));
        }
        before.push(open);
        Self(before)
    }

    fn before(&self, minute: i64) -> i64 {
        i64::from(self.0[usize::try_from(minute - FROM).expect("within the ten years")])
    }

    /// Open milliseconds between two instants.
    fn elapsed(&self, from: i64, to: i64) -> i64 {
        let until = |at: i64| {
            let minute = at.div_euclid(MINUTE);
            let open = self.before(minute + 1) > self.before(minute);
            self.before(minute) * MINUTE + if open { at.rem_euclid(MINUTE) } else { 0 }
        };
        until(to) - until(from)
    }

    /// The first instant from one on at which so much has been open; minute by minute.
    fn reach(&self, from: i64, wanted: i64, until: i64) -> Option<i64> {
        let (mut at, mut left) = (from, wanted);
        while left > 0 && at < until {
            let next = (at.div_euclid(MINUTE) + 1) * MINUTE;
            let open = self.elapsed(at, next);
            if open >= left {
                return Some(at + left).filter(|reached| *reached <= until);
            }
            left -= open;
            at = next;
        }
        (left == 0).then_some(at)
    }
}

fn is_open(minute: i64) -> bool {
    let at: DateTime<Utc> = DateTime::from_timestamp(minute * 60, 0).expect("an instant");
    let local = at.with_timezone(&Paris);
    let minute = local.hour() * 60 + local.minute();
    let closes = match local.weekday() {
        Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu => 18 * 60,
        Weekday::Fri => 17 * 60,
        Weekday::Sat | Weekday::Sun => return false,
    };
    (9 * 60..12 * 60 + 30).contains(&minute) || (14 * 60..closes).contains(&minute)
}

/// A clock, by all the stretches in which it ran.
#[derive(Default)]
struct Clock {
    runs: Vec<(i64, i64)>,
    since: Option<i64>,
    target: i64,
    breached: bool,
    ended: bool,
    /// Of a first reply: when its ticket was imported. What was due by then is broken only if a reply came, too late.
    told_from: Option<i64>,
    /// Since when a change has made it late, where that is not told.
    late_since: Option<i64>,
}

impl Clock {
    /// When it is due, if that lies before an instant.
    fn due_before(&self, minutes: &Minutes, now: i64) -> Option<i64> {
        let mut left = self.target;
        for (from, to) in self.runs.iter().copied().chain(self.since.map(|since| (since, now))) {
            let passed = minutes.elapsed(from, to);
            if passed >= left {
                return minutes.reach(from, left, to).filter(|due| *due < now);
            }
            left -= passed;
        }
        None
    }

    /// After a change: what is past due is broken now.
    fn judge(&mut self, id: &str, metric: &'static str, at: i64, minutes: &Minutes, found: &mut Breaches) {
        if self.breached || self.since.is_none() {
            return;
        }
        let due = self.due_before(minutes, at);
        self.late_since = due.filter(|due| self.is_untold(*due)).map(|_| at);
        if let Some(due) = due.filter(|due| !self.is_untold(*due)) {
            self.breached = true;
            found.insert((id.to_owned(), metric, 1, at, due));
        }
    }

    fn is_untold(&self, due: i64) -> bool {
        self.told_from.is_some_and(|from| due <= from)
    }

    /// A reply came.
    fn reply(&self, id: &str, at: i64, minutes: &Minutes, found: &mut Breaches) {
        if let Some(due) = self.due_before(minutes, at).filter(|due| !self.breached && self.is_untold(*due)) {
            found.insert((id.to_owned(), "first_reply", 1, self.late_since.unwrap_or(due), due));
        }
    }

    fn stop(&mut self, at: i64) {
        if let Some(since) = self.since.take() {
            self.runs.push((since, at));
        }
    }
}

struct Ticket {
    reply: Option<Clock>,
    resolution: Clock,
    state: TicketState,
    time: i64,
}

/// Every breach of a history up to an instant.
pub(super) fn breaches(records: &[Record], now: i64) -> Breaches {
    let minutes = Minutes::of_the_office();
    let mut tickets: BTreeMap<&str, Ticket> = BTreeMap::new();
    let mut imports: BTreeMap<&str, i64> = BTreeMap::new();
    let mut found = Breaches::new();
    for record in records.iter().filter(|record| record.ticket_id().is_some()) {
        let id = record.stream_id.as_str();
        if record.event.imported().is_some() {
            imports.insert(id, record.recorded_at.0);
            if let Some(reply) = tickets.get_mut(id).and_then(|ticket| ticket.reply.as_mut()) {
                reply.told_from = Some(record.recorded_at.0);
            }
        } else if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCreated(e))) = &record.event {
            let at = record.occurred_at.0;
            let begun = |target| Clock { since: Some(at), target, ..Clock::default() };
            let (reply, resolution) = targets(e.priority);
            let ticket = Ticket {
                reply: (e.origin != Origin::Agent)
                    .then(|| Clock { told_from: imports.get(id).copied(), ..begun(reply) }),
                resolution: begun(resolution),
                state: if e.assignee.is_some() { TicketState::Open } else { TicketState::New },
                time: at,
            };
            tickets.insert(id, ticket);
        } else if let Some(ticket) = tickets.get_mut(id) {
            let at = record.occurred_at.0.max(ticket.time);
            if matches!(
                record.event,
                Event::Sla(SlaEvent::SlaWarned(_)) | Event::Sla(SlaEvent::SlaBreached(_))
            ) {
                continue;
            }
            ticket.pass(id, at, &minutes, &mut found);
            ticket.happen(id, at, &record.event, &minutes, &mut found);
            ticket.time = at;
        }
    }
    let end = now.min((TO - 1) * MINUTE);
    for (id, ticket) in &mut tickets {
        ticket.pass(id, end, &minutes, &mut found);
    }
    found
}

/// Milliseconds until the first reply and the resolution.
fn targets(priority: Priority) -> (i64, i64) {
    if priority == Priority::Urgent { (3_600_000, 27_000_000) } else { (14_400_000, 135_000_000) }
}

impl Ticket {
    fn clocks(&mut self) -> impl Iterator<Item = (&'static str, &mut Clock)> {
        let reply = self.reply.as_mut().map(|clock| ("first_reply", clock));
        reply.into_iter().chain([("resolution", &mut self.resolution)])
    }

    /// Time goes on to an instant.
    fn pass(&mut self, id: &str, at: i64, minutes: &Minutes, found: &mut Breaches) {
        for (metric, clock) in self.clocks() {
            if !clock.breached
                && clock.since.is_some()
                && let Some(due) = clock.due_before(minutes, at).filter(|due| !clock.is_untold(*due))
            {
                clock.breached = true;
                found.insert((id.to_owned(), metric, 1, due, due));
            }
        }
    }

    fn happen(&mut self, id: &str, at: i64, event: &Event, minutes: &Minutes, found: &mut Breaches) {
        if let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) = event {
            self.state = e.to;
            if !self.resolution.ended {
                if e.to == TicketState::Pending {
                    self.resolution.stop(at);
                } else if self.resolution.since.is_none() {
                    self.resolution.since = Some(at);
                    // A target that was tightened meanwhile is broken when the clock goes on, not before.
                    self.resolution.judge(id, "resolution", at, minutes, found);
                }
            }
        } else if matches!(
            event,
            Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(_)))
                | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketClosed(_)))
                | Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketCancelled(_)))
        ) {
            for (_, clock) in self.clocks() {
                clock.stop(at);
            }
            self.reply = None;
            self.resolution.ended = true;
            self.state = TicketState::Resolved;
        } else if matches!(event, Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketReopened(_)))) {
            self.state = TicketState::Open;
            self.resolution.ended = false;
            self.resolution.since.get_or_insert(at);
        } else if let Event::Ticket(TicketEvent::Classification(Classification::PriorityChanged(e))) = event {
            let (reply, resolution) = targets(e.to);
            for (metric, clock) in self.clocks() {
                let target = if metric == "first_reply" { reply } else { resolution };
                if clock.ended {
                    continue;
                }
                clock.target = target;
                clock.judge(id, metric, at, minutes, found);
            }
        } else if let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = event
            && e.visibility == Visibility::Public
        {
            assert_ne!(e.author_kind, AuthorKind::Requester, "these histories have no such comments");
            if e.counts_as_reply
                && let Some(clock) = self.reply.take()
            {
                clock.reply(id, at, minutes, found);
            }
        }
    }
}
