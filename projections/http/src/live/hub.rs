//! Follows the events of each tenant that somebody looks at, once for all who look. Subscribes to the subjects of
//! the stream without JetStream: what is missed does no harm, because the position is also asked for now and then.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Message};
use futures_util::StreamExt as _;
use guichet_schemas::ids::TenantId;
use guichet_schemas::rejection::Rejection;
use guichet_schemas::subject;
use guichet_schemas::wire::{self, query, query_reply};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ask::Questions;
use crate::refusal::Refusal;

/// Between two announcements at least this: five a second.
const PACE: Duration = Duration::from_millis(200);
/// How long the read models may take to show what happened, before it is announced that they are behind.
const SHOWN_WITHIN_MS: u64 = 500;
/// How often the position is asked for although no event came.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Tenants that are followed at the same time.
const TENANTS_MAX: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    /// Newest event of the log that is known here.
    pub(crate) newest: u64,
    /// The read models have folded up to here.
    pub(crate) position: u64,
    /// Counts what was announced, so that a reader knows how much of it went by.
    pub(crate) announcement: u64,
}

/// All tenants that are followed.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    tenants: Mutex<BTreeMap<TenantId, Followed>>,
}

#[derive(Debug)]
struct Followed {
    shown: watch::Sender<Shown>,
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    /// The position that the tenant's read models show, from now on.
    ///
    /// # Errors
    /// There is no such tenant, nobody answers, or too many are followed.
    pub(crate) async fn follow(
        &self,
        questions: &Questions,
        tenant: &TenantId,
    ) -> Result<watch::Receiver<Shown>, Refusal> {
        if let Some(followed) = self.followed(tenant) {
            return Ok(followed);
        }
        // Asked first, so that only a tenant that exists is followed.
        let first = look(questions, tenant, 0).await?;
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, followed| !followed.task.is_finished());
        if let Some(followed) = tenants.get(tenant) {
            return Ok(followed.shown.subscribe());
        }
        if tenants.len() >= TENANTS_MAX {
            tenants.retain(|_, followed| followed.shown.receiver_count() > 0);
        }
        if tenants.len() >= TENANTS_MAX {
            let busy = Rejection::Busy { reason: "too many tenants are followed", retry_after_ms: 5_000 };
            return Err(busy.into());
        }
        let (shown, receiver) = watch::channel(first);
        let task = tokio::spawn(run(questions.clone(), tenant.clone(), shown.clone()));
        tenants.insert(tenant.clone(), Followed { shown, task });
        Ok(receiver)
    }

    /// The position that is shown to a tenant that is followed already.
    fn followed(&self, tenant: &TenantId) -> Option<watch::Receiver<Shown>> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let followed = tenants.get(tenant).filter(|followed| !followed.task.is_finished())?;
        Some(followed.shown.subscribe())
    }

    /// Newest event of a tenant that is known here; 0 where nobody follows.
    pub(crate) fn newest(&self, tenant: &TenantId) -> u64 {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).map_or(0, |followed| followed.shown.borrow().newest)
    }

    /// Ends all.
    pub(crate) fn stop(&self) {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Two halves: one drains the subscription and keeps only the newest position, the other announces at its pace, and
/// ends when nobody looks any more.
async fn run(questions: Questions, tenant: TenantId, shown: watch::Sender<Shown>) {
    let (arrived, arriving) = watch::channel(shown.borrow().newest);
    tokio::select! {
        () = drain(questions.client().clone(), &tenant, arrived) => {}
        () = announce(&questions, &tenant, arriving, &shown) => {}
    }
}

async fn drain(client: Client, tenant: &TenantId, arrived: watch::Sender<u64>) {
    match client.subscribe(subject::events_to(tenant)).await {
        Ok(mut events) => {
            while let Some(event) = events.next().await {
                if let Some(position) = position_of(&event) {
                    arrived.send_if_modified(|newest| {
                        std::mem::replace(newest, position.max(*newest)) < position
                    });
                }
            }
        }
        Err(error) => {
            tracing::warn!(%tenant, %error, "the events of a tenant cannot be subscribed to; its open pages follow more slowly");
        }
    }
    // Without a subscription the looks every few seconds are left.
    std::future::pending::<()>().await;
}

fn position_of(event: &Message) -> Option<u64> {
    event.headers.as_ref()?.get("ce-sequence")?.as_str().parse().ok()
}

async fn announce(
    questions: &Questions,
    tenant: &TenantId,
    mut arriving: watch::Receiver<u64>,
    shown: &watch::Sender<Shown>,
) {
    loop {
        tokio::select! {
            Ok(()) = arriving.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {
                if shown.receiver_count() == 0 {
                    return;
                }
            }
        }
        let newest = *arriving.borrow_and_update();
        let now = match look(questions, tenant, newest).await {
            Ok(now) => Shown { newest: now.newest.max(newest), ..now },
            // Behind, or away for a moment: what is known is that something happened.
            Err(_) => Shown { newest: newest.max(shown.borrow().newest), ..*shown.borrow() },
        };
        shown.send_if_modified(|before| {
            let is_news = (before.newest, before.position) != (now.newest, now.position);
            if is_news {
                *before = Shown { announcement: before.announcement.saturating_add(1), ..now };
            }
            is_news
        });
        tokio::time::sleep(PACE).await;
    }
}

/// Asks the read models how far they are, once they show a position.
async fn look(questions: &Questions, tenant: &TenantId, position: u64) -> Result<Shown, Refusal> {
    let query = wire::Query {
        min_position: Some(position),
        wait_ms: Some(SHOWN_WITHIN_MS),
        data: Some(query::Data::Projections(wire::ProjectionsQuery {})),
        ..Default::default()
    };
    let reply = questions.ask(tenant, query).await?;
    let Some(query_reply::Data::Projections(view)) = reply.data else { return Ok(Shown::default()) };
    let newest = view
        .projections
        .iter()
        .map(|p| p.checkpoint.saturating_add(p.lag))
        .max()
        .unwrap_or(reply.as_of_position);
    let position = reply.as_of_position;
    Ok(Shown { newest: newest.max(position), position, announcement: 0 })
}
