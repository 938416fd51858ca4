//! What the clients saw: every command sent, every answer with its exact bytes and times. The engine never sees
//! this book, and nothing that the engine says can change a line of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

/// Time since the book was opened.
pub(crate) type Moment = Duration;

/// One command: the same id and bytes, however often it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) subject: String,
    pub(crate) body: Bytes,
    /// It must leave no trace.
    pub(crate) dry_run: bool,
    pub(crate) attempts: Vec<Attempt>,
}

/// One time that a command was sent.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) sent: Moment,
    pub(crate) ended: Moment,
    pub(crate) end: End,
}

/// What the sender knows about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Still under way.
    Open,
    /// These bytes came back.
    Answered(Bytes),
    /// No answer, or one that says that it does not know. It may have been executed, or may yet be.
    Unknown,
    /// Certainly not executed: nobody listened, or it was told to come again.
    NotTaken,
}

/// Another command under an id that was accepted: it must be refused.
#[derive(Debug, Clone)]
pub(crate) struct Forgery {
    pub(crate) id: Uuid,
    pub(crate) answer: Value,
}

#[derive(Debug, Default)]
struct Book {
    entries: Vec<Entry>,
    /// Those that were accepted, as places in `entries`.
    accepted: Vec<usize>,
    forgeries: Vec<Forgery>,
}

/// The book of all clients.
#[derive(Debug)]
pub(crate) struct Ledger {
    opened: Instant,
    book: Mutex<Book>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { opened: Instant::now(), book: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Moment {
        self.opened.elapsed()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a command that will be sent, and says where it stands.
    pub(crate) fn note(&self, id: Uuid, subject: String, body: Bytes, dry_run: bool) -> usize {
        let mut book = self.book();
        book.entries.push(Entry { id, subject, body, dry_run, attempts: Vec::new() });
        book.entries.len() - 1
    }

    /// Notes that it is sent now, before it is: the real time of an attempt lies within its noted time.
    pub(crate) fn begin(&self, entry: usize) -> usize {
        let sent = self.now();
        let attempts = &mut self.book().entries[entry].attempts;
        attempts.push(Attempt { sent, ended: sent, end: End::Open });
        attempts.len() - 1
    }

    /// Notes how an attempt ended.
    pub(crate) fn end(&self, entry: usize, attempt: usize, end: End) {
        let ended = self.now();
        let mut book = self.book();
        let accepted = matches!(&end, End::Answered(bytes) if is_accepted(bytes));
        let noted = &mut book.entries[entry];
        let lasting = accepted && !noted.dry_run;
        noted.attempts[attempt].ended = ended;
        noted.attempts[attempt].end = end;
        if lasting {
            book.accepted.push(entry);
        }
    }

    /// Notes what came of a forgery.
    pub(crate) fn forged(&self, id: Uuid, answer: Value) {
        self.book().forgeries.push(Forgery { id, answer });
    }

    /// Some command that was accepted before, chosen by a number.
    pub(crate) fn accepted(&self, choice: usize) -> Option<(usize, Entry)> {
        let book = self.book();
        let place = *book.accepted.get(choice.checked_rem(book.accepted.len())?)?;
        let Entry { id, subject, body, dry_run, .. } = &book.entries[place];
        let copy = Entry {
            id: *id,
            subject: subject.clone(),
            body: body.clone(),
            dry_run: *dry_run,
            attempts: Vec::new(),
        };
        Some((place, copy))
    }

    /// Subject and bytes of a command.
    pub(crate) fn message(&self, entry: usize) -> (String, Bytes) {
        let book = self.book();
        (book.entries[entry].subject.clone(), book.entries[entry].body.clone())
    }

    /// Everything, once nobody writes any more.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.book().entries.clone()
    }

    /// Every forgery.
    pub(crate) fn forgeries(&self) -> Vec<Forgery> {
        self.book().forgeries.clone()
    }
}

impl Entry {
    /// Its answers, in the order in which they were asked for.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&Attempt, &Bytes)> {
        self.attempts.iter().filter_map(|attempt| match &attempt.end {
            End::Answered(bytes) => Some((attempt, bytes)),
            End::Open | End::Unknown | End::NotTaken => None,
        })
    }

    /// Some attempt may have been executed without its sender knowing.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.attempts.iter().any(|attempt| match attempt.end {
            End::Open | End::Unknown => true,
            End::Answered(_) | End::NotTaken => false,
        })
    }
}

/// An answer that promises something.
pub(crate) fn is_accepted(answer: &[u8]) -> bool {
    answer.starts_with(br#"{"ok":true"#)
}
