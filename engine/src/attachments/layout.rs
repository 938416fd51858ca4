//! Where the files lie: the only place that knows their names.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{KeyId, TenantId, TicketId};

/// Name of the sealed bytes in their folder.
pub(super) const BYTES: &str = "bytes";
/// Beside the bytes in a copy: the SHA-256 of the sealed file, for whoever has no key.
pub(super) const SEAL: &str = "sealed.sha256";
const UPLOADS: &str = "uploads";
const TENANTS: &str = "tenants";

/// The bytes of one data subject, as one ticket has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub tenant: TenantId,
    /// Under which they are sealed.
    pub key_id: KeyId,
    /// Of the bytes before they were sealed.
    pub sha256: Hash,
    pub ticket: TicketId,
}

impl Place {
    /// The folder of the bytes.
    pub(super) fn folder(&self, dir: &Path) -> PathBuf {
        folder(dir, &self.tenant, self.key_id, self.sha256)
    }

    /// The sealed bytes.
    pub(super) fn bytes(&self, dir: &Path) -> PathBuf {
        self.folder(dir).join(BYTES)
    }

    /// The file that says that the ticket has them.
    pub(super) fn mark(&self, dir: &Path) -> PathBuf {
        self.folder(dir).join(self.ticket.to_string())
    }
}

fn folder(dir: &Path, tenant: &TenantId, key_id: KeyId, sha256: Hash) -> PathBuf {
    tenants(dir).join(tenant.as_str()).join(key_id.0.to_string()).join(sha256.to_string())
}

pub(super) fn uploads(dir: &Path) -> PathBuf {
    dir.join(UPLOADS)
}

pub(super) fn tenants(dir: &Path) -> PathBuf {
    dir.join(TENANTS)
}

/// Sealed bytes on disk, and the tickets that have them.
#[derive(Debug, Clone)]
pub struct Filed {
    pub tenant: TenantId,
    pub key_id: KeyId,
    pub sha256: Hash,
    pub tickets: Vec<TicketId>,
    /// Their folder.
    pub path: PathBuf,
    /// Bytes on disk; none: there are only marks.
    pub sealed_bytes: Option<u64>,
}

/// Visits everything that lies in an attachment folder, in the order of names. What is not ours is passed over, and
/// counted.
///
/// # Errors
/// The disk, or what `visit` says.
pub fn filed<E: From<io::Error>>(
    dir: &Path,
    visit: &mut impl FnMut(Filed) -> Result<(), E>,
) -> Result<u64, E> {
    let mut strange = 0;
    for (tenant, path) in listed(&tenants(dir))? {
        let Some(tenant) = TenantId::parse(&tenant) else {
            strange += 1;
            continue;
        };
        for (key_id, path) in listed(&path)? {
            let Some(key_id) = uuid::Uuid::try_parse(&key_id).ok().map(KeyId) else {
                strange += 1;
                continue;
            };
            for (sha256, path) in listed(&path)? {
                let Some(sha256) = Hash::parse(&sha256) else {
                    strange += 1;
                    continue;
                };
                let (mut tickets, mut sealed_bytes) = (Vec::new(), None);
                for (name, path) in listed(&path)? {
                    match TicketId::parse(&name) {
                        Some(ticket) => tickets.push(ticket),
                        None if name == BYTES => sealed_bytes = Some(fs::metadata(path)?.len()),
                        None if name == SEAL => {}
                        None => strange += 1,
                    }
                }
                visit(Filed { tenant: tenant.clone(), key_id, sha256, tickets, path, sealed_bytes })?;
            }
        }
    }
    Ok(strange)
}

/// What a folder holds, by name; nothing where it is gone or no folder.
pub(super) fn listed(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let named = |entry: io::Result<fs::DirEntry>| {
        entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
    };
    let mut found = entries.map(named).collect::<io::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}
