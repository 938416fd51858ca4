//! Every shipped sample is read a second time, by a small importer in Python that was written from the page
//! `docs/IMPORT.md` alone. Both tell the same of each ticket: its state, its people, its counts and its times.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use guichet_schemas::command::{Fact, Import};
use guichet_schemas::event::{
    Classification, Conversation, Event, FieldValue, LifeCycle, Ownership, TicketEvent,
};
use guichet_schemas::words::{CommentKind, TicketState};
use serde_json::{Value, json};

use super::shipped::{SAMPLES, sample};
use super::{Mapping, open};

/// How a ticket stands after its facts.
#[derive(Default)]
struct Story {
    state: String,
    hold_reason: Option<String>,
    group: Option<String>,
    agent: Option<String>,
    tier: u32,
    priority: String,
    tags: Vec<String>,
    fields: BTreeMap<String, String>,
    counts: BTreeMap<String, u64>,
    /// When each kind of fact happened last, and when the first and the newest happened.
    last: BTreeMap<&'static str, i64>,
    began: Option<i64>,
    clock: i64,
}

impl Story {
    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    fn add(&mut self, fact: &Fact) {
        // Notes say in words of the importer what the history cannot say.
        if let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = &fact.event
            && e.kind == CommentKind::Troubleshooting
        {
            return;
        }
        self.clock = self.began.map_or(fact.occurred_at.0, |_| self.clock.max(fact.occurred_at.0));
        self.began.get_or_insert(self.clock);
        let Event::Ticket(event) = &fact.event else { panic!("{:?}", fact.event) };
        let kind = match event {
            TicketEvent::LifeCycle(event) => self.life_cycle(event),
            TicketEvent::Ownership(event) => self.ownership(event),
            TicketEvent::Conversation(Conversation::CommentAdded(e)) => {
                self.count(&format!("comment {} {}", e.visibility, e.author_kind));
                "comment"
            }
            // Decided at the desk alone: no export holds it.
            TicketEvent::Relations(_)
            | TicketEvent::Confirmation(_)
            | TicketEvent::Conversation(
                Conversation::ReopenHeld(_) | Conversation::CallLogged(_) | Conversation::ChannelSwitched(_),
            ) => panic!("{event:?}"),
            TicketEvent::Classification(event) => self.classification(event),
            TicketEvent::Satisfaction(_)
            | TicketEvent::Work(_)
            | TicketEvent::Moderation(_)
            | TicketEvent::Assistance(_)
            | TicketEvent::Attachments(_) => {
                panic!("no export holds it: {event:?}")
            }
        };
        self.count(kind);
        self.last.insert(kind, self.clock);
    }

    fn stands(&mut self, state: TicketState) {
        self.state = state.to_string();
        self.hold_reason = None;
    }

