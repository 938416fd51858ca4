//! Small exports and the facts that they become.

use std::io::Write as _;
use std::path::Path;

use guichet_schemas::command::Import;
use guichet_schemas::event::{
    Classification, Conversation, Event, FieldValue, LifeCycle, Ownership, Personal, TicketEvent,
};
use guichet_schemas::words::{
    ActorKind, AuthorKind, Channel, HoldReason, Origin, Priority, TicketState, TicketType, Visibility,
};
use prost::Message as _;

use super::{ImportError, Mapping, Progress, open};

const MAPPING: &str = r#"
[source]
format = "csv"
date_formats = ["%Y-%m-%d %H:%M"]
missing = ["-"]
grouped = true
[ticket]
id = "id"
created_at = "opened"
created_by = "opener"
subject = "title"
channel = "via"
type = "kind"
category = ["area", "topic"]
priority = "prio"
fields = ["room"]
[row]
at = "at"
by = "by"
comment = "text"
[state]
column = ["state", "phase"]
[state.map]
"New" = "new"
"Work" = "open"
"Wait/User" = "pending"
"Wait/Desk" = "pending"
"Wait/Vendor" = { state = "hold", hold_reason = "vendor" }
"Done" = "resolved"
"Over" = "closed"
"Void" = "cancelled"
"Same" = "ignore"
[group]
column = "team"
[group.level]
"L2 *" = 2
"L3 *" = 3
[agent]
column = "agent"
system = ["robot"]
[priority.map]
"P1" = "urgent"
"#;

const HEADER: &str =
    "id,opened,opener,title,via,kind,area,topic,prio,room,at,by,text,state,phase,team,agent\n";

/// A row of ticket A in which only these columns say something.
fn row(values: &[(&str, &str)]) -> String {
    let value = |column: &str| {
        let at = if column == "at" { "2026-01-01 10:00" } else { "-" };
        let id = if column == "id" { "A" } else { at };
        values.iter().find(|(c, _)| *c == column).map_or(id, |(_, v)| *v).to_owned()
    };
    HEADER.trim_end().split(',').map(value).collect::<Vec<_>>().join(",") + "\n"
}

fn rows(rows: &[&[(&str, &str)]]) -> String {
    HEADER.to_owned() + &rows.iter().map(|r| row(r)).collect::<String>()
}

struct Read {
    imports: Vec<Import>,
    progress: Progress,
    rejects: String,
}

fn read(mapping: &str, export: &[u8]) -> Result<Read, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let (file, rejects) = (folder.path().join("export"), folder.path().join("rejects.csv"));
    std::fs::File::create(&file).unwrap().write_all(export).unwrap();
    let mut reader = open(&file, &Mapping::parse_named("desk", mapping).unwrap(), Some(&rejects))?;
    let imports = reader.by_ref().collect::<Result<_, _>>()?;
    Ok(Read { imports, progress: reader.progress(), rejects: std::fs::read_to_string(rejects).unwrap() })
}

/// The events of the only ticket, each as its name and what matters of it.
fn story(export: &str) -> Vec<String> {
    let read = read(MAPPING, export.as_bytes()).unwrap();
    assert_eq!(read.progress.rejected, 0, "{}", read.rejects);
    read.imports.iter().flat_map(|i| &i.events).map(|f| tell(&f.event)).collect()
}

pub(super) fn tell(event: &Event) -> String {
    match event {
        Event::Ticket(TicketEvent::LifeCycle(event)) => tell_life_cycle(event),
        Event::Ticket(TicketEvent::Ownership(event)) => tell_ownership(event),
        Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) => match &e.body {
            Personal::Plain(body) => format!("{} {}: {body}", e.author_kind, e.author),
            Personal::Sealed(_) => panic!("sealed"),
        },
        Event::Ticket(
            TicketEvent::Relations(_)
            | TicketEvent::Confirmation(_)
            | TicketEvent::Conversation(
                Conversation::ReopenHeld(_) | Conversation::CallLogged(_) | Conversation::ChannelSwitched(_),
            ),
        ) => panic!("{event:?}"),
        Event::Ticket(TicketEvent::Classification(event)) => tell_classification(event),
        Event::Ticket(
            TicketEvent::Satisfaction(_)
            | TicketEvent::Work(_)
            | TicketEvent::Moderation(_)
            | TicketEvent::Assistance(_)
            | TicketEvent::Attachments(_),
        ) => {
            panic!("{event:?}")
        }
        Event::Log(_) | Event::Sla(_) | Event::Config(_) | Event::Desk(_) => panic!("{event:?}"),
    }
}

