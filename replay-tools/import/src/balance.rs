//! What became of every row and every ticket of an import, and whether the numbers add up.
//!
//! Reading and mapping hand over [`Note`]s; what a note costs is decided here alone. A reason that is not
//! allowed by name makes the run end with [`guichet_client::exit::REFUSED`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use guichet_client::exit;

macro_rules! reasons {
    ($($variant:ident => $word:literal, $says:literal;)*) => {
        /// Why something was left out, guessed or changed on the way.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $(#[doc = $says] $variant,)* }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word of `--allow` and of the balance.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The meaning, for a person.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }
        }
    };
}

reasons! {
    Unreadable => "unreadable", "the row is not what the format says";
    OpenQuote => "open_quote", "a quote does not close, or closes implausibly far on";
    Doubled => "doubled", "a row stands there twice, one after the other, and the mapping has no dedupe; both were read";
    StrayQuote => "stray_quote", "an unquoted field holds quotes as a quoted one does; it was read as it stands";
    Unterminated => "unterminated", "the last line has no line end; a file that was cut off ends like this";
    TooLarge => "too_large", "a row, or a ticket, has more than the importer holds at once";
    NoTicket => "no_ticket", "the row names no ticket";
    BadTicketId => "bad_ticket_id", "the id of the ticket cannot be an id here";
    NoTime => "no_time", "the row has no time";
    UnreadableTime => "unreadable_time", "no date pattern reads the time";
    ImplausibleTime => "implausible_time", "the time lies before 1970, after tomorrow, in a year of two digits, or before the ticket was created";
    OverLimit => "over_limit", "a value is over a limit that live commands keep too";
    UnknownValue => "unknown_value", "no map of the mapping knows the value";
    Unlisted => "unlisted", "the configuration of the desk does not list the name";
    Ignored => "ignored", "no map knows the value, and the mapping says to pass over such values";
    Defaulted => "defaulted", "no map knows the value, and the mapping's default took its place";
    GuessedTime => "guessed_time", "the export names no time for something that happened; another one stands for it";
    MissingValue => "missing_value", "something happened of which the export does not say all";
    Cut => "cut", "a text was cut, its length is kept";
    Refused => "refused", "the engine refused the ticket";
    NotContinued => "not_continued", "the ticket is here from an import that keeps no mark of its facts, and the engine is too old to recognise them";
    RewrittenPast => "rewritten_past", "the export tells the past of a ticket otherwise than an earlier one did";
    RepeatedHour => "repeated_hour", "the hour came twice at a clock change; the order of the file decided";
    SkippedHour => "skipped_hour", "the hour never came at a clock change; it was moved forward";
    GuessedDelimiter => "guessed_delimiter", "the mapping names no delimiter, and the columns are there with another than the usual one";
    GuessedEncoding => "guessed_encoding", "the mapping names no encoding, so it was found out";
    Undecodable => "undecodable", "bytes that the encoding does not have were replaced";
    Contradicted => "contradicted", "a change begins elsewhere than the one before it ended, or the record says another end";
    NoPartner => "no_partner", "a row names a row of another file that is not there";
    Withheld => "withheld", "a personal text is not in the export; a placeholder stands for it";
    Unlinked => "unlinked", "the ticket hangs together with another one; a note at the ticket says so, and nothing else";
    LeftOut => "left_out", "a part of the file, such as a member of an archive, was not read";
}

impl Reason {
    /// The reason of a word of `--allow`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.word() == word)
    }

    const fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Something that is to be counted: of a row, or of the file as a whole. The text is for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) reason: Reason,
    pub(super) text: String,
}

impl Note {
    pub(super) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into() }
    }
}

/// A value that cannot be read is the commonest fault.
impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::new(Reason::Unreadable, text)
    }
}

/// How often each reason was met.
#[derive(Debug)]
struct Tallies([AtomicU64; Reason::ALL.len()]);

impl Default for Tallies {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Tallies {
    fn add(&self, reason: Reason, n: u64) {
        add(&self.0[reason.index()], n);
    }

    fn read(&self) -> BTreeMap<Reason, u64> {
        let all = Reason::ALL.iter().map(|reason| (*reason, get(&self.0[reason.index()])));
        all.filter(|(_, n)| *n > 0).collect()
    }
}

pub(super) fn add(count: &AtomicU64, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// The counts while they grow: written by the thread that reads and the task that sends, read by whoever
/// shows progress.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) rows: AtomicU64,
    pub(super) used: AtomicU64,
    pub(super) without_effect: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) filtered: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) tickets: AtomicU64,
    pub(super) tickets_new: AtomicU64,
    pub(super) tickets_continued: AtomicU64,
    pub(super) tickets_unchanged: AtomicU64,
    pub(super) tickets_rejected: AtomicU64,
    rows_rejected: Tallies,
    noted: Tallies,
    left_out: Mutex<Vec<String>>,
}

impl Counts {
    /// Rows that are left out.
    pub(super) fn reject(&self, reason: Reason, rows: u64) {
        add(&self.rejected, rows);
        self.rows_rejected.add(reason, rows);
    }

