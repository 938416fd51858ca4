//! What stands around every page: whose desk, which language, where one is.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::Response;
use guichet_schemas::ids::TenantId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::wire::{self, query};

use super::failed;
use super::text::{self, LANGUAGES, Text};
use crate::api;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// How long a tile waits for the read model to show what happened; then it shows what there is.
const WAIT_MS: u64 = 1_500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    Overview,
    Queue,
    Ticket,
    Clocks,
    Knowledge,
    Health,
}

/// The surroundings of a page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) t: &'static Text,
    pub(super) tenant: TenantId,
    pub(super) here: Here,
}

impl Frame {
    /// For a whole page: begins to follow the tenant, so that its tiles know what is newest.
    ///
    /// # Errors
    /// The page that says why there is none.
    pub(super) async fn new(
        shared: &Shared,
        tenant: &str,
        headers: &HeaderMap,
        here: Here,
    ) -> Result<Self, Box<Response>> {
        let frame = Self::part(tenant, headers, here)?;
        match shared.hub.follow(&shared.questions, &frame.tenant).await {
            Ok(_) => Ok(frame),
            Err(refusal) => Err(Box::new(failed::page(frame.t, Some(&frame.tenant), &refusal))),
        }
    }

    /// For a part of a page.
    ///
    /// # Errors
    /// The tenant is no token.
    pub(super) fn part(tenant: &str, headers: &HeaderMap, here: Here) -> Result<Self, Box<Response>> {
        let t = text::choose(None, headers);
        match api::tenant(tenant) {
            Ok(tenant) => Ok(Self { t, tenant, here }),
            Err(refusal) => Err(Box::new(failed::page(t, None, &refusal))),
        }
    }

    pub(super) fn languages(&self) -> &'static [&'static Text] {
        &LANGUAGES
    }

    pub(super) fn is_here(&self, here: Here) -> bool {
        self.here == here
    }

    pub(super) fn at_overview(&self) -> bool {
        self.is_here(Here::Overview)
    }

    pub(super) fn at_queue(&self) -> bool {
        self.is_here(Here::Queue)
    }

    pub(super) fn at_clocks(&self) -> bool {
        self.is_here(Here::Clocks)
    }

    pub(super) fn at_knowledge(&self) -> bool {
        self.is_here(Here::Knowledge)
    }

    pub(super) fn at_health(&self) -> bool {
        self.is_here(Here::Health)
    }

    /// Asks for what a tile shows: all that is known to have happened, if the read model gets there in time.
    ///
    /// # Errors
    /// The refusal.
    pub(super) async fn ask(
        &self,
        shared: &Shared,
        mut query: wire::Query,
    ) -> Result<(wire::QueryReply, Behind), Refusal> {
        let newest = shared.hub.newest(&self.tenant);
        query.min_position = Some(newest);
        query.wait_ms = Some(WAIT_MS);
        let reply = match shared.questions.ask_together(&self.tenant, &query).await {
            Err(refusal) if is_behind(&refusal) => {
                query.min_position = None;
                shared.questions.ask_together(&self.tenant, &query).await?
            }
            other => other?,
        };
        let reply = Arc::unwrap_or_clone(reply);
        let behind = Behind { events: newest.saturating_sub(reply.as_of_position), at: reply.as_of_position };
        Ok((reply, behind))
    }
}

/// How far an answer is from the newest event known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    pub(super) at: u64,
    pub(super) events: u64,
}

/// The read model lives but is not there yet.
fn is_behind(refusal: &Refusal) -> bool {
    refusal.error.code == "unavailable"
        && refusal.error.details.as_ref().is_some_and(|details| details.as_of_position.is_some())
}

/// A question with nothing but its filters.
pub(super) fn question(data: query::Data) -> wire::Query {
    wire::Query { data: Some(data), ..Default::default() }
}

/// The refusal that a tile shows where an answer never came.
pub(super) fn unexpected() -> Refusal {
    let reason = "the read model answered another question".to_owned();
    Rejection::Unavailable { reason, as_of_position: None }.into()
}
