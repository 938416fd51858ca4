//! The open attachment folder of a node.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use guichet_crash::{CrashPoint, crash_point};
use guichet_keys::{DataKey, Dice, FileCipher, FilePlace, KeyStore, SALT};
use guichet_schemas::command::limits::ATTACHMENT_BYTES;
use guichet_schemas::ids::{CallerId, TenantId};
use guichet_schemas::position::LogPosition;
use guichet_schemas::rejection::{FieldError, Rejection};

use super::durable;
use super::layout::{self, Place};
use super::sealed::{self, ReadError, Writer};
use super::upload::{By, Upload, Uploads, lock};
use crate::clock;

/// Sealed bytes of a tenant.
const TENANT_BYTES: u64 = 20 << 30;

/// How far an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// So many bytes are here: the next chunk begins there.
    pub received: u64,
    /// All are on disk, and a command may name them.
    pub stored: bool,
}

/// The open folder. One engine has it: the fence of its log says so.
pub struct AttachmentStore {
    pub(super) dir: PathBuf,
    /// None: the log is measured without protection, and nothing can be attached.
    keys: Option<Arc<KeyStore>>,
    pub(super) state: Mutex<State>,
    closed: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) uploads: Uploads,
    /// Names of uploads, counted.
    number: u64,
    dice: Dice,
    /// Uploaded since the start, and named by no ticket when the last sweep looked.
    pub(super) fresh: BTreeSet<Place>,
    /// Redacted by a command at this position: the bytes go once that is on disk, and nobody names them until then.
    doomed: BTreeMap<Place, LogPosition>,
    /// Sealed bytes, as the last sweep counted them and uploads since.
    pub(super) bytes: BTreeMap<TenantId, u64>,
}

