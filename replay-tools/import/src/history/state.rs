//! What a row says of the state, and how the ticket comes into it.

use crate::balance::{Note, Reason};
use crate::bounds::shown;
use crate::grammar::Unknown;
use crate::mapping::{Meaning, Slot};
use crate::row::Row;
use crate::words::{Meant, Words};

use super::{History, NAME_SHOWN};

/// The state in a row.
pub(crate) enum NewState {
    Same,
    Known(Meaning),
    Unknown(String),
    /// Nobody knows the name; it is passed over, or the mapping's default stands for it.
    Guessed(String, Option<Meaning>),
}

impl NewState {
    pub(super) fn is_work(&self) -> bool {
        self.meaning().is_some_and(|meaning| match meaning {
            Meaning::State { to, reopens, .. } => reopens && !to.is_done(),
            Meaning::Ignore | Meaning::Note => false,
        })
    }

    pub(crate) const fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Known(meaning) => Some(*meaning),
            Self::Guessed(_, meaning) => *meaning,
            Self::Same | Self::Unknown(_) => None,
        }
    }
}

impl History<'_> {
    pub(super) fn state_of(&self, row: &Row, before: Option<&Row>) -> Result<NewState, Note> {
        let Some(states) = &self.mapping.state else { return Ok(NewState::Same) };
        let same = |slot: &Slot| before.is_some_and(|b| b.get(*slot) == row.get(*slot));
        if states.columns.iter().all(same) {
            return Ok(NewState::Same);
        }
        let name = joined(row, &states.columns);
        let Some(name) = name else { return Ok(NewState::Same) };
        if let Some(meaning) = states.map.get(&name) {
            return Ok(NewState::Known(*meaning));
        }
        match states.unknown {
            Unknown::Note => Ok(NewState::Unknown(name)),
            Unknown::Ignore => Ok(NewState::Guessed(name, None)),
            Unknown::Default => Ok(NewState::Guessed(name, states.default)),
            Unknown::Reject => {
                Err(Note::new(Reason::UnknownValue, format!("the state {name:?} is not in state.map")))
            }
        }
    }

    pub(crate) fn enter(&mut self, row: &Row, state: &NewState) {
        match state {
            NewState::Same | NewState::Known(_) => {}
            NewState::Unknown(name) => {
                self.note_state(name);
                let text = format!("the state {name:?} is not in state.map");
                self.heard.push(Note::new(Reason::UnknownValue, text));
            }
            NewState::Guessed(name, meaning) => {
                let reason = if meaning.is_some() { Reason::Defaulted } else { Reason::Ignored };
                self.heard.push(Note::new(reason, format!("the state {name:?} is not in state.map")));
            }
        }
        match state.meaning() {
            None | Some(Meaning::Ignore) => {}
            Some(Meaning::Note) => {
                if let Some(name) = self.state_name(row) {
                    self.note_state(&name);
                }
            }
            Some(Meaning::State { to, hold_reason, reopens }) => {
                if reopens || to.is_done() || !self.state().is_done() {
                    self.go_to(row, to, hold_reason);
                }
            }
        }
    }

    pub(super) fn note_state(&mut self, name: &str) {
        self.note(&format!(
            "The source calls the state {:?}, which the mapping does not know; the ticket stays {}.",
            shown(name, NAME_SHOWN),
            self.state()
        ));
    }

    /// The source's own name of the state.
    pub(crate) fn state_name(&self, row: &Row) -> Option<String> {
        self.mapping.state.as_ref().and_then(|s| joined(row, &s.columns))
    }

    /// The meaning of a word of the source; `what` is the kind of such words. A word that nobody knows is counted, and
    /// stays visible at the ticket where the mapping does not let it go.
    pub(crate) fn word<T: Clone>(
        &mut self,
        words: &Words<T>,
        what: &str,
        value: Option<&str>,
        stays: &str,
    ) -> Option<T> {
        let value = value?;
        let meant = words.meant(value);
        if let Meant::Unknown { reason, says_so, .. } = &meant {
            self.heard
                .push(Note::new(*reason, format!("the {what} {value:?} is not in the mapping's words")));
            if *says_so {
                self.note(&format!(
                    "The source calls the {what} {:?}, which the mapping does not know; the ticket stays {stays}.",
                    shown(value, NAME_SHOWN)
                ));
            }
        }
        meant.value()
    }
}

/// The values that are there, with slashes in between.
pub(crate) fn joined(row: &Row, slots: &[Slot]) -> Option<String> {
    let mut values = slots.iter().filter_map(|s| row.get(*s));
    let mut text = values.next()?.to_owned();
    for value in values {
        text.push('/');
        text.push_str(value);
    }
    Some(text)
}
