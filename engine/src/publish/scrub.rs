//! Compares the whole stream with the log, a stretch at a time and round again, as long as the engine runs.
//!
//! The end of the stream is compared at every connection and in every quiet moment. A bit that flips further back
//! would be met only by a reader who comes by years later; here it is found within a round.

use std::time::Duration;

use guichet_proof::{Author, Authorship};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;
use tokio::sync::watch;

use super::bus::{Bus, Kept};
use crate::halt::{Halt, HaltReason};
use crate::log::{Disk, LogReader, StoreFault};

/// Messages compared at a time.
const STRETCH: usize = 1_000;
/// Pause between two stretches while more than one of them is not compared yet: ten million messages are looked at in
/// less than three hours, for about four hundredths of a core.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause once all but a few were: the rounds go on, for what flips at rest, at a tenth of the cost.
const PAUSE_AT_REST: Duration = Duration::from_secs(10);

pub(super) struct Scrub<B, D> {
    pub(super) bus: B,
    pub(super) reader: LogReader<D>,
    pub(super) authorship: Authorship,
    /// Newest position that the stream has acknowledged.
    pub(super) published: watch::Receiver<u64>,
    /// Where the first difference is; 0: none. The publisher sets it back once the stream is rebuilt.
    pub(super) damaged: watch::Sender<u64>,
    /// Told where the log itself cannot be read.
    pub(super) halt: Halt,
}

impl<B: Bus, D: Disk> Scrub<B, D> {
    /// Runs until it is aborted.
    pub(super) async fn run(self) {
        let mut next = LogPosition::FIRST;
        // How far the last whole round came.
        let mut compared = 0;
        loop {
            let through = *self.published.borrow();
            if next.get() > through {
                (next, compared) = (LogPosition::FIRST, through);
            }
            if *self.damaged.borrow() == 0 && next.get() <= through {
                match self.stretch(next, through).await {
                    Ok(Seen::Foreign(what)) => self.halt.stop(HaltReason::ForeignStream(what)),
                    Ok(Seen::Damaged(damaged)) => {
                        tracing::error!(
                            position = damaged.get(),
                            "the stream is damaged; it is rebuilt from the log"
                        );
                        self.damaged.send_replace(damaged.get());
                        (next, compared) = (LogPosition::FIRST, 0);
                    }
                    Ok(Seen::SameUpTo(position)) => next = position,
                    // A doubt about the server is not one about the stream: look again later.
                    Err(why) => tracing::debug!(%why, "could not compare the stream with the log"),
                }
            }
            // A pace, not a wait for something.
            let is_new = through.saturating_sub(compared) > STRETCH as u64;
            self.bus.sleep(if is_new { PAUSE } else { PAUSE_AT_REST }).await;
        }
    }

    /// Compares from a position on.
    async fn stretch(&self, from: LogPosition, through: u64) -> Result<Seen, String> {
        let most = STRETCH.min(usize::try_from(through - from.get() + 1).unwrap_or(STRETCH));
        let theirs = self.bus.messages(from.get(), most).await?;
        let reader = self.reader.clone();
        let ours = self.bus.blocking(move || reader.read(from, most, usize::MAX)).await?;
        let ours = ours.map_err(|fault: StoreFault| {
            // The look that finds a flipped bit in the log before a reader does: the next start repairs it.
            let said = fault.to_string();
            self.halt.stop(fault.into());
            said
        })?;
        // The stream was rebuilt, or lost its end, since we asked how far it is: whoever publishes knows better.
        if *self.published.borrow() < through {
            return Ok(Seen::SameUpTo(from));
        }
        if theirs.is_empty() && !ours.is_empty() {
            return Ok(Seen::Damaged(from));
        }
        let mut next = from;
        // An answer may be shorter than what was asked for: its bytes are limited.
        for (theirs, ours) in theirs.iter().zip(&ours) {
            let (hash, our_hash) = (Hash::of_record(&theirs.kept.payload), Hash::of_record(ours));
            if theirs.sequence != next.get() {
                return Ok(Seen::Damaged(next));
            }
            if hash != our_hash {
                let (is_whole, is_older) = {
                    let Kept { said, says, .. } = &theirs.kept;
                    (*said == Some(hash), says.generation.is_some_and(|g| g < self.authorship.generation()))
                };
                // An engine with our secret published this, and it is no older lineage that was given up: to make the
                // stream anew would be to fight for it, for as long as the other one does too. Who has not the secret
                // cannot have acknowledged anything.
                let is_engines = match theirs.kept.author(&self.authorship, theirs.sequence) {
                    Author::Ours | Author::Newer => true,
                    Author::Unproven => is_whole && !is_older,
                    Author::Older | Author::Stranger => false,
                };
                return Ok(if is_engines {
                    Seen::Foreign(format!("message {next} has hash {hash}, the log has {our_hash}"))
                } else {
                    Seen::Damaged(next)
                });
            }
            next = next.next();
        }
        Ok(Seen::SameUpTo(next))
    }
}

/// The result of a look at a stretch.
enum Seen {
    /// Here the stream is not what the log is.
    Damaged(LogPosition),
    /// Another engine wrote what stands here.
    Foreign(String),
    /// No difference before this position.
    SameUpTo(LogPosition),
}
