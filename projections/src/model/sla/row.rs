//! What is kept of a ticket.

use std::borrow::Cow;

use guichet_schemas::event::{Event, SlaEvent};
use guichet_schemas::record::Record;
use guichet_schemas::time::Timestamp;
use guichet_sla::{AlarmKey, Fact, Recorded, Rulebook, Ticket, TimerName};
use serde::{Deserialize, Serialize};

use crate::model::rows;
use crate::store::StoreError;

/// About how much memory a ticket with three clocks takes beside its own size.
const HEAP_BYTES: usize = 1_500;

/// A ticket after its last event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) number: u64,
    /// Of its last event.
    pub(crate) version: u64,
    /// `None` stands before its first event.
    pub(crate) ticket: Option<Ticket>,
    /// Parts of its imported history are still to come: until then nobody can say what its clocks have done.
    pub(crate) importing: bool,
    /// Findings of the fold that are not in the log yet, oldest first.
    pub(crate) unsent: Vec<Fact>,
    /// The facts in the log. A clock that is to warn again after a change is known to have warned.
    pub(crate) recorded: Recorded,
}

impl Row {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        postcard::from_bytes(bytes).map_err(|_| StoreError::Damaged { what: "the clocks of a ticket" })
    }

    /// Its bytes.
    ///
    /// # Panics
    /// Never: a vector takes whatever is put into it.
    pub(crate) fn write(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a vector grows")
    }

    /// Goes on by a record. Gives what was found.
    pub(crate) fn fold(row: Option<Self>, record: &Record, book: &Rulebook) -> (Self, Vec<Fact>) {
        let mut facts = Vec::new();
        let (before, mut row) = match row {
            Some(mut row) => (row.ticket.take(), row),
            None => (None, Self::default()),
        };
        row.ticket = Some(Ticket::fold(before, record, book, &mut facts));
        row.version = record.version.get();
        if let Some(e) = record.event.created() {
            row.number = e.number;
        }
        if let Some(e) = record.event.imported() {
            row.importing = e.part < e.parts;
        }
        if let Some(key) = recorded_by(&record.event) {
            row.recorded.insert(key);
        }
        row.unsent.extend(facts.iter().filter(|fact| fact.kind.is_alarm()).cloned());
        let Self { unsent, recorded, .. } = &mut row;
        unsent.retain(|fact| is_news(fact, recorded));
        (row, facts)
    }

    /// How much there is of it: each event of the ticket reads and writes all of it.
    pub(super) fn parts(&self) -> usize {
        self.ticket.as_ref().map_or(0, Ticket::parts).saturating_add(self.unsent.len())
    }

    /// Where it stands among the alarms and, at an instant, the due ones; `None`: nothing will come of it any more.
    pub(super) fn armed(&self, book: &Rulebook, now: Timestamp) -> Option<Armed> {
        self.stands(Cow::Borrowed(self.ticket.as_ref()?), book, now)
    }

    /// The same, of a row that nobody needs any more.
    pub(super) fn into_armed(mut self, book: &Rulebook, now: Timestamp) -> Option<Armed> {
        let ticket = self.ticket.take()?;
        self.stands(Cow::Owned(ticket), book, now)
    }

    fn stands(&self, mut ticket: Cow<'_, Ticket>, book: &Rulebook, now: Timestamp) -> Option<Armed> {
        if ticket.state().is_terminal() && self.unsent.is_empty() && ticket.is_at_rest() {
            return None;
        }
        // What was published since its last event is applied once for both.
        let mut facts = Vec::new();
        if ticket.is_behind(book) {
            let to = now.max(ticket.time());
            ticket.to_mut().advance(to, book, &mut facts);
        }
        let found = facts.iter().find(|fact| is_news(fact, &self.recorded));
        let alarm = match self.unsent.first().or(found) {
            // Until all parts are there, its next event is soon enough.
            _ if self.importing => None,
            Some(fact) => Some(fact.at),
            None => ticket.next_alarm(book, &self.recorded),
        };
        let instant = |at: Option<Timestamp>| at.map_or(Armed::NEVER, |at| u64::try_from(at.0).unwrap_or(0));
        Some(Armed { alarm: instant(alarm), due: instant(ticket.next_due(book, now)) })
    }

    /// The ticket at an instant, with what time found since its last event.
    pub(crate) fn at(&self, at: Timestamp, book: &Rulebook) -> (Option<Ticket>, Vec<Fact>) {
        let (mut ticket, mut facts) = (self.ticket.clone(), Vec::new());
        if let Some(ticket) = &mut ticket {
            // What is due at the very instant may yet be met in it.
            ticket.advance(at, book, &mut facts);
        }
        (ticket, facts)
    }

    /// Everything that the log should have and has not, at an instant, oldest first.
    pub(crate) fn alarms(&self, at: Timestamp, book: &Rulebook) -> Vec<Alarm> {
        let (ticket, found) = self.at(at, book);
        let found = found.into_iter().filter(|fact| is_news(fact, &self.recorded));
        let alarm = |fact: Fact| Alarm { holds: ticket.as_ref().is_some_and(|t| t.still_holds(&fact)), fact };
        self.unsent.iter().cloned().chain(found).map(alarm).collect()
    }
}

