//! Exports after public bug reports of other desks, each with what is right, and others of their kinds.

use std::collections::BTreeMap;
use std::io::Write as _;

use guichet_schemas::command::{Fact, Import};
use guichet_schemas::event::{Conversation, Event, LifeCycle, Personal, TicketEvent};
use guichet_schemas::words::{AuthorKind, Channel, Origin, RequesterKind, ResolutionCode, Visibility};

use super::examples::tell;
use super::proof::shared_in;
use super::{Balance, ImportError, Mapping, Reason, open};

/// The result of an import.
struct Out {
    tickets: BTreeMap<String, Vec<Fact>>,
    balance: Balance,
    rejects: String,
}

impl Out {
    fn story(&self, ticket: &str) -> Vec<String> {
        self.tickets[ticket].iter().map(|fact| tell(&fact.event)).collect()
    }

    /// Time of the first fact that is told like this.
    fn when(&self, ticket: &str, like: &str) -> String {
        let facts = self.tickets[ticket].iter();
        let mut times = facts.filter(|f| tell(&f.event).starts_with(like)).map(|f| f.occurred_at.to_string());
        times.next().unwrap_or_else(|| panic!("{like} in {:?}", self.story(ticket)))
    }

    fn findings(&self) -> Vec<(Reason, u64)> {
        self.balance.findings(&[]).into_iter().collect()
    }
}

fn read(mapping: &str, export: &[u8]) -> Result<Out, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let (file, rejects) = (folder.path().join("export"), folder.path().join("rejects.csv"));
    std::fs::File::create(&file).unwrap().write_all(export).unwrap();
    let mapping = Mapping::parse_named("desk", mapping).unwrap();
    let mut reader = open(&file, &mapping, Some(&rejects))?;
    let mut tickets = BTreeMap::<String, Vec<Fact>>::new();
    for import in reader.by_ref() {
        let Import { external_id, events, .. } = import?;
        tickets.entry(external_id.as_str().to_owned()).or_default().extend(events);
    }
    let balance = reader.balance();
    let rows = &balance.rows;
    let rejected: u64 = rows.rejected.values().sum();
    assert_eq!(rows.read, rows.used + rows.without_effect + rows.duplicates + rows.filtered + rejected);
    assert_eq!(balance.tickets.met, tickets.len() as u64 + balance.tickets.rejected);
    Ok(Out { tickets, balance, rejects: std::fs::read_to_string(rejects).unwrap() })
}

/// A case with one of its mappings; `None` where there is no folder of cases.
fn case(name: &str, mapping: &str, export: &str) -> Option<Result<Out, ImportError>> {
    let text = |file: &str| Some(std::fs::read(shared_in("cases", &format!("{name}/{file}"))?).unwrap());
    let mapping = String::from_utf8(text(mapping)?).unwrap();
    Some(read(&mapping, &text(export)?))
}

fn notes(out: &Out, ticket: &str) -> Vec<String> {
    let facts = out.tickets[ticket].iter();
    facts.filter(|f| f.event.type_name() == "CommentAdded").map(|f| tell(&f.event)).collect()
}

#[test]
fn case_19_unknown_codes_stay_visible_and_known_ones_are_mapped() {
    let Some(out) = case("19-freshdesk-codes", "note.toml", "tickets.jsonl") else { return };
    let out = out.unwrap();
    assert_eq!(out.tickets.len(), 4);
    assert!(out.story("1").contains(&"resolved 1 by unknown".to_owned()), "{:?}", out.story("1"));
    assert!(notes(&out, "2").iter().any(|n| n.contains("state \"6\"")), "{:?}", notes(&out, "2"));
    assert!(notes(&out, "4").iter().any(|n| n.contains("priority \"9\"")), "{:?}", notes(&out, "4"));
    assert!(out.story("4").iter().any(|s| s.starts_with("closed")));
    assert_eq!(out.findings(), [(Reason::UnknownValue, 6)]);
    let out = case("19-freshdesk-codes", "reject.toml", "tickets.jsonl").unwrap().unwrap();
    assert_eq!(out.tickets.keys().collect::<Vec<_>>(), ["1", "3"]);
    assert!(out.rejects.contains("\n3,2,") && out.rejects.contains("\n5,4,"), "{}", out.rejects);
}

