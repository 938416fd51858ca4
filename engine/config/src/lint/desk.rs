//! The desk and its words.

use guichet_schemas::words::TicketState;

use crate::body::{Agents, Callers, Categories, Groups, Lifecycle, Statuses, Tiers};
use crate::fault::Fault;
use crate::policy::HoursKind;

pub(super) fn groups(groups: &Groups, agents: Option<&Agents>) -> Vec<Fault> {
    let mut found = Vec::new();
    for (n, group) in groups.groups.iter().enumerate() {
        if group.calendar.is_none() {
            found.push(Fault::at(format!("groups[{n}].calendar"), "nobody knows when it works"));
        }
        let has = |agents: &Agents| agents.agents.iter().any(|agent| agent.groups.contains(&group.id));
        if agents.is_some_and(|agents| !has(agents)) {
            found.push(Fault::at(format!("groups[{n}]"), format!("no agent is in {:?}", group.id)));
        }
    }
    found
}

pub(super) fn agents(agents: &Agents) -> Vec<Fault> {
    let alone = agents.agents.iter().enumerate().filter(|(_, agent)| agent.groups.is_empty());
    alone
        .map(|(n, _)| Fault::at(format!("agents[{n}].groups"), "is in no group, so no queue is theirs"))
        .collect()
}

pub(super) fn statuses(statuses: &Statuses) -> Vec<Fault> {
    let mut found = Vec::new();
    for (n, status) in statuses.statuses.iter().enumerate() {
        if status.expectation.is_none() && !status.state.0.is_terminal() {
            let rule = "nothing says what it means, so everybody uses it for something else";
            found.push(Fault::at(format!("statuses[{n}].expectation"), rule));
        }
    }
    for state in TicketState::ALL.iter().filter(|state| !state.is_terminal()) {
        if !statuses.statuses.iter().any(|status| status.state.0 == *state) {
            found.push(Fault::at("statuses", format!("there is none of the state {state}")));
        }
    }
    found
}

pub(super) fn categories(categories: &Categories) -> Vec<Fault> {
    let mut found = Vec::new();
    for (n, path) in categories.categories.iter().enumerate() {
        if let Some((above, _)) = path.rsplit_once('/')
            && !categories.has(above)
        {
            let rule = format!("what is above it, {above:?}, is not listed");
            found.push(Fault::at(format!("categories[{n}]"), rule));
        }
    }
    found
}

pub(super) fn tiers(tiers: &Tiers) -> Vec<Fault> {
    if tiers.tiers.iter().any(|tier| tier.tier == 1) {
        return Vec::new();
    }
    vec![Fault::at("tiers", "there is no tier 1, where tickets enter")]
}

pub(super) fn callers(callers: &Callers) -> Vec<Fault> {
    let mut found = Vec::new();
    for (token, caller) in &callers.callers {
        if caller.roles.is_empty() && !caller.import {
            found.push(Fault::at(format!("callers.{token}.roles"), "may do nothing"));
        }
        if caller.actor_kinds.is_empty() {
            found.push(Fault::at(
                format!("callers.{token}.actor_kinds"),
                "speaks for nobody, so may do nothing",
            ));
        }
    }
    found
}

pub(super) fn lifecycle(lifecycle: &Lifecycle) -> Vec<Fault> {
    let closes = lifecycle.auto_close_after_s;
    let of_wall_clock = lifecycle.auto_close_hours == HoursKind::Calendar;
    if of_wall_clock && lifecycle.reopen_window_s.is_some_and(|window| window > closes) {
        let rule = format!("is longer than the {closes} s after which the ticket is closed");
        return vec![Fault::at("reopen_window_s", rule)];
    }
    Vec::new()
}
