//! Every shipped mapping reads a small sample of its desk's export, and the reference page names every key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::examples::tell;
use super::{Mapping, Reason, SHIPPED, open};

/// One ticket, told by the audits of Zendesk, and by its tickets, audits and users together.
const REFUND: &[&str] = &[
    "created none none tier 1",
    "requester 31: …",
    "assigned none -> 12 in 4 station 1",
    "priority normal -> high",
    "new -> open",
    "agent 12: …",
    "open -> pending",
    "requester 31: …",
    "pending -> open",
    "tags [\"refund\"] instead of []",
    "agent 12: …",
    "resolved 1 by 12",
    "closed by itself",
];

const PAGE: &str = include_str!("../../../docs/IMPORT.md");

/// The story of each sample: a ticket, and its events.
pub(super) const SAMPLES: &[(&str, &str, &str, &[&str])] = &[
    (
        "servicenow",
        "servicenow.csv",
        "INC0000045",
        &[
            "created Group 56 none tier 1",
            "assigned none -> Resolver 89 in Group 56 station 1",
            "new -> open",
            "resolved 1 by Resolver 89",
            "closed by itself",
        ],
    ),
    (
        "bpi2013",
        "bpi2013.xes",
        "1-364285768",
        &[
            "created V30 Frederic tier 1",
            "open -> pending",
            "assigned Frederic -> Siebel in V5 3rd station 2",
            "escalated 1 -> 3",
            "priority normal -> high",
            "pending -> open",
            "assigned Siebel -> Anne Claire in V5 3rd station 3",
            "resolved 1 by Anne Claire",
            "assigned Anne Claire -> Siebel in V5 3rd station 4",
            "closed by itself",
        ],
    ),
    ("zendesk-audits", "zendesk-audits.json", "9001", REFUND),
    ("zendesk-files", "zendesk-files", "9001", REFUND),
    (
        "zendesk-comments",
        "zendesk-comments",
        "9101",
        &[
            "created 4 none tier 1",
            "requester 31: …",
            "assigned none -> 12 in 4 station 1",
            "agent 12: …",
            "agent 12: …",
            "resolved 1 by 12",
        ],
    ),
    (
        "zendesk-chat",
        "zendesk-chat.json",
        "2602.1.chat",
        &[
            "created Sales none tier 1",
            "requester visitor: …",
            "bot trigger: …",
            "agent agent:12: …",
            "resolved 1 by unknown",
        ],
    ),
    (
        "jira-json",
        "jira-json.json",
        "OPS-9",
        &[
            "created none none tier 1",
            "assigned none -> u-sam in none station 1",
            "resolved 1 by u-sam",
            "requester u-nia: …",
            "reopened 1 after 169200000 ms",
        ],
    ),
    (
        "freshdesk-files",
        "freshdesk-files",
        "71",
        &["created 3 5 tier 1", "agent 5: …", "requester 11: …", "resolved 1 by 5"],
    ),
    (
        "zoho-desk",
        "zoho-desk.csv",
        "4000000000101",
        &[
            "created 4000000000010 none tier 1",
            "assigned none -> 4000000000021 in 4000000000010 station 1",
            "resolved 1 by 4000000000021",
            "closed",
        ],
    ),
    (
        "invgate",
        "invgate.csv",
        "2201",
        &["created Field L2 u-tom tier 2", "agent u-tom: …", "resolved 1 by u-tom", "closed"],
    ),
    ("desk-com", "desk-com.csv", "881", &["created Billing d-1 tier 1", "resolved 1 by d-1"]),
    ("liveagent", "liveagent.csv", "ABC-DEFGH-123", &["created Support la-2 tier 1", "resolved 1 by la-2"]),
    (
        "tables",
        "tables",
        "1",
        &[
            "created desk none tier 1",
            "assigned none -> a1 in desk station 1",
            "new -> open",
            "agent a1: …",
            "requester r1: …",
            "priority normal -> high",
            "agent a1: …",
            "assigned a1 -> a2 in house station 2",
            "resolved 1 by a2",
            "closed",
        ],
    ),
    (
        "freshdesk-csv",
        "freshdesk-csv.csv",
        "501",
        &["created Facilities Ines tier 1", "agent Ines: …", "resolved 1 by Ines", "closed"],
    ),
    ("freshdesk-json", "freshdesk-json.json", "71", &["created 3 5 tier 1", "agent 5: …", "resolved 1 by 5"]),
    (
        "zendesk-tickets",
        "zendesk-tickets.json",
        "9001",
        &["created 4 none tier 1", "assigned none -> 12 in 4 station 1", "resolved 1 by 12"],
    ),
    (
        "jira-csv",
        "jira-csv.csv",
        "DESK-4",
        &["created none sam tier 1", "agent sam: …", "requester rita: …", "resolved 1 by sam"],
    ),
    (
        "zammad",
        "zammad.json",
        "22001",
        &[
            "created Network kim@example.org tier 1",
            "agent kim@example.org: …",
            "resolved 1 by kim@example.org",
            "closed",
        ],
    ),
    (
        "osticket",
        "osticket.csv",
        "310042",
        &["created Support Ed Lund tier 1", "resolved 1 by Ed Lund", "closed"],
    ),
    ("glpi", "glpi.csv", "88", &["created Network tom tier 1", "resolved 1 by tom"]),
    (
        "snapshot",
        "snapshot.csv",
        "2",
        &[
            "created desk none tier 1",
            "assigned none -> a2 in desk station 1",
            "resolved 1 by a2",
            "reopened 1 after 79200000 ms",
        ],
    ),
    (
        "audit",
        "audit.jsonl",
        "7",
        &[
            "created none none tier 1",
            "requester r1: …",
            "assigned none -> a1 in house station 1",
            "new -> open",
            "agent a1: …",
            "resolved 1 by a1",
        ],
    ),
];