fn text(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("none")
}

fn tell_life_cycle(event: &LifeCycle) -> String {
    match event {
        LifeCycle::TicketCreated(e) => {
            format!("created {} {} tier {}", text(&e.group), text(&e.assignee), e.tier)
        }
        LifeCycle::StatusChanged(e) => {
            let reason = e.hold_reason.map(|r| format!(" for {r}")).unwrap_or_default();
            format!("{} -> {}{reason}", e.from, e.to)
        }
        LifeCycle::TicketResolved(e) => {
            format!("resolved {} by {}", e.resolution_no, e.by)
        }
        LifeCycle::TicketReopened(e) => {
            format!("reopened {} after {} ms", e.resolution_no, e.since_resolved_ms)
        }
        LifeCycle::TicketClosed(e) => {
            format!("closed{}", if e.auto { " by itself" } else { "" })
        }
        LifeCycle::TicketCancelled(_) => "cancelled".to_owned(),
        LifeCycle::TicketImported(_) => panic!("{event:?}"),
    }
}

fn tell_ownership(event: &Ownership) -> String {
    match event {
        Ownership::TicketRouted(e) => {
            format!("routed {} -> {}", text(&e.from_group), text(&e.to_group))
        }
        Ownership::TicketAssigned(e) => {
            format!("assigned {} -> {} in {} station {}", text(&e.from), e.to, text(&e.group), e.station_no)
        }
        Ownership::TicketUnassigned(e) => {
            format!("unassigned {}", e.from)
        }
        Ownership::TicketEscalated(e) => {
            format!("escalated {} -> {}", e.from_tier, e.to_tier)
        }
        Ownership::TicketClaimed(_) | Ownership::ClaimReleased(_) | Ownership::ParticipantsChanged(_) => {
            panic!("{event:?}")
        }
        Ownership::TicketDeescalated(e) => {
            format!("deescalated {} -> {}", e.from_tier, e.to_tier)
        }
    }
}

fn tell_classification(event: &Classification) -> String {
    if let Classification::PriorityChanged(e) = event {
        format!("priority {} -> {}", e.from, e.to)
    } else if let Classification::CategoryChanged(e) = event {
        format!("category {} -> {}", text(&e.from), text(&e.to))
    } else if let Classification::FieldChanged(e) = event {
        format!("{} {:?} -> {:?}", e.field, e.from, e.to)
    } else if let Classification::TagsChanged(e) = event {
        format!("tags {:?} instead of {:?}", e.added, e.removed)
    } else {
        panic!("{event:?}")
    }
}

