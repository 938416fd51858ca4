//! What of the end of the stream this log's engine wrote.
//!
//! Behind what was signed, a record is ours where its MAC proves it ([`crate::authorship`]). The engine publishes in
//! order, so what is ours ends with the first message that is not; one of ours behind that one means that ours was lost
//! there, and no start may go over it.

use guichet_proof::{Author, Authorship};
use guichet_schemas::hash::Hash;
use guichet_schemas::position::LogPosition;

use super::OpenError;
use super::copy::{Copied, EventCopy};
use super::disk::Disk;
use super::store::Store;

/// Messages read at a time.
const STRETCH: usize = 1_000;

/// The end of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// The signed records, and those behind them that their MACs prove, end here.
    pub(super) through: u64,
    /// From here on somebody else wrote.
    pub(super) refused_from: Option<LogPosition>,
}

impl Copied {
    /// The author of the record at this position.
    pub(super) fn author(&self, authorship: &Authorship, position: LogPosition) -> Author {
        authorship.of(position, Hash::of_record(&self.bytes), &self.says)
    }
}

/// Reads the copy from behind `proven` to its `end`, and writes nothing.
///
/// # Errors
/// It cannot be read, or a person has to say what it is: it is from before there were MACs, it goes on from a later
/// lineage, or a message of ours is missing in it.
pub(super) fn find(
    copy: &dyn EventCopy,
    authorship: &Authorship,
    proven: u64,
    end: u64,
) -> Result<Tail, OpenError> {
    let mut tail = Tail { through: proven, refused_from: None };
    let from = LogPosition::after(LogPosition::new(proven));
    let (mut next, mut ours_behind) = (from, None);
    while next.get() <= end {
        let mut records = copy.read(next, STRETCH)?;
        records.truncate(usize::try_from(end - next.get() + 1).unwrap_or(usize::MAX));
        if records.is_empty() {
            if tail.refused_from.is_none() {
                return Err(OpenError::CopyNotSigned { from: next, through: end });
            }
            // A hole among what is not ours: no loss.
            next = next.next();
        }
        for copied in records {
            tail.goes_on((next, copied.author(authorship, next)), end, &mut ours_behind)?;
            next = next.next();
        }
    }
    match (tail.refused_from, ours_behind) {
        (Some(from), Some(through)) => Err(OpenError::CopyBroken { from, through }),
        (Some(_) | None, _) => Ok(tail),
    }
}

impl Tail {
    fn goes_on(
        &mut self,
        (position, author): (LogPosition, Author),
        end: u64,
        ours_behind: &mut Option<LogPosition>,
    ) -> Result<(), OpenError> {
        match (self.refused_from, author) {
            (_, Author::Newer) => return Err(OpenError::OtherCopy { position }),
            (None, Author::Ours) => self.through = position.get(),
            // Of ours, and behind what is not: what stood in between is lost.
            (Some(_), Author::Ours) => *ours_behind = Some(position),
            (None, Author::Unproven) => {
                return Err(OpenError::CopyUnproven { from: position, through: end });
            }
            (None, Author::Stranger | Author::Older) => self.refused_from = Some(position),
            (Some(_), Author::Stranger | Author::Older | Author::Unproven) => {}
        }
        Ok(())
    }
}

/// True where the copy is that of a lineage which was given up.
pub(super) fn is_given_up(
    copy: &dyn EventCopy,
    authorship: &Authorship,
    end: u64,
) -> Result<bool, OpenError> {
    let Some(end) = LogPosition::new(end) else { return Ok(false) };
    let newest = copy.read(end, 1)?;
    Ok(newest.first().is_some_and(|copied| match copied.author(authorship, end) {
        Author::Older => true,
        // As it was read before there were MACs.
        Author::Unproven => copied.says.generation.is_some_and(|theirs| theirs < authorship.generation()),
        Author::Ours | Author::Newer | Author::Stranger => false,
    }))
}

/// Makes sure that a copy whose end is not ours is the copy of this log all the same: it bears our name, or begins with
/// our first record. Another desk's stream has nothing of ours either, and must not be taken for a forged one.
///
/// # Errors
/// It is another log's, or the record at `last` is of another engine with our secret.
pub(super) fn is_copy_of<D: Disk>(
    store: &Store<D>,
    copy: &dyn EventCopy,
    authorship: &Authorship,
    last: LogPosition,
) -> Result<(), OpenError> {
    let same = |position| -> Result<bool, OpenError> {
        let (ours, theirs) = (store.record(position)?, copy.read(position, 1)?);
        Ok(ours.as_deref() == theirs.first().map(|copied| &copied.bytes[..]))
    };
    let other = Err(OpenError::OtherCopy { position: last });
    let is_named = match copy.owner()? {
        Some(owner) if owner == authorship.owner() => true,
        Some(_) => return other,
        None => false,
    };
    if !is_named && !same(LogPosition::FIRST)? {
        return other;
    }
    let theirs = copy.read(last, 1)?;
    let author = theirs.first().map(|copied| copied.author(authorship, last));
    match author {
        Some(Author::Stranger | Author::Older) => Ok(()),
        Some(Author::Ours | Author::Newer | Author::Unproven) | None if same(last)? => Ok(()),
        Some(Author::Ours | Author::Newer | Author::Unproven) | None => other,
    }
}
