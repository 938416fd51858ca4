//! The stream itself: made as we need it, compared with the log, made anew where it is damaged.

use guichet_schemas::hash::Hash;
use guichet_schemas::position::{Generation, LogPosition};

use super::bus::{Bus, Found, Repair};
use crate::log::StoreFault;

/// What the stream holds, as far as it is ours.
#[derive(Debug)]
pub(super) struct StreamState {
    pub(super) last: Option<LogPosition>,
    pub(super) last_hash: Hash,
}

impl StreamState {
    const EMPTY: Self = Self { last: None, last_hash: Hash::ZERO };
}

/// Makes sure that the stream is there and as we need it, and finds its end.
pub(super) async fn open<B: Bus>(
    bus: &B,
    generation: Generation,
    record: impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<StreamState, Repair> {
    let mut found = match bus.look().await.map_err(Repair::Unknown)? {
        Some(found) => found,
        None => bus.make().await?,
    };
    if let Some(difference) = found.misfit.take() {
        tracing::warn!(%difference, "the stream is not configured as ours; restoring it");
        if bus.restore().await.is_err() {
            found = recreate(bus).await?;
        }
    }
    if !found.is_whole() {
        tracing::warn!(
            first = found.first,
            last = found.last,
            messages = found.messages,
            "the stream lost messages; publishing it again from the log"
        );
        recreate(bus).await?;
        return Ok(StreamState::EMPTY);
    }
    let Some(last) = LogPosition::new(found.last) else { return Ok(StreamState::EMPTY) };
    let message = bus.message(last.get()).await;
    let message = message.map_err(|e| Repair::Unknown(format!("read message {last}: {e}")))?;
    let theirs = Hash::of_record(&message.payload);
    let ours = record(last).map_err(Repair::Log)?;
    if ours.as_ref().is_some_and(|ours| Hash::of_record(ours) == theirs) {
        return Ok(StreamState { last: Some(last), last_hash: theirs });
    }
    if message.generation.is_some_and(|theirs| theirs < generation) && begins_like(bus, &record).await? {
        tracing::warn!(%last, "the stream is of a generation that was given up; publishing the log anew");
        recreate(bus).await?;
        return Ok(StreamState::EMPTY);
    }
    match ours {
        // Nobody published this: its sender named another hash. A bit that flips in the last message must heal as it
        // does in any other, and not look like a second engine.
        Some(ours) if message.said == Some(Hash::of_record(&ours)) => {
            tracing::error!(%last, "the stream is damaged at its end; it is made anew from the log");
            recreate(bus).await?;
            Ok(StreamState::EMPTY)
        }
        Some(ours) => Err(Repair::Foreign(format!(
            "message {last} has hash {theirs}, the log has {}",
            Hash::of_record(&ours)
        ))),
        None => Err(Repair::Foreign(format!("the stream ends at {last}, beyond the log"))),
    }
}

/// True where the first message is the first record of the log: then the stream was ours once.
async fn begins_like<B: Bus>(
    bus: &B,
    record: &impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<bool, Repair> {
    let first = bus.message(LogPosition::FIRST.get()).await;
    let first = first.map_err(|e| Repair::Unknown(format!("read message 1: {e}")))?;
    let ours = record(LogPosition::FIRST).map_err(Repair::Log)?;
    Ok(ours.as_deref() == Some(&first.payload[..]))
}

async fn recreate<B: Bus>(bus: &B) -> Result<Found, Repair> {
    bus.remove().await.map_err(Repair::Unknown)?;
    bus.make().await
}
