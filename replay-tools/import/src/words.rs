//! The source's words for what has words of its own here: the mapping's map first, then what every desk
//! understands, then what the mapping does with the unknown.

use std::collections::BTreeMap;

use super::balance::Reason;
use super::grammar::{self, Unknown};
use super::mapping::Fault;

/// The words of one column.
#[derive(Debug, Clone)]
pub(super) struct Words<T> {
    map: BTreeMap<String, T>,
    unknown: Unknown,
    default: Option<T>,
    common: fn(&str) -> Option<T>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant<T> {
    Known(T),
    /// Nobody knows it. What stands was guessed, where there is a guess, and is counted under the reason.
    Unknown {
        guess: Option<T>,
        reason: Reason,
        says_so: bool,
    },
    /// The row is to be left out.
    Rejected,
}

impl<T> Meant<T> {
    /// The value to take, be it a guess.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown { guess, .. } => guess,
            Self::Rejected => None,
        }
    }
}

impl<T: Clone> Words<T> {
    pub(super) const fn new(common: fn(&str) -> Option<T>) -> Self {
        Self { map: BTreeMap::new(), unknown: Unknown::Note, default: None, common }
    }

    /// From the mapping. `key` names its table, `all` the words that it may hold.
    pub(super) fn of(
        key: &str,
        words: grammar::Words,
        otherwise: Unknown,
        parse: fn(&str) -> Option<T>,
        common: fn(&str) -> Option<T>,
        all: &str,
    ) -> Result<Self, Fault> {
        let one = |place: String, word: &str| {
            parse(word).ok_or_else(|| Fault::new(place, format!("is {word:?}; it must be one of {all}")))
        };
        let entries = words.map.iter();
        let map = entries
            .map(|(value, word)| Ok((value.clone(), one(format!("{key}.map.{value:?}"), word)?)))
            .collect::<Result<_, Fault>>()?;
        let default = words.default.map(|word| one(format!("{key}.default"), &word)).transpose()?;
        let unknown = words.unknown.unwrap_or(otherwise);
        default_fits(key, unknown, default.is_some())?;
        Ok(Self { map, unknown, default, common })
    }

    pub(super) fn meant(&self, value: &str) -> Meant<T> {
        if let Some(known) = self.map.get(value).cloned().or_else(|| (self.common)(value)) {
            return Meant::Known(known);
        }
        match self.unknown {
            Unknown::Note => Meant::Unknown { guess: None, reason: Reason::UnknownValue, says_so: true },
            Unknown::Ignore => Meant::Unknown { guess: None, reason: Reason::Ignored, says_so: false },
            Unknown::Default => {
                Meant::Unknown { guess: self.default.clone(), reason: Reason::Defaulted, says_so: false }
            }
            Unknown::Reject => Meant::Rejected,
        }
    }

    /// Whether a row with this value is left out.
    pub(super) fn rejects(&self, value: &str) -> bool {
        self.unknown == Unknown::Reject && !self.map.contains_key(value) && (self.common)(value).is_none()
    }
}

/// `unknown = "default"` needs one, and one without it would never be used.
pub(super) fn default_fits(key: &str, unknown: Unknown, has_default: bool) -> Result<(), Fault> {
    match (unknown == Unknown::Default, has_default) {
        (true, false) => Err(Fault::new(format!("{key}.unknown"), "is \"default\"; name it in default")),
        (false, true) => Err(Fault::new(format!("{key}.default"), "is only for unknown = \"default\"")),
        (true, true) | (false, false) => Ok(()),
    }
}
