//! The desk and its words, each for itself.

use guichet_schemas::ids::is_token;

use super::names;
use crate::body::{
    AUTO_CLOSE_MAX_S, Agents, Callers, Categories, FieldKind, Fields, Groups, Lifecycle, Role, Statuses,
    Tags, Tenant, Tiers,
};
use crate::fault::Fault;
use crate::policy::HoursKind;

/// The highest tier.
pub(super) const TIER_MAX: u32 = 4;

/// Tiers are 0 to 4.
pub(super) fn tier_fault(path: impl Into<String>, tier: u32) -> Option<Fault> {
    (tier > TIER_MAX).then(|| Fault::at(path, format!("tiers are 0 to {TIER_MAX}")))
}

pub(super) fn tenant(tenant: &Tenant) -> Vec<Fault> {
    let mut faults: Vec<_> = names::label("name", tenant.name.as_deref()).into_iter().collect();
    let good = |prefix: &str| {
        (1..=8).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if tenant.number_prefix.as_deref().is_some_and(|prefix| !good(prefix)) {
        faults.push(Fault::at("number_prefix", "is 1 to 8 of A-Z and 0-9"));
    }
    if let Some(zone) = tenant.zone.as_deref()
        && zone.parse::<chrono_tz::Tz>().is_err()
    {
        faults.push(Fault::at("zone", format!("{zone:?} is no zone of the IANA database")));
    }
    faults
}

pub(super) fn callers(callers: &Callers) -> Vec<Fault> {
    let mut faults = Vec::new();
    for token in callers.callers.keys().filter(|token| !is_token(token)) {
        faults.push(Fault::at(format!("callers.{token}"), "a caller is 1 to 64 of A-Z a-z 0-9 _ -"));
    }
    let admin =
        |caller: &crate::body::Caller| caller.roles.contains(&Role::Admin) && !caller.actor_kinds.is_empty();
    if !callers.callers.values().any(admin) {
        let rule = "no caller has the role admin and speaks for somebody: nobody could publish again";
        faults.push(Fault::at("callers", rule));
    }
    faults
}

pub(super) fn lifecycle(lifecycle: &Lifecycle) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !(1..=AUTO_CLOSE_MAX_S).contains(&lifecycle.auto_close_after_s) {
        let rule = format!("is 1 to {AUTO_CLOSE_MAX_S}: a resolved ticket is closed within 28 days");
        faults.push(Fault::at("auto_close_after_s", rule));
    }
    if lifecycle.auto_close_hours == HoursKind::Business && lifecycle.auto_close_calendar.is_none() {
        faults.push(Fault::at("auto_close_calendar", "business hours need a calendar"));
    }
    let windows = [
        ("reopen_window_s", lifecycle.reopen_window_s),
        ("follow_up_reopen_within_s", lifecycle.follow_up_reopen_within_s),
    ];
    for (path, window) in windows {
        if window == Some(0) {
            faults.push(Fault::at(path, "is at least 1; leave it out where there is no limit of its own"));
        } else {
            faults.extend(window.and_then(|seconds| names::seconds(path, seconds)));
        }
    }
    faults
}

pub(super) fn tiers(tiers: &Tiers) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (n, tier) in tiers.tiers.iter().enumerate() {
        faults.extend(tier_fault(format!("tiers[{n}].tier"), tier.tier));
        if let Some(first) = tiers.tiers.iter().take(n).position(|other| other.tier == tier.tier) {
            let rule = format!("tier {} is tiers[{first}] already", tier.tier);
            faults.push(Fault::at(format!("tiers[{n}].tier"), rule));
        }
        faults.extend(names::label(&format!("tiers[{n}].name"), Some(&tier.name)));
    }
    faults
}

pub(super) fn groups(groups: &Groups) -> Vec<Fault> {
    let groups = &groups.groups;
    let mut faults = names::faults::<128>("groups", ".id", groups.iter().map(|g| g.id.as_str()));
    for (n, group) in groups.iter().enumerate() {
        faults.extend(names::label(&format!("groups[{n}].name"), group.name.as_deref()));
        for (t, tier) in group.tiers.iter().enumerate() {
            faults.extend(tier_fault(format!("groups[{n}].tiers[{t}]"), *tier));
        }
    }
    faults
}

pub(super) fn agents(agents: &Agents) -> Vec<Fault> {
    let agents = &agents.agents;
    let mut faults = names::faults::<128>("agents", ".id", agents.iter().map(|a| a.id.as_str()));
    for (n, agent) in agents.iter().enumerate() {
        let of = |list: &str| format!("agents[{n}].{list}");
        faults.extend(names::label(&of("name"), agent.name.as_deref()));
        faults.extend(names::faults::<128>(&of("groups"), "", agent.groups.iter().map(String::as_str)));
        faults.extend(names::faults::<128>(&of("skills"), "", agent.skills.iter().map(String::as_str)));
        faults.extend(agent.tier.and_then(|tier| tier_fault(of("tier"), tier)));
    }
    faults
}

pub(super) fn statuses(statuses: &Statuses) -> Vec<Fault> {
    let statuses = &statuses.statuses;
    let mut faults = names::faults::<128>("statuses", ".id", statuses.iter().map(|s| s.id.as_str()));
    for (n, status) in statuses.iter().enumerate() {
        if let Some(name) = &status.name {
            faults.extend(names::label(&format!("statuses[{n}].name.en"), Some(&name.en)));
            faults.extend(names::label(&format!("statuses[{n}].name.fr"), name.fr.as_deref()));
        }
    }
    faults
}

pub(super) fn categories(categories: &Categories) -> Vec<Fault> {
    let paths = &categories.categories;
    let mut faults = names::faults::<200>("categories", "", paths.iter().map(String::as_str));
    for (n, path) in paths.iter().enumerate() {
        if path.split('/').any(|step| step.trim() != step || step.is_empty()) {
            let rule = format!("{path:?} is no path: names with / between, such as technical/network");
            faults.push(Fault::at(format!("categories[{n}]"), rule));
        }
    }
    faults
}

pub(super) fn tags(tags: &Tags) -> Vec<Fault> {
    let tags = &tags.tags;
    let mut faults = names::faults::<64>("tags", ".id", tags.iter().map(|tag| tag.id.as_str()));
    for (n, tag) in tags.iter().enumerate() {
        let list = format!("tags[{n}].synonyms");
        faults.extend(names::faults::<64>(&list, "", tag.synonyms.iter().map(String::as_str)));
        for (s, word) in tag.synonyms.iter().enumerate() {
            let means = |other: &crate::body::TagWord| other.id == *word;
            let earlier = tags.iter().take(n).position(|other| other.synonyms.contains(word));
            if let Some(other) = tags.iter().position(means).or(earlier) {
                let rule = format!("{word:?} means tags[{other}] already: a word has one meaning");
                faults.push(Fault::at(format!("{list}[{s}]"), rule));
            }
        }
    }
    faults
}

pub(super) fn fields(fields: &Fields) -> Vec<Fault> {
    let fields = &fields.fields;
    let mut faults = names::faults::<64>("fields", ".id", fields.iter().map(|field| field.id.as_str()));
    for (n, field) in fields.iter().enumerate() {
        let list = format!("fields[{n}].options");
        faults.extend(names::faults::<128>(&list, "", field.options.iter().map(String::as_str)));
        if field.kind != FieldKind::Text && !field.options.is_empty() {
            faults.push(Fault::at(list, "only a text has options"));
        }
    }
    faults
}
