//! The queries of the queue board: `queues`, a row per group or agent, and `queue`, what to take next.
//!
//! A page of `queue` carries in its cursor the instant that the first page held for. The order is one of that
//! instant, so time alone moves nobody between two pages. Who comes, goes or changes place meanwhile does so at
//! its own place and moves none of the others: a ticket whose own place stays is on exactly one page.

mod queue;

use std::sync::{Arc, PoisonError, RwLock};

use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{QueueHead, QueueRow, QueuesView};
use guichet_schemas::words::QueueBy;

use crate::model::queues::{Board, Lane, TenantBoard};
use crate::projection::Answers;
use crate::projection::News;
use crate::queries::ask::Name;
use crate::queries::ask::Question;
use crate::queries::page::{self, Page};
use crate::queries::reader::{Found, Reader, Refusal};

/// Instants that are taken in while everybody else waits: some milliseconds.
const HEARD_AT_ONCE: usize = 1_000;

/// Answers from the board in memory.
pub(super) struct QueueAnswers(pub(super) Arc<RwLock<Board>>);

impl Answers for QueueAnswers {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        if reader.ask.looks_back() {
            let what = "the queue board with as_of or as_of_position";
            return Err(Rejection::Unsupported(what.to_owned()).into());
        }
        let board = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let nobody = TenantBoard::default();
        let desk = board.desk(reader.tenant()).unwrap_or(&nobody);
        match &reader.ask.question {
            Question::Queues(by) => queues(reader, desk, *by),
            Question::Queue(which) => queue::answer(reader, desk, which),
            Question::Ticket(_)
            | Question::Timeline(_)
            | Question::Tickets(_)
            | Question::Events(_)
            | Question::Report(..)
            | Question::SlaClocks(_)
            | Question::SlaDue(_)
            | Question::SlaBreaches(_)
            | Question::Figures
            | Question::Article(_)
            | Question::Articles(_)
            | Question::SuggestedArticles(..)
            | Question::KnowledgeGaps(_)
            | Question::Projections => Err(Rejection::Unsupported("this query here".to_owned()).into()),
        }
    }

    fn has_dues(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).has_dues
    }

    fn hear(&self, news: Option<News>) {
        let board = || self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_told = news.is_some();
        let mut news = news.unwrap_or_else(News::nothing);
        if news.whole {
            // Who is not told of is not due by a clock any more.
            for (tenant, id) in board().by_clock() {
                news.due.entry(tenant).or_default().entry(id).or_insert(None);
            }
        }
        for (tenant, tickets) in &news.due {
            // Others have their turns in between.
            let mut tickets = tickets.iter().peekable();
            while tickets.peek().is_some() {
                let mut board = board();
                for (id, due) in tickets.by_ref().take(HEARD_AT_ONCE) {
                    board.hear(tenant, *id, due.map(|at| at.0));
                }
            }
        }
        let mut board = board();
        board.has_dues = is_told && (news.whole || board.has_dues);
    }

    fn instant(&self, reader: &Reader<'_>) -> Result<Option<Timestamp>, Refusal> {
        match &reader.ask.question {
            Question::Queue(which) => Ok(queue::Cursor::read(reader.ask, which.order)?.map(|at| at.now)),
            Question::Queues(_)
            | Question::Ticket(_)
            | Question::Timeline(_)
            | Question::Tickets(_)
            | Question::Events(_)
            | Question::Report(..)
            | Question::SlaClocks(_)
            | Question::SlaDue(_)
            | Question::SlaBreaches(_)
            | Question::Figures
            | Question::Article(_)
            | Question::Articles(_)
            | Question::SuggestedArticles(..)
            | Question::KnowledgeGaps(_)
            | Question::Projections => Ok(None),
        }
    }
}

fn queues(reader: &Reader<'_>, desk: &TenantBoard, by: QueueBy) -> Result<Found, Refusal> {
    let lanes = match by {
        QueueBy::Group => &desk.groups,
        QueueBy::Agent => &desk.agents,
    };
    let after = match reader.ask.cursor.as_deref().map(|text| text.strip_prefix("q.")) {
        None => None,
        Some(Some(name)) => Some(Name::Named(name.to_owned())),
        Some(None) => return Err(FieldError::new("cursor", page::NOT_OURS).into()),
    };
    let mut page = Page::new(reader.ask);
    let (mut last, mut next) = (after.clone(), None);
    for (name, lane) in lanes.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after)) {
        if !page.takes(row(reader, desk, by, name, lane)?) {
            // The row without a name is the last, so no page ends behind it.
            next = last.and_then(|last| last.text()).map(|last| format!("q.{last}"));
            break;
        }
        last = Some(name.clone());
    }
    Ok((Data::Queues(QueuesView { queues: page.into_entries() }), next))
}

fn row(
    reader: &Reader<'_>,
    desk: &TenantBoard,
    by: QueueBy,
    name: &Name,
    lane: &Lane,
) -> Result<QueueRow, Refusal> {
    let (group, agent) = match by {
        QueueBy::Group => (name.text(), None),
        QueueBy::Agent => (None, name.text()),
    };
    Ok(QueueRow {
        group,
        agent,
        tickets: lane.places.len() as u64,
        by_status: Some(lane.by_status),
        by_priority: Some(lane.by_priority),
        unassigned: lane.unassigned,
        overdue: lane.overdue(reader.now.0),
        oldest: head(reader, desk, lane.created.iter())?,
        nearest_due: head(reader, desk, lane.due.iter())?,
        reopen_held: lane.reopen_held,
    })
}

/// The first ticket that the asker sees.
fn head<'a>(
    reader: &Reader<'_>,
    desk: &TenantBoard,
    places: impl Iterator<Item = &'a (i64, u64)>,
) -> Result<Option<QueueHead>, Refusal> {
    for (at, place) in places {
        let Some(waiting) = desk.waiting.get(place) else { continue };
        if reader.hides(waiting.id)? {
            reader.entry(0)?;
            continue;
        }
        let number = guichet_schemas::codec::number_text(waiting.row.number);
        return Ok(Some(QueueHead { ticket_id: waiting.id.0.as_bytes().to_vec(), number, at: *at }));
    }
    Ok(None)
}