#[test]
fn the_first_row_becomes_a_creation_and_what_leads_to_its_state() {
    let export = rows(&[&[
        ("opened", "2026-01-01 09:00"),
        ("opener", "ann"),
        ("title", "No paper"),
        ("via", "E-Mail"),
        ("kind", "Question"),
        ("area", "print"),
        ("topic", "tray"),
        ("prio", "P1"),
        ("room", "12"),
        ("by", "robot"),
        ("state", "Over"),
        ("team", "L2 print"),
        ("agent", "bob"),
    ]]);
    assert_eq!(story(&export), ["created L2 print bob tier 2", "resolved 1 by bob", "closed by itself"]);

    let read = read(MAPPING, export.as_bytes()).unwrap();
    let import = &read.imports[0];
    assert_eq!(
        (import.source.as_str(), import.external_id.as_str(), import.part, import.parts),
        ("desk", "A", 1, 1)
    );
    assert!(import.mapping_version.as_ref().unwrap().as_str().starts_with("desk@"));
    let times: Vec<String> = import.events.iter().map(|f| f.occurred_at.to_string()).collect();
    assert_eq!(times[0], "2026-01-01T09:00:00.000Z");
    assert_eq!(times[1..], ["2026-01-01T10:00:00.000Z", "2026-01-01T10:00:00.000Z"]);
    let kinds: Vec<ActorKind> = import.events.iter().map(|f| f.actor.as_ref().unwrap().kind).collect();
    assert_eq!(kinds, [ActorKind::Agent, ActorKind::System, ActorKind::System]);
    let e = import.events[0].event.created().unwrap();
    assert_eq!(
        (e.channel, e.origin, e.r#type, e.priority),
        (Channel::Email, Origin::Agent, TicketType::Question, Priority::Urgent)
    );
    assert_eq!((e.requester.as_str(), e.category.as_deref()), ("ann", Some("print/tray")));
    assert_eq!(e.fields["room"], FieldValue::Text("12".to_owned()));
    assert_eq!(e.external_ref.as_ref().unwrap().id, "A");
    assert_eq!(
        (&e.subject, &e.description),
        (&Personal::Plain("No paper".to_owned()), &Personal::Plain("No paper".to_owned()))
    );
}

#[test]
fn group_and_agent_change_together_or_alone() {
    let people = |team: &'static str, agent: &'static str| [("team", team), ("agent", agent)];
    let export = rows(&[
        &people("a", "-"),
        &people("a", "x"),
        &people("b", "y"),
        &people("c", "y"),
        &people("-", "y"),
        &people("d", "-"),
        &people("-", "z"),
        &people("-", "-"),
    ]);
    assert_eq!(
        story(&export),
        [
            "created a none tier 1",
            "assigned none -> x in a station 1",
            "assigned x -> y in b station 2",
            "routed b -> c",
            "routed c -> none",
            "unassigned y",
            "routed none -> d",
            "assigned none -> z in none station 3",
            "unassigned z",
        ]
    );
}

#[test]
fn the_tier_follows_the_name_of_the_group() {
    let team = |name: &'static str| [("team", name)];
    let export = rows(&[&team("x"), &team("L3 x"), &team("-"), &team("L2 y"), &team("L2 z"), &team("x")]);
    assert_eq!(
        story(&export),
        [
            "created x none tier 1",
            "routed x -> L3 x",
            "escalated 1 -> 3",
            "routed L3 x -> none",
            "routed none -> L2 y",
            "deescalated 3 -> 2",
            "routed L2 y -> L2 z",
            "routed L2 z -> x",
            "deescalated 2 -> 1",
        ]
    );
}

#[test]
fn a_state_of_the_source_may_go_ways_that_ours_do_not() {
    let state = |at: &'static str, state: &'static str, phase: &'static str| {
        [("at", at), ("state", state), ("phase", phase)]
    };
    let export = rows(&[
        &state("2026-01-01 10:00", "New", "-"),
        &state("2026-01-01 10:01", "Wait", "User"),
        &state("2026-01-01 10:02", "Wait", "Desk"),
        &state("2026-01-01 10:03", "Wait", "Vendor"),
        &state("2026-01-01 10:04", "Over", "-"),
        &state("2026-01-01 10:05", "Over", "x"),
        &state("2026-01-01 10:06", "Same", "-"),
        &state("2026-01-01 10:07", "Over", "-"),
        &state("2026-01-01 10:08", "Done", "-"),
        &state("2026-01-01 10:09", "Over", "-"),
        &state("2026-01-01 10:10", "Wait", "Vendor"),
        &state("2026-01-01 10:11", "Void", "-"),
        &state("2026-01-01 10:12", "Work", "-"),
        &state("2026-01-01 10:13", "Done", "-"),
    ]);
    assert_eq!(
        story(&export),
        [
            "created none none tier 1",
            "new -> pending",
            "pending -> pending",
            "pending -> hold for vendor",
            "resolved 1 by unknown",
            "closed",
            "system import: The source calls the state \"Over/x\", which the mapping does not know; the ticket stays closed.",
            "closed -> resolved",
            "closed",
            "reopened 1 after 360000 ms",
            "open -> hold for vendor",
            "cancelled",
            "reopened 1 after 480000 ms",
            "resolved 2 by unknown",
        ]
    );
}

#[test]
fn a_new_ticket_with_an_agent_is_open_until_its_row_says_otherwise() {
    let export = rows(&[&[("state", "New"), ("agent", "bob")], &[("state", "Work"), ("agent", "bob")]]);
    assert_eq!(story(&export), ["created none bob tier 1", "open -> new", "new -> open"]);
    assert_eq!(story(&rows(&[&[("state", "Work"), ("agent", "bob")]])), ["created none bob tier 1"]);
    assert_eq!(story(&rows(&[&[("state", "Work")]])), ["created none none tier 1", "new -> open"]);
}

