//! What a desk wants the figures of its reports to be. Nothing is decided by it: reports say whether it was so.

use guichet_schemas::figures;
use guichet_schemas::time::Timestamp;
use guichet_schemas::words::Period;
use serde::{Deserialize, Serialize};

use crate::check::{Reach, There, names};
use crate::fault::Fault;
use crate::item::{Advised, Item};

/// Goals for the same rows of one report: each is said beside each row, and an answer has an end.
const FOR_THE_SAME_ROWS_MAX: usize = 8;

/// The body of `goals`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goals {
    /// Each id once.
    pub goals: Vec<Goal>,
}

/// A figure's goal: at least, or at most, so much.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Its name in answers.
    pub id: String,
    /// The report, by its name as a query: `report_first_response`.
    pub report: String,
    /// The figure in its rows: `closure_rate_flow`, `calendar.p90`, `metrics.first_reply.attainment`.
    pub figure: String,
    /// Only in rows of periods of this length; absent: in rows of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Only in the rows of this group, where a report is parted by group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only in the rows of this agent, where a report is parted by agent. Without group and agent: in the rows of a
    /// report that is parted as it is by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Attained from this value on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Attained up to this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

impl Goal {
    /// Whether a figure is as it is wanted.
    #[must_use]
    pub fn is_attained_by(&self, actual: f64) -> bool {
        self.at_least.is_none_or(|least| actual >= least) && self.at_most.is_none_or(|most| actual <= most)
    }

    fn is_for_the_rows_of(&self, other: &Self) -> bool {
        (&self.report, &self.group, &self.agent) == (&other.report, &other.group, &other.agent)
    }

    fn is_the_same_as(&self, other: &Self) -> bool {
        self.is_for_the_rows_of(other)
            && (&self.figure, self.period) == (&other.figure, other.period)
            && self.at_least.is_some() == other.at_least.is_some()
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match figures::of(&self.report) {
            None => {
                let known = figures::reports().collect::<Vec<_>>().join(", ");
                faults.push(Fault::at("report", format!("must be one of {known}")));
            }
            Some(known) if !known.contains(&self.figure.as_str()) => {
                let rule = format!(
                    "{:?} is no figure of {}: they are {}",
                    self.figure,
                    self.report,
                    known.join(", ")
                );
                faults.push(Fault::at("figure", rule));
            }
            Some(_) => {}
        }
        if self.group.is_some() && self.agent.is_some() {
            faults.push(Fault::at("agent", "either a group or an agent"));
        }
        match (self.at_least, self.at_most) {
            (None, None) => faults.push(Fault::at("at_least", "either this or at_most is required")),
            (Some(_), Some(_)) => faults.push(Fault::at("at_most", "either this or at_least, not both")),
            (Some(_), None) | (None, Some(_)) => {}
        }
        for (path, bound) in [("at_least", self.at_least), ("at_most", self.at_most)] {
            if bound.is_some_and(|bound| bound < 0.0) {
                faults.push(Fault::at(path, "is at least 0: no figure is below"));
            }
        }
        faults
    }
}

impl Item for Goals {
    fn is_read_by_reports() -> bool {
        true
    }

    fn faults(&self, _: Timestamp) -> Vec<Fault> {
        let mut faults = names::faults::<128>("goals", ".id", self.goals.iter().map(|goal| goal.id.as_str()));
        for (n, goal) in self.goals.iter().enumerate() {
            let place = format!("goals[{n}]");
            faults.extend(goal.faults().into_iter().map(|fault| fault.below(&place)));
            let earlier = || self.goals.iter().take(n);
            if let Some(first) = earlier().position(|other| other.is_the_same_as(goal)) {
                faults.push(Fault::at(
                    &place,
                    format!("goals[{first}] is for the same figure of the same rows"),
                ));
            }
            if earlier().filter(|other| other.is_for_the_rows_of(goal)).count() >= FOR_THE_SAME_ROWS_MAX {
                let rule =
                    format!("there are at most {FOR_THE_SAME_ROWS_MAX} goals for the same rows of a report");
                faults.push(Fault::at(place, rule));
            }
        }
        faults
    }

    fn misfits(&self, there: &There<'_>, _: &mut Reach<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (n, goal) in self.goals.iter().enumerate() {
            let group = goal.group.as_deref().and_then(|group| there.group(group));
            faults.extend(group.map(|rule| Fault::at(format!("goals[{n}].group"), rule)));
            let agent = goal.agent.as_deref().and_then(|agent| there.agent(agent));
            faults.extend(agent.map(|rule| Fault::at(format!("goals[{n}].agent"), rule)));
        }
        faults
    }

    fn advice(&self, _: &Advised<'_>) -> Vec<Fault> {
        let mut found = Vec::new();
        for (n, goal) in self.goals.iter().enumerate() {
            if goal.at_least == Some(0.0) {
                found.push(Fault::at(
                    format!("goals[{n}].at_least"),
                    "is always attained: no figure is below 0",
                ));
            }
            let percentile = |of: &str| {
                let same = |other: &&Goal| other.is_for_the_rows_of(goal);
                self.goals.iter().filter(same).any(|other| other.figure.starts_with(&format!("{of}.p")))
            };
            if let Some(of) = goal.figure.strip_suffix(".mean")
                && !percentile(of)
            {
                let rule = format!("a mean hides the slowest tickets; {of}.p90 beside it would show them");
                found.push(Fault::at(format!("goals[{n}].figure"), rule));
            }
        }
        found
    }
}
