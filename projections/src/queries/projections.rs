//! `projections`: how the read models are, those of this process and those that run in others.
//!
//! A process that runs only some models asks for the others, one by one, on a subject of their own:
//! `guichet.v1.projection.<partition>.<model>.status`. Who runs that model answers at once; where nobody does,
//! NATS says so at once. So whoever answers a client answers for the whole desk.

use std::sync::Arc;
use std::time::Duration;

use async_nats::service::NATS_SERVICE_ERROR;
use futures_util::future::join_all;
use guichet_schemas::codec::encode_query_reply;
use guichet_schemas::ids::TenantId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject;
use guichet_schemas::wire::query_reply::Data;
use guichet_schemas::wire::{ProjectionView, ProjectionsView, QueryReply};
use prost::Message as _;

use super::answer::{rejection, unknown_tenant};
use super::ask::Ask;
use super::page::Cursor;
use super::reader::Refusal;
use super::{Queries, blocking};
use crate::model;

/// How long another process may take to say how its model is.
const PATIENCE: Duration = Duration::from_secs(1);

impl Queries {
    pub(super) async fn projections(self: &Arc<Self>, ask: &Ask) -> Result<bytes::Bytes, Rejection> {
        if ask.looks_back() {
            let what = "the query projections with as_of or as_of_position";
            return Err(Rejection::Unsupported(what.to_owned()));
        }
        Cursor::refuse(ask)?;
        let (queries, tenant) = (Arc::clone(self), ask.tenant.clone());
        let read = blocking(move || match queries.knows(&tenant)? {
            true => queries.own(tenant.as_str()).map(Some),
            false => Ok(None),
        });
        let read = read.await??;
        let mut projections = read.ok_or_else(|| unknown_tenant(ask))?;
        let as_of_position = projections.iter().map(|one| one.checkpoint).min().unwrap_or(0);
        let missing = model::ALL.iter().filter(|model| !projections.iter().any(|one| one.name == model.name));
        // At the same time: where they may not be asked, nobody answers.
        let asked = missing.map(|model| self.elsewhere(model.name, &ask.tenant)).collect::<Vec<_>>();
        projections.extend(join_all(asked).await.into_iter().flatten());
        let publishing = self.models.first().and_then(|model| model.status.log().view());
        // As the catalogue lists them, wherever they run.
        projections.sort_by_key(|one| model::ALL.iter().position(|model| model.name == one.name));
        let reply = QueryReply {
            as_of_position,
            as_of_time: (self.ground.clock)().0,
            data: Some(Data::Projections(ProjectionsView { projections, publishing })),
            ..QueryReply::default()
        };
        Ok(encode_query_reply(&reply, ask.encoding))
    }

    /// The models of this process. Blocks.
    pub(super) fn own(&self, tenant: &str) -> Result<Vec<ProjectionView>, Rejection> {
        let view = |model: &crate::live::Model| {
            model.slot.read(|view, _| model.status.projection(&view, Some(tenant))).map_err(Refusal::from)
        };
        self.models.iter().map(view).collect::<Result<_, _>>().map_err(rejection)
    }

    /// Has a model of this process anything of the tenant? Blocks.
    fn knows(&self, tenant: &TenantId) -> Result<bool, Rejection> {
        for model in &self.models {
            if model.slot.read(|view, _| view.has(tenant)).map_err(|e| rejection(e.into()))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn elsewhere(&self, model: &str, tenant: &TenantId) -> Option<ProjectionView> {
        let subject = subject::projection(self.ground.settings.partition, model, "status");
        let request = async_nats::Request::new().payload(tenant.to_string().into()).timeout(Some(PATIENCE));
        let reply = self.ground.source.client.send_request(subject, request).await.ok()?;
        // Too busy to say: as if nobody had answered.
        if reply.headers.as_ref().is_some_and(|headers| headers.get(NATS_SERVICE_ERROR).is_some()) {
            return None;
        }
        ProjectionView::decode(reply.payload).ok()
    }
}
