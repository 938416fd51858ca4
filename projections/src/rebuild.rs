//! The next generation of a read model: built beside the live one, compared with it row by row at the same
//! position, then put in its place.
//!
//! ```text
//! build ─▶ hold the live one still ─▶ same position ─▶ let it go on, compare ─▶ hold ─▶ same position ─▶ swap
//! ```
//!
//! The live one answers and folds all the while; it is held only for the last few records, twice.

mod offline;
pub(crate) mod progress;

use std::sync::Arc;
use std::time::Duration;

use guichet_crash::{CrashPoint, crash_point};
use guichet_schemas::wire::RebuildView;
use serde::{Deserialize, Serialize};

use crate::compare::{Found, compare};
use crate::fold::{End, ModelWriter};
use crate::ground::{Ground, blocking};
use crate::live::Model;
use crate::store::{Store, StoreError};
use crate::worker::Worker;
use crate::worker::source::Source;
pub use offline::{Offline, OfflineError, content_of};
pub use progress::{Phase, Progress};

/// The live one is held when only so much is missing.
const NEAR: u64 = 500;
/// And for so long at most.
const HOLD_MAX: Duration = Duration::from_secs(10);
/// How long the old generation may be in use by answers before its folder goes all the same.
const RELEASE: Duration = Duration::from_secs(5);

/// Said of a live generation that nothing can be compared with.
const UNREADABLE: &str = "the live generation is damaged, so the two could not be compared";

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Order {
    /// Take the rebuilt one although it differs.
    pub swap: bool,
    /// Keep the live one although they are equal: only the comparison is wanted.
    #[serde(default)]
    pub keep: bool,
    /// When it was asked for, in milliseconds UTC; for those who look.
    pub at: i64,
}

impl Order {
    /// True where the live one stays.
    const fn keeps(self, differ: bool) -> bool {
        self.keep || differ && !self.swap
    }
}

/// Which ticket is to be folded again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Healing {
    pub tenant: String,
    /// Its id.
    pub ticket: String,
}

/// Begins a rebuild beside the workers.
pub(crate) fn spawn_rebuild<S: Source>(model: &Model, ground: &Ground<S>, order: Order) {
    ground.spawn(rebuild(model.clone(), ground.clone(), order));
}

/// Begins to fold a ticket again beside the workers.
pub(crate) fn spawn_heal<S: Source>(model: &Model, ground: &Ground<S>, key: Vec<u8>, order: Order) {
    ground.spawn(heal(model.clone(), ground.clone(), key, order));
}

/// Rebuilds a model. Says all the while in `model.progress` how far it is.
async fn rebuild<S: Source>(model: Model, ground: Ground<S>, order: Order) {
    model.report(|progress| *progress = Progress { phase: Phase::Building, ..Progress::default() });
    let outcome = try_rebuild(&model, &ground, order).await;
    model.status.rebuilds(None);
    let name = model.model().name;
    match outcome {
        Ok(()) => {
            model.report(|progress| progress.phase = Phase::Done);
            tracing::info!(model = name, swapped = model.progress().swapped, "rebuilt");
        }
        Err(why) => {
            tracing::warn!(model = name, %why, "the rebuild failed; the live generation stays");
            model.report(|progress| (progress.phase, progress.note) = (Phase::Failed, Some(why)));
        }
    }
}

async fn try_rebuild<S: Source>(model: &Model, ground: &Ground<S>, order: Order) -> Result<(), String> {
    let mut builder = builder(model, ground).await?;
    near(model, &mut builder, order).await?;
    crash_point(CrashPoint::RebuildBuilt);
    let found = compared(model, &mut builder).await?;
    crash_point(CrashPoint::RebuildCompared);
    if order.keeps(found.is_some_and(|found| found.differing > 0)) {
        drop(builder);
        let folders = Arc::clone(&model.folders);
        blocking(move || folders.clear_spare()).await.map_err(say)?;
        model.report(|progress| {
            progress.note = Some("the live generation stays; what was rebuilt is dropped".to_owned());
        });
        return Ok(());
    }
    model.report(|progress| progress.phase = Phase::Swapping);
    near(model, &mut builder, order).await?;
    swap(model, builder).await
}