/// Something that the log should have.
#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) fact: Fact,
    /// Of a rule that fired: it may act.
    pub(crate) holds: bool,
}

impl rows::Row for Kept {
    fn bytes(&self) -> usize {
        size_of::<Self>() + HEAP_BYTES
    }
}

/// A row with its place among the alarms.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) row: Row,
    /// As the store has it; `None`: it is over.
    pub(super) armed: Option<Armed>,
}

/// Instants, in milliseconds; `u64::MAX`: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Armed {
    /// Of its next alarm.
    pub(super) alarm: u64,
    /// At which the first of its running clocks is due.
    pub(super) due: u64,
}

impl Armed {
    pub(super) const NEVER: u64 = u64::MAX;

    /// When the first of its running clocks is due.
    pub(super) fn due(self) -> Option<Timestamp> {
        Self::instant(self.due)
    }

    /// An instant, where there is one.
    pub(super) fn instant(at: u64) -> Option<Timestamp> {
        (at != Self::NEVER).then(|| Timestamp(i64::try_from(at).unwrap_or(i64::MAX)))
    }

    /// Reads what [`Armed::write`] wrote.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Damaged { what: "the alarm of a ticket" };
        let (alarm, due) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
        let due = due.first_chunk().ok_or_else(damaged)?;
        Ok(Self { alarm: u64::from_be_bytes(*alarm), due: u64::from_be_bytes(*due) })
    }

    pub(super) fn write(self) -> Vec<u8> {
        [self.alarm.to_be_bytes(), self.due.to_be_bytes()].concat()
    }
}

/// True for what the log should have and has not.
fn is_news(fact: &Fact, recorded: &Recorded) -> bool {
    fact.alarm().is_some_and(|key| !recorded.contains(&key))
}

/// The fact that an event records.
fn recorded_by(event: &Event) -> Option<AlarmKey> {
    let Event::Sla(event) = event else { return None };
    let (of, instance, pct) = match event {
        SlaEvent::SlaWarned(e) => (TimerName::Clock(e.metric), e.instance, Some(e.pct)),
        SlaEvent::SlaBreached(e) => (TimerName::Clock(e.metric), e.instance, None),
        SlaEvent::TimeRuleFired(e) => (TimerName::Rule(e.rule.clone()), e.instance, None),
        SlaEvent::SlaBreachVoided(_) => return None,
    };
    Some(AlarmKey { of, instance, pct })
}

#[cfg(test)]
mod tests {
    use guichet_schemas::words::SlaMetric;

    use super::*;

    #[test]
    fn a_stored_metric_is_the_number_that_it_always_was() {
        for (number, metric) in (0_u8..).zip(SlaMetric::ALL) {
            let of = TimerName::Clock(*metric);
            let stored = postcard::to_allocvec(&of).unwrap();
            assert_eq!(stored, [0, number], "{metric}");
            assert_eq!(postcard::from_bytes::<TimerName>(&stored).unwrap(), of);
        }
        let named = serde_json::to_value(TimerName::Clock(SlaMetric::AgentWork)).unwrap();
        assert_eq!(named, serde_json::json!({"Clock": "agent_work"}));
        assert!(postcard::from_bytes::<TimerName>(&[0, 9]).is_err());
    }
}
