//! Does the key store have the keys that the log speaks of? A write-ahead log that was cut between two writes opens
//! without a word, so the key store alone cannot say that it lost its end; the log names every key that was made.

use std::path::Path;

use guichet_keys::KeyStore;
use guichet_schemas::codec::decode_record;
use guichet_schemas::event::{Event, LogEvent};
use guichet_schemas::position::LogPosition;

use super::{OpenError, Store, StoreFault};

/// Records read at a time, from the end backwards.
const STRETCH: u64 = 500;
/// So far back we look: a log where nobody new has come for longer is not held up.
const STRETCHES: usize = 40;
/// Keys that the log names up to the position in this file were lost, and an operator said that they are.
const GIVEN_UP: &str = "keys-given-up";

/// Looks for the newest key that the log names behind a position. Keys are on disk before the records that use them, one
/// after the other; so where the newest is there, none before it was cut off. Says which record made it where it is
/// missing.
///
/// # Errors
/// The log or the key store cannot be read.
pub(super) fn missing(
    store: &Store,
    keys: &KeyStore,
    last: Option<LogPosition>,
    behind: u64,
) -> Result<Option<u64>, StoreFault> {
    let Some((position, tenant, key)) = newest(store, last, behind)? else { return Ok(None) };
    Ok(keys.get(&tenant, key)?.is_none().then_some(position))
}

/// Up to where an operator said that keys are lost; 0: nowhere.
///
/// # Errors
/// The system refuses.
pub(super) fn given_up(dir: &Path) -> Result<u64, OpenError> {
    let file = dir.join(GIVEN_UP);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(OpenError::Folder { dir: file, cause }),
    };
    Ok(text.trim().parse().unwrap_or_else(|error| {
        tracing::warn!(%error, file = %file.display(), "the note of the keys that were given up is damaged; all keys are looked for");
        0
    }))
}

/// Notes that keys up to a position are lost for good, as an operator said.
///
/// # Errors
/// The disk.
pub(super) fn give_up(dir: &Path, position: u64) -> Result<(), OpenError> {
    let file = dir.join(GIVEN_UP);
    std::fs::write(&file, format!("{position}\n"))
        .and_then(|()| std::fs::File::open(&file)?.sync_all())
        .map_err(|cause| OpenError::Folder { dir: file, cause })
}

/// The newest record behind a position that made a key: where it stands, of which tenant, and the key.
fn newest(
    store: &Store,
    last: Option<LogPosition>,
    behind: u64,
) -> Result<Option<(u64, String, guichet_schemas::ids::KeyId)>, StoreFault> {
    let mut end = LogPosition::or_zero(last);
    for _ in 0..STRETCHES {
        let from = end.saturating_sub(STRETCH - 1).max(behind + 1);
        let Some(from) = LogPosition::new(from).filter(|from| from.get() <= end) else { return Ok(None) };
        let (mut found, mut fault) = (None, None);
        store.scan(from, |position, bytes| {
            match decode_record(bytes) {
                Ok(record) => {
                    if let Event::Log(LogEvent::KeyCreated(created)) = record.event {
                        found = Some((position.get(), record.tenant, created.key_id));
                    }
                }
                Err(error) => {
                    let cause = format!("position {position} does not read: {error}");
                    fault = Some(StoreFault::found("look for the newest key", cause));
                }
            }
            fault.is_none() && position.get() < end
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        if found.is_some() {
            return Ok(found);
        }
        end = from.get() - 1;
    }
    Ok(None)
}
