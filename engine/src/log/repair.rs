//! A log that lost its end, or all of itself, made whole again from the stream.
//!
//! What was signed proves itself: the records of the stream must have the root of the newest checkpoint, or nothing
//! is written. What came after it, at most a second, is taken where its MAC proves that this log's engine wrote it, and
//! where each record continues the one before it, and its ticket: the publisher sends only what was on disk, so it was
//! there, and leaving it out would lose what somebody was told. What continues another record is of a second engine on
//! a copy of the folder, whose messages came to stand behind ours. What has no MAC of ours is nobody's.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use guichet_proof::{Author, Said, SignedCheckpoint};
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_schemas::position::{LogPosition, Partition, StreamVersion};
use guichet_schemas::record::Record;
use rocksdb::WriteBatch;

use super::copy::{Copied, CopyError, EventCopy};
use super::derived_tail::rebuild_derived;
use super::disk::{Disk, Rows as _};
use super::identity::Identity;
use super::salvage::Salvaged;
use super::store::DATABASE;
use super::tail::{self, Tail};
use super::wal::Ending;
use super::{GivenUp, Lost, Memory, OpenError, Store, StoreFault, head_note, keys, tree};
use crate::clock;

/// Records read, checked and written at a time.
const STRETCH: usize = 1_000;

/// The records that were brought back, for the event of the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repaired {
    pub(super) from: LogPosition,
    pub(super) through: LogPosition,
}

/// The records of the copy beyond the end of the log, as a start found them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Continued {
    /// The records that were brought back. `None`: nothing is missing, or the copy ends before the signed size and
    /// cannot help.
    pub(super) repaired: Option<Repaired>,
    /// From here on the copy holds what this log's engine did not write.
    pub(super) refused_from: Option<LogPosition>,
}

/// Adds to the log what the copy holds beyond its end, as far as it is ours.
///
/// # Errors
/// The copy cannot be asked, is another log's, or does not hold what was signed. Nothing was written then.
pub(super) fn continue_log<D: Disk>(
    store: &Store<D>,
    identity: &Identity,
    partition: Partition,
    last: Option<LogPosition>,
    anchored: Option<&SignedCheckpoint>,
    copy: &dyn EventCopy,
) -> Result<Continued, OpenError> {
    let have = LogPosition::or_zero(last);
    let signed = anchored.map_or(0, SignedCheckpoint::size);
    let end = copy.last()?;
    if end <= have || end < signed {
        return Ok(Continued::default());
    }
    if last.is_none() && signed == 0 {
        // Nothing says that it was ever ours.
        return Err(OpenError::NewBesideOld { stream: end });
    }
    let authorship = identity.authorship(partition);
    if tail::is_given_up(copy, &authorship, end)? {
        tracing::warn!(stream = end, "the stream is of a generation that was given up; it will be rebuilt");
        return Ok(Continued::default());
    }
    let from = LogPosition::after(last);
    let stream_end = end;
    let Tail { through: end, refused_from } = tail::find(copy, &authorship, signed.max(have), end)?;
    if let Some(refused) = refused_from {
        if let Some(last) = last.filter(|_| end <= have) {
            tail::is_copy_of(store, copy, &authorship, last)?;
        }
        // The stream may go on behind what we have: all of it from there on is refused.
        metrics::counter!("guichet_forged_messages_total", "found" => "start")
            .increment(stream_end.saturating_sub(refused.get()).saturating_add(1));
        tracing::error!(
            from = refused.get(),
            "the stream holds messages that this log's engine did not write; nothing of them is taken, and it is rebuilt from the log. anyone who may publish there can forge them, see docs/SECURITY.md"
        );
    }
    if end <= have {
        return Ok(Continued { repaired: None, refused_from });
    }
    tracing::error!(
        log = have,
        signed,
        stream = end,
        "the log ends before its copy in the stream; what is missing is checked and brought back, but for the answers of commands that wrote no event: a retry of one is decided again"
    );
    let mut before = Hash::ZERO;
    if let Some(last) = last {
        let ours = store.record(last)?;
        let theirs = copy.read(last, 1)?;
        let theirs = theirs.first();
        let is_same = ours.as_deref() == theirs.map(|copied| &copied.bytes[..]);
        // A stranger's message in the place of ours says nothing: what is ours behind it proves what it continues.
        if !is_same && theirs.is_none_or(|t| t.author(&authorship, last) != Author::Stranger) {
            return Err(OpenError::OtherCopy { position: last });
        }
        before = ours.map_or(Hash::ZERO, |ours| Hash::of_record(&ours));
    }
    if let Some(anchored) = anchored.filter(|a| a.size() > have) {
        let mut edge = tree::open(store, last)?;
        let mut full = Vec::new();
        each(copy, from, anchored.size(), |_, record| {
            edge.append(Hash::of_record(&record.bytes), &mut full);
            full.clear();
            Ok(())
        })?;
        if edge.root() != anchored.root() {
            return Err(OpenError::CopyNotSigned { from, through: anchored.size() });
        }
    }
    let mut next = Next {
        store,
        partition,
        tail: signed.max(have),
        before,
        chain: HashMap::new(),
        command: Vec::new(),
        batch: D::Rows::default(),
        through: last,
    };
    each(copy, from, end, |position, record| next.take(position, record))?;
    next.write()?;
    let (through, rest) = (next.through, next.command.len());
    if rest > 0 {
        // The publisher sends record after record, so a copy can end inside a command. Half of one is none: whoever
        // sends it again would find the half, and do the whole beside it. What is whole is on disk by now.
        tracing::error!(
            rest,
            "the stream ends inside a command, which is left out; it is rebuilt from the log"
        );
        copy.give_up()?;
    }
    let repaired = through.filter(|through| *through >= from).map(|through| Repaired { from, through });
    Ok(Continued { repaired, refused_from })
}