const CODES: &str = r#"
[source]
format = "jsonl"
grouped = true
[ticket]
id = "id"
channel = "source"
priority = "priority"
[row]
at = "at"
[state]
column = "status"
unknown = "default"
default = "open"
map = { "4" = "resolved" }
[channel]
map = { "1" = "email", "2" = "portal", "3" = "phone", "7" = "chat" }
[priority]
map = { "1" = "low", "2" = "low" }
unknown = "ignore"
"#;

#[test]
fn words_of_the_source_are_mapped_defaulted_or_passed_over_and_each_is_counted() {
    let line = |id: u8, source: u8, status: u8, priority: u8| {
        format!(
            "{{\"id\":{id},\"at\":\"2026-03-02T09:00:00Z\",\"source\":{source},\"status\":{status},\"priority\":{priority}}}\n"
        )
    };
    let export = line(1, 1, 4, 1) + &line(2, 2, 6, 2) + &line(3, 3, 4, 9) + &line(4, 7, 4, 1);
    let out = read(CODES, export.as_bytes()).unwrap();
    let channels: Vec<Channel> =
        out.tickets.values().map(|f| f[0].event.created().unwrap().channel).collect();
    assert_eq!(channels, [Channel::Email, Channel::Portal, Channel::Phone, Channel::Chat]);
    assert_eq!(out.story("2"), ["created none none tier 1", "new -> open"]);
    assert_eq!(out.findings(), [(Reason::Ignored, 1), (Reason::Defaulted, 1)]);
    assert_eq!(out.balance.exit_code(&[Reason::Ignored]), guichet_client::exit::REFUSED);
}

#[test]
fn case_24_what_was_told_before_begins_what_a_longer_export_tells() {
    let Some(week1) = case("24-second-export-has-more", "desk.toml", "week1.csv") else { return };
    let (week1, week2) =
        (week1.unwrap(), case("24-second-export-has-more", "desk.toml", "week2.csv").unwrap().unwrap());
    for (ticket, facts) in &week1.tickets {
        assert_eq!(week2.tickets[ticket][..facts.len()], facts[..], "{ticket}");
    }
    assert_eq!(week2.story("2").last().unwrap(), "resolved 1 by a2");
    assert!(week2.story("1").iter().any(|s| s.starts_with("reopened")));
    assert_eq!(week2.tickets.len(), 3);
    assert!(week2.findings().is_empty(), "{:?}", week2.findings());
}

#[test]
fn case_26_milestones_become_events_at_their_own_times() {
    let Some(export) = shared_in("cases", "26-one-row-per-ticket/export.csv") else { return };
    let out = read(MILESTONES, &std::fs::read(export).unwrap()).unwrap();
    let times = ["created", "resolved", "closed"].map(|what| out.when("1", what));
    assert_eq!(times, ["2026-03-02T09:00:00.000Z", "2026-03-02T11:00:00.000Z", "2026-03-06T11:00:00.000Z"]);
    assert_eq!(out.when("2", "resolved"), "2026-03-03T09:00:00.000Z");
    assert_eq!(out.story("3"), ["created desk a2 tier 1"]);
    assert!(out.findings().is_empty(), "{:?}", out.findings());
    // With one column of times only, what the others would say is a guess, or the row cannot be used.
    let out = case("26-one-row-per-ticket", "by-update.toml", "export.csv").unwrap().unwrap();
    assert_eq!(out.findings(), [(Reason::GuessedTime, 2)]);
    let out = case("26-one-row-per-ticket", "by-resolved.toml", "export.csv").unwrap().unwrap();
    assert!(out.findings().contains(&(Reason::NoTime, 1)), "{:?}", out.findings());
}

const MILESTONES: &str = r#"
[source]
format = "csv"
zone = "UTC"
date_formats = ["%Y-%m-%d %H:%M"]
[ticket]
id = "Ticket ID"
subject = "Subject"
[milestones]
created = "Created time"
resolved = "Resolved time"
closed = "Closed time"
[state]
column = "Status"
map = { "Open" = "open", "Resolved" = "resolved", "Closed" = "closed" }
[group]
column = "Group"
[agent]
column = "Agent"
"#;

