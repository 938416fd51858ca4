//! A question, checked once: after this every field is in its range.

use std::time::Duration;

use guichet_reports::Kind;
use guichet_schemas::any_report;
use guichet_schemas::codec::Encoding;
use guichet_schemas::ids::{CallerId, TenantId, TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::StreamVersion;
use guichet_schemas::rejection::{FieldError, Rejection};
use guichet_schemas::subject::QuerySubject;
use guichet_schemas::text::Label;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire;
use guichet_schemas::wire::query::Data;
use guichet_schemas::words::{Audience, QueueBy, QueueOrder};

const WAIT_MS_MAX: u64 = 30_000;
const LIMIT_MAX: u32 = 1_000;
const LIMIT_DEFAULT: u32 = 100;
/// Bytes of a text that is looked for; no subject is longer.
const TEXT_MAX: usize = 1_024;
/// Bytes of a cursor; ours are shorter, but for that of a queue with a long name.
const CURSOR_MAX: usize = 1_024;

/// A question with what stands around it.
pub struct Ask {
    pub(crate) tenant: TenantId,
    pub(crate) encoding: Encoding,
    /// 0: whatever there is.
    pub(crate) min_position: u64,
    pub(crate) wait: Duration,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) as_of_position: Option<u64>,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<String>,
    pub(crate) caller: CallerId,
    /// The look at restricted tickets that the question goes by.
    pub(crate) access: Option<u64>,
    pub(crate) question: Question,
}

#[derive(Debug)]
pub enum Question {
    Ticket(Which),
    Timeline(History),
    /// Tickets that match.
    Tickets(wire::TicketsQuery),
    /// Records.
    Events(wire::EventsQuery),
    /// The queue board.
    Queues(QueueBy),
    Queue(Queue),
    /// The figures that the desk has published.
    Figures,
    Report(Kind, wire::ReportQuery),
    /// The clocks of a ticket.
    SlaClocks(Which),
    /// Running clocks that are due before an instant.
    SlaDue(Timestamp),
    /// Broken promises.
    SlaBreaches(wire::SlaBreachesQuery),
    /// One article.
    Article(wire::ArticleQuery),
    /// Articles that match.
    Articles(wire::ArticlesQuery),
    /// Articles that may solve a ticket, of one audience or of any.
    SuggestedArticles(Which, Option<Audience>),
    /// Tickets that were resolved without an article.
    KnowledgeGaps(wire::KnowledgeGapsQuery),
    Projections,
}

/// Which tickets of the queue board, in which order.
#[derive(Debug)]
pub struct Queue {
    pub(crate) order: QueueOrder,
    /// Any where none is named.
    pub(crate) group: Option<Name>,
    pub(crate) agent: Option<Name>,
}

/// The history of a ticket, or a part of it.
#[derive(Debug, Clone)]
pub struct History {
    pub(crate) which: Which,
    pub(crate) newest_first: bool,
    /// Only versions below this one.
    pub(crate) before: Option<StreamVersion>,
}

/// A ticket, as it was named.
#[derive(Debug, Clone)]
pub enum Which {
    Id(TicketId),
    Number(TicketNumber),
    /// By its id in another system.
    External(ExternalId),
}

/// The id of a ticket in another system.
#[derive(Debug, Clone)]
pub struct ExternalId {
    pub(crate) id: Label,
    /// The name of that system; none: any, if only one has the id.
    pub(crate) source: Option<Label>,
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "ticket {id}"),
            Self::Number(number) => write!(f, "ticket {number}"),
            Self::External(ExternalId { id, source: None }) => {
                write!(f, "a ticket with external_id {:?}", id.as_str())
            }
            Self::External(ExternalId { id, source: Some(source) }) => {
                write!(f, "a ticket with external_id {:?} of {:?}", id.as_str(), source.as_str())
            }
        }
    }
}

