//! The board against a count over all tickets, folded by another model.

use std::collections::{BTreeMap, HashMap};

use guichet_schemas::event::{DueDateSet, Event, ReopenHeld, TicketCreated};
use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{self, QueueEntry, QueueHead, QueueRow, TicketView};
use guichet_schemas::words::{Priority, QueueBy, QueueOrder};
use proptest::prelude::*;

use super::*;
use crate::history::{self, Dice, History, START, any_event, closed, resolved, ticket_id};
use crate::model::rig::Rig;
use crate::model::ticket;
use crate::projection::News;

const HOUR: i64 = 3_600_000;

/// The queries of the board, page by page.
trait AskQueues {
    fn board(&self, by: QueueBy, limit: u32, now: i64) -> Vec<QueueRow>;
    fn page(
        &self,
        filter: &wire::QueueQuery,
        limit: u32,
        cursor: Option<String>,
        now: i64,
    ) -> (Vec<QueueEntry>, Option<String>);
    fn queue(&self, filter: &wire::QueueQuery, limit: u32, now: i64) -> Vec<QueueEntry>;
}

impl AskQueues for Rig {
    fn board(&self, by: QueueBy, limit: u32, now: i64) -> Vec<QueueRow> {
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let by = Some(guichet_schemas::mirror::Wire::to_wire(by));
            let data = Some(wire::query::Data::Queues(wire::QueuesQuery { by }));
            let query = wire::Query { limit: Some(limit), cursor, data, ..wire::Query::default() };
            let (Data::Queues(page), next) = self.ask("queues", query, now) else { panic!("another answer") };
            rows.extend(page.queues);
            cursor = next;
            if cursor.is_none() {
                return rows;
            }
        }
    }

    fn page(
        &self,
        filter: &wire::QueueQuery,
        limit: u32,
        cursor: Option<String>,
        now: i64,
    ) -> (Vec<QueueEntry>, Option<String>) {
        let data = Some(wire::query::Data::Queue(filter.clone()));
        let query = wire::Query { limit: Some(limit), cursor, data, ..wire::Query::default() };
        let (Data::Queue(page), next) = self.ask("queue", query, now) else { panic!("another answer") };
        (page.tickets, next)
    }

    fn queue(&self, filter: &wire::QueueQuery, limit: u32, now: i64) -> Vec<QueueEntry> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            // Time passes between two pages; the order is that of the first.
            let passed = if cursor.is_none() { now } else { now + 90 * HOUR };
            let (page, next) = self.page(filter, limit, cursor, passed);
            all.extend(page);
            cursor = next;
            if cursor.is_none() {
                return all;
            }
        }
    }
}

/// A desk with due dates, synthetic tickets, and every event.
fn busy(dice: &mut Dice, tickets: u64, events: u64) -> History {
    let mut history = History::new();
    let mut opened = 0;
    while history.head() < events {
        if opened < tickets && dice.roll(4) == 0 {
            opened += 1;
            create(&mut history, dice, opened);
        } else if opened > 0 {
            let ticket = ticket_id(dice.roll(opened) + 1);
            let event = any_event(dice);
            history.push(ticket, "bob", event);
        }
    }
    history
}

fn create(history: &mut History, dice: &mut Dice, number: u64) {
    let one = |dice: &mut Dice, of: &[&str]| {
        of.get(dice.roll(of.len() as u64 + 1) as usize).map(|s| (*s).to_owned())
    };
    let event = Event::from(TicketCreated {
        priority: Priority::ALL[dice.roll(4) as usize],
        group: one(dice, &["desk", "network", "a.b c"]),
        assignee: one(dice, &["alice", "bob"]),
        due_at: (dice.roll(3) > 0).then(|| Timestamp(START + dice.roll(200) as i64 * HOUR - 50 * HOUR)),
        synthetic: dice.roll(6) == 0,
        ..history::created(number)
    });
    history.push(ticket_id(number), "alice", event);
}

fn is_under_way(row: &TicketView) -> bool {
    ticket::state(row).is_some_and(|state| !state.is_done())
}