#[test]
fn work_begins_again_before_it_is_given_to_somebody_and_is_given_before_it_is_done() {
    let export = rows(&[
        &[("state", "Done"), ("by", "amy")],
        &[("state", "Work"), ("agent", "bob"), ("text", "again")],
        &[("state", "Done"), ("agent", "cat"), ("by", "amy"), ("text", "fixed")],
    ]);
    assert_eq!(
        story(&export),
        [
            "created none none tier 1",
            "resolved 1 by amy",
            "reopened 1 after 0 ms",
            "assigned none -> bob in none station 1",
            "agent unknown: again",
            "assigned bob -> cat in none station 2",
            "agent amy: fixed",
            "resolved 2 by cat",
        ]
    );
}

#[test]
fn classification_and_fields_change_only_where_the_value_does() {
    let export = rows(&[
        &[("prio", "P1"), ("area", "print"), ("room", "1")],
        &[("prio", "low"), ("area", "print"), ("topic", "tray"), ("room", "-")],
        &[("prio", "P9"), ("area", "print"), ("topic", "tray"), ("room", "2")],
        &[("prio", "-"), ("area", "-"), ("topic", "-"), ("room", "2")],
        &[("prio", "LOW"), ("room", "2")],
    ]);
    assert_eq!(
        story(&export),
        [
            "created none none tier 1",
            "priority urgent -> low",
            "category print -> print/tray",
            "room Some(Text(\"1\")) -> None",
            "system import: The source calls the priority \"P9\", which the mapping does not know; the ticket stays low.",
            "room None -> Some(Text(\"2\"))",
            "category print/tray -> none",
        ]
    );
}

#[test]
fn comments_are_internal_and_long_ones_become_several() {
    let long = "ä".repeat(40_000);
    let read = read(MAPPING, rows(&[&[("text", &long), ("by", "robot")]]).as_bytes()).unwrap();
    let body = |event: &Event| {
        let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = event else {
            panic!("{event:?}")
        };
        assert_eq!((e.author_kind, e.visibility), (AuthorKind::System, Visibility::Internal));
        let Personal::Plain(body) = &e.body else { panic!("sealed") };
        body.clone()
    };
    let bodies: Vec<String> = read.imports[0].events[1..].iter().map(|f| body(&f.event)).collect();
    assert_eq!((bodies.len(), bodies.concat() == long), (2, true));
    assert!(bodies.iter().all(|b| b.len() <= 48 * 1024));
}

#[test]
fn the_order_of_the_file_holds_where_the_source_steps_back_in_time() {
    let export = rows(&[
        &[("opened", "2026-01-01 08:00"), ("at", "2026-01-01 11:00"), ("state", "New")],
        &[("at", "2026-01-01 09:00"), ("state", "New")],
        &[("at", "2026-01-01 10:00"), ("state", "Done")],
    ]);
    let events = read(MAPPING, export.as_bytes()).unwrap().imports.remove(0).events;
    let hours: Vec<i64> = events.iter().map(|f| f.occurred_at.0 / 3_600_000 % 24).collect();
    // The engine lifts the resolution to the fact before it, and keeps its own time beside it.
    assert_eq!(hours, [8, 11, 10]);
    assert!(tell(&events[1].event).contains("steps back"));
}

#[test]
fn a_long_history_is_cut_into_parts_that_fit() {
    let flip: Vec<String> = (0..450)
        .map(|i| row(&[("room", if i % 2 == 0 { "1" } else { "2" }), ("at", "2026-01-01 10:00")]))
        .collect();
    let long = "x".repeat(40 * 1024);
    let talk: Vec<String> = (0..9).map(|_| row(&[("id", "B"), ("text", &long)])).collect();
    let read = read(MAPPING, (HEADER.to_owned() + &flip.concat() + &talk.concat()).as_bytes()).unwrap();
    let parts: Vec<_> =
        read.imports.iter().map(|i| (i.external_id.as_str(), i.part, i.parts, i.events.len())).collect();
    assert_eq!(
        parts,
        [("A", 1, 3, 200), ("A", 2, 3, 200), ("A", 3, 3, 50), ("B", 1, 3, 4), ("B", 2, 3, 3), ("B", 3, 3, 3)]
    );
    for import in read.imports {
        let wire = guichet_schemas::mirror::Wire::to_wire(import).unwrap();
        assert!(wire.encoded_len() <= 160 * 1024, "{}", wire.encoded_len());
    }
}

