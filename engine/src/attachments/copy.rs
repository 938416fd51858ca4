//! What the log says must be there, and a copy of exactly that for a backup.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use guichet_keys::KeyStore;
use guichet_schemas::codec::Head;
use guichet_schemas::event::{Attachments, Event, TicketEvent};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{TenantId, TicketId};
use sha2::{Digest as _, Sha256};

use super::durable;
use super::layout::{BYTES, Filed, Place, SEAL, filed, listed};
use super::sealed::ReadError;
use super::store::{check, remove};

/// The attachments that a log names and did not redact, with their sizes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Named(BTreeMap<(TenantId, TicketId, Hash), (Place, u64)>);

impl Named {
    /// Takes the next record of the log.
    ///
    /// # Errors
    /// It is about an attachment and cannot be read.
    pub fn take(&mut self, record: &[u8]) -> Result<(), String> {
        let Some(head) = Head::read(record) else { return Err("a record cannot be read".to_owned()) };
        if !head.r#type.starts_with("Attachment") {
            return Ok(());
        }
        let place = |head: &Head<'_>| TenantId::parse(head.tenant).zip(TicketId::parse(head.stream_id));
        let (tenant, ticket) =
            place(&head).ok_or_else(|| format!("record {} is of no ticket", head.position))?;
        let position = head.position;
        let record = head.record().map_err(|e| format!("record {position} cannot be read: {e}"))?;
        if let Event::Ticket(TicketEvent::Attachments(event)) = record.event {
            match event {
                // Imported without its bytes: they are nowhere.
                Attachments::AttachmentAdded(e) if e.key_id.0.is_nil() => {}
                Attachments::AttachmentAdded(e) => {
                    let key = (tenant.clone(), ticket, e.sha256);
                    let place = Place { tenant, key_id: e.key_id, sha256: e.sha256, ticket };
                    self.0.insert(key, (place, e.size));
                }
                Attachments::AttachmentRedacted(e) => {
                    self.0.remove(&(tenant, ticket, e.sha256));
                }
                Attachments::AttachmentScanned(_) => {}
            }
        }
        Ok(())
    }

    /// Each with its size.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, u64)> {
        self.0.values().map(|(place, size)| (place, *size))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Opens each with its key and compares the bytes with their name; gives what is wrong.
    #[must_use]
    pub fn check(&self, dir: &Path, keys: Option<&KeyStore>) -> Vec<(Place, ReadError)> {
        let wrong = self.iter().filter_map(|(place, size)| {
            check(dir, keys, place, size).err().map(|error| (place.clone(), error))
        });
        wrong.collect()
    }
}

/// What a run of a backup did.
#[derive(Debug, Default)]
pub struct BackedUp {
    /// Files that are new in it.
    pub copied: u64,
    /// Marks that left it, for what they were of was redacted.
    pub removed: u64,
    /// Named by the log, and neither here nor in the backup.
    pub missing: Vec<Place>,
}

/// Brings a copy up to what the log names. What is in the copy is never replaced by less.
///
/// # Errors
/// The disk.
pub fn back_up(named: &Named, from: &Path, to: &Path) -> io::Result<BackedUp> {
    let mut done = BackedUp::default();
    for (place, _) in named.iter() {
        let (source, target) = (place.bytes(from), place.bytes(to));
        if !target.exists() {
            if !source.exists() {
                done.missing.push(place.clone());
                continue;
            }
            durable::make(&place.folder(to))?;
            let seal = copied(&source, &target)?;
            let folder = place.folder(to);
            written(&folder.join(SEAL), seal.to_string().as_bytes())?;
            durable::sync(&folder)?;
            done.copied += 1;
        }
        if !place.mark(to).exists() {
            File::create(place.mark(to))?.sync_all()?;
            durable::sync(&place.folder(to))?;
        }
    }
    let mut gone = Vec::new();
    filed::<io::Error>(to, &mut |found: Filed| {
        for ticket in &found.tickets {
            let key = (found.tenant.clone(), *ticket, found.sha256);
            if named.0.get(&key).is_none_or(|(place, _)| place.key_id != found.key_id) {
                let (tenant, key_id, sha256) = (found.tenant.clone(), found.key_id, found.sha256);
                gone.push(Place { tenant, key_id, sha256, ticket: *ticket });
            }
        }
        Ok(())
    })?;
    for place in gone {
        let is_last =
            listed(&place.folder(to))?.iter().filter(|(n, _)| TicketId::parse(n).is_some()).count() == 1;
        if is_last {
            durable::remove(&place.folder(to).join(SEAL))?;
        }
        remove(to, &place)?;
        done.removed += 1;
    }
    Ok(done)
}

/// Reads every file of a copy, without keys; gives what is missing or was changed.
///
/// # Errors
/// The disk.
pub fn check_copy(named: &Named, dir: &Path) -> io::Result<Vec<(Place, &'static str)>> {
    let mut wrong = Vec::new();
    for (place, _) in named.iter() {
        let noted = fs::read_to_string(place.folder(dir).join(SEAL));
        match (sealed_hash(&place.bytes(dir)), noted) {
            (Ok(is), Ok(noted)) if Hash::parse(noted.trim()) == Some(is) => {}
            (Err(error), _) | (_, Err(error)) if error.kind() != ErrorKind::NotFound => return Err(error),
            (Ok(_), Ok(_)) => wrong.push((place.clone(), "was changed")),
            (_, _) => wrong.push((place.clone(), "is missing")),
        }
    }
    Ok(wrong)
}

/// Puts what the log names from a copy into the folder of a node.
///
/// # Errors
/// The disk.
pub fn restore(named: &Named, from: &Path, to: &Path) -> io::Result<()> {
    for (place, _) in named.iter().filter(|(place, _)| place.bytes(from).exists()) {
        durable::make(&place.folder(to))?;
        if !place.bytes(to).exists() {
            copied(&place.bytes(from), &place.bytes(to))?;
        }
        File::create(place.mark(to))?.sync_all()?;
        durable::sync(&place.folder(to))?;
    }
    Ok(())
}

/// Copies a file, which has its name only once it is on disk; gives the hash of what was written.
fn copied(from: &Path, to: &Path) -> io::Result<Hash> {
    let part = to.with_file_name(format!("{BYTES}.part"));
    let mut source = File::open(from)?;
    let mut target = private(&part)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    let hash = sealed_hash(&part)?;
    fs::rename(&part, to)?;
    Ok(hash)
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().create(true).truncate(true).write(true).mode(0o600).open(path)
}

fn sealed_hash(path: &Path) -> io::Result<Hash> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = io::Read::read(&mut file, &mut buffer)?;
        if read == 0 {
            return Ok(Hash(digest.finalize().into()));
        }
        digest.update(&buffer[..read]);
    }
}

/// The path of the attachments in a backup, and in the folder of a node.
#[must_use]
pub fn within(dir: &Path) -> PathBuf {
    dir.join("attachments")
}
