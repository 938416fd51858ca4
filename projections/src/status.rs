//! How the worker of a model is, for those who ask: one place that the worker writes and the queries read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use guichet_schemas::mirror::Wire as _;
use guichet_schemas::wire::{ProjectionState, ProjectionView, RebuildView, StepsView};
use tokio::sync::watch;

use crate::fold::Folded;
use crate::heard::Heard;
use crate::lineage::Halt;
use crate::projection::ReadModel;
use crate::store::{Checkpoint, StoreError, View};

/// Quarantined tickets that an answer lists; of the others it gives the number.
const QUARANTINED_SHOWN_MAX: usize = 200;
/// Up to this many positions behind is still live: under load a batch is always on its way.
const LIVE_LAG_MAX: u64 = 1_000;

pub(crate) struct Status {
    model: &'static ReadModel,
    position: watch::Sender<u64>,
    halted: watch::Sender<Option<String>>,
    /// The fold was compared with the log or the stream since the start.
    verified: watch::Sender<bool>,
    /// Newest event known to be in the stream, or read from the log.
    newest: AtomicU64,
    /// The engine's last account of its log.
    log: Mutex<Heard>,
    /// Why nothing arrives; `None` while connected to the stream.
    waiting: Mutex<Option<String>>,
    /// Everything that there was when it was last looked is folded.
    current: watch::Sender<bool>,
    /// The next generation, while one is built.
    rebuild: Mutex<Option<RebuildView>>,
    /// The rest of the work of a record.
    steps: Mutex<Option<StepsView>>,
}

impl Status {
    pub(crate) fn new(model: &'static ReadModel, folded: &Folded) -> Self {
        Self {
            model,
            position: watch::Sender::new(folded.checkpoint.position_or_zero()),
            halted: watch::Sender::new(None),
            // Of what holds nothing, nothing can be wrong.
            verified: watch::Sender::new(folded.checkpoint.position.is_none()),
            newest: AtomicU64::new(0),
            log: Mutex::default(),
            waiting: Mutex::new(Some("starting".to_owned())),
            current: watch::Sender::new(false),
            rebuild: Mutex::new(None),
            steps: Mutex::new(None),
        }
    }

    pub(crate) fn model(&self) -> &'static ReadModel {
        self.model
    }

    pub(crate) fn folded(&self, folded: &Folded) {
        let position = folded.checkpoint.position_or_zero();
        if self.position.send_if_modified(|have| std::mem::replace(have, position) != position) {
            // What was folded continues what was there.
            self.verify();
            self.connected();
        }
    }

    /// The history at the checkpoint is that of the log, or of the stream where nobody serves the log.
    pub(crate) fn verify(&self) {
        self.verified.send_if_modified(|verified| !std::mem::replace(verified, true));
    }

    pub(crate) fn verified(&self) -> watch::Receiver<bool> {
        self.verified.subscribe()
    }

    pub(crate) fn newest(&self, position: u64) {
        self.newest.store(position, Ordering::Relaxed);
    }

    /// Takes the engine's account of its log.
    pub(crate) fn heard(&self, heard: &Heard) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = heard.clone();
    }

    pub(crate) fn log(&self) -> Heard {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Positions between a checkpoint and the head of the log.
    pub(crate) fn behind(&self, checkpoint: &Checkpoint) -> u64 {
        self.known().saturating_sub(checkpoint.position_or_zero())
    }

    pub(crate) fn connected(&self) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Says why nothing arrives; true where that is news.
    pub(crate) fn waits(&self, why: &str) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let news = waiting.as_deref() != Some(why);
        *waiting = Some(why.to_owned());
        news
    }

    /// The feed was reached.
    pub(crate) fn caught_up(&self) {
        self.current.send_replace(true);
    }

    pub(crate) fn current(&self) -> watch::Receiver<bool> {
        self.current.subscribe()
    }

    /// The newest position known: of the log, or of the stream where that has told more since.
    pub(crate) fn known(&self) -> u64 {
        self.newest.load(Ordering::Relaxed).max(self.log().head)
    }

    pub(crate) fn rebuilds(&self, rebuild: Option<RebuildView>) {
        *self.rebuild.lock().unwrap_or_else(PoisonError::into_inner) = rebuild;
    }

    pub(crate) fn steps(&self, steps: Option<StepsView>) {
        *self.steps.lock().unwrap_or_else(PoisonError::into_inner) = steps;
    }

    /// Another generation took over: what made the one before it halt is over.
    pub(crate) fn revive(&self) {
        self.verify();
        self.halted.send_if_modified(|halted| halted.take().is_some());
    }

    pub(crate) fn halt(&self, halt: &Halt) {
        self.halted.send_replace(Some(halt.to_string()));
    }

    pub(crate) fn position(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
    }

    pub(crate) fn halted(&self) -> watch::Receiver<Option<String>> {
        self.halted.subscribe()
    }

    /// The answer about this read model, with the quarantined tickets of one tenant, or of all.
    pub(crate) fn projection(
        &self,
        view: &View<'_>,
        tenant: Option<&str>,
    ) -> Result<ProjectionView, StoreError> {
        let checkpoint = view.checkpoint()?;
        let lag = self.behind(&checkpoint);
        let mut quarantined = view.quarantined(tenant)?;
        let (state, reason) = self.state(lag, quarantined.len());
        let quarantined_left_out = quarantined.len().saturating_sub(QUARANTINED_SHOWN_MAX) as u64;
        quarantined.truncate(QUARANTINED_SHOWN_MAX);
        Ok(ProjectionView {
            name: self.model.name.to_owned(),
            version: self.model.version,
            generation: checkpoint.generation,
            checkpoint: checkpoint.position_or_zero(),
            checkpoint_hash: checkpoint.hash.to_wire(),
            lag,
            state: state as i32,
            reason,
            quarantined,
            quarantined_left_out,
            // Each record must name the hash of the one before it to be folded, so one comparison covers all before.
            verified_position: if *self.verified.borrow() { checkpoint.position_or_zero() } else { 0 },
            rebuild: *self.rebuild.lock().unwrap_or_else(PoisonError::into_inner),
            steps: *self.steps.lock().unwrap_or_else(PoisonError::into_inner),
            head: self.known(),
        })
    }

    fn state(&self, lag: u64, quarantined: usize) -> (ProjectionState, Option<String>) {
        if let Some(reason) = self.halted.borrow().clone() {
            return (ProjectionState::Halted, Some(reason));
        }
        if self.rebuild.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return (ProjectionState::Rebuilding, None);
        }
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let waiting = waiting.or_else(|| self.log().doubt(lag));
        match quarantined {
            0 if waiting.is_some() || lag > LIVE_LAG_MAX => (ProjectionState::CatchingUp, waiting),
            0 => (ProjectionState::Live, None),
            n => (
                ProjectionState::Degraded,
                Some(waiting.unwrap_or_else(|| format!("{n} tickets could not be folded"))),
            ),
        }
    }
}
