//! The fold of the knowledge base: articles as they are published, and the tickets that they help with.

use std::collections::BTreeMap;
use std::sync::Arc;

use guichet_schemas::event::{ArticlePublished, DeskEvent, Event};
use guichet_schemas::ids::{TicketId, TicketNumber};
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::record::Record;
use guichet_schemas::wire::PublishedArticle;
use prost::Message;

use super::answers::ArticleAnswers;
use super::row::{Row, Uses, concerns};
use super::terms::Terms;
use crate::keys;
use crate::model::rows::{RowCache, Rows};
use crate::projection::{Accepted, Opened, Projection};
use crate::store::{Batch, Store, StoreError};

struct Fold {
    store: Arc<Store>,
    /// Of the batch at hand.
    rows: Rows<Row>,
    cache: RowCache<Row>,
    articles: BTreeMap<Vec<u8>, PublishedArticle>,
    uses: BTreeMap<Vec<u8>, Uses>,
}

pub(super) fn open(store: &Arc<Store>) -> Result<Opened, StoreError> {
    let fold = Fold {
        store: Arc::clone(store),
        rows: Rows::default(),
        cache: RowCache::default(),
        articles: BTreeMap::new(),
        uses: BTreeMap::new(),
    };
    Ok(Opened { fold: Box::new(fold), answers: Arc::new(ArticleAnswers) })
}

pub(super) fn decode<T: Message + Default>(bytes: &[u8]) -> Result<T, StoreError> {
    T::decode(bytes).map_err(|_| StoreError::Damaged { what: "a row of the knowledge base" })
}

impl Fold {
    /// Changes the row of a ticket, and the gap that it is.
    fn ticket<T>(
        &mut self,
        (tenant, id): (&str, TicketId),
        batch: &mut Batch<'_>,
        change: impl FnOnce(&mut Option<Row>) -> T,
    ) -> Result<T, StoreError> {
        let key = keys::ticket(tenant, id);
        let store = &self.store;
        let load = || store.row(keys::ARTICLE_TICKETS, &key, decode);
        let row = self.rows.slot(&key, &mut self.cache, load)?;
        let before = row.as_ref().and_then(Row::gap);
        let changed = change(row);
        let after = row.as_ref().and_then(Row::gap);
        if before != after {
            if let Some(at) = before {
                batch.delete(keys::KNOWLEDGE_GAPS, &keys::at(tenant, at, id));
            }
            if let Some(at) = after {
                batch.put(keys::KNOWLEDGE_GAPS, &keys::at(tenant, at, id), &[]);
            }
        }
        Ok(changed)
    }

    fn used(&mut self, tenant: &str, article: &str, record: &Record) -> Result<(), StoreError> {
        let key = keys::article(tenant, article);
        let before = match self.uses.get(&key) {
            Some(uses) => *uses,
            None => self.store.row(keys::ARTICLE_USES, &key, decode)?.unwrap_or_default(),
        };
        let uses = Uses {
            tickets: before.tickets.saturating_add(1),
            last_at: before.last_at.max(record.occurred_at.0),
        };
        self.uses.insert(key, uses);
        Ok(())
    }

    fn published(
        &mut self,
        e: &ArticlePublished,
        record: &Record,
        batch: &mut Batch<'_>,
    ) -> Result<(), StoreError> {
        let tenant = record.tenant.as_str();
        let key = keys::article(tenant, &e.article);
        let row = PublishedArticle {
            article: e.article.clone(),
            version: e.version,
            newest_version: e.version,
            audience: e.audience.to_wire(),
            language: e.language.clone(),
            categories: e.categories.clone(),
            keywords: e.keywords.clone(),
            title: e.title.clone(),
            body: Some(e.body.clone()),
            body_hash: e.body_hash.to_wire(),
            from_ticket: e.from_ticket.to_wire(),
            published_at: record.occurred_at.0,
            published_by: record.actor.id.clone(),
            ..PublishedArticle::default()
        };
        let version = keys::article_version(tenant, &e.article, e.version);
        batch.put(keys::ARTICLE_VERSIONS, &version, &row.encode_to_vec());
        batch.put(keys::ARTICLE_TERMS, &key, &Terms::of(e).write());
        self.articles.insert(key, row);
        if let Some(id) = e.from_ticket {
            self.ticket((tenant, id), batch, |row| {
                if let Some(row) = row {
                    row.is_written = true;
                }
            })?;
        }
        Ok(())
    }

    fn retired(
        &mut self,
        article: &str,
        reason: &str,
        record: &Record,
        batch: &mut Batch<'_>,
    ) -> Result<(), StoreError> {
        let key = keys::article(&record.tenant, article);
        let row = match self.articles.remove(&key) {
            Some(row) => Some(row),
            None => self.store.row(keys::ARTICLES, &key, decode::<PublishedArticle>)?,
        };
        let mut row = row.ok_or(StoreError::Damaged { what: "an article that is retired" })?;
        row.retired_at = Some(record.occurred_at.0);
        row.retired_because = Some(reason.to_owned());
        batch.delete(keys::ARTICLE_TERMS, &key);
        self.articles.insert(key, row);
        Ok(())
    }
}

impl Projection for Fold {
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let record = accepted.record;
        if let Event::Desk(DeskEvent::ArticlePublished(e)) = &record.event {
            return self.published(e, record, batch);
        }
        if let Event::Desk(DeskEvent::ArticleRetired(e)) = &record.event {
            return self.retired(&e.article, &e.reason, record, batch);
        }
        let (Some((id, _)), Event::Ticket(event), true) =
            (accepted.ticket, &record.event, concerns(&record.event))
        else {
            return Ok(());
        };
        if let Some(e) = record.event.created() {
            let number = keys::number(&record.tenant, TicketNumber(e.number));
            batch.put(keys::NUMBERS, &number, id.0.as_bytes());
        }
        let of = (record.tenant.as_str(), *id);
        match self.ticket(of, batch, |row| Row::fold(row, event, record))? {
            Some(article) => self.used(&record.tenant, article, record),
            None => Ok(()),
        }
    }

    fn seal(&mut self, batch: &mut Batch<'_>) {
        for (key, row) in self.rows.iter() {
            batch.put(keys::ARTICLE_TICKETS, key, &row.encode_to_vec());
        }
        for (key, row) in &self.articles {
            batch.put(keys::ARTICLES, key, &row.encode_to_vec());
        }
        for (key, uses) in &self.uses {
            batch.put(keys::ARTICLE_USES, key, &uses.encode_to_vec());
        }
    }

    fn committed(&mut self) {
        self.cache.keep(std::mem::take(&mut self.rows));
        self.articles.clear();
        self.uses.clear();
    }
}