#[test]
fn every_milestone_has_its_event_and_what_no_milestone_says_is_a_guess() {
    let mapping = r#"
[source]
format = "csv"
date_formats = ["%Y-%m-%d %H:%M"]
[ticket]
id = "id"
[row]
at = "updated"
[milestones]
created = "created"
assigned = "assigned"
first_reply = "replied"
reopened = "reopened"
resolved = "resolved"
closed = "closed"
[state]
column = "status"
map = { "Open" = "open", "Waiting" = "pending", "Resolved" = "resolved" }
[agent]
column = "agent"
"#;
    let export = "id,status,created,assigned,replied,resolved,reopened,closed,updated,agent\n\
        1,Open,2026-03-02 09:00,2026-03-02 09:10,2026-03-02 09:30,2026-03-02 11:00,2026-03-03 08:00,,2026-03-04 08:00,a1\n\
        2,Waiting,2026-03-02 09:00,,,,,,2026-03-04 08:00,a1\n\
        3,Open,2026-03-02 09:00,,,,2026-03-03 08:00,,2026-03-04 08:00,\n";
    let out = read(mapping, export.as_bytes()).unwrap();
    let told = out.story("1");
    assert_eq!(told[..2], ["created none none tier 1", "assigned none -> a1 in none station 1"]);
    assert!(told[2].starts_with("agent a1: "), "{told:?}");
    assert_eq!(told[3..], ["resolved 1 by a1", "reopened 1 after 75600000 ms"]);
    assert_eq!(out.when("1", "reopened"), "2026-03-03T08:00:00.000Z");
    assert_eq!(out.story("2"), ["created none a1 tier 1", "open -> pending"]);
    assert_eq!(out.when("2", "open -> pending"), "2026-03-04T08:00:00.000Z");
    assert_eq!(out.findings(), [(Reason::GuessedTime, 1), (Reason::MissingValue, 1)]);
}

#[test]
fn case_27_cells_of_several_lines_are_whole_and_rejects_have_the_line_of_the_file() {
    let Some(out) = case("27-embedded-newlines", "mapping.toml", "export.csv") else { return };
    let out = out.unwrap();
    assert_eq!(out.tickets.keys().collect::<Vec<_>>(), ["1", "4"]);
    let lines: Vec<&str> = out.rejects.lines().skip(1).map(|l| l.split(',').next().unwrap()).collect();
    assert_eq!(lines, ["5", "7", "11"], "{}", out.rejects);
    let comments = notes(&out, "1");
    let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) =
        &out.tickets["1"].iter().find(|f| f.event.type_name() == "CommentAdded").unwrap().event
    else {
        panic!("{comments:?}")
    };
    let Personal::Plain(body) = &e.body else { panic!() };
    assert_eq!(body.lines().collect::<Vec<_>>(), ["line one", "line two", "line \"three\""]);
}

#[test]
fn case_45_what_a_row_does_not_mention_is_as_before() {
    let Some(out) = case("45-rows-with-changes-only", "mapping.toml", "audit.jsonl") else { return };
    let out = out.unwrap();
    let told = out.story("1");
    assert_eq!(
        told,
        [
            "created desk a1 tier 1",
            "agent a1: first",
            "agent a1: only a comment",
            "priority high -> low",
            "resolved 1 by a1"
        ]
    );
    assert!(out.findings().is_empty());
}

const CHANGES: &str = r#"
[source]
format = "FORMAT"
grouped = GROUPED
ABSENT
[ticket]
id = "id"
fields = ["site"]
[row]
at = "at"
by = "by"
[group]
column = "group"
[agent]
column = "agent"
"#;

#[test]
fn null_takes_a_value_away_and_the_mapping_says_what_an_empty_cell_means() {
    let read_as = |format: &str, absent: &str, grouped: &str, export: &str| {
        let mapping = CHANGES.replace("FORMAT", format).replace("GROUPED", grouped).replace("ABSENT", absent);
        read(&mapping, export.as_bytes()).unwrap().story("1")[1..].to_vec()
    };
    let json = "{\"id\":1,\"at\":\"2026-03-02T09:00:00Z\",\"by\":\"x\",\"group\":\"desk\",\"agent\":\"a1\",\"site\":\"n\"}\n\
                {\"id\":1,\"at\":\"2026-03-02T10:00:00Z\",\"agent\":null}\n";
    let csv = "id,at,by,group,agent,site\n1,2026-03-02T09:00:00Z,x,desk,a1,n\n1,2026-03-02T10:00:00Z,,,a2,\n";
    for grouped in ["true", "false"] {
        assert_eq!(read_as("jsonl", "", grouped, json), ["unassigned a1"]);
        let cleared = read_as("jsonl", "absent = \"cleared\"", grouped, json);
        assert_eq!(cleared[..2], ["unassigned a1", "routed desk -> none"]);
        let unchanged = read_as("csv", "absent = \"unchanged\"", grouped, csv);
        assert_eq!(unchanged, ["assigned a1 -> a2 in desk station 2"]);
        assert_eq!(read_as("csv", "", grouped, csv).len(), 2);
    }
}