/// A worker with an empty generation of the model.
async fn builder<S: Source>(model: &Model, ground: &Ground<S>) -> Result<Worker<S>, String> {
    let folder = fresh(model, ground).await.map_err(say)?;
    Ok(Worker::new(Model::new(folder, Arc::clone(&model.folders)), ground))
}

async fn fresh<S: Source>(model: &Model, ground: &Ground<S>) -> Result<ModelWriter, StoreError> {
    let (folders, read_model) = (Arc::clone(&model.folders), model.model());
    let (memory, partition) = (ground.memory.clone(), ground.settings.partition);
    ground
        .blocking(move || {
            folders.clear_spare()?;
            let store = Store::open(folders.spare(), read_model.layout(), &memory)?;
            ModelWriter::open(read_model, Arc::new(store), partition)
        })
        .await
}

/// Folds until the live one is almost reached, or the log where that stands still.
async fn near<S: Source>(model: &Model, builder: &mut Worker<S>, order: Order) -> Result<(), String> {
    loop {
        let target = target(model, builder).await;
        let have = builder.position();
        model.report(|progress| (progress.position, progress.target) = (have, target));
        model.status.rebuilds(Some(RebuildView { position: have, target, started_at: order.at }));
        if have + NEAR >= target {
            return Ok(());
        }
        // In steps, so that whoever looks sees how far it is.
        builder.build_to(target.min(have + STEP)).await?;
    }
}

/// Records between two looks at the progress.
const STEP: u64 = 20_000;

async fn target<S: Source>(model: &Model, builder: &Worker<S>) -> u64 {
    let live = *model.position().borrow();
    if model.halted().borrow().is_none() {
        return live;
    }
    // It may stand at a position that the log does not have any more.
    builder.head().await.unwrap_or(live)
}

/// Compares the two at the same position; `None` where they are not of the same history.
async fn compared<S: Source>(model: &Model, builder: &mut Worker<S>) -> Result<Option<Found>, String> {
    let gate = model.gate.lock().await;
    let live = model.checkpoint();
    let comparable = live.position_or_zero() <= target(model, builder).await;
    if comparable {
        held(&mut *builder, live.position_or_zero()).await?;
    }
    if !comparable || builder.checkpoint() != live {
        drop(gate);
        // One that stands still is behind by now, and the new one does not go back.
        let what = match &*model.halted().borrow() {
            Some(why) => format!("the live generation stands still ({why})"),
            None => "the live generation is of another history".to_owned(),
        };
        model.report(|progress| progress.note = Some(format!("{what}, so the two cannot be compared")));
        return Ok(None);
    }
    model.report(|progress| progress.phase = Phase::Comparing);
    let (ours, theirs) = (model.store(), builder.store());
    let (taken, both) = tokio::sync::oneshot::channel();
    let comparing = tokio::task::spawn_blocking(move || {
        let (live, next) = (ours.view(), theirs.view());
        // An error means that nobody waits any more.
        let _gone = taken.send(());
        // First what is new: where that can be read, an error of the comparison is one of the live generation.
        let hash = next.content_hash(&theirs)?;
        match compare(&ours, &live, &next) {
            Err(why) if why.is_damage() => Ok::<_, StoreError>((None, hash)),
            found => Ok((Some(found?), hash)),
        }
    });
    // From here on the live one may go on: both views stand still.
    both.await.map_err(|_| "the comparison ended in a panic".to_owned())?;
    drop(gate);
    let (found, hash) =
        comparing.await.map_err(|_| "the comparison ended in a panic".to_owned())?.map_err(say)?;
    model.report(|progress| match &found {
        Some(found) => {
            progress.rows = Some(found.rows);
            progress.differing = found.differing;
            progress.differences.clone_from(&found.named);
            progress.content_hash = Some(hash.to_string());
        }
        None => progress.note = Some(UNREADABLE.to_owned()),
    });
    Ok(found)
}

