//! What the clients were told, and when. It stands outside of everything that may crash.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use guichet_schemas::codec::{Outcome, Request};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::CommandId;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Which engine said so.
    pub(crate) engine: usize,
    /// When the command was sent for the first time, when this one of it was, and when the answer came.
    pub(crate) asked: Duration,
    pub(crate) sent: Duration,
    pub(crate) at: Duration,
    /// Of which content.
    pub(crate) request: Hash,
    pub(crate) dry_run: bool,
    pub(crate) outcome: Outcome,
}

/// A command on its way.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) at: Duration,
}

/// Everything that was asked and told.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
pub(crate) struct Book {
    /// First time that an id was sent.
    pub(crate) asked: BTreeMap<CommandId, Duration>,
    pub(crate) told: BTreeMap<CommandId, Vec<Told>>,
    /// How many clients have nothing more to ask, and since when.
    pub(crate) content_since: Option<(usize, Duration)>,
}

impl Ledger {
    pub(crate) fn ask(&self, request: &Request, now: Duration) {
        self.book().asked.entry(request.command.command_id).or_insert(now);
    }

    pub(crate) fn tell(&self, sent: &Sent, engine: usize, now: Duration, outcome: Outcome) {
        let Sent { request, at: sent } = sent;
        let mut book = self.book();
        let id = request.command.command_id;
        let asked = book.asked.get(&id).copied().unwrap_or(now);
        book.told.entry(id).or_default().push(Told {
            engine,
            asked,
            sent: *sent,
            at: now,
            request: request.request_hash,
            dry_run: request.command.dry_run,
            outcome,
        });
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
