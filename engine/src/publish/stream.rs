//! The stream itself: made as we need it, compared with the log, rebuilt where it is damaged or forged.

use guichet_proof::{Author, Authorship};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use super::bus::{Bus, Found, Kept, Repair, Unrestored};
use crate::log::StoreFault;

/// Messages looked at in one go for who wrote them.
const STRETCH: u64 = 1_000;

/// The contents of the stream, as far as they are ours.
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
    authorship: &Authorship,
    record: impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<StreamState, Repair> {
    let mut found = match bus.look().await.map_err(Repair::Unknown)? {
        Some(found) => found,
        None => bus.make().await?,
    };
    settle_owner(bus, authorship, &found, &record).await?;
    if let Some(difference) = found.misfit.take() {
        tracing::warn!(%difference, "the stream is not configured as ours; restoring it");
        match bus.restore().await {
            Ok(()) => {}
            Err(Unrestored::Refused(why)) => {
                tracing::warn!(%why, "the stream cannot be configured as ours; it is rebuilt from the log");
                found = recreate(bus).await?;
            }
            Err(Unrestored::Unknown(why)) => {
                return Err(Repair::Unknown(format!("configure the stream: {why}")));
            }
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
    let ours = record(last).map_err(Repair::Log)?.map(|ours| Hash::of_record(&ours));
    if ours == Some(theirs) {
        return Ok(StreamState { last: Some(last), last_hash: theirs });
    }
    why_rebuilt(bus, authorship, (last, &message), ours, &record).await?;
    recreate(bus).await?;
    Ok(StreamState::EMPTY)
}

/// Makes sure that the stream is this log's, and says so on it. Whoever may only publish cannot change what it says; so
/// whatever a stream of ours holds, it can be rebuilt, and another desk's never is.
async fn settle_owner<B: Bus>(
    bus: &B,
    authorship: &Authorship,
    found: &Found,
    record: &impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<(), Repair> {
    match &found.owner {
        Some(owner) if owner == authorship.owner() => Ok(()),
        Some(owner) => Err(Repair::Foreign(format!(
            "the stream belongs to the log {owner}, this one is {}; name the right --data-dir or NATS server",
            authorship.owner()
        ))),
        // An older program made it.
        None if found.last > 0 && found.is_whole() && !begins_like(bus, record).await? => {
            Err(Repair::Foreign("the stream begins with another log's first record".to_owned()))
        }
        None => {
            if let Err(why) = bus.restore().await {
                tracing::warn!(%why, "the name of the log could not be written on its stream");
            }
            Ok(())
        }
    }
}

/// Says in the log why a stream whose last message is not our record may be rebuilt.
///
/// # Errors
/// It may not: an engine with our secret wrote it.
async fn why_rebuilt<B: Bus>(
    bus: &B,
    authorship: &Authorship,
    (last, message): (LogPosition, &Kept),
    ours: Option<Hash>,
    record: &impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<(), Repair> {
    let generation = authorship.generation();
    match message.author(authorship, last.get()) {
        Author::Older => {
            tracing::warn!(%last, "the stream is of a generation that was given up; publishing the log again");
            return Ok(());
        }
        Author::Unproven if message.says.generation.is_some_and(|theirs| theirs < generation) => {
            tracing::warn!(%last, "the stream is of a generation that was given up; publishing the log again");
            return Ok(());
        }
        Author::Ours | Author::Newer | Author::Unproven | Author::Stranger => {}
    }
    // Nobody published this: its sender named another hash. A bit that flips in the last message must heal as it does in
    // any other, and not look like a second engine.
    if ours.is_some() && message.said == ours {
        tracing::error!(%last, "the stream is damaged at its end; it is rebuilt from the log");
        return Ok(());
    }
    let from = forged_from(bus, authorship, last, record).await?;
    metrics::counter!("guichet_forged_messages_total", "found" => "stream")
        .increment(last.get().saturating_sub(from.get()).saturating_add(1));
    tracing::error!(
        %from,
        through = last.get(),
        "the stream holds messages that this log's engine did not write; it is rebuilt from the log. anyone who may publish there can forge them, see docs/SECURITY.md"
    );
    Ok(())
}

/// Goes back from the end of the stream to where it is the log again, and looks who wrote what stands behind that.
/// The first message that nobody wrote who has our secret.
async fn forged_from<B: Bus>(
    bus: &B,
    authorship: &Authorship,
    last: LogPosition,
    record: &impl Fn(LogPosition) -> Result<Option<Vec<u8>>, StoreFault>,
) -> Result<LogPosition, Repair> {
    let (mut forged, mut through) = (last, last.get());
    loop {
        let begin = through.saturating_sub(STRETCH - 1).max(1);
        let (mut next, mut begins_like_ours) = (begin, false);
        while next <= through {
            let most = usize::try_from(through - next + 1).unwrap_or(usize::MAX);
            let stored = bus.messages(next, most).await.map_err(Repair::Unknown)?;
            let stored: Vec<_> = stored.into_iter().filter(|message| message.sequence <= through).collect();
            let Some(end) = stored.last().map(|message| message.sequence) else {
                return Err(Repair::Unknown(format!("message {next} of the stream is not there any more")));
            };
            for message in stored {
                let Some(position) = LogPosition::new(message.sequence) else { continue };
                let hash = Hash::of_record(&message.kept.payload);
                let ours = record(position).map_err(Repair::Log)?.map(|ours| Hash::of_record(&ours));
                if ours == Some(hash) {
                    begins_like_ours |= position.get() == begin;
                    continue;
                }
                match message.kept.author(authorship, position.get()) {
                    Author::Stranger | Author::Older => forged = forged.min(position),
                    Author::Ours | Author::Newer | Author::Unproven => {
                        let ours =
                            ours.map_or_else(|| "ends before it".to_owned(), |ours| format!("has {ours}"));
                        return Err(Repair::Foreign(format!(
                            "message {position} has hash {hash}, the log {ours}"
                        )));
                    }
                }
            }
            next = end + 1;
        }
        if begins_like_ours || begin == 1 {
            return Ok(forged);
        }
        through = begin - 1;
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
    let made = bus.make().await?;
    if made.last > 0 {
        // A server whose files were taken away finds some of them again when it makes the stream. The next look does
        // not find it whole, and removes it once more.
        return Err(Repair::Unknown(format!("the new stream is not empty, it ends at {}", made.last)));
    }
    Ok(made)
}
