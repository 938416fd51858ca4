//! Drafts that no desk publishes: who would get which tickets, and how many of them somebody would take up in an hour.

use std::collections::BTreeMap;
use std::path::Path;

use guichet_config::{ATTRIBUTES, Fault, Policy, Values};
use guichet_rules::calendar::Calendar;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use guichet_client::ClientError;

/// Tickets that a group can take up in an hour; more would be no group of people.
const PER_HOUR_MAX: f64 = 10_000.0;

/// Rules in their order: the first that a ticket matches as it was created says its group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Routing {
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) group: String,
    /// As in a policy: for each attribute that is named, the ticket has one of these values. Nothing: every ticket.
    #[serde(default, rename = "match")]
    conditions: BTreeMap<String, Values>,
}

/// How many tickets groups take up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Staffing {
    pub(super) capacity: Vec<Capacity>,
}

/// Several of one group add up, such as the shifts of a day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capacity {
    pub(super) group: String,
    pub(super) per_hour: f64,
    /// Only in the open hours of this calendar; absent: in all.
    pub(super) calendar: Option<String>,
}

/// Reads a draft.
///
/// # Errors
/// The file cannot be read. What is wrong in it is the inner error.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Result<T, Fault>, ClientError> {
    let problem = |e: std::io::Error| ClientError::File { path: path.to_owned(), problem: e.to_string() };
    let text = std::fs::read_to_string(path).map_err(problem)?;
    Ok(parse(&text))
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    toml::from_str(text).map_err(|fault| Fault::at("file", fault.message().to_owned()))
}

impl Routing {
    /// What is wrong in it.
    pub(super) fn fault(&self) -> Option<Fault> {
        if self.rules.is_empty() {
            return Some(Fault::at("rules", "there is none"));
        }
        for (n, rule) in self.rules.iter().enumerate() {
            if rule.group.is_empty() {
                return Some(Fault::at(format!("rules[{n}].group"), "is empty"));
            }
            let unknown = rule
                .conditions
                .keys()
                .find(|name| !ATTRIBUTES.contains(&name.as_str()) && !name.starts_with("fields."));
            if let Some(name) = unknown {
                let rule = format!(
                    "there is no attribute {name:?}; there are fields.<name>, {}",
                    ATTRIBUTES.join(", ")
                );
                return Some(Fault::at(format!("rules[{n}].match"), rule));
            }
        }
        None
    }

    /// The group of a ticket with these attributes; `None`: no rule is for it.
    pub(super) fn group(&self, tier: u32, attribute: impl Fn(&str) -> Vec<String>) -> Option<&str> {
        self.rules.iter().find(|rule| rule.is_for(tier, &attribute)).map(|rule| rule.group.as_str())
    }
}

impl Rule {
    fn is_for(&self, tier: u32, attribute: &impl Fn(&str) -> Vec<String>) -> bool {
        let attributes = self.conditions.keys().map(|name| (name.clone(), attribute(name))).collect();
        let policy = Policy {
            id: String::new(),
            version: None,
            conditions: self.conditions.clone(),
            targets: Vec::new(),
            on_reopen: Default::default(),
            on_target_change: Default::default(),
        };
        guichet_config::matches(&policy, &attributes, tier)
    }
}

impl Staffing {
    /// What is wrong in it.
    pub(super) fn fault(&self, calendars: &BTreeMap<String, Calendar>) -> Option<Fault> {
        if self.capacity.is_empty() {
            return Some(Fault::at("capacity", "there is none"));
        }
        for (n, one) in self.capacity.iter().enumerate() {
            if one.group.is_empty() {
                return Some(Fault::at(format!("capacity[{n}].group"), "is empty"));
            }
            if !(one.per_hour >= 0.001 && one.per_hour <= PER_HOUR_MAX) {
                let rule = format!("is 0.001 to {PER_HOUR_MAX} tickets an hour");
                return Some(Fault::at(format!("capacity[{n}].per_hour"), rule));
            }
            if let Some(name) = one.calendar.as_ref().filter(|name| !calendars.contains_key(*name)) {
                let rule =
                    format!("there is no calendar {name:?}, neither published nor in the file of --config");
                return Some(Fault::at(format!("capacity[{n}].calendar"), rule));
            }
        }
        None
    }
}
