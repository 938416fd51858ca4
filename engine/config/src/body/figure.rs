//! A figure that a desk defines: what of its events is counted, or how long it takes from one to another. Nothing is
//! decided by it: reports count it, over all years that there are.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{Reach, There, names};
use crate::fault::Fault;
use crate::filter::Filter;
use crate::item::Item;
use crate::kind::Kind;
use crate::policy::SECONDS_MAX;

/// Figures of one desk: each that is asked for is kept up to date with every event.
const FIGURES_MAX: usize = 64;

/// The body of `figure`: either a count or a duration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// For people.
    pub title: Title,
    /// Which events are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Filter>,
    /// Between which two events time is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Only of tickets that are so at the end of the period in which it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<Filter>,
}

/// A text in the languages of the pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// In English.
    pub en: String,
    /// In French; absent: as in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fr: Option<String>,
}

/// How long it takes from one event of a ticket to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duration {
    /// Where it begins.
    pub from: Filter,
    /// Where it ends.
    pub to: Filter,
    /// Which of a ticket's events, where several are so.
    #[serde(default, skip_serializing_if = "Pairs::is_default")]
    pub pairs: Pairs,
    /// In the period of which of the two it counts.
    #[serde(default, skip_serializing_if = "Dated::is_default")]
    pub dated: Dated,
    /// Only the open hours of this calendar count; absent: all hours do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Only durations of at most so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<u32>,
}

/// Which events of a ticket belong together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairs {
    /// The first beginning and the first end after it: once for a ticket.
    #[default]
    First,
    /// The first beginning and the last end after it: once for a ticket.
    Last,
    /// Each beginning and the next end after it; what begins again before it has ended changes nothing.
    Each,
}

impl Pairs {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// In which period a duration counts, and in which part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dated {
    /// In that of its beginning.
    From,
    /// In that of its end.
    #[default]
    To,
}

impl Dated {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Item for Figure {
    fn is_read_by_reports() -> bool {
        true
    }

    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let mut faults: Vec<_> = names::label("title.en", Some(&self.title.en)).into_iter().collect();
        faults.extend(names::label("title.fr", self.title.fr.as_deref()));
        if self.count.is_some() == self.duration.is_some() {
            faults.push(Fault::at("count", "either count or duration is given"));
        }
        if self.still.as_ref().is_some_and(Filter::names_events) {
            faults.push(Fault::at("still", "is asked of the ticket as it stands, and of no event"));
        }
        if let Some(within) = self.duration.as_ref().and_then(|duration| duration.within_s)
            && !(1..=SECONDS_MAX).contains(&within)
        {
            faults.push(Fault::at("duration.within_s", format!("is 1 to {SECONDS_MAX}: fifteen years")));
        }
        faults
    }

    fn misfits(&self, there: &There<'_>, _: &mut Reach<'_>) -> Vec<Fault> {
        let calendar = self.duration.as_ref().and_then(|duration| duration.calendar.as_deref());
        let missing = calendar.and_then(|name| there.calendar(name));
        let mut faults: Vec<_> =
            missing.map(|rule| Fault::at("duration.calendar", rule)).into_iter().collect();
        if there.count(Kind::Figure) > FIGURES_MAX {
            faults
                .push(Fault::at("id", format!("there are {FIGURES_MAX} figures already; retire one first")));
        }
        faults
    }
}