#[test]
fn what_is_over_a_limit_is_left_out_or_cut_as_the_mapping_says_and_counted() {
    let export = format!(
        "id,at,by,group,agent,site\n1,2026-03-02T09:00:00Z,x,{},a1,n\n2,2026-03-02T09:00:00Z,x,g,a1,n\n",
        "g".repeat(200)
    );
    let mapping = |too_long: &str| {
        CHANGES.replace("FORMAT", "csv").replace("GROUPED", "true").replace("ABSENT", too_long)
    };
    let out = read(&mapping(""), export.as_bytes()).unwrap();
    assert_eq!(out.findings(), [(Reason::OverLimit, 1)]);
    assert_eq!(out.tickets.keys().collect::<Vec<_>>(), ["2"]);
    let out = read(&mapping("too_long = \"cut\""), export.as_bytes()).unwrap();
    assert_eq!(out.findings(), [(Reason::Cut, 1)]);
    assert_eq!(out.story("1")[0], format!("created {} a1 tier 1", "g".repeat(128)));
    assert!(notes(&out, "1")[0].contains("has 200 characters"), "{:?}", notes(&out, "1"));
}

/// Case 42: what no live command may hold, no imported fact may hold either.
#[test]
fn a_nul_character_is_refused_at_the_door_and_by_the_importer() {
    use guichet_schemas::command::Verb as _;
    let read = |too_long: &str| {
        let mapping =
            CHANGES.replace("FORMAT", "jsonl").replace("GROUPED", "true").replace("ABSENT", too_long);
        let line = |id: u8, group: &str| {
            format!(
                "{{\"id\":{id},\"at\":\"2026-03-02T09:00:00Z\",\"by\":\"x\",\"group\":\"{group}\",\"agent\":\"a1\",\"site\":\"n\"}}\n"
            )
        };
        read(&mapping, (line(1, "a\\u0000b") + &line(2, "g")).as_bytes()).unwrap()
    };
    assert_eq!(read("").findings(), [(Reason::OverLimit, 1)]);
    let cut = read("too_long = \"cut\"");
    assert_eq!(cut.story("1")[0], "created ab a1 tier 1");
    let mut events = cut.tickets["2"].clone();
    let Event::Ticket(TicketEvent::LifeCycle(guichet_schemas::event::LifeCycle::TicketCreated(e))) =
        &mut events[0].event
    else {
        panic!()
    };
    e.subject = Personal::Plain("a\0b".to_owned());
    let label = |text: &str| guichet_schemas::text::Label::parse(text.to_owned()).unwrap();
    let import = Import {
        source: label("old"),
        external_id: label("1"),
        part: 1,
        parts: 1,
        events,
        mapping_version: None,
        begins_at: None,
        prefix: None,
        replies_complete: false,
    };
    let error = import.check().unwrap_err();
    assert!(error.field.ends_with("subject") && error.rule.contains("NUL"), "{error:?}");
}

#[test]
fn a_ticket_that_comes_back_in_a_grouped_export_is_an_error_with_both_lines() {
    let export = "id,at,by,group,agent,site\n1,2026-03-02T09:00:00Z,x,g,a1,n\n2,2026-03-02T09:00:00Z,x,g,a1,n\n1,2026-03-02T10:00:00Z,x,g,a2,n\n";
    let mapping =
        |grouped: &str| CHANGES.replace("FORMAT", "csv").replace("GROUPED", grouped).replace("ABSENT", "");
    let error = read(&mapping("true"), export.as_bytes()).err().unwrap();
    assert!(matches!(error, ImportError::Torn { begun: 2, line: 4, .. }), "{error}");
    assert_eq!(read(&mapping("false"), export.as_bytes()).unwrap().story("1").len(), 2);
}