pub(super) fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/samples").join(file)
}

/// A story without the texts of comments.
fn short(told: &str) -> String {
    match told.split_once(": ") {
        Some((who, _)) => format!("{who}: …"),
        None => told.to_owned(),
    }
}

#[test]
fn every_shipped_mapping_reads_its_sample() {
    for (name, file, ticket, story) in SAMPLES {
        let mut reader = open(&sample(file), &Mapping::load(name).unwrap(), None).unwrap();
        let mut told = BTreeMap::<String, Vec<String>>::new();
        for import in reader.by_ref() {
            let import = import.unwrap();
            assert_eq!(import.source.as_str(), *name);
            let facts = import.events.iter().map(|fact| short(&tell(&fact.event)));
            told.entry(import.external_id.as_str().to_owned()).or_default().extend(facts);
        }
        assert_eq!(told[*ticket], *story, "{name}");
        let mut findings = reader.balance().findings(&[]);
        // Since when a ticket waits, an export with one row per ticket does not say.
        findings.remove(&Reason::GuessedTime);
        assert!(findings.is_empty(), "{name}: {findings:?}");
    }
    let sampled: Vec<&str> = SAMPLES.iter().map(|(name, ..)| *name).collect();
    for (name, _) in SHIPPED {
        assert!(sampled.contains(name), "{name} has no sample");
        assert!(PAGE.contains(&format!("`{name}`")), "docs/IMPORT.md does not name {name}");
    }
}

/// The keys of a table, as the grammar itself lists them.
fn keys(table: &str) -> Vec<String> {
    let start = "[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n";
    let text = match table {
        "source" | "ticket" | "row" => {
            start.replace(&format!("[{table}]\n"), &format!("[{table}]\nnothing = 1\n"))
        }
        "files" => format!("{start}[files.x]\nnothing = 1\n"),
        _ => format!("{start}[{table}]\nnothing = 1\n"),
    };
    let error = Mapping::parse(&text).unwrap_err().to_string();
    let list = error.split("expected").nth(1).unwrap_or_else(|| panic!("{error}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_names_every_key_every_reason_and_only_mappings_that_hold() {
    let tables = [
        "source",
        "ticket",
        "row",
        "state",
        "group",
        "agent",
        "priority",
        "channel",
        "type",
        "urgency",
        "impact",
        "category",
        "requester",
        "comment",
        "resolution",
        "milestones",
        "dedupe",
        "names",
        "changes",
        "filter",
        "files",
        "links",
    ];
    for table in tables {
        let keys = keys(table);
        assert!(!keys.is_empty(), "{table}");
        for key in keys {
            assert!(PAGE.contains(&format!("`{table}.{key}`")), "docs/IMPORT.md does not name {table}.{key}");
        }
    }
    for reason in Reason::ALL {
        assert!(PAGE.contains(&format!("| `{reason}` |")), "docs/IMPORT.md does not name {reason}");
    }
    let examples: Vec<&str> =
        PAGE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        Mapping::parse(example).unwrap();
    }
}