#[test]
fn unusable_rows_go_to_the_rejects_file_with_line_and_reason() {
    let strict = MAPPING.replace("[state]\n", "[state]\nunknown = \"reject\"\n");
    let label = "x".repeat(129);
    let export = rows(&[&[("state", "New")], &[("id", "-")], &[("at", "yesterday")], &[("state", "Odd")]])
        + "A,too,short\n"
        + &row(&[("team", &label)])
        + &row(&[("prio", "P7")])
        + &row(&[("state", "Work")])
        + &row(&[("id", &label)]);
    let read = read(&strict, export.as_bytes()).unwrap();
    let rejects: Vec<&str> = read.rejects.lines().collect();
    assert_eq!(rejects[0], "line,ticket,reason,allow,file");
    let expected = [
        ("3,,", "\"\"id\"\" is missing"),
        ("4,A,", "yesterday"),
        ("6,,", "it has 3 columns, the header has 17"),
        ("5,A,", "the state \"\"Odd\"\" is not in state.map"),
        ("7,A,", "\"\"team\"\" has more than 128 characters"),
        ("8,A,", "the priority \"\"P7\"\" is not in priority.map"),
        ("10,xxx", "the ticket's id must have at most 128 characters"),
    ];
    for (line, (start, reason)) in rejects[1..].iter().zip(expected) {
        assert!(line.starts_with(start) && line.contains(reason), "{line}: {start} {reason}");
    }
    assert_eq!((rejects.len() - 1, read.progress.rejected, read.progress.rows), (7, 7, 9));
    assert_eq!(read.imports.len(), 1);
}

#[test]
fn text_in_another_encoding_is_found_out_and_said_or_rejected_where_the_mapping_says_otherwise() {
    let export =
        [rows(&[]).as_bytes(), b"A,-,Bj\xf6rn,-,-,-,-,-,-,-,2026-01-01 10:00,-,-,New,-,-,-\n"].concat();
    let wrong = MAPPING.replace("format = \"csv\"", "format = \"csv\"\nencoding = \"utf-8\"\n");
    let wrong = read(&wrong, &export).unwrap();
    assert!(wrong.imports.is_empty() && wrong.rejects.contains("not UTF-8"), "{}", wrong.rejects);
    let found = read(MAPPING, &export).unwrap();
    assert_eq!(found.imports[0].events[0].actor.as_ref().unwrap().id, "Björn");
    assert!(found.rejects.contains("guessed_encoding"), "{}", found.rejects);
    let right = MAPPING.replace("format = \"csv\"", "format = \"csv\"\nencoding = \"windows-1252\"\n");
    let read = read(&right, &export).unwrap();
    assert_eq!(read.imports[0].events[0].actor.as_ref().unwrap().id, "Björn");
}

#[test]
fn duplicates_are_left_out_where_the_mapping_asks_for_it() {
    let export =
        rows(&[&[("room", "1")], &[("room", "2")], &[("room", "1")], &[("room", "1"), ("text", "x")]]);
    let count = |by: &str| {
        let read = read(&format!("{MAPPING}\n[dedupe]\nby = {by}\n"), export.as_bytes()).unwrap();
        (read.progress.duplicates, read.imports[0].events.len())
    };
    assert_eq!(count("\"row\""), (1, 4));
    assert_eq!(count("[\"room\"]"), (2, 2));
    assert_eq!(read(MAPPING, export.as_bytes()).unwrap().imports[0].events.len(), 4);
}

