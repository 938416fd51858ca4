//! The keys that the decider seals with: the ones it knows, the ones on disk, and new ones.
//!
//! Which key a data subject has, the log says: the newest `KeyCreated` of its stream. The key store says whether the
//! key still exists. One that does not was destroyed, and nothing new is sealed under it: the subject gets another.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crossbeam_channel::Sender;
use guichet_keys::{DataKey, Dice, NewKey, NoDice, Place, open, random_key_id, seal};
use guichet_schemas::codec::decode_record;
use guichet_schemas::event::{Event, KeyCreated, LogEvent, Personal};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{CommandId, KeyId, TenantId, TicketId};
use guichet_schemas::personal;
use guichet_schemas::position::{LogPosition, StreamVersion};
use lru::LruCache;

use super::batch::EVENTS_MAX;
use super::disk::Disk;
use super::key_store::KeyShelf;
use super::{Store, StoreFault, keys};

/// Keys kept in memory. Never fewer than two batches can make: the disk does not know those yet.
const KEYS_CACHED: usize = 8 * EVENTS_MAX;

/// Seals the personal texts of records that are being made.
pub(super) struct Sealer {
    /// None: the log is measured without protection.
    keys: Option<Arc<dyn KeyShelf>>,
    dice: Dice,
    /// By tenant and subject, with a zero byte between: no tenant holds one.
    known: LruCache<String, SubjectKey>,
    /// Where the name of a subject is put together: most of them are known, and need no memory of their own.
    of: String,
    /// Made, and not yet on their way to the disk.
    made: Vec<NewKey>,
    /// Made since the start, these included.
    count: u64,
    to_disk: Sender<Vec<NewKey>>,
}

/// The key of a data subject.
#[derive(Debug, Clone)]
pub(super) struct SubjectKey {
    id: KeyId,
    key: DataKey,
}

/// The keys under which the texts of a command are sealed.
pub(super) enum Under {
    /// A key that the log knows.
    Known(SubjectKey),
    /// A key that the command creates.
    New(Fresh),
    /// None: the log is measured without protection.
    Nothing,
}

/// A new key, of which neither the log nor the disk knows yet.
pub(super) struct Fresh {
    key: SubjectKey,
    subject: String,
    /// The end of the subject's stream: its version and hash.
    last: Option<(StreamVersion, Hash)>,
}

impl Sealer {
    pub(super) fn new(keys: Option<Arc<dyn KeyShelf>>, dice: Dice, to_disk: Sender<Vec<NewKey>>) -> Self {
        let cached = NonZeroUsize::new(KEYS_CACHED).expect("the constant is not zero");
        let known = LruCache::new(cached);
        Self { keys, dice, known, of: String::new(), made: Vec::new(), count: 0, to_disk }
    }

    /// The key of a data subject. A new one is not kept before [`Sealer::keep`].
    ///
    /// # Errors
    /// The disk, damage, or no random bytes.
    pub(super) fn key_of<D: Disk>(
        &mut self,
        store: &Store<D>,
        tenant: &TenantId,
        subject: &str,
    ) -> Result<Under, StoreFault> {
        let Some(keys) = &self.keys else { return Ok(Under::Nothing) };
        self.of.clear();
        self.of.extend([tenant.as_str(), "\0", subject]);
        if let Some(key) = self.known.get(self.of.as_str()) {
            return Ok(Under::Known(key.clone()));
        }
        let last = match created(store, tenant, subject)? {
            None => None,
            Some(created) => match existing(keys.as_ref(), tenant, &created)? {
                Some(key) => {
                    self.known.put(self.of.clone(), key.clone());
                    return Ok(Under::Known(key));
                }
                None => Some((created.version, created.hash)),
            },
        };
        let id = random_key_id(&mut self.dice).map_err(no_dice)?;
        let key = SubjectKey { id, key: DataKey::random(&mut self.dice).map_err(no_dice)? };
        Ok(Under::New(Fresh { key, subject: subject.to_owned(), last }))
    }

    /// A new key is part of the batch: it goes to the disk, and later commands use it. Gives the number of keys that
    /// must be on disk before the batch.
    pub(super) fn keep(&mut self, tenant: &TenantId, fresh: Fresh) -> u64 {
        let Fresh { key, subject, .. } = fresh;
        self.known.put([tenant.as_str(), &subject].join("\0"), key.clone());
        self.made.push(NewKey { tenant: tenant.as_str().to_owned(), subject, id: key.id, key: key.key });
        self.count += 1;
        self.count
    }

    /// Sends the keys that were made on their way to the disk, as one group.
    ///
    /// # Errors
    /// The thread that writes them ended: it failed, and said so.
    pub(super) fn hand_over(&mut self) -> Result<(), StoreFault> {
        if self.made.is_empty() {
            return Ok(());
        }
        let group = std::mem::take(&mut self.made);
        self.to_disk
            .send(group)
            .map_err(|_| StoreFault::refused("hand over new keys", "the key store failed"))
    }