impl std::fmt::Debug for AttachmentStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachmentStore").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl AttachmentStore {
    /// Opens the folder, or makes it. Uploads that the last stop interrupted are removed.
    ///
    /// # Errors
    /// The disk.
    pub fn open(dir: &Path, keys: Option<Arc<KeyStore>>) -> io::Result<Self> {
        let uploads = layout::uploads(dir);
        durable::make(&uploads)?;
        durable::make(&layout::tenants(dir))?;
        let left = layout::listed(&uploads)?;
        for (_, path) in &left {
            durable::remove(path)?;
        }
        if !left.is_empty() {
            metrics::counter!("guichet_uploads_interrupted_total").increment(left.len() as u64);
            tracing::info!(
                uploads = left.len(),
                "uploads that the last stop interrupted were removed; whoever sent them sends them again"
            );
        }
        Ok(Self { dir: dir.to_owned(), keys, state: Mutex::default(), closed: AtomicBool::new(false) })
    }

    /// The engine stops: a sweep that is under way ends.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether something was redacted whose bytes are still there.
    #[must_use]
    pub fn has_doomed(&self) -> bool {
        !lock(&self.state).doomed.is_empty()
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many bytes lie there for a ticket to name, and keeps them from being swept for as long as a fresh upload.
    /// `None`: they are not, or not any more.
    ///
    /// # Errors
    /// The disk.
    pub fn held(&self, place: &Place, was_redacted: bool) -> io::Result<Option<u64>> {
        let state = lock(&self.state);
        if state.doomed.contains_key(place) || (was_redacted && !state.fresh.contains(place)) {
            return Ok(None);
        }
        let size = sealed::size_of(&place.bytes(&self.dir))?;
        match (size, File::options().write(true).open(place.mark(&self.dir))) {
            (Some(size), Ok(mark)) => mark.set_modified(now()).map(|()| Some(size)),
            (_, Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            (_, _) => Ok(None),
        }
    }

    /// Takes a chunk of an upload. The last one is answered once everything is on disk.
    ///
    /// # Errors
    /// The chunk is refused, and the upload given up where it cannot go on.
    pub fn put(
        &self,
        place: &Place,
        caller: &CallerId,
        was_redacted: bool,
        size: u64,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Received, Rejection> {
        if size > ATTACHMENT_BYTES {
            return Err(Rejection::PayloadTooLarge { what: "the attachment", max: ATTACHMENT_BYTES });
        }
        if self.held(place, was_redacted).map_err(refused)? == Some(size) {
            return Ok(Received { received: size, stored: true });
        }
        let by = (caller.clone(), place.clone());
        let Some(upload) = self.under_way(&by, size, offset)? else {
            return Ok(Received { received: 0, stored: false });
        };
        let taken = self.take(&by, &upload, size, offset, bytes);
        if taken.is_err() {
            lock(&self.state).uploads.end(&by);
        }
        taken
    }

    /// The upload, a new one where it begins.
    fn under_way(&self, by: &By, size: u64, offset: u64) -> Result<Option<Upload>, Rejection> {
        let mut state = lock(&self.state);
        if offset > 0 {
            return Ok(state.uploads.get(by));
        }
        state.uploads.end(by);
        state.uploads.room(&by.0)?;
        let used = state.bytes.get(&by.1.tenant).copied().unwrap_or(0);
        if used.saturating_add(size) > TENANT_BYTES {
            metrics::counter!("guichet_uploads_over_quota_total").increment(1);
            return Err(Rejection::QuotaExceeded {
                what: "the attachments of the tenant",
                max: TENANT_BYTES,
            });
        }
        let salt = state.dice.bytes::<SALT>().map_err(|e| refused(io::Error::other(e)))?;
        state.number += 1;
        let path = layout::uploads(&self.dir).join(state.number.to_string());
        let file = file_place(&by.1, size);
        let key = self.key(&by.1).map_err(|e| refused(io::Error::other(e)))?;
        let key = key.ok_or_else(|| Rejection::NotFound { what: "the key of the requester".to_owned() })?;
        let cipher = FileCipher::new(&key, &file, &salt);
        let cipher = cipher.ok_or_else(|| FieldError::new("size", "must be at least 1"))?;
        let writer = Writer::create(path, cipher, &salt, size).map_err(refused)?;
        Ok(Some(state.uploads.begin(by.clone(), writer)))
    }

    fn take(
        &self,
        by: &By,
        upload: &Upload,
        size: u64,
        offset: u64,
        bytes: &[u8],
    ) -> Result<Received, Rejection> {
        let mut upload = lock(upload);
        let Some(writer) = upload.as_mut() else {
            // Somebody sent the same chunk twice at a time, and the other one was the last.
            let stored = self.held(&by.1, false).map_err(refused)? == Some(size);
            return Ok(Received { received: if stored { size } else { 0 }, stored });
        };
        if offset != writer.received() || bytes.is_empty() {
            return Ok(Received { received: writer.received(), stored: false });
        }
        if bytes.len() as u64 > size - offset {
            return Err(FieldError::new("size", format!("is {size}, but more bytes than that came")).into());
        }
        writer.push(bytes).map_err(refused)?;
        if writer.received() < size {
            return Ok(Received { received: writer.received(), stored: false });
        }
        let digest = writer.finish().map_err(refused)?;
        crash_point(CrashPoint::UploadSynced);
        let Some(writer) = upload.take().filter(|_| digest == by.1.sha256) else {
            return Err(
                FieldError::new("sha256", format!("is another than that of the bytes, {digest}")).into()
            );
        };
        self.keep(&by.1, writer).map_err(refused)?;
        lock(&self.state).uploads.end(by);
        Ok(Received { received: size, stored: true })
    }

    /// Puts a finished upload where commands find it. Bytes that the subject has already are replaced by the same ones,
    /// which mends them should they be damaged.
    fn keep(&self, place: &Place, writer: Writer) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.doomed.contains_key(place) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the same bytes are being redacted"));
        }
        let (folder, bytes) = (place.folder(&self.dir), place.bytes(&self.dir));
        durable::make(&folder)?;
        let before = std::fs::metadata(&bytes).map_or(0, |there| there.len());
        File::create(place.mark(&self.dir))?.sync_all()?;
        crash_point(CrashPoint::UploadMarked);
        writer.keep(&bytes)?;
        durable::sync(&folder)?;
        crash_point(CrashPoint::UploadKept);
        let added = std::fs::metadata(&bytes)?.len().saturating_sub(before);
        let used = state.bytes.entry(place.tenant.clone()).or_default();
        *used = used.saturating_add(added);
        state.fresh.insert(place.clone());
        metrics::counter!("guichet_uploads_total").increment(1);
        Ok(())
    }

    /// A part of an attachment.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&self, place: &Place, size: u64, offset: u64, most: usize) -> Result<Vec<u8>, ReadError> {
        let key = self.key(place).map_err(io::Error::other)?.ok_or(ReadError::Erased)?;
        sealed::read(&place.bytes(&self.dir), &key, &file_place(place, size), offset, most)
    }

    /// Reads a whole attachment and compares it with its name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn check(&self, place: &Place, size: u64) -> Result<(), ReadError> {
        check(&self.dir, self.keys.as_deref(), place, size)
    }

    fn key(&self, place: &Place) -> Result<Option<DataKey>, guichet_keys::KeyFault> {
        key(self.keys.as_deref(), place)
    }

    /// A command at this position redacts it: from now on nobody names it, and its bytes go once the command is on disk.
    pub fn doom(&self, place: Place, position: LogPosition) {
        let mut state = lock(&self.state);
        state.fresh.remove(&place);
        state.doomed.insert(place, position);
    }

    /// Removes the bytes of what was redacted up to a position.
    pub fn remove_doomed(&self, through: LogPosition) {
        let mut state = lock(&self.state);
        let due: Vec<Place> = state
            .doomed
            .iter()
            .filter(|(_, position)| **position <= through)
            .map(|(place, _)| place.clone())
            .collect();
        for place in due {
            match remove(&self.dir, &place) {
                Ok(()) => {
                    state.doomed.remove(&place);
                    metrics::counter!("guichet_attachments_redacted_total").increment(1);
                }
                Err(error) => {
                    tracing::error!(%error, sha256 = %place.sha256, ticket = %place.ticket, "the bytes of a redacted attachment could not be removed; they are tried again");
                }
            }
        }
    }
}