#[test]
fn people_have_their_kinds_and_comments_their_readers() {
    let mapping = r#"
[source]
format = "jsonl"
grouped = true
[ticket]
id = "id"
tags = "tags"
product = "product"
[row]
at = "at"
by = "by"
[requester]
id = "who"
name = "name"
kind = "rank"
kinds = { "VIP" = "customer" }
[comment]
text = "text"
author_kind = "role"
visibility = "private"
visibilities = { "true" = "internal", "false" = "public" }
[resolution]
code = "code"
summary = "how"
map = { "7" = "workaround" }
[state]
column = "status"
map = { "o" = "open", "s" = "resolved", "late" = { state = "pending", reopens = false } }
"#;
    let export = concat!(
        r#"{"id":1,"at":"2026-03-02T09:00:00Z","by":"r1","who":"r1","name":"Ann","rank":"VIP","text":"help","role":"end-user","private":false,"status":"o","tags":["a","b"],"product":"p","code":null,"how":null}"#,
        "\n",
        r#"{"id":1,"at":"2026-03-02T10:00:00Z","by":"a1","text":"so","role":"agent","private":false,"tags":["b","c"],"product":"q"}"#,
        "\n",
        r#"{"id":1,"at":"2026-03-02T11:00:00Z","by":"a1","text":"aside","role":"agent","private":true,"status":"s","code":7,"how":"restarted"}"#,
        "\n",
        r#"{"id":1,"at":"2026-03-02T12:00:00Z","by":"r1","status":"late"}"#,
        "\n",
    );
    let out = read(mapping, export.as_bytes()).unwrap();
    let created = out.tickets["1"][0].event.created().unwrap();
    assert_eq!((created.requester.as_str(), created.origin), ("r1", Origin::Requester));
    assert_eq!(created.requester_kind, Some(RequesterKind::Customer));
    assert_eq!(created.tags, ["a", "b"]);
    let comments: Vec<_> = out.tickets["1"]
        .iter()
        .filter_map(|f| {
            let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(e))) = &f.event else {
                return None;
            };
            (e.author != "import").then_some((e.author_kind, e.visibility, e.counts_as_reply))
        })
        .collect();
    assert_eq!(
        comments,
        [
            (AuthorKind::Requester, Visibility::Public, false),
            (AuthorKind::Agent, Visibility::Public, true),
            (AuthorKind::Agent, Visibility::Internal, false)
        ]
    );
    let resolved = out.tickets["1"].iter().find_map(|f| {
        let Event::Ticket(TicketEvent::LifeCycle(LifeCycle::TicketResolved(e))) = &f.event else {
            return None;
        };
        Some(e.code)
    });
    assert_eq!(resolved, Some(ResolutionCode::Workaround));
    assert!(!out.story("1").iter().any(|s| s.starts_with("reopened")), "{:?}", out.story("1"));
    // What has no event of its own is not lost.
    assert!(notes(&out, "1").iter().any(|n| n.contains("\"product\" to: q")), "{:?}", notes(&out, "1"));
    assert!(out.findings().is_empty(), "{:?}", out.findings());
}

#[test]
fn a_comment_of_several_parts_has_a_time_and_an_author_of_its_own_and_is_told_once() {
    let mapping = r#"
[source]
format = "csv"
grouped = true
date_formats = ["%d/%b/%y %I:%M %p"]
[ticket]
id = "Key"
[row]
at = "Updated"
[comment]
text = "Comment"
parts = ["at", "author", "text"]
"#;
    let export = "Key,Updated,Comment,Comment\n\
        OPS-1,03/Nov/25 2:00 PM,03/Nov/25 1:00 PM;agent-1;Looking,\n\
        OPS-1,05/Nov/25 12:05 AM,03/Nov/25 1:00 PM;agent-1;Looking,05/Nov/25 12:01 AM;agent-2;Works; at last\n";
    let out = read(mapping, export.as_bytes()).unwrap();
    assert_eq!(notes(&out, "OPS-1"), ["agent agent-1: Looking", "agent agent-2: Works; at last"]);
    assert_eq!(out.when("OPS-1", "agent agent-2"), "2025-11-05T00:01:00.000Z");
}

#[test]
fn rows_of_one_instant_follow_the_second_key() {
    let mapping = CHANGES
        .replace("FORMAT", "csv")
        .replace("GROUPED", "false")
        .replace("ABSENT", "order = \"time\"\ntie = \"n\"");
    let export = "id,at,by,group,agent,site,n\n1,2026-03-02T09:00:00Z,x,g,a10,s,10\n1,2026-03-02T09:00:00Z,x,g,a9,s,9\n";
    let out = read(&mapping, export.as_bytes()).unwrap();
    assert_eq!(out.story("1"), ["created g a9 tier 1", "assigned a9 -> a10 in g station 2"]);
}