/// The tickets that wait, with the position of their creation, by the fold of the other model.
fn waiting(history: &History) -> Vec<(u64, TicketView)> {
    let mut rows = BTreeMap::new();
    for entry in &history.entries {
        let Some(id) = entry.record.ticket_id() else { continue };
        let (place, row) = rows.remove(&id).unwrap_or((entry.record.position.get(), None));
        rows.insert(id, (place, Some(ticket::apply(row, &entry.record))));
    }
    let waits = |row: &TicketView| !row.synthetic && (is_under_way(row) || row.reopen_held_at.is_some());
    rows.into_values().filter_map(|(place, row)| Some((place, row?))).filter(|(_, row)| waits(row)).collect()
}

/// A row's name, those without one last, and its tickets.
type Counted<'a> = ((bool, Option<String>), Vec<&'a (u64, TicketView)>);

/// The board, counted ticket by ticket.
fn counted(waiting: &[(u64, TicketView)], by: QueueBy, now: i64) -> Vec<QueueRow> {
    let name = |row: &TicketView| match by {
        QueueBy::Group => row.group.clone(),
        QueueBy::Agent => row.assignee.clone(),
    };
    let mut lanes = BTreeMap::new();
    for one in waiting {
        let name = name(&one.1);
        lanes.entry((name.is_none(), name)).or_insert_with(Vec::new).push(one);
    }
    let head = |first: Option<(i64, u64, &TicketView)>| {
        first.map(|(at, _, row)| QueueHead {
            ticket_id: row.ticket_id.clone(),
            number: row.number.clone(),
            at,
        })
    };
    let row = |((_, name), lane): Counted<'_>| {
        let count =
            |holds: &dyn Fn(&TicketView) -> bool| lane.iter().filter(|(_, row)| holds(row)).count() as u64;
        let (state, priority) = (
            |state| count(&move |row| row.state == state),
            |priority| count(&move |row| row.priority == priority),
        );
        let (group, agent) = match by {
            QueueBy::Group => (name, None),
            QueueBy::Agent => (None, name),
        };
        let due = lane.iter().filter_map(|(place, row)| Some((row.due_at?, *place, row)));
        QueueRow {
            group,
            agent,
            tickets: lane.len() as u64,
            by_status: Some(wire::StatusCounts {
                new: state(1),
                open: state(2),
                pending: state(3),
                hold: state(4),
            }),
            by_priority: Some(wire::PriorityCounts {
                low: priority(1),
                normal: priority(2),
                high: priority(3),
                urgent: priority(4),
            }),
            unassigned: count(&|row| row.assignee.is_none()),
            overdue: count(&|row| row.due_at.is_some_and(|due| due < now)),
            oldest: head(
                lane.iter().map(|(place, row)| (row.created_at, *place, row)).min_by_key(|o| (o.0, o.1)),
            ),
            nearest_due: head(due.min_by_key(|o| (o.0, o.1))),
            reopen_held: count(&|row| row.reopen_held_at.is_some()),
        }
    };
    lanes.into_iter().map(row).collect()
}

/// The numbers of a queue, sorted as a whole.
fn sorted(waiting: &[(u64, TicketView)], filter: &wire::QueueQuery, now: i64) -> Vec<String> {
    let is = |wanted: &Option<String>, without: bool, name: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| name.as_ref() == Some(wanted)) && !(without && name.is_some())
    };
    let mut queue: Vec<_> = waiting
        .iter()
        .filter(|(_, row)| {
            is(&filter.group, filter.without_group, &row.group)
                && is(&filter.agent, filter.unassigned, &row.assignee)
        })
        .collect();
    let order = filter.order.map(|order| guichet_schemas::mirror::Wire::from_wire(order).unwrap());
    match order.unwrap_or(QueueOrder::Fifo) {
        QueueOrder::Fifo => queue.sort_by_key(|(place, _)| *place),
        QueueOrder::Due => queue.sort_by_key(|(place, row)| (row.due_at.is_none(), row.due_at, *place)),
        QueueOrder::Priority => {
            let points = |row: &TicketView| {
                let step = f64::from(row.priority - 1);
                let left = row.due_at.map(|due| (due - now) as f64 / (72 * HOUR) as f64);
                let due = left.map_or(0.0, |left| (1.0 - left).clamp(0.0, 2.0));
                let age = ((now - row.created_at).max(0) as f64 / (24 * HOUR) as f64).min(30.0);
                step * 100.0 + due * 200.0 + age * 5.0
            };
            queue.sort_by(|a, b| points(&b.1).total_cmp(&points(&a.1)).then(a.0.cmp(&b.0)));
        }
    }
    queue.into_iter().map(|(_, row)| row.number.clone()).collect()
}

