//! Exports whose names the configuration of a desk does not list.

use std::io::Write as _;

use guichet_config::{Configuration, read_toml};
use guichet_schemas::event::{Event, LifeCycle, TicketEvent};
use guichet_schemas::time::Timestamp;

use super::examples::tell;
use super::{Balance, Mapping, Reason, open};
use guichet_config::drafts::checked;

const NOW: Timestamp = Timestamp(1_780_000_000_000);

const DESK: &str = r#"
[tiers]
tiers = [{ tier = 1, name = "First" }, { tier = 2, name = "Second" }]
[[groups.groups]]
id = "net"
name = "Network"
[[groups.groups]]
id = "L2"
name = "Second line"
[[groups.groups]]
id = "L3"
name = "Third line"
[[agents.agents]]
id = "ann"
[categories]
categories = ["vpn"]
[tags]
unknown = "refuse"
tags = [{ id = "slow" }]
[[fields.fields]]
id = "site"
kind = "text"
options = ["paris"]
[[statuses.statuses]]
id = "Asked"
state = "pending"
"#;

const MAPPING: &str = r#"
[source]
format = "csv"
date_formats = ["%Y-%m-%d %H:%M"]
grouped = true
[ticket]
id = "id"
category = "area"
tags = "tags"
tag_separator = " "
fields = ["site"]
[row]
at = "at"
[state]
column = "state"
map = { "New" = "new", "Open" = "open", "Asked" = "pending", "Waits" = "pending" }
[group]
column = "team"
level = { "L2" = 2, "L3" = 3 }
[agent]
column = "agent"
"#;

struct Read {
    story: Vec<String>,
    balance: Balance,
}

/// The rows are `team,agent,area,tags,site,state`, an hour apart.
fn read(names: &str, rows: &[&str]) -> Read {
    let mut export = "id,at,team,agent,area,tags,site,state\n".to_owned();
    for (hour, row) in rows.iter().enumerate() {
        export.push_str(&format!("A,2026-01-01 {hour:02}:00,{row}\n"));
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(export.as_bytes()).unwrap();
    let drafts = read_toml(DESK).unwrap();
    let desk: Configuration =
        checked(&drafts, NOW).unwrap_or_else(|(draft, fault)| panic!("{} {}: {fault}", draft.kind, draft.id));
    let mapping = Mapping::parse_named("old", &format!("{MAPPING}{names}")).unwrap();
    let mut reader = open(file.path(), &mapping.for_desk(desk, NOW), None).unwrap();
    let facts = reader.by_ref().flat_map(|import| import.unwrap().events);
    let story = facts.map(|fact| status(&fact.event).unwrap_or_else(|| tell(&fact.event))).collect();
    let mut balance = reader.balance();
    // Nobody sent them.
    balance.tickets.new = balance.tickets.met - balance.tickets.rejected;
    assert!(balance.adds_up(), "{balance:?}");
    Read { story, balance }
}

/// The status of a ticket that waits.
fn status(event: &Event) -> Option<String> {
    let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) = event else { return None };
    Some(format!("{} called {}", e.to, e.custom_status.as_deref().unwrap_or("nothing")))
}

const FIRST: &str = "net,ann,vpn,slow,paris,Open";

#[test]
fn a_name_that_the_desk_lists_is_none_of_its_business() {
    let read = read("", &[FIRST, "L2,ann,vpn,slow,paris,Asked"]);
    assert!(read.balance.findings(&[]).is_empty(), "{:?}", read.balance);
    assert!(read.story.contains(&"pending called Asked".to_owned()), "{:?}", read.story);
}

#[test]
fn a_row_with_another_name_is_refused_as_a_live_command_is() {
    let strangers = [
        "web,ann,vpn,slow,paris,Open",
        "L3,ann,vpn,slow,paris,Open",
        "net,bob,vpn,slow,paris,Open",
        "net,ann,wifi,slow,paris,Open",
        "net,ann,vpn,slow odd,paris,Open",
        "net,ann,vpn,slow,rome,Open",
    ];
    for stranger in strangers {
        let read = read("", &[FIRST, stranger, FIRST]);
        assert_eq!(read.balance.rows.rejected.get(&Reason::Unlisted), Some(&1), "{stranger}");
        assert_eq!((read.balance.rows.used, read.story.len()), (1, 1), "{stranger}: {:?}", read.story);
    }
}

#[test]
fn the_mapping_says_what_becomes_of_other_names_and_each_is_counted_once() {
    let rows = [FIRST, "web,ann,vpn,slow,paris,Open", "web,ann,vpn,slow,paris,Open", FIRST];
    let kept = read("[names]\ngroups = \"keep\"\n", &rows);
    assert_eq!(kept.balance.noted.get(&Reason::Unlisted), Some(&1), "{:?}", kept.balance);
    assert!(kept.story.contains(&"routed net -> web".to_owned()), "{:?}", kept.story);

    let ignored = read("[names]\nunknown = \"ignore\"\n", &rows);
    assert_eq!(ignored.balance.noted.get(&Reason::Ignored), Some(&1), "{:?}", ignored.balance);
    assert_eq!(ignored.story.len(), 1, "{:?}", ignored.story);

    let noted = read("[names]\ngroups = \"note\"\n", &rows);
    assert_eq!(noted.balance.noted.get(&Reason::Unlisted), Some(&1), "{:?}", noted.balance);
    assert!(noted.story[1].contains("the desk lists no group \"web\""), "{:?}", noted.story);
    assert_eq!(noted.story.len(), 2, "{:?}", noted.story);
}

#[test]
fn of_tags_only_the_unlisted_ones_go_and_a_tier_that_is_none_is_not_reached() {
    let read = read(
        "[names]\nunknown = \"ignore\"\n",
        &["net,ann,vpn,slow odd,paris,Open", "L3,ann,vpn,slow odd,paris,Open"],
    );
    assert_eq!(read.balance.noted.get(&Reason::Ignored), Some(&2), "{:?}", read.balance);
    assert!(!read.story.iter().any(|told| told.contains("escalated")), "{:?}", read.story);
    assert!(!read.story.iter().any(|told| told.contains("odd")), "{:?}", read.story);
}

#[test]
fn the_state_of_a_row_is_worth_more_than_the_name_of_a_status() {
    let waits = "net,ann,vpn,slow,paris,Waits";
    let noted = read("", &[FIRST, waits]);
    assert_eq!(noted.balance.noted.get(&Reason::Unlisted), Some(&1), "{:?}", noted.balance);
    assert!(noted.story.contains(&"pending called nothing".to_owned()), "{:?}", noted.story);
    let refused = read("[names]\nstatuses = \"reject\"\n", &[FIRST, waits]);
    assert_eq!(refused.balance.rows.rejected.get(&Reason::Unlisted), Some(&1));
}