    /// Opens the personal texts of an event. One whose key was destroyed stays sealed.
    ///
    /// # Errors
    /// The disk, or damage.
    pub(super) fn open(
        &self,
        event: &mut Event,
        tenant: &TenantId,
        ticket: TicketId,
        command: CommandId,
    ) -> Result<(), StoreFault> {
        let Some(keys) = &self.keys else { return Ok(()) };
        personal::each(event, |field, text| {
            let Personal::Sealed(sealed) = text else { return Ok(()) };
            let key =
                KeyId::from_slice(&sealed.key_id).map(|id| keys.get(tenant.as_str(), id)).transpose()?;
            if let Some((key, _)) = key.flatten() {
                let place = Place { tenant: tenant.as_str(), ticket, field, command };
                let open = open(&key, &place, &sealed.nonce, &sealed.ciphertext);
                *text = Personal::Plain(open.map_err(|e| StoreFault::found("open a text of the log", e))?);
            }
            Ok(())
        })
    }

    /// Seals every personal text of an event.
    ///
    /// # Errors
    /// No random bytes.
    pub(super) fn seal(
        &mut self,
        event: &mut Event,
        under: &Under,
        tenant: &TenantId,
        ticket: TicketId,
        command: CommandId,
    ) -> Result<(), StoreFault> {
        let SubjectKey { id, key } = match under {
            Under::Known(key) => key,
            Under::New(fresh) => &fresh.key,
            Under::Nothing => return Ok(()),
        };
        personal::each(event, |field, text| {
            if let Personal::Plain(plain) = text {
                let place = Place { tenant: tenant.as_str(), ticket, field, command };
                *text = Personal::Sealed(seal(key, *id, &place, plain, &mut self.dice).map_err(no_dice)?);
            }
            Ok(())
        })
    }
}

impl Under {
    /// The key, where the log knows it.
    pub(super) const fn known(&self) -> Option<KeyId> {
        match self {
            Self::Known(key) => Some(key.id),
            Self::New(_) | Self::Nothing => None,
        }
    }

    /// The key, where the command creates it.
    pub(super) fn fresh(self) -> Option<Fresh> {
        match self {
            Self::New(fresh) => Some(fresh),
            Self::Known(_) | Self::Nothing => None,
        }
    }
}

impl Fresh {
    /// The event that says so.
    pub(super) fn event(&self) -> Event {
        Event::from(KeyCreated {
            subject: self.subject.clone(),
            key_id: self.key.id,
            commitment: self.key.key.commitment(),
        })
    }

    /// The stream of the event.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// The version of the event in its stream, and the hash before it.
    pub(super) fn link(&self) -> (StreamVersion, Hash) {
        let version = StreamVersion::after(self.last.map(|(version, _)| version));
        (version, self.last.map_or(Hash::ZERO, |(_, hash)| hash))
    }
}

/// The newest key of a data subject, as the log names it.
struct Created {
    event: KeyCreated,
    version: StreamVersion,
    hash: Hash,
}

/// The id of the newest key of a data subject, as the log names it.
pub(super) fn newest_key<D: Disk>(
    store: &Store<D>,
    tenant: &TenantId,
    subject: &str,
) -> Result<Option<KeyId>, StoreFault> {
    Ok(created(store, tenant, subject)?.map(|created| created.event.key_id))
}

fn created<D: Disk>(
    store: &Store<D>,
    tenant: &TenantId,
    subject: &str,
) -> Result<Option<Created>, StoreFault> {
    let at = store.number(keys::SUBJECTS, &keys::subject(tenant.as_str(), subject))?;
    let Some(position) = at.and_then(LogPosition::new) else { return Ok(None) };
    let damaged =
        |what: &str| StoreFault::found("find the key of a subject", format!("position {position} {what}"));
    let bytes = store.record(position)?.ok_or_else(|| damaged("is missing"))?;
    let record = decode_record(&bytes).map_err(|e| damaged(&format!("does not read: {e}")))?;
    let Event::Log(LogEvent::KeyCreated(event)) = record.event else {
        return Err(damaged("is no KeyCreated"));
    };
    if record.stream_id != subject || record.tenant != tenant.as_str() {
        return Err(damaged("is about another subject"));
    }
    Ok(Some(Created { event, version: record.version, hash: Hash::of_record(&bytes) }))
}

/// The key itself; `None`: it was destroyed.
fn existing(
    store: &dyn KeyShelf,
    tenant: &TenantId,
    created: &Created,
) -> Result<Option<SubjectKey>, StoreFault> {
    let id = created.event.key_id;
    match store.get(tenant.as_str(), id)? {
        None => Ok(None),
        Some((key, commitment)) if commitment == created.event.commitment => Ok(Some(SubjectKey { id, key })),
        Some(_) => Err(StoreFault::found(
            "find the key of a subject",
            format!("key {id} is another one than the log says"),
        )),
    }
}

fn no_dice(e: NoDice) -> StoreFault {
    StoreFault::refused("make a key or a nonce", e)
}