/// Visits the records of the copy from one position through another.
pub(super) fn each(
    copy: &dyn EventCopy,
    from: LogPosition,
    through: u64,
    mut visit: impl FnMut(LogPosition, &Copied) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut next = from;
    while next.get() <= through {
        let records = copy.read(next, STRETCH)?;
        if records.is_empty() {
            return Err(OpenError::CopyNotSigned { from: next, through });
        }
        for record in records {
            if next.get() <= through {
                visit(next, &record)?;
            }
            next = next.next();
        }
    }
    Ok(())
}

/// Writes records in their order, as far as they continue the log.
struct Next<'a, D: Disk> {
    store: &'a Store<D>,
    partition: Partition,
    /// Up to here the root of the tree has proven the records; beyond, each must continue the one before it, and its
    /// ticket.
    tail: u64,
    /// Hash of the record before the next one.
    before: Hash,
    /// Newest version and hash of the streams that the tail has met.
    chain: HashMap<(String, String), (StreamVersion, Hash)>,
    /// Of a command that is not whole yet.
    command: Vec<(LogPosition, Vec<u8>)>,
    batch: D::Rows,
    through: Option<LogPosition>,
}

impl<D: Disk> Next<'_, D> {
    fn take(&mut self, position: LogPosition, copied: &Copied) -> Result<(), OpenError> {
        let bytes = &copied.bytes[..];
        let refused = |rule: &str| OpenError::CopyRefused { position, rule: rule.to_owned() };
        let record = decode_record(bytes).map_err(|e| refused(&e.to_string()))?;
        if record.position != position || record.partition != self.partition {
            return Err(refused("it names another place"));
        }
        let hash = Hash::of_record(bytes);
        if position.get() > self.tail {
            if copied.says.previous != Some(self.before) {
                return Err(refused("it does not continue the record before it: another engine wrote it"));
            }
            self.continues(&record, hash)?;
        }
        self.before = hash;
        self.command.push((position, bytes.to_vec()));
        if record.ends_command() {
            let events = self.store.cf(keys::EVENTS);
            for (position, bytes) in self.command.drain(..) {
                D::put(&mut self.batch, &events, keys::event(position), bytes);
                self.through = Some(position);
            }
        }
        // At the border, so that the tail finds the tickets that it continues.
        if self.batch.count() >= STRETCH || position.get() == self.tail {
            self.write()?;
        }
        Ok(())
    }

    fn continues(&mut self, record: &Record, hash: Hash) -> Result<(), OpenError> {
        let Some(ticket) = record.ticket_id() else { return Ok(()) };
        let name = (record.tenant.clone(), record.stream_id.clone());
        let before = match self.chain.get(&name) {
            Some(before) => Some(*before),
            None => match StreamVersion::new(record.version.get() - 1) {
                Some(version) => {
                    let key = keys::ticket_version(&record.tenant, ticket, version);
                    let at = self.store.get(keys::TICKETS_INDEX, &key)?.and_then(|v| keys::number(&v));
                    let stored =
                        at.and_then(LogPosition::new).map(|p| self.store.record(p)).transpose()?.flatten();
                    stored.map(|bytes| (version, Hash::of_record(&bytes)))
                }
                None => None,
            },
        };
        let (version, last_hash) = before.map_or((0, Hash::ZERO), |(version, hash)| (version.get(), hash));
        if record.version.get() != version + 1 || record.prev_hash != last_hash {
            return Err(OpenError::CopyRefused {
                position: record.position,
                rule: "it does not continue its ticket".to_owned(),
            });
        }
        self.chain.insert(name, (record.version, hash));
        Ok(())
    }

    fn write(&mut self) -> Result<(), OpenError> {
        if self.batch.count() > 0 {
            self.store.write_synced(std::mem::take(&mut self.batch))?;
            rebuild_derived(self.store, self.through)?;
        }
        Ok(())
    }
}

