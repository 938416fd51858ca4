//! Does the key store have the keys that the log speaks of? A write-ahead log that was cut between two writes opens
//! without a word, so the key store alone cannot say that it lost its end; the log names every key that was made.

use std::sync::Arc;

use guichet_keys::KeyStore;
use guichet_schemas::codec::decode_record;
use guichet_schemas::event::Event;
use guichet_schemas::position::LogPosition;

use crate::log::{LogReader, StoreFault};

/// Records read at a time, from the end backwards.
const STRETCH: usize = 500;
/// So far back we look: a log where nobody new has come for longer is not held up.
const STRETCHES: usize = 40;

/// Looks for the newest key that the log names. Keys are on disk before the records that use them, one after the
/// other; so where the newest is there, none before it was cut off.
///
/// # Errors
/// The log or the key store cannot be read.
pub(crate) fn newest_is_there(reader: &LogReader, keys: &Arc<KeyStore>) -> Result<(), StoreFault> {
    let mut end = LogPosition::or_zero(reader.head());
    for _ in 0..STRETCHES {
        let Some(from) = LogPosition::new(end.saturating_sub(STRETCH as u64 - 1).max(1)).filter(|_| end > 0)
        else {
            return Ok(());
        };
        let records = reader.read(from, STRETCH, usize::MAX)?;
        for (position, bytes) in (from.get()..).zip(&records).collect::<Vec<_>>().into_iter().rev() {
            let record = decode_record(bytes).map_err(|error| {
                let cause = format!("position {position} does not read: {error}");
                StoreFault { doing: "look for the newest key", cause }
            })?;
            if let Event::KeyCreated(created) = &record.event {
                if keys.get(&record.tenant, created.key_id)?.is_none() {
                    tracing::error!(
                        position = record.position.get(),
                        key = %created.key_id,
                        "the newest key that the log names is not in the key store: the store lost its end, or is an older copy. What was sealed under the missing keys stays sealed; if there is a newer key store, stop and bring it back"
                    );
                }
                return Ok(());
            }
        }
        end = from.get() - 1;
    }
    Ok(())
}