#[test]
fn order_time_sorts_the_rows_of_a_ticket_and_keeps_neighbours_of_one_instant() {
    let export = rows(&[
        &[("at", "2026-01-01 12:00"), ("room", "3")],
        &[("at", "2026-01-01 11:00"), ("room", "1")],
        &[("at", "2026-01-01 11:00"), ("room", "2")],
    ]);
    for grouped in ["true", "false"] {
        let mapping = MAPPING.replace("grouped = true", &format!("grouped = {grouped}\norder = \"time\""));
        let read = read(&mapping, export.as_bytes()).unwrap();
        let told: Vec<String> = read.imports[0].events[1..].iter().map(|f| tell(&f.event)).collect();
        assert_eq!(
            told,
            ["room Some(Text(\"1\")) -> Some(Text(\"2\"))", "room Some(Text(\"2\")) -> Some(Text(\"3\"))"]
        );
    }
}

#[test]
fn a_column_that_the_export_lacks_is_named_with_its_key() {
    let error = |export: &str| read(MAPPING, export.as_bytes()).err().unwrap().to_string();
    let lacking = error(&HEADER.replace(",team", ""));
    assert!(
        lacking.contains("group.column") && lacking.contains("\"team\"") && lacking.contains("does not have"),
        "{lacking}"
    );
    let twice = error(&HEADER.replace(",room", ",agent"));
    assert!(twice.contains("ticket.fields") && twice.contains("does not have"), "{twice}");
    let twice = error(&format!("agent,{HEADER}"));
    assert!(twice.contains("agent.column") && twice.contains("has twice"), "{twice}");
}

#[test]
fn json_lines_give_the_same_facts_as_csv() {
    let csv = rows(&[
        &[("state", "New"), ("room", "1"), ("prio", "P1")],
        &[("state", "Wait"), ("phase", "Vendor"), ("room", "true"), ("prio", "P1")],
    ]);
    let jsonl = r#"{"id": "A", "at": "2026-01-01 10:00", "state": "New", "room": 1, "prio": "P1", "agent": null, "opened": null, "opener": null, "via": null, "kind": null, "area": null, "topic": null, "by": null, "text": null, "team": null, "other": {"x": [1]}}

{"id": "A", "at": "2026-01-01 10:00", "state": "Wait", "phase": "Vendor", "room": true, "prio": "P1", "title": ""}
["not", "an", "object"]
{"id": "A", "at": "2026-01-01 10:00", "room": {"floor": 2}}
"#;
    let a = read(MAPPING, csv.as_bytes()).unwrap();
    let b = read(&MAPPING.replace("\"csv\"", "\"jsonl\""), jsonl.as_bytes()).unwrap();
    assert_eq!(a.imports[0].events, b.imports[0].events);
    assert!(b.rejects.contains("4,,") && b.rejects.contains("a JSON object"), "{}", b.rejects);
    assert!(b.rejects.contains("5,A,") && b.rejects.contains("holds a list or an object"), "{}", b.rejects);
}

#[test]
fn xes_rows_have_their_own_attributes_and_those_of_their_trace() {
    let mapping = r#"
[source]
format = "xes"
[ticket]
id = "trace:concept:name"
subject = "trace:title"
fields = ["room", "trace:site"]
[row]
at = "time:timestamp"
[dedupe]
by = "row"
"#;
    let event = |attributes: &str| {
        format!(
            "<event>\n<date key=\"time:timestamp\" value=\"2026-01-01T10:00:00+01:00\"/>{attributes}</event>\n"
        )
    };
    let log = format!(
        "<?xml version=\"1.0\"?>\n<log><global scope=\"event\"><string key=\"room\" value=\"0\"/></global>\n\
         <trace><string key=\"concept:name\" value=\"A\"/><string key=\"title\" value=\"R&amp;D\"/><string key=\"site\" value=\"x\"/>\n{}{}{}</trace>\n\
         <trace><string key=\"concept:name\" value=\"B\"/><event/>\n{}</trace></log>",
        event("<string key=\"room\" value=\"1\"><string key=\"room\" value=\"nested\"/></string>"),
        event("<int key=\"room\" value=\"2\"/>"),
        event("<int key=\"room\" value=\"2\"/>"),
        event(""),
    );
    let found = read(mapping, log.as_bytes()).unwrap();
    let told: Vec<String> = found.imports[0].events.iter().map(|f| tell(&f.event)).collect();
    assert_eq!(told[1..], ["room Some(Text(\"1\")) -> Some(Text(\"2\"))"]);
    let e = found.imports[0].events[0].event.created().unwrap();
    assert_eq!(
        (&e.subject, e.fields["trace:site"].clone()),
        (&Personal::Plain("R&D".to_owned()), FieldValue::Text("x".to_owned()))
    );
    assert_eq!((found.progress.duplicates, found.progress.rejected, found.imports.len()), (1, 1, 2));
    assert!(found.rejects.contains("11,B,"), "{}", found.rejects);
    let e = found.imports[1].events[0].event.created().unwrap();
    assert!(e.fields.is_empty(), "attributes of the trace before");

    let cut = read(mapping, &log.as_bytes()[..log.len() - 20]).err().unwrap();
    assert!(matches!(cut, ImportError::Format { .. }), "{cut}");
}

