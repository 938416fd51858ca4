//! Sweeping: what no ticket names, and what a ticket had removed, leaves the folder.

use std::collections::BTreeMap;
use std::time::Duration;

use guichet_schemas::ids::TenantId;

use super::durable;
use super::layout::{Filed, Place, filed};
use super::store::{AttachmentStore, now, remove};
use super::upload::{IDLE, lock};

/// An upload that no command names may wait so long.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// What a ticket says about bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has them.
    Named,
    /// It had them, and they were redacted.
    Redacted,
    /// It never named them, or there is no such ticket.
    Unnamed,
}

/// What a sweep found and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Bytes of tickets that name them.
    pub named: u64,
    /// Named by a ticket, and not there.
    pub missing: u64,
    /// Removed: they had been redacted.
    pub redacted: u64,
    /// Removed: nobody named them for a day.
    pub abandoned: u64,
    /// Bytes or marks without the other, removed.
    pub halves: u64,
    /// Left alone: it could not be said what they are.
    pub unsure: u64,
    /// Uploads that nobody went on with.
    pub idle: u64,
}

impl AttachmentStore {
    /// Looks at everything that lies there, asks its tickets, and removes what is nobody's.
    ///
    /// # Errors
    /// The folder cannot be read. What was removed until then is removed.
    pub fn sweep(&self, standing: impl Fn(&Place) -> Option<Standing>) -> std::io::Result<Swept> {
        self.sweep_after(KEPT, IDLE, standing)
    }

    pub(super) fn sweep_after(
        &self,
        kept: Duration,
        idle: Duration,
        standing: impl Fn(&Place) -> Option<Standing>,
    ) -> std::io::Result<Swept> {
        let given_up = lock(&self.state).uploads.give_up(idle) as u64;
        let mut swept = Swept { idle: given_up, ..Swept::default() };
        let mut bytes: BTreeMap<TenantId, u64> = BTreeMap::new();
        swept.unsure += filed(&self.dir, &mut |found: Filed| {
            *bytes.entry(found.tenant.clone()).or_default() += found.sealed_bytes.unwrap_or(0);
            self.look_at(&found, kept, &standing, &mut swept)
        })?;
        lock(&self.state).bytes = bytes;
        for (what, count) in [
            ("redacted", swept.redacted),
            ("abandoned", swept.abandoned),
            ("halves", swept.halves),
            ("idle", swept.idle),
        ] {
            metrics::counter!("guichet_attachments_swept_total", "what" => what).increment(count);
        }
        metrics::gauge!("guichet_attachments_unsure").set(swept.unsure as f64);
        metrics::gauge!("guichet_attachments_missing").set(swept.missing as f64);
        if swept.redacted + swept.abandoned + swept.halves + swept.idle + swept.unsure + swept.missing > 0 {
            tracing::info!(?swept, "the attachment folder was swept");
        }
        Ok(swept)
    }

    fn look_at(
        &self,
        found: &Filed,
        kept: Duration,
        standing: &impl Fn(&Place) -> Option<Standing>,
        swept: &mut Swept,
    ) -> std::io::Result<()> {
        let Filed { tenant, key_id, sha256, tickets, path, .. } = found;
        for ticket in tickets {
            let place = Place { tenant: tenant.clone(), key_id: *key_id, sha256: *sha256, ticket: *ticket };
            // Before the lock: the decider waits for that.
            let standing = standing(&place);
            if self.is_closed() {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let mut state = lock(&self.state);
            let is_fresh = state.fresh.contains(&place);
            // Whoever keeps an upload makes its mark first, and holds the lock until the bytes are there.
            let has_bytes = place.bytes(&self.dir).exists();
            match standing {
                Some(Standing::Named) if !has_bytes => {
                    tracing::error!(%sha256, %ticket, "the bytes of an attachment are missing; bring them back from a backup, or attach the file again");
                    swept.missing += 1;
                }
                Some(Standing::Redacted | Standing::Unnamed) if !has_bytes => {
                    state.fresh.remove(&place);
                    remove(&self.dir, &place)?;
                    swept.halves += 1;
                }
                Some(Standing::Named) => {
                    state.fresh.remove(&place);
                    swept.named += 1;
                }
                Some(Standing::Redacted) if !is_fresh => {
                    remove(&self.dir, &place)?;
                    swept.redacted += 1;
                }
                Some(Standing::Redacted | Standing::Unnamed) if self.is_old(&place, kept)? => {
                    state.fresh.remove(&place);
                    remove(&self.dir, &place)?;
                    swept.abandoned += 1;
                }
                Some(Standing::Redacted | Standing::Unnamed) => {}
                None => swept.unsure += 1,
            }
        }
        if tickets.is_empty() {
            let _state = lock(&self.state);
            if super::layout::listed(path)?.iter().all(|(name, _)| name == super::layout::BYTES) {
                durable::remove(&path.join(super::layout::BYTES))?;
                std::fs::remove_dir(path)?;
                swept.halves += 1;
            }
        }
        Ok(())
    }

    /// Under the lock, so that nobody names it meanwhile.
    fn is_old(&self, place: &Place, kept: Duration) -> std::io::Result<bool> {
        let touched = std::fs::metadata(place.mark(&self.dir))?.modified()?;
        Ok(now().duration_since(touched).is_ok_and(|age| age >= kept))
    }
}