    /// Counts a guess or a change that did not leave the row out.
    pub(super) fn note(&self, reason: Reason, n: u64) {
        self.noted.add(reason, n);
    }

    /// A file, or a member of an archive, that was not read.
    pub(super) fn leave_out(&self, name: String) {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    /// A ticket of which the engine has all.
    pub(super) fn ticket(&self, began: bool, wrote: bool) {
        let kind = match (began, wrote) {
            (true, _) => &self.tickets_new,
            (false, true) => &self.tickets_continued,
            (false, false) => &self.tickets_unchanged,
        };
        add(kind, 1);
    }

    /// A ticket that the engine refused, with its rows that had counted as usable.
    pub(super) fn refuse(&self, reason: Reason, used: u64, without_effect: u64) {
        self.used.fetch_sub(used, Ordering::Relaxed);
        self.without_effect.fetch_sub(without_effect, Ordering::Relaxed);
        self.reject(reason, used.saturating_add(without_effect));
        add(&self.tickets_rejected, 1);
    }

    /// As they stand.
    pub(super) fn balance(&self) -> Balance {
        Balance {
            rows: Rows {
                read: get(&self.rows),
                used: get(&self.used),
                without_effect: get(&self.without_effect),
                duplicates: get(&self.duplicates),
                filtered: get(&self.filtered),
                rejected: self.rows_rejected.read(),
            },
            tickets: Tickets {
                met: get(&self.tickets),
                new: get(&self.tickets_new),
                continued: get(&self.tickets_continued),
                unchanged: get(&self.tickets_unchanged),
                rejected: get(&self.tickets_rejected),
            },
            noted: self.noted.read(),
            left_out: self.left_out.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// The balance of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    pub rows: Rows,
    pub tickets: Tickets,
    /// Guesses and changes on the way, by reason; their rows were used.
    pub noted: BTreeMap<Reason, u64>,
    /// Files and members of archives that were not read.
    pub left_out: Vec<String>,
}

/// The fate of the rows: `read` is the sum of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Rows met.
    pub read: u64,
    /// Rows that became facts.
    pub used: u64,
    /// Rows that say nothing that the row before them did not say.
    pub without_effect: u64,
    /// Rows left out because `dedupe` says that they came before.
    pub duplicates: u64,
    /// Rows that `filter` does not let through.
    pub filtered: u64,
    /// Rows left out, by reason.
    pub rejected: BTreeMap<Reason, u64>,
}

/// The fate of the tickets: `met` is the sum of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tickets {
    /// Tickets with at least one row that could be read.
    pub met: u64,
    /// Tickets that were not here before.
    pub new: u64,
    /// Tickets that were here and got more facts.
    pub continued: u64,
    /// Tickets that were here with all that the export tells.
    pub unchanged: u64,
    /// Tickets of which nothing, or not all, could be taken over.
    pub rejected: u64,
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Balance {
    /// Whether every row and every ticket is accounted for.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let (r, t) = (&self.rows, &self.tickets);
        let rejected = r.rejected.values().copied();
        let rows = [r.used, r.without_effect, r.duplicates, r.filtered].into_iter().chain(rejected);
        sum(rows) == r.read && sum([t.new, t.continued, t.unchanged, t.rejected]) == t.met
    }

    /// Losses and guesses that are not allowed by name, with their counts.
    #[must_use]
    pub fn findings(&self, allowed: &[Reason]) -> BTreeMap<Reason, u64> {
        let mut findings = BTreeMap::<Reason, u64>::new();
        for (reason, n) in self.rows.rejected.iter().chain(&self.noted) {
            if !allowed.contains(reason) {
                let so_far = findings.entry(*reason).or_default();
                *so_far = so_far.saturating_add(*n);
            }
        }
        findings
    }

    /// The exit code of the run.
    #[must_use]
    pub fn exit_code(&self, allowed: &[Reason]) -> u8 {
        if self.adds_up() && self.findings(allowed).is_empty() { exit::DONE } else { exit::REFUSED }
    }
}

fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own_that_finds_it() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.word()), Some(*reason));
            assert!(!reason.says().is_empty());
        }
        assert_eq!(Reason::parse("nothing"), None);
    }

    #[test]
    fn a_row_that_nobody_accounts_for_and_a_reason_that_nobody_allowed_are_findings() {
        let counts = Counts::default();
        add(&counts.rows, 3);
        add(&counts.used, 1);
        counts.reject(Reason::NoTime, 1);
        assert!(!counts.balance().adds_up());
        add(&counts.without_effect, 1);
        counts.note(Reason::Cut, 2);
        let balance = counts.balance();
        assert!(balance.adds_up());
        assert_eq!(balance.findings(&[]), BTreeMap::from([(Reason::NoTime, 1), (Reason::Cut, 2)]));
        assert_eq!(balance.exit_code(&[Reason::Cut]), exit::REFUSED);
        assert_eq!(balance.exit_code(&[Reason::Cut, Reason::NoTime]), exit::DONE);
        add(&counts.tickets, 1);
        assert_eq!(counts.balance().exit_code(&[Reason::Cut, Reason::NoTime]), exit::REFUSED);
    }
}