const CUSTOM: &str = r#"
[source]
format = "json"
records = "tickets[]"
[ticket]
id = "id"
fields = { site = "custom_fields[id=360001].value", parts = "custom_fields[id=360002].value", "cf site" = "custom.cf_site" }
numbers = { seats = "custom_fields[id=360003].value" }
flags = { vip = "custom_fields[id=360004].value" }
[row]
at = "at"
"#;

#[test]
fn custom_fields_are_told_apart_by_their_ids_and_have_names_and_types_of_the_desk() {
    let record = |id: u8, at: &str, site: &str, seats: &str| {
        format!(
            "{{\"id\":{id},\"at\":\"{at}\",\"custom\":{{\"cf_site\":\"east\"}},\"custom_fields\":[{{\"value\":{site},\"id\":360001}},\
             {{\"id\":360002,\"value\":[\"disk\",\"cable\"]}},{{\"id\":360003,\"value\":{seats}}},{{\"id\":360004,\"value\":true}},\
             {{\"id\":999,\"value\":\"nobody asks\"}}]}}"
        )
    };
    let records = [
        record(1, "2026-03-02T09:00:00Z", "\"north\"", "12"),
        record(1, "2026-03-02T10:00:00Z", "\"south\"", "12"),
        record(2, "2026-03-02T09:00:00Z", "null", "\"a dozen\""),
    ];
    let export = format!("{{\"tickets\":[{}]}}", records.join(","));
    let out = read(CUSTOM, export.as_bytes()).unwrap();
    let fields = &out.tickets["1"][0].event.created().unwrap().fields;
    let told: Vec<String> = fields.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
    assert_eq!(
        told,
        [
            "cf site = Text(\"east\")",
            "parts = Text(\"disk, cable\")",
            "seats = Number(12.0)",
            "site = Text(\"north\")",
            "vip = Flag(true)",
        ]
    );
    assert_eq!(out.story("1").len(), 2);
    assert!(
        format!("{:?}", out.tickets["1"][1].event).contains("field: \"site\""),
        "{:?}",
        out.tickets["1"][1]
    );
    let fields = &out.tickets["2"][0].event.created().unwrap().fields;
    assert!(
        !fields.contains_key("site") && format!("{:?}", fields["seats"]) == "Text(\"a dozen\")",
        "{fields:?}"
    );
    assert_eq!(out.findings(), [(Reason::UnknownValue, 1)]);

    let wrong = CUSTOM.replace("360004", "360005");
    let error = read(&wrong, export.as_bytes()).err().unwrap();
    assert!(matches!(error, ImportError::Absent { .. }) && error.to_string().contains("360005"), "{error}");
    for (from, to, says) in [
        ("\"custom.cf_site\"", "\"custom_fields[id=360001].value\"", "a second time"),
        ("\"cf site\" =", "seats =", "a second time"),
        ("\"cf site\" =", "\"\" =", "1 to 64 bytes"),
        ("records = \"tickets[]\"", "records = \"tickets[id=1].x[]\"", "choose no element"),
    ] {
        let error = Mapping::parse(&CUSTOM.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
}

#[test]
fn follow_ups_merges_and_links_stay_visible_and_are_counted_once() {
    let mapping = "[source]\nformat = \"jsonl\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n\
        [links]\nfollow_up_of = \"via.ticket_id\"\nmerged_into = \"merged\"\nrelated = \"links[].key\"\n";
    let line = |at: &str, rest: &str| format!("{{\"id\":7,\"at\":\"2026-03-02T{at}:00Z\"{rest}}}\n");
    let export = line("09:00", ",\"via\":{\"ticket_id\":5},\"links\":[{\"key\":\"A-1\"}]")
        + &line("10:00", ",\"links\":[{\"key\":\"A-1\"},{\"key\":\"A-2\"}],\"merged\":null")
        + &line("11:00", ",\"merged\":9");
    let out = read(mapping, export.as_bytes()).unwrap();
    let told: Vec<String> =
        notes(&out, "7").iter().map(|n| n.split("that the ticket ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        told,
        [
            "follows up its ticket 5.",
            "is linked with its ticket A-1.",
            "is linked with its ticket A-2.",
            "was merged into its ticket 9.",
        ]
    );
    assert_eq!(out.findings(), [(Reason::Unlinked, 4)]);
}