fn filters(dice: &mut Dice) -> Vec<wire::QueueQuery> {
    let mut filters = Vec::new();
    for order in [None, Some(1), Some(2), Some(3)] {
        let (group, agent) = (dice.roll(4), dice.roll(4));
        filters.push(wire::QueueQuery {
            order,
            group: (group == 1).then(|| "network".to_owned()),
            agent: (agent == 1).then(|| "bob".to_owned()),
            without_group: group == 2,
            unassigned: agent == 2,
        });
    }
    filters
}

/// Tells the board when some tickets are due by their clocks, and that others are not.
fn tell(rig: &Rig, dice: &mut Dice, whole: bool) -> HashMap<TicketId, Option<Timestamp>> {
    let mut due = HashMap::new();
    for number in 1..=40 {
        let at = Timestamp(START + dice.roll(200) as i64 * HOUR - 50 * HOUR);
        match dice.roll(3) {
            0 => drop(due.insert(ticket_id(number), Some(at))),
            1 if !whole => drop(due.insert(ticket_id(number), None)),
            _ => {}
        }
    }
    let told = BTreeMap::from([("default".to_owned(), due.clone())]);
    rig.folder.slot().get().answers.hear(Some(News { whole, due: told, behind: None }));
    due
}

fn numbers(entries: &[QueueEntry]) -> Vec<String> {
    entries.iter().map(|entry| entry.number.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_board_is_what_a_count_over_all_tickets_gives(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let history = busy(&mut dice, 40, 500);
        let mut rig = Rig::new(&QUEUES);
        let mut at = 0;
        while at < history.entries.len() {
            let size = [1, 2, 7, 60, 1000][dice.roll(5) as usize];
            let to = (at + size).min(history.entries.len());
            rig.fold(&history.entries[at..to]);
            at = to;
            if dice.roll(6) == 0 {
                rig = rig.restart();
            }
            if dice.roll(3) == 0 {
                tell(&rig, &mut dice, false);
            }
            // Instants go back and forth.
            rig.board(QueueBy::Group, 100, START + dice.roll(150) as i64 * HOUR);
        }
        let by_clock = tell(&rig, &mut dice, true);
        let mut waiting = waiting(&history);
        for (_, row) in &mut waiting {
            let id = TicketId::from_wire(row.ticket_id.clone()).unwrap();
            let by_clock = by_clock.get(&id).copied().flatten().map(|at| at.0);
            row.due_at = row.due_at.into_iter().chain(by_clock).min().filter(|_| is_under_way(row));
        }
        for _ in 0..3 {
            let now = START + dice.roll(150) as i64 * HOUR;
            for by in [QueueBy::Group, QueueBy::Agent] {
                let limit = [1, 2, 100][dice.roll(3) as usize];
                prop_assert_eq!(rig.board(by, limit, now), counted(&waiting, by, now));
            }
            for filter in filters(&mut dice) {
                let queue = rig.queue(&filter, 1 + dice.roll(9) as u32, now);
                prop_assert_eq!(numbers(&queue), sorted(&waiting, &filter, now), "{:?}", filter);
                prop_assert!(queue.iter().all(|entry| entry.subject.is_some() && entry.score.is_some()));
            }
        }
    }

    #[test]
    fn who_stays_is_on_exactly_one_page_while_the_queue_changes(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let mut history = History::new();
        for number in 1..=60 {
            create(&mut history, &mut dice, number);
        }
        for filter in filters(&mut dice) {
            let mut rig = Rig::new(&QUEUES);
            rig.fold(&history.entries);
            let mut changing = history.clone();
            let now = START + 40 * HOUR;
            let stays = sorted(&waiting(&history), &filter, now);
            let (mut seen, mut gone, mut cursor, mut passed) = (Vec::new(), Vec::new(), None, now);
            loop {
                let (page, next) = rig.page(&filter, 5, cursor, passed);
                seen.extend(numbers(&page));
                cursor = next;
                if cursor.is_none() {
                    break;
                }
                // One comes, one goes, and hours pass.
                let (from, number) = (changing.entries.len(), changing.head() + 1_000);
                create(&mut changing, &mut dice, number);
                let done = dice.roll(60) + 1;
                changing.push(ticket_id(done), "bob", resolved(1));
                gone.push(format!("T-{done}"));
                rig.fold(&changing.entries[from..]);
                passed += 30 * HOUR;
            }
            for number in stays.iter().filter(|number| !gone.contains(number)) {
                prop_assert_eq!(seen.iter().filter(|one| *one == number).count(), 1, "{} {:?}", number, filter);
            }
        }
    }
}

#[test]
fn a_score_says_what_it_is_made_of() {
    let mut history = History::new();
    let due = Some(Timestamp(START + 40 * HOUR));
    let urgent = TicketCreated { priority: Priority::Urgent, due_at: due, ..history::created(1) };
    history.push(ticket_id(1), "alice", Event::from(urgent));
    let mut rig = Rig::new(&QUEUES);
    rig.fold(&history.entries);
    let created = history.entries[1].record.occurred_at.0;
    let (page, _) = rig.page(&wire::QueueQuery::default(), 1, None, created + 24 * HOUR);
    let score = page[0].score.clone().unwrap();
    let values: Vec<_> =
        score.inputs.iter().map(|i| (i.name.as_str(), i.value, i.weight, i.points)).collect();
    let due = 1.0 - (START + 40 * HOUR - created - 24 * HOUR) as f64 / (72 * HOUR) as f64;
    assert_eq!(
        values,
        [("priority", 3.0, 100.0, 300.0), ("due", due, 200.0, due * 200.0), ("age", 1.0, 5.0, 5.0)]
    );
    assert_eq!(score.points, 300.0 + due * 200.0 + 5.0);
}

#[test]
fn a_ticket_whose_reopening_is_held_waits_for_a_person_until_somebody_moves_it() {
    let mut history = History::new();
    let ticket = history.open(1);
    let held = || Event::from(ReopenHeld { reopenings: 3, within_ms: 86_400_000 });
    let due = Event::from(DueDateSet { at: Some(Timestamp(START)), reason: None });
    for event in [due, resolved(1)] {
        history.push(ticket, "bob", event);
    }
    let now = START + 24 * HOUR;
    let mut rig = Rig::new(&QUEUES);
    rig.fold(&history.entries);
    assert_eq!(rig.board(QueueBy::Group, 10, now), []);
    let from = history.entries.len();
    for _ in 0..2 {
        history.push(ticket, "bob", held());
    }
    rig.fold(&history.entries[from..]);
    let rig_again = |rig: Rig| {
        let [row] = &rig.board(QueueBy::Group, 10, now)[..] else { panic!("one queue") };
        assert_eq!((row.tickets, row.reopen_held, row.overdue), (1, 1, 0));
        assert_eq!(row.by_status, Some(wire::StatusCounts::default()));
        let [entry] = &rig.queue(&wire::QueueQuery::default(), 10, now)[..] else { panic!("one ticket") };
        let since = START + 1_000 * (from as i64 + 1);
        assert_eq!((entry.reopen_held_at, entry.due_at), (Some(since), None), "since the first of them");
        rig
    };
    let mut rig = rig_again(rig_again(rig).restart());
    let from = history.entries.len();
    history.push(ticket, "bob", closed());
    rig.fold(&history.entries[from..]);
    assert_eq!(rig.board(QueueBy::Group, 10, now), []);
}