#[test]
fn one_fact_more_or_another_caller_is_another_command() {
    use guichet_schemas::ids::{CallerId, TenantId};
    let import = |rooms: &[&str]| {
        let rows: Vec<String> = rooms.iter().map(|r| row(&[("room", r)])).collect();
        read(MAPPING, (HEADER.to_owned() + &rows.concat()).as_bytes()).unwrap().imports.remove(0)
    };
    let (desk, cli) = (TenantId::default_tenant(), CallerId::parse("cli").unwrap());
    let id = super::command_id(&desk, &cli, &import(&["1"]));
    assert_eq!(id, super::command_id(&desk, &cli, &import(&["1"])));
    assert_ne!(id, super::command_id(&desk, &cli, &import(&["1", "2"])));
    assert_ne!(id, super::command_id(&desk, &CallerId::parse("other").unwrap(), &import(&["1"])));
    assert_ne!(id, super::command_id(&TenantId::parse("other").unwrap(), &cli, &import(&["1"])));
    // Written down, so that a later version does not without need send as new what an earlier one sent.
    assert_eq!(id.0.to_string(), "a6702b7a-cd1e-53a1-a1db-d9bd5827d4fa");
}

/// Peak memory of this process so far, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn memory_does_not_grow_with_the_file() {
    if let Some(file) = std::env::var_os("GUICHET_TEST_BIG") {
        return read_a_big_export(Path::new(&file));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.csv.zst");
    let mut out = zstd::Encoder::new(std::fs::File::create(&file).unwrap(), 1).unwrap();
    out.write_all(HEADER.as_bytes()).unwrap();
    let filler = "y".repeat(300);
    for i in 0..300_000_u64 {
        let id = format!("T{}", i * 7919 % 100_003);
        out.write_all(row(&[("id", &id), ("room", &filler), ("state", "New")]).as_bytes()).unwrap();
    }
    out.finish().unwrap();
    // This test again, alone in a process of its own: other tests have a peak of their own.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "examples::memory_does_not_grow_with_the_file", "--nocapture"])
        .env("GUICHET_TEST_BIG", &file)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{told}{}", String::from_utf8_lossy(&child.stderr));
    assert!(told.contains("read 300000 rows"), "{told}");
}

fn read_a_big_export(file: &Path) {
    let mapping = Mapping::parse(&MAPPING.replace("grouped = true", "grouped = false")).unwrap();
    let before = peak_mib();
    let mut reader = open(file, &mapping, None).unwrap();
    let tickets = reader.by_ref().filter(|i| i.as_ref().unwrap().part == 1).count();
    let (rows, peak) = (reader.progress().rows, peak_mib());
    println!("read {rows} rows, {tickets} tickets; peak {before} MiB before, {peak} MiB after");
    // The file has 110 MiB of text. 32 MiB are the sort's, the rest is buffers.
    assert_eq!(tickets, 100_003);
    assert!(peak < before + 72, "peak {peak} MiB, before {before} MiB");
}

#[test]
fn a_hold_keeps_its_reason_and_what_it_is_called() {
    let export = rows(&[&[("state", "Wait"), ("phase", "Vendor")]]);
    let events = read(MAPPING, export.as_bytes()).unwrap().imports.remove(0).events;
    let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::StatusChanged(e))) = &events[1].event else {
        panic!()
    };
    assert_eq!(
        (e.to, e.hold_reason, e.custom_status.as_deref()),
        (TicketState::Hold, Some(HoldReason::Vendor), Some("Wait/Vendor"))
    );
}