/// The sources of a rebuilt database, and the conditions that the result must meet.
pub(super) struct Remaking<'a> {
    pub(super) dir: &'a Path,
    pub(super) partition: Partition,
    pub(super) memory: &'a Memory,
    pub(super) anchored: &'a SignedCheckpoint,
    pub(super) copy: &'a dyn EventCopy,
    pub(super) accepted: GivenUp,
}

impl Remaking<'_> {
    /// Puts a new database in the place of a damaged one, which stays beside it: made of the copy, and of what the
    /// damaged one holds beyond. It must reach everything that may have been acknowledged.
    ///
    /// # Errors
    /// As for [`continue_log`], or [`OpenError::Lost`]: nothing was changed then.
    pub(super) fn remake(&self) -> Result<Continued, OpenError> {
        let next = self.dir.join(NEXT);
        let folder = |cause| OpenError::Folder { dir: self.dir.to_owned(), cause };
        if next.exists() {
            std::fs::remove_dir_all(&next).map_err(folder)?;
        }
        let salvaged = Salvaged::of(self.dir)?;
        let store = Store::open(&next, self.memory)?;
        let filled =
            self.fill(&store, &salvaged).and_then(|repaired| Ok(store.flush().map(|()| repaired)?));
        drop((store, salvaged));
        let repaired = match filled {
            Ok(repaired) => repaired,
            Err(error) => {
                // Half of a database must never be found where the whole one is missing.
                std::fs::remove_dir_all(&next).map_err(folder)?;
                return Err(error);
            }
        };
        replace(self.dir).map_err(folder)?;
        Ok(repaired)
    }

    fn fill(&self, store: &Store, salvaged: &Salvaged) -> Result<Continued, OpenError> {
        let identity = Identity::settle(store, self.dir, self.anchored.size() == 0)?;
        let (end, signed) = (self.copy.last()?, self.anchored.size());
        let through = end.max(salvaged.reaches(end, signed)?);
        let joined = Joined { copy: self.copy, salvaged, end, through };
        let noted = head_note::read(self.dir)?;
        let least = noted.map_or(0, |noted| noted.acknowledged.position).max(salvaged.newest()?).max(signed);
        if through < signed {
            // What was signed is never given up by the way: for that there is a restore.
            return Err(OpenError::Lost(Lost::Signed { from: through + 1, through: least }));
        }
        let continued = continue_log(store, &identity, self.partition, None, Some(self.anchored), &joined)?;
        let mut last = continued.repaired.map(|repaired| repaired.through);
        last = carry_over(store, self.partition, last, salvaged)?.or(last);
        let reached = LogPosition::or_zero(last);
        let exact = noted.is_some_and(|noted| noted.exact);
        if reached < least {
            let through = exact.then_some(least).or(Some(least).filter(|_| salvaged.ending == Ending::Clean));
            self.accepted.check(Lost::Records { from: reached + 1, through })?;
        } else if !exact && salvaged.ending == Ending::Unreadable {
            self.accepted.check(Lost::Records { from: reached + 1, through: None })?;
        }
        self.keep_answers(store, salvaged, noted)?;
        let through = last.ok_or_else(|| StoreFault::found("rebuild the log", "nothing was found of it"))?;
        Ok(Continued { repaired: Some(Repaired { from: LogPosition::FIRST, through }), ..continued })
    }

    fn keep_answers(
        &self,
        store: &Store,
        salvaged: &Salvaged,
        noted: Option<head_note::Noted>,
    ) -> Result<(), OpenError> {
        let found = salvaged.answers.len() as u64;
        let noted = noted.map(|noted| noted.acknowledged.answers);
        match noted.max(salvaged.answers_counted) {
            Some(wanted) if wanted > found => {
                self.accepted.check(Lost::Answers { missing: Some(wanted - found) })?;
            }
            None if !salvaged.answers_whole => self.accepted.check(Lost::Answers { missing: None })?,
            Some(_) | None => {}
        }
        let (mut batch, commands) = (WriteBatch::default(), store.cf(keys::COMMANDS));
        for (key, value) in &salvaged.answers {
            batch.put_cf(&commands, key, value);
        }
        batch.put_cf(&store.cf(keys::META), keys::META_ANSWERS, found.to_be_bytes());
        Ok(store.write_synced(batch)?)
    }
}