impl Ask {
    pub(crate) fn check(
        subject: QuerySubject,
        query: wire::Query,
        encoding: Encoding,
    ) -> Result<Self, Rejection> {
        let wait_ms = query.wait_ms.unwrap_or(0);
        if wait_ms > WAIT_MS_MAX {
            return Err(FieldError::new("wait_ms", format!("must be at most {WAIT_MS_MAX}")).into());
        }
        let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
        if limit == 0 || limit > LIMIT_MAX {
            return Err(FieldError::new("limit", format!("must be 1 to {LIMIT_MAX}")).into());
        }
        if query.cursor.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_MAX) {
            return Err(FieldError::new("cursor", super::page::NOT_OURS).into());
        }
        let data = query.data.ok_or_else(|| FieldError::new("data", "is required"))?;
        Ok(Self {
            tenant: subject.tenant,
            encoding,
            min_position: query.min_position.unwrap_or(0),
            wait: Duration::from_millis(wait_ms),
            as_of: query.as_of.map(Timestamp),
            as_of_position: query.as_of_position,
            limit: limit as usize,
            cursor: query.cursor,
            caller: subject.caller,
            access: query.access,
            question: question(data)?,
        })
    }

    pub(crate) const fn looks_back(&self) -> bool {
        self.as_of.is_some() || self.as_of_position.is_some()
    }

    /// Whether the answer reads a few entries that it knows the keys of. Such an answer is quick and never stands
    /// behind those that read much.
    pub(crate) const fn is_point(&self) -> bool {
        match &self.question {
            Question::Ticket(_) => !self.looks_back(),
            Question::Queue(queue) => !matches!(queue.order, QueueOrder::Priority),
            Question::Timeline(_)
            | Question::Queues(_)
            | Question::Figures
            | Question::SlaClocks(_)
            | Question::Article(_)
            | Question::Projections => true,
            Question::Tickets(_)
            | Question::Events(_)
            | Question::Report(..)
            | Question::SlaDue(_)
            | Question::SlaBreaches(_)
            | Question::Articles(_)
            | Question::SuggestedArticles(..)
            | Question::KnowledgeGaps(_) => false,
        }
    }

    /// The field by which the question asks for more than another might.
    pub(crate) const fn widest_field(&self) -> &'static str {
        match &self.question {
            Question::Report(_, query) if query.group_by.is_some() => "group_by",
            Question::Report(..)
            | Question::Events(_)
            | Question::SlaBreaches(_)
            | Question::KnowledgeGaps(_) => "from",
            Question::SlaDue(_) => "due_before",
            Question::Ticket(_) | Question::Timeline(_) | Question::SlaClocks(_) => {
                if self.as_of.is_some() {
                    "as_of"
                } else if self.as_of_position.is_some() {
                    "as_of_position"
                } else {
                    "ticket_id"
                }
            }
            Question::Tickets(_)
            | Question::Queues(_)
            | Question::Queue(_)
            | Question::Figures
            | Question::Article(_)
            | Question::Articles(_)
            | Question::SuggestedArticles(..)
            | Question::Projections => "limit",
        }
    }
}

fn question(data: Data) -> Result<Question, Rejection> {
    let report = Kind::of(&data);
    Ok(match data {
        Data::Ticket(q) => Question::Ticket(named(q.ticket_id, q.number, q.external_id, q.external_source)?),
        Data::Timeline(q) => {
            let before = q.before.map(|version| {
                StreamVersion::new(version).ok_or_else(|| FieldError::new("before", "must be at least 1"))
            });
            Question::Timeline(History {
                which: named(q.ticket_id, q.number, q.external_id, q.external_source)?,
                newest_first: q.newest_first,
                before: before.transpose()?,
            })
        }
        Data::Tickets(q) => {
            short(q.text.as_ref())?;
            label("external_id", q.external_id.as_ref())?;
            label("external_source", q.external_source.as_ref())?;
            Question::Tickets(q)
        }
        Data::Events(q) => Question::Events(q),
        Data::Projections(_) => Question::Projections,
        Data::Queues(q) => {
            let by = q.by.map(QueueBy::from_wire).transpose().map_err(|e| e.in_field("by"))?;
            Question::Queues(by.unwrap_or(QueueBy::Group))
        }
        Data::Queue(q) => Question::Queue(queue(q)?),
        Data::Figures(_) => Question::Figures,
        any_report!(Data, q) => Question::Report(report.expect("a report is of a kind"), q),
        Data::SlaClocks(q) => match (q.due_before, q.ticket_id, q.number) {
            (Some(due_before), None, None) => Question::SlaDue(Timestamp(due_before)),
            (Some(_), _, _) => {
                let rule = "must not be given together with a ticket";
                return Err(FieldError::new("due_before", rule).into());
            }
            (None, id, number) => Question::SlaClocks(which(id, number)?),
        },
        Data::SlaBreaches(q) => Question::SlaBreaches(q),
        Data::Article(q) => {
            label("article", Some(&q.article))?;
            audience(q.audience)?;
            Question::Article(q)
        }
        Data::Articles(q) => {
            short(q.text.as_ref())?;
            audience(q.audience)?;
            Question::Articles(q)
        }
        Data::SuggestedArticles(q) => {
            Question::SuggestedArticles(which(q.ticket_id, q.number)?, audience(q.audience)?)
        }
        Data::KnowledgeGaps(q) => Question::KnowledgeGaps(q),
    })
}

