//! How the read models are, asked for whoever wants to know: one question at a time, and no more than a few a second.
//! `/readyz` and `/metrics` need no token, so they must not be a way to keep the read models busy.

use std::sync::Arc;
use std::time::Duration;

use guichet_schemas::ids::TenantId;
use guichet_schemas::wire::{self, ProjectionsView, query, query_reply};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ask::Questions;

/// How old an account may be that is given once more.
const FRESH_FOR: Duration = Duration::from_millis(500);
const WITHIN: Duration = Duration::from_secs(2);

/// The read models' report about themselves, or the reason why there is none.
type Seen = Result<Arc<ProjectionsView>, String>;

/// Asks for the account of the default tenant.
#[derive(Debug)]
pub(crate) struct Looks {
    questions: Questions,
    last: Mutex<Option<(Instant, Seen)>>,
}

impl Looks {
    pub(crate) fn new(questions: Questions) -> Self {
        Self { questions, last: Mutex::new(None) }
    }

    /// The newest account. Whoever comes while one is being asked for waits for that one.
    ///
    /// # Errors
    /// Why there is none, in words for an operator.
    pub(crate) async fn look(&self) -> Seen {
        let mut last = self.last.lock().await;
        if let Some((_, seen)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH_FOR) {
            return seen.clone();
        }
        let seen = self.ask().await;
        *last = Some((Instant::now(), seen.clone()));
        seen
    }

    async fn ask(&self) -> Seen {
        let data = Some(query::Data::Projections(wire::ProjectionsQuery {}));
        let query = wire::Query { data, ..Default::default() };
        let tenant = TenantId::default_tenant();
        let asked = tokio::time::timeout(WITHIN, self.questions.ask(&tenant, query)).await;
        let reply = asked.map_err(|_| "the read models did not answer in time".to_owned())?;
        match reply.map_err(|refusal| refusal.error.message)?.data {
            Some(query_reply::Data::Projections(view)) => Ok(Arc::new(view)),
            Some(_) | None => Err("the read models gave no account of themselves".to_owned()),
        }
    }
}