/// The copy, and behind its end what the damaged database holds, as far as a signature proves it.
struct Joined<'a> {
    copy: &'a dyn EventCopy,
    salvaged: &'a Salvaged,
    end: u64,
    through: u64,
}

impl EventCopy for Joined<'_> {
    fn last(&self) -> Result<u64, CopyError> {
        Ok(self.through)
    }

    fn owner(&self) -> Result<Option<String>, CopyError> {
        if self.end == 0 { Ok(None) } else { self.copy.owner() }
    }

    fn give_up(&self) -> Result<(), CopyError> {
        if self.through == self.end { self.copy.give_up() } else { Ok(()) }
    }

    fn read(&self, from: LogPosition, most: usize) -> Result<Vec<Copied>, CopyError> {
        if from.get() <= self.end {
            return self.copy.read(from, most);
        }
        let positions = (from.get()..=self.through).take(most).filter_map(LogPosition::new);
        let found = positions.map_while(|position| self.salvaged.record(position).transpose());
        found.map(|bytes| Ok(Copied::from(Bytes::from(bytes?)))).collect()
    }
}

/// Adds what the damaged database holds beyond the end of the new one. Says where the log ends then; `None`: where it did.
fn carry_over(
    store: &Store,
    partition: Partition,
    last: Option<LogPosition>,
    salvaged: &Salvaged,
) -> Result<Option<LogPosition>, OpenError> {
    let before = match last {
        Some(last) => {
            let ours = store.record(last)?;
            // Two histories: nothing of the one is put behind the other.
            if salvaged.record(last)?.is_some_and(|theirs| ours.as_ref() != Some(&theirs)) {
                return Err(OpenError::OtherCopy { position: last });
            }
            ours.map_or(Hash::ZERO, |ours| Hash::of_record(&ours))
        }
        None => Hash::ZERO,
    };
    let mut next = Next {
        store,
        partition,
        tail: LogPosition::or_zero(last),
        before,
        chain: HashMap::new(),
        command: Vec::new(),
        batch: WriteBatch::default(),
        through: None,
    };
    let mut position = LogPosition::after(last);
    while let Some(record) = salvaged.record(position)? {
        // A file of ours says nothing of what stood before a record: its ticket and the positions do.
        let says = Said { previous: Some(next.before), ..Said::default() };
        let bytes = Bytes::from(record);
        next.take(position, &Copied { bytes, says }).map_err(of_salvage)?;
        position = position.next();
    }
    next.write()?;
    if let Some(through) = next.through {
        tracing::warn!(from = LogPosition::or_zero(last) + 1, %through, "brought over from the damaged database");
    }
    Ok(next.through)
}

/// A record of the damaged database that does not continue the log is damage, and not of the stream.
fn of_salvage(error: OpenError) -> OpenError {
    let OpenError::CopyRefused { position, rule } = error else { return error };
    StoreFault::found("bring over what the damaged log holds", format!("position {position}: {rule}")).into()
}

/// Counts the answers of commands that wrote no event, where an older program did not.
pub(super) fn count_answers(store: &Store) -> Result<u64, StoreFault> {
    if let Some(counted) = store.number(keys::META, keys::META_ANSWERS)? {
        return Ok(counted);
    }
    let mut count = 0_u64;
    store.answers_without_events(|_, _| {
        count += 1;
        Ok::<_, StoreFault>(())
    })?;
    let mut batch = WriteBatch::default();
    batch.put_cf(&store.cf(keys::META), keys::META_ANSWERS, count.to_be_bytes());
    store.write_synced(batch)?;
    Ok(count)
}

/// Folder of one that is being made. Complete exactly where the other one is gone.
pub(super) const NEXT: &str = "rocksdb.next";

/// Puts the database that was made in the place of the damaged one, which stays beside it.
pub(super) fn replace(dir: &Path) -> std::io::Result<()> {
    let (damaged, aside) = (dir.join(DATABASE), dir.join(format!("{DATABASE}.damaged-{}", clock::wall().0)));
    if damaged.try_exists()? {
        std::fs::rename(&damaged, &aside)?;
    }
    settle(dir)?;
    tracing::error!(aside = %aside.display(), "the damaged database was put aside; remove it when nobody wants to look at it any more");
    Ok(())
}

/// Finishes what a crash interrupted in [`replace`].
pub(super) fn settle(dir: &Path) -> std::io::Result<()> {
    let (database, next) = (dir.join(DATABASE), dir.join(NEXT));
    if next.exists() && !database.exists() {
        std::fs::rename(&next, &database)?;
        std::fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

impl From<CopyError> for OpenError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Log(fault) => Self::Store(fault),
            error @ CopyError::Silent(_) => Self::Copy(error),
        }
    }
}
