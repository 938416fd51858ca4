//! The tenant itself.

use guichet_schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::names;
use crate::fault::Fault;
use crate::item::Item;

/// The body of `tenant`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tenant {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Written before the numbers of tickets: 1 to 8 of `A-Z0-9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_prefix: Option<String>,
    /// IANA zone of pages and reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Language of pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// A language of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    En,
    Fr,
}

impl Item for Tenant {
    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let mut faults: Vec<_> = names::label("name", self.name.as_deref()).into_iter().collect();
        let good = |prefix: &str| {
            (1..=8).contains(&prefix.len())
                && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if self.number_prefix.as_deref().is_some_and(|prefix| !good(prefix)) {
            faults.push(Fault::at("number_prefix", "is 1 to 8 of A-Z and 0-9"));
        }
        if let Some(zone) = self.zone.as_deref()
            && zone.parse::<chrono_tz::Tz>().is_err()
        {
            faults.push(Fault::at("zone", format!("{zone:?} is no zone of the IANA database")));
        }
        faults
    }

    fn not_yet(&self) -> Option<&'static str> {
        self.number_prefix.is_some().then_some("tenant.number_prefix")
    }
}
