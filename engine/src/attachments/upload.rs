//! Uploads under way: how many there may be, and which has waited too long.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use guichet_schemas::ids::CallerId;
use guichet_schemas::rejection::Rejection;

use super::layout::Place;
use super::sealed::Writer;

/// Uploads at a time: each holds a descriptor and a segment.
const UPLOADS: usize = 64;
/// Of those, by one caller.
const UPLOADS_EACH: usize = 8;
/// An upload that nobody goes on with is given up after this.
pub(super) const IDLE: Duration = Duration::from_secs(600);

/// One upload; nothing: it has ended.
pub(super) type Upload = Arc<Mutex<Option<Writer>>>;

/// By whom to where.
pub(super) type By = (CallerId, Place);

struct UnderWay {
    upload: Upload,
    last: Instant,
}

#[derive(Default)]
pub(super) struct Uploads(BTreeMap<By, UnderWay>);

impl Uploads {
    /// The upload that somebody goes on with.
    pub(super) fn get(&mut self, by: &By) -> Option<Upload> {
        let found = self.0.get_mut(by)?;
        found.last = Instant::now();
        Some(Arc::clone(&found.upload))
    }

    /// Whether another may begin.
    ///
    /// # Errors
    /// `busy`: too many are under way.
    pub(super) fn room(&self, caller: &CallerId) -> Result<(), Rejection> {
        let of_caller = self.0.keys().filter(|(by, _)| by == caller).count();
        if self.0.len() >= UPLOADS || of_caller >= UPLOADS_EACH {
            metrics::counter!("guichet_uploads_busy_total").increment(1);
            return Err(Rejection::Busy { reason: "too many uploads are under way", retry_after_ms: 500 });
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, by: By, writer: Writer) -> Upload {
        let upload = Arc::new(Mutex::new(Some(writer)));
        self.0.insert(by, UnderWay { upload: Arc::clone(&upload), last: Instant::now() });
        upload
    }

    pub(super) fn end(&mut self, by: &By) {
        self.0.remove(by);
    }

    /// Gives up what nobody goes on with; gives how many that were.
    pub(super) fn give_up(&mut self, idle: Duration) -> usize {
        let before = self.0.len();
        self.0.retain(|_, under_way| under_way.last.elapsed() < idle);
        before - self.0.len()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