    fn life_cycle(&mut self, event: &LifeCycle) -> &'static str {
        match event {
            LifeCycle::TicketCreated(e) => {
                (self.group, self.agent, self.tier) = (e.group.clone(), e.assignee.clone(), e.tier);
                self.priority = e.priority.to_string();
                self.tags.clone_from(&e.tags);
                self.fields = e.fields.iter().map(|(name, value)| (name.clone(), text(value))).collect();
                self.stands(if e.assignee.is_some() { TicketState::Open } else { TicketState::New });
                "created"
            }
            LifeCycle::StatusChanged(e) => {
                // A wait under another name is the same wait.
                let same = e.from == e.to && e.hold_reason.map(|r| r.to_string()) == self.hold_reason;
                self.stands(e.to);
                self.hold_reason = e.hold_reason.map(|reason| reason.to_string());
                if same { "renamed" } else { "status" }
            }
            LifeCycle::TicketResolved(_) => {
                self.stands(TicketState::Resolved);
                "resolved"
            }
            LifeCycle::TicketReopened(_) => {
                self.stands(TicketState::Open);
                "reopened"
            }
            LifeCycle::TicketClosed(_) => {
                self.stands(TicketState::Closed);
                "closed"
            }
            LifeCycle::TicketCancelled(_) => {
                self.stands(TicketState::Cancelled);
                "cancelled"
            }
            LifeCycle::TicketImported(_) => panic!("{event:?}"),
        }
    }

    fn moves(&mut self, group: Option<&String>) {
        if self.group.as_ref() != group {
            self.count("group_changes");
            self.group = group.cloned();
        }
    }

    fn ownership(&mut self, event: &Ownership) -> &'static str {
        match event {
            Ownership::TicketRouted(e) => {
                self.moves(e.to_group.as_ref());
                "routed"
            }
            Ownership::TicketAssigned(e) => {
                self.agent = Some(e.to.clone());
                self.moves(e.group.as_ref());
                "assigned"
            }
            Ownership::TicketUnassigned(_) => {
                self.agent = None;
                "unassigned"
            }
            Ownership::TicketEscalated(e) => {
                self.tier = e.to_tier;
                "escalated"
            }
            Ownership::TicketClaimed(_) | Ownership::ClaimReleased(_) | Ownership::ParticipantsChanged(_) => {
                panic!("no export holds it: {event:?}")
            }
            Ownership::TicketDeescalated(e) => {
                self.tier = e.to_tier;
                "deescalated"
            }
        }
    }

    fn classification(&mut self, event: &Classification) -> &'static str {
        if let Classification::PriorityChanged(e) = event {
            self.priority = e.to.to_string();
            "priority"
        } else if let Classification::CategoryChanged(_) = event {
            "category"
        } else if let Classification::FieldChanged(e) = event {
            self.fields.remove(&e.field);
            self.fields.extend(e.to.as_ref().map(|value| (e.field.clone(), text(value))));
            "field"
        } else if let Classification::TagsChanged(e) = event {
            self.tags.retain(|tag| !e.removed.contains(tag));
            self.tags.extend_from_slice(&e.added);
            "tags"
        } else {
            panic!("{event:?}")
        }
    }

    fn told(mut self) -> Value {
        self.tags.sort();
        self.counts.remove("renamed");
        json!({
            "state": self.state, "hold_reason": self.hold_reason, "group": self.group, "agent": self.agent,
            "tier": self.tier, "priority": self.priority, "tags": self.tags, "fields": self.fields,
            "counts": self.counts, "created_at": self.began, "last_at": self.clock,
            "resolved_at": self.last.get("resolved"), "closed_at": self.last.get("closed"),
            "reopened_at": self.last.get("reopened"),
        })
    }
}

fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Flag(flag) => flag.to_string(),
    }
}

fn ours(mapping: &str, export: &Path) -> Value {
    let mut stories = BTreeMap::<String, Story>::new();
    for import in open(export, &Mapping::load(mapping).unwrap(), None).unwrap() {
        let Import { external_id, events, .. } = import.unwrap();
        let story = stories.entry(external_id.as_str().to_owned()).or_default();
        events.iter().for_each(|fact| story.add(fact));
    }
    stories.into_iter().map(|(id, story)| (id, story.told())).collect::<serde_json::Map<_, _>>().into()
}

/// `None`, said loudly, on a machine that has no Python with what its standard library needs.
fn python() -> Option<PathBuf> {
    let program = PathBuf::from("python3");
    let has = |program: &Path| {
        let check = Command::new(program).args(["-c", "import tomllib, zoneinfo"]).output();
        check.is_ok_and(|output| output.status.success())
    };
    if has(&program) {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "no python3 of at least 3.11");
    eprintln!("SKIPPED: no python3 of at least 3.11");
    None
}

#[test]
fn a_second_importer_written_from_the_page_tells_the_same() {
    let Some(python) = python() else { return };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, file, ..) in SAMPLES {
        let mapping = here.join(format!("mappings/{name}.toml"));
        let output = Command::new(&python)
            .arg(here.join("tests/reference/importer.py"))
            .args([mapping, sample(file)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
        let ours = ours(name, &sample(file));
        assert_eq!(
            ours.as_object().unwrap().keys().collect::<Vec<_>>(),
            theirs
                .as_object()
                .unwrap()
                .keys()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
            "{name}"
        );
        for (ticket, story) in ours.as_object().unwrap() {
            assert_eq!(story, &theirs[ticket], "{name}, ticket {ticket}: ours, then the reference");
        }
    }
}