fn short(text: Option<&String>) -> Result<(), FieldError> {
    if text.is_some_and(|text| text.len() > TEXT_MAX) {
        return Err(FieldError::new("text", format!("must be at most {TEXT_MAX} bytes")));
    }
    Ok(())
}

fn audience(audience: Option<i32>) -> Result<Option<Audience>, FieldError> {
    audience.map(Audience::from_wire).transpose().map_err(|e| e.in_field("audience"))
}

fn queue(q: wire::QueueQuery) -> Result<Queue, Rejection> {
    let order = q.order.map(QueueOrder::from_wire).transpose().map_err(|e| e.in_field("order"))?;
    Ok(Queue {
        order: order.unwrap_or(QueueOrder::Fifo),
        group: name(q.group, q.without_group, "without_group", "group")?,
        agent: name(q.agent, q.unassigned, "unassigned", "agent")?,
    })
}

fn name(named: Option<String>, without: bool, flag: &str, field: &str) -> Result<Option<Name>, FieldError> {
    match (named, without) {
        (Some(_), true) => Err(FieldError::new(flag, format!("must not be given together with {field}"))),
        (Some(name), false) => Ok(Some(Name::Named(name))),
        (None, true) => Ok(Some(Name::Without)),
        (None, false) => Ok(None),
    }
}

/// As [`which`], or by an id in another system.
fn named(
    id: Option<Vec<u8>>,
    number: Option<String>,
    external_id: Option<String>,
    external_source: Option<String>,
) -> Result<Which, Rejection> {
    let source = label("external_source", external_source.as_ref())?;
    match (label("external_id", external_id.as_ref())?, source) {
        (Some(_), _) if id.is_some() || number.is_some() => {
            let rule = "must not be given together with ticket_id or number";
            Err(FieldError::new("external_id", rule).into())
        }
        (Some(id), source) => Ok(Which::External(ExternalId { id, source })),
        (None, Some(_)) => {
            Err(FieldError::new("external_source", "says where an external_id is from, which is missing")
                .into())
        }
        (None, None) => which(id, number),
    }
}

fn label(field: &str, text: Option<&String>) -> Result<Option<Label>, FieldError> {
    text.cloned().map(Label::parse).transpose().map_err(|e| e.in_field(field))
}

fn which(id: Option<Vec<u8>>, number: Option<String>) -> Result<Which, Rejection> {
    match (id, number) {
        (Some(id), None) => Ok(Which::Id(TicketId::from_wire(id).map_err(|e| e.in_field("ticket_id"))?)),
        (None, Some(number)) => TicketNumber::parse(&number)
            .map(Which::Number)
            .ok_or_else(|| FieldError::new("number", "must be a number such as T-42").into()),
        (None, None) => Err(FieldError::new("ticket_id", "or number is required").into()),
        (Some(_), Some(_)) => {
            Err(FieldError::new("number", "must not be given together with ticket_id").into())
        }
    }
}

/// The owner of the tickets. Those without one come last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Named(String),
    Without,
}

impl From<Option<&String>> for Name {
    fn from(name: Option<&String>) -> Self {
        name.map_or(Self::Without, |name| Self::Named(name.clone()))
    }
}

impl Name {
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Named(name) => Some(name.clone()),
            Self::Without => None,
        }
    }
}
