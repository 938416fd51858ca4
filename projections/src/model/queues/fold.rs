//! The fold of the queue board: rows in the store, then the same change on the board.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use guichet_schemas::ids::TicketId;
use guichet_schemas::mirror::Wire as _;
use guichet_schemas::position::StreamVersion;
use prost::Message as _;

use super::Board;
use super::answers::QueueAnswers;
use super::row::{Row, Step, Subject};
use crate::keys;
use crate::projection::{Accepted, Opened, Projection, TicketKey};
use crate::store::{Batch, Store, StoreError};

struct Fold {
    store: Arc<Store>,
    board: Arc<RwLock<Board>>,
    changes: Vec<Change>,
    at: HashMap<TicketKey, usize>,
}

/// The change that a batch makes to a row.
struct Change {
    tenant: String,
    id: TicketId,
    key: TicketKey,
    before: Option<Row>,
    after: Option<Row>,
}

pub(super) fn open(store: &Arc<Store>) -> Result<Opened, StoreError> {
    let mut board = Board::default();
    for entry in store.view().scan(keys::QUEUE_ROWS, Vec::new(), &[]) {
        let (key, value) = entry?;
        let (tenant, id) = keys::tenant_and_ticket(&key).ok_or(StoreError::Damaged { what: "a key" })?;
        board.change(tenant, id, None, Some(&decode(&value)?));
    }
    let board = Arc::new(RwLock::new(board));
    let fold =
        Fold { store: Arc::clone(store), board: Arc::clone(&board), changes: Vec::new(), at: HashMap::new() };
    Ok(Opened { fold: Box::new(fold), answers: Arc::new(QueueAnswers(board)) })
}

fn decode(bytes: &[u8]) -> Result<Row, StoreError> {
    Row::decode(bytes).map_err(|_| StoreError::Damaged { what: "a ticket's row" })
}

impl Fold {
    /// The row before the batch: on the board if it waits, else in the store.
    fn before(&self, accepted: &Accepted<'_>, id: TicketId, key: &[u8]) -> Result<Option<Row>, StoreError> {
        let record = accepted.record;
        if record.version == StreamVersion::FIRST {
            return Ok(None);
        }
        let board = self.board.read().unwrap_or_else(PoisonError::into_inner);
        match board.desk(&record.tenant).and_then(|desk| desk.ticket(id)) {
            Some(waiting) => Ok(Some(waiting.row.clone())),
            None => self.store.row(keys::QUEUE_ROWS, key, decode),
        }
    }
}

impl Projection for Fold {
    fn apply(&mut self, accepted: &Accepted<'_>, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let Some((id, key)) = accepted.ticket else { return Ok(()) };
        let record = accepted.record;
        let Some(step) = Step::of(&record.event) else { return Ok(()) };
        if let Step::Created(e) = step {
            let subject =
                Subject { command_id: record.command_id.to_wire(), text: e.subject.clone().to_wire() };
            batch.put(keys::SUBJECTS, key, &subject.encode_to_vec());
        }
        let index = match self.at.get(key) {
            Some(index) => *index,
            None => {
                let before = self.before(accepted, *id, key)?;
                let after = before.clone();
                let (tenant, key) = (record.tenant.clone(), key.clone());
                self.at.insert(key.clone(), self.changes.len());
                self.changes.push(Change { tenant, id: *id, key, before, after });
                self.changes.len() - 1
            }
        };
        step.take(&mut self.changes[index].after, record);
        Ok(())
    }

    fn seal(&mut self, batch: &mut Batch<'_>) {
        self.changes.retain(|change| change.after != change.before);
        for change in &self.changes {
            if let Some(row) = &change.after {
                batch.put(keys::QUEUE_ROWS, &change.key, &row.encode_to_vec());
            }
        }
    }

    fn committed(&mut self) {
        let mut board = self.board.write().unwrap_or_else(PoisonError::into_inner);
        for change in self.changes.drain(..) {
            board.change(&change.tenant, change.id, change.before.as_ref(), change.after.as_ref());
        }
        self.at.clear();
    }
}
