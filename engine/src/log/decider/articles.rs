//! The articles of the knowledge base, a stream each, and what the decision on a ticket knows of the one that it names.

use std::sync::Arc;

use guichet_config::Configuration;
use guichet_rules::{Article, DeskRules as _, KnownArticle, Solved, decide_article};
use guichet_schemas::command::{Command, Order, PublishArticleFromTicket};
use guichet_schemas::event::{Event, LifeCycle, TicketEvent, TicketResolved};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::TenantId;
use guichet_schemas::position::{LogPosition, StreamVersion};
use guichet_schemas::rejection::Rejection;
use guichet_schemas::time::Timestamp;

use super::command::{Decided, Stream};
use super::meeting::Met;
use super::recall::RETRY_AFTER_MS;
use super::{Decider, TicketKey};
use crate::log::derived_tail::decode;
use crate::log::disk::Disk;
use crate::log::shelf::Folded;
use crate::log::stage::Staged;
use crate::log::told::About;
use crate::log::{StoreFault, keys};

/// Tenant and id.
pub(super) type ArticleKey = (TenantId, String);

/// An article and where its stream ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    article: Article,
    version: StreamVersion,
    position: LogPosition,
    last_hash: Hash,
}

impl Folded for Written {
    fn weight(&self) -> usize {
        // With its key, about.
        size_of::<Self>() + 128
    }

    fn position(&self) -> Option<LogPosition> {
        Some(self.position)
    }
}

/// An article, as a command meets it.
pub(super) struct Writing {
    key: ArticleKey,
    written: Option<Written>,
    now: Timestamp,
    configuration: Arc<Configuration>,
    config_version: u64,
}

impl<D: Disk> Decider<D> {
    pub(super) fn meet_article(&mut self, command: &Command, now: Timestamp) -> Result<Met, StoreFault> {
        let key = (command.tenant.clone(), named(&command.order).unwrap_or_default().to_owned());
        let configured = self.configured(&key.0)?;
        let (configuration, config_version) = (Arc::clone(&configured.configuration), configured.version());
        let written = self.written(&key)?;
        Ok(Met::Article(Box::new(Writing { key, written, now, configuration, config_version })))
    }

    /// What a decision on a ticket must know of the article that the command names.
    pub(super) fn known_article(&mut self, command: &Command) -> Result<KnownArticle, StoreFault> {
        let Order::UseArticle(order) = &command.order else { return Ok(KnownArticle::Elsewhere) };
        let key = (command.tenant.clone(), order.article.as_str().to_owned());
        if let Some(written) = self.written(&key)? {
            return Ok(KnownArticle::Known(written.article));
        }
        let any = self.has_articles.contains(&key.0)
            || self.store.number(keys::META, &keys::articles(key.0.as_str()))?.is_some();
        Ok(if any { KnownArticle::Unknown } else { KnownArticle::Elsewhere })
    }

    fn written(&mut self, key: &ArticleKey) -> Result<Option<Written>, StoreFault> {
        if let Some(written) = self.articles.get(key) {
            return Ok(Some(*written));
        }
        let row = keys::article(key.0.as_str(), &key.1);
        let Some(position) = self.store.number(keys::META, &row)?.and_then(LogPosition::new) else {
            return Ok(None);
        };
        let (record, last_hash) = decode(&self.store, position)?;
        let Some(article) = Article::after(&record.event).filter(|_| record.stream_id == key.1) else {
            let cause = format!("position {position} is not about article {:?}", key.1);
            return Err(StoreFault::found("look up an article", cause));
        };
        let written = Written { article, version: record.version, position, last_hash };
        self.articles.put(key.clone(), written);
        Ok(Some(written))
    }

    /// The ticket that an article is to be written from, its texts open where their keys are there. `None`: there is no such
    /// ticket.
    fn solved(
        &mut self,
        tenant: &TenantId,
        order: &PublishArticleFromTicket,
    ) -> Result<Result<Option<Solved>, Rejection>, StoreFault> {
        let key = (tenant.clone(), order.ticket_id);
        let Some(entry) = self.entry(&key)? else { return Ok(Ok(None)) };
        let created = self.creation(&key)?;
        let Some(created) = created.as_ref().and_then(Event::created).cloned() else {
            return Ok(Err(not_yet()));
        };
        let resolved = match entry.ticket.last_resolution {
            None => None,
            Some(_) => match self.newest_resolution(&key, entry.version)? {
                Some(resolved) => Some(resolved),
                None => return Ok(Err(not_yet())),
            },
        };
        Ok(Ok(Some(Solved { ticket: entry.ticket, created, resolved })))
    }

    /// The newest resolution of a ticket that has one; `None`: not all of the ticket is on disk yet.
    fn newest_resolution(
        &self,
        key: &TicketKey,
        newest: StreamVersion,
    ) -> Result<Option<TicketResolved>, StoreFault> {
        for version in (1..=newest.get()).rev() {
            match self.event_at(key, version)? {
                Some(Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e)))) => {
                    return Ok(Some(e));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
        Err(StoreFault::found("read the resolution of a ticket", format!("ticket {} has none", key.1)))
    }
}

/// The id of the article that a command is about.
fn named(order: &Order) -> Option<&str> {
    if let Order::PublishArticle(order) = order {
        Some(order.article.as_str())
    } else if let Order::PublishArticleFromTicket(order) = order {
        Some(order.article.as_str())
    } else if let Order::RetireArticle(order) = order {
        Some(order.article.as_str())
    } else {
        None
    }
}

fn not_yet() -> Rejection {
    let reason = "the ticket has records that are not on disk yet";
    Rejection::Busy { reason, retry_after_ms: RETRY_AFTER_MS }
}

impl<D: Disk> Stream<D> for Writing {
    type Beside = ();
    type After = Written;

    const DECIDES: &'static str = "decide_article";

    fn about(&self) -> About {
        About::Article(self.key.1.clone())
    }

    fn end(&self) -> Option<(StreamVersion, Hash)> {
        self.written.map(|written| (written.version, written.last_hash))
    }

    fn met(&self) -> (Timestamp, u64) {
        (self.now, self.config_version)
    }

    /// The permission comes first: whoever may not publish learns nothing of what there is.
    fn is_expected(&self, command: &Command) -> bool {
        command.expects(self.written.map(|written| written.version))
            || self.configuration.at(self.now).may(command).is_err()
    }

    fn decide(&self, on: &mut Decider<D>, command: &Command) -> Result<Decided<()>, StoreFault> {
        let in_force = self.configuration.at(self.now);
        if let Err(rejection) = in_force.may(command) {
            return Ok(Err(rejection));
        }
        let solved = if let Order::PublishArticleFromTicket(order) = &command.order {
            match on.solved(&self.key.0, order)? {
                Ok(solved) => solved,
                Err(rejection) => return Ok(Err(rejection)),
            }
        } else {
            None
        };
        let article = self.written.map(|written| written.article);
        Ok(decide_article(article, command, &in_force, solved.as_ref()).map(|drafts| (drafts, ())))
    }

    fn fold(&self, (): &(), staged: &[Staged]) -> Option<Written> {
        let Staged { event, recorded, hash, .. } = staged.last()?;
        let (version, position) = (recorded.version, recorded.position);
        Some(Written { article: Article::after(event)?, version, position, last_hash: *hash })
    }

    fn becomes(&mut self, on: &mut Decider<D>, _: &Command, after: Written) {
        on.has_articles.insert(self.key.0.clone());
        on.articles.put(self.key.clone(), after);
    }

    /// It was never away.
    fn leave(self, _: &mut Decider<D>) {}
}