/// Reads a whole attachment in a folder and compares it with its name.
///
/// # Errors
/// See [`ReadError`].
pub fn check(dir: &Path, keys: Option<&KeyStore>, place: &Place, size: u64) -> Result<(), ReadError> {
    let key = key(keys, place).map_err(io::Error::other)?.ok_or(ReadError::Erased)?;
    sealed::check(&place.bytes(dir), &key, &file_place(place, size))
}

fn key(keys: Option<&KeyStore>, place: &Place) -> Result<Option<DataKey>, guichet_keys::KeyFault> {
    let Some(keys) = keys else { return Ok(None) };
    Ok(keys.get(place.tenant.as_str(), place.key_id)?.map(|(key, _)| key))
}

fn file_place(place: &Place, size: u64) -> FilePlace<'_> {
    FilePlace { tenant: place.tenant.as_str(), key_id: place.key_id, sha256: place.sha256, size }
}

/// Removes a ticket's mark, and the bytes where no other ticket has one.
pub(super) fn remove(dir: &Path, place: &Place) -> io::Result<()> {
    let folder = place.folder(dir);
    durable::remove(&place.mark(dir))?;
    let others = layout::listed(&folder)?.iter().any(|(name, _)| name != layout::BYTES);
    if !others {
        durable::remove(&place.bytes(dir))?;
    }
    if !folder.exists() {
        return Ok(());
    }
    durable::sync(&folder)?;
    if !others {
        std::fs::remove_dir(&folder)?;
        durable::sync(folder.parent().unwrap_or(dir))?;
    }
    Ok(())
}

pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(clock::wall().0).unwrap_or(0))
}

/// What the disk refuses is no fault of the caller.
fn refused(error: io::Error) -> Rejection {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return Rejection::Busy {
            reason: "the disk is full; the upload was given up and begins again",
            retry_after_ms: 5_000,
        };
    }
    if error.kind() == io::ErrorKind::ResourceBusy {
        return Rejection::Busy { reason: "the same bytes are being redacted", retry_after_ms: 200 };
    }
    metrics::counter!("guichet_attachments_refused_total").increment(1);
    tracing::error!(%error, "the attachment folder refuses");
    Rejection::Unavailable {
        reason: "the attachment folder cannot be used; its log says why".to_owned(),
        as_of_position: None,
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