/// Folds the last records while the live one is held. That must not take long.
async fn held<S: Source>(builder: &mut Worker<S>, until: u64) -> Result<(), String> {
    match tokio::time::timeout(HOLD_MAX, builder.build_to(until)).await {
        Ok(built) => built,
        Err(_) => Err(format!("position {until} could not be read in time; try again")),
    }
}

/// Puts the next generation in the place of the live one, and removes the old.
async fn swap<S: Source>(model: &Model, mut builder: Worker<S>) -> Result<(), String> {
    let gate = model.gate.lock().await;
    let until = target(model, &builder).await;
    held(&mut builder, until).await?;
    let position = builder.position();
    let next = builder.into_folder().ok_or("a batch of the next generation is still under way")?;
    let owner = model.clone();
    let old = blocking(move || {
        next.store().flush()?;
        crash_point(CrashPoint::RebuildFlushed);
        owner.folders.swap()?;
        crash_point(CrashPoint::RebuildSwapped);
        Ok::<_, StoreError>(owner.exchange(next))
    })
    .await
    .map_err(say)?;
    model.report(|progress| (progress.swapped, progress.position) = (true, position));
    drop(gate);
    release(model, old).await;
    crash_point(CrashPoint::RebuildReleased);
    Ok(())
}

/// Removes a generation when nobody reads it any more.
async fn release(model: &Model, old: ModelWriter) {
    let store = Arc::downgrade(&old.store());
    blocking(move || drop(old)).await;
    let free = async {
        while store.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(RELEASE, free).await.is_err() {
        tracing::warn!(model = model.model().name, "the old generation is still read; its folder goes");
    }
    let folders = Arc::clone(&model.folders);
    if let Err(error) = blocking(move || folders.clear_spare()).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "the folder of the old generation stays; it goes with the next rebuild");
    }
}

/// Begins a new generation at once, because the live one is of another history or version. It answers from
/// its own position on; the old one stays on the disk until [`finish`].
pub(crate) async fn begin_again<S: Source>(model: &Model, ground: &Ground<S>) -> Result<(), StoreError> {
    let next = fresh(model, ground).await?;
    let owner = model.clone();
    ground.blocking(move || drop(owner.exchange(next))).await;
    Ok(())
}

/// Waits until the generation in the spare folder has everything, and makes it the live one.
pub(crate) async fn finish<S: Source>(model: Model, ground: Ground<S>) {
    let started_at = (ground.clock)().0;
    let mut stopped = ground.stopped.clone();
    let mut position = model.position();
    let mut current = model.status.current();
    loop {
        let (have, target) = (*position.borrow_and_update(), model.status.known());
        model.status.rebuilds(Some(RebuildView { position: have, target, started_at }));
        if *current.borrow_and_update() {
            break;
        }
        let changed = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => return,
            changed = position.changed() => changed,
            changed = current.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
    let gate = model.gate.lock().await;
    let (store, folders) = (model.store(), Arc::clone(&model.folders));
    let done = ground.blocking(move || {
        store.flush()?;
        folders.swap()?;
        folders.clear_spare()
    });
    match done.await {
        Ok(()) => model.status.rebuilds(None),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the new generation is not in place yet; the next start goes on with it");
        }
    }
    drop(gate);
}

/// Folds a quarantined ticket again: in place where the model can, else by a rebuild.
async fn heal<S: Source>(model: Model, ground: Ground<S>, key: Vec<u8>, order: Order) {
    model.report(|progress| *progress = Progress { phase: Phase::Building, ..Progress::default() });
    let gate = model.gate.lock().await;
    let owner = model.clone();
    let healed = blocking(move || {
        let mut folder = owner.folder();
        let healed = folder.heal(&key);
        owner.status.folded(&folder.state(End::All));
        healed
    });
    let healed = healed.await;
    drop(gate);
    match healed {
        Ok(true) => model.report(|progress| progress.phase = Phase::Done),
        Ok(false) => rebuild(model, ground, Order { swap: true, ..order }).await,
        Err(error) => {
            let why = say(error);
            model.report(|progress| (progress.phase, progress.note) = (Phase::Failed, Some(why)));
        }
    }
}

fn say(error: StoreError) -> String {
    let cause = std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
    format!("{error}{cause}")
}
