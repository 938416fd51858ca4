//! What articles have to do with a ticket, and tickets with an article.

use guichet_schemas::event::{Change, Event, LifeCycle, Meaning as _, TicketCreated, TicketEvent, Work};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_schemas::wire::Personal;
use guichet_schemas::words::TicketState;

use crate::model::rows;

/// A ticket's row, as it is stored.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Row {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(string, optional, tag = "2")]
    pub(super) category: Option<String>,
    /// The command that its texts are bound to.
    #[prost(bytes = "vec", tag = "3")]
    pub(super) command_id: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub(super) subject: Option<Personal>,
    #[prost(message, optional, tag = "5")]
    pub(super) description: Option<Personal>,
    /// Its last resolution, as long as it holds.
    #[prost(int64, optional, tag = "6")]
    pub(super) resolved_at: Option<i64>,
    #[prost(string, tag = "7")]
    pub(super) resolved_by: String,
    #[prost(bool, tag = "8")]
    pub(super) synthetic: bool,
    /// The articles that helped, each once.
    #[prost(string, repeated, tag = "9")]
    pub(super) articles: Vec<String>,
    /// An article was written from it.
    #[prost(bool, tag = "10")]
    pub(super) is_written: bool,
}

/// The tickets that an article helped with.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Uses {
    #[prost(uint32, tag = "1")]
    pub(super) tickets: u32,
    #[prost(int64, tag = "2")]
    pub(super) last_at: i64,
}

impl rows::Row for Row {
    fn bytes(&self) -> usize {
        size_of::<Self>() + prost::Message::encoded_len(self)
    }
}

impl Row {
    fn of(e: &TicketCreated, record: &Record) -> Self {
        Self {
            number: e.number,
            category: e.category.clone(),
            command_id: record.command_id.to_wire(),
            subject: e.subject.clone().to_wire(),
            description: e.description.clone().to_wire(),
            synthetic: e.synthetic,
            ..Self::default()
        }
    }

    /// When it was resolved without an article, if it was.
    pub(super) fn gap(&self) -> Option<Timestamp> {
        let has_none = self.articles.is_empty() && !self.is_written && !self.synthetic;
        self.resolved_at.filter(|_| has_none).map(Timestamp)
    }

    /// Goes on by an event of the ticket. Gives the article that helped it for the first time.
    pub(super) fn fold<'e>(
        row: &mut Option<Self>,
        event: &'e TicketEvent,
        record: &Record,
    ) -> Option<&'e str> {
        if let TicketEvent::LifeCycle(LifeCycle::TicketCreated(e)) = event {
            *row = Some(Self::of(e, record));
            return None;
        }
        let row = row.as_mut()?;
        event.changes(|change| {
            if let Change::Category { to, .. } = change {
                row.category = to.map(str::to_owned);
            }
        });
        match event.enters() {
            None | Some(TicketState::Closed) => {}
            Some(TicketState::Resolved) => {
                if let TicketEvent::LifeCycle(LifeCycle::TicketResolved(e)) = event {
                    row.resolved_by.clone_from(&e.by);
                }
                row.resolved_at = Some(record.occurred_at.0);
            }
            Some(
                TicketState::New
                | TicketState::Open
                | TicketState::Pending
                | TicketState::Hold
                | TicketState::Cancelled,
            ) => row.resolved_at = None,
        }
        let TicketEvent::Work(Work::ArticleUsed(e)) = event else { return None };
        if row.articles.contains(&e.article) {
            return None;
        }
        row.articles.push(e.article.clone());
        (!row.synthetic).then_some(e.article.as_str())
    }
}

/// True for events that may change a row.
pub(super) const fn concerns(event: &Event) -> bool {
    matches!(
        event,
        Event::Ticket(
            TicketEvent::LifeCycle(_)
                | TicketEvent::Classification(_)
                | TicketEvent::Work(Work::ArticleUsed(_))
        )
    )
}
