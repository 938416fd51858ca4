//! Exports that tell changes, exports of several files, and rows that a mapping filters.

use std::io::Write as _;
use std::path::Path;

use super::examples::tell;
use super::{Balance, Mapping, Reason, open};

struct Read {
    /// Of each ticket, its facts with their times.
    story: Vec<(String, Vec<String>)>,
    balance: Balance,
    rejects: String,
}

impl Read {
    fn of(&self, ticket: &str) -> Vec<&str> {
        let found = self.story.iter().filter(|(id, _)| id == ticket);
        found.flat_map(|(_, facts)| facts).map(String::as_str).collect()
    }
}

fn read(mapping: &str, export: &Path) -> Result<Read, String> {
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.csv");
    let mapping = Mapping::parse(mapping).map_err(|e| e.to_string())?;
    let mut reader = open(export, &mapping, Some(&rejects)).map_err(|e| e.to_string())?;
    let mut story = Vec::new();
    for import in reader.by_ref() {
        let import = import.map_err(|e| e.to_string())?;
        let facts =
            import.events.iter().map(|f| format!("{} {}", &f.occurred_at.to_string()[5..16], tell(&f.event)));
        story.push((import.external_id.as_str().to_owned(), facts.collect()));
    }
    drop(reader);
    let balance = open(export, &mapping, None).and_then(super::Reader::check).map_err(|e| e.to_string())?;
    Ok(Read { story, balance, rejects: std::fs::read_to_string(rejects).unwrap() })
}

fn read_text(mapping: &str, export: &str) -> Result<Read, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(export.as_bytes()).unwrap();
    read(mapping, file.path())
}

const CHANGES: &str = r#"
[source]
format = "csv"
order = "time"
date_formats = ["%Y-%m-%d %H:%M"]
[ticket]
id = "ticket"
created_at = "created"
priority = "changes:priority"
tags = "changes:tags"
tag_separator = " "
[row]
at = "at"
by = "by"
[state]
column = "changes:status"
map = { New = "new", Work = "open", Done = "resolved" }
[agent]
column = "changes:agent"
[resolution]
code = "changes:resolution"
[changes]
field = "field"
from = "old"
to = "new"
fields = { Status = "changes:status", Prio = "changes:priority", Agent = "changes:agent", Tags = "changes:tags", Resolution = "changes:resolution" }
ignore = ["Rank"]
"#;

/// The rows of ticket A as the changes of its fields; the columns of the ticket itself are not in the file.
fn changes(rows: &str) -> Result<Read, String> {
    let header = "ticket,created,at,by,field,old,new\n";
    let rows: String = rows.lines().map(|row| format!("A,2026-03-01 08:00,2026-{}\n", row.trim())).collect();
    read_text(CHANGES, &(header.to_owned() + &rows))
}

#[test]
fn the_beginning_is_what_the_first_changes_came_from() {
    let found = changes(
        "03-02 09:00,ann,Status,New,Work
         03-02 09:00,ann,Agent,,ann
         03-02 10:00,ann,Prio,low,high
         03-02 11:00,bob,Status,Work,Done
         03-02 11:00,bob,Resolution,,access
         03-02 11:00,bob,Rank,1,2",
    )
    .unwrap();
    assert_eq!(
        found.of("A"),
        [
            "03-01T08:00 created none none tier 1",
            "03-02T09:00 assigned none -> ann in none station 1",
            "03-02T09:00 new -> open",
            "03-02T10:00 priority low -> high",
            "03-02T11:00 resolved 1 by ann",
        ]
    );
    // One update of two fields is told at once, and each of its rows was of use; the last says what nobody asks.
    assert_eq!(
        (found.balance.rows.read, found.balance.rows.used, found.balance.rows.without_effect),
        (6, 5, 1)
    );
    assert!(found.balance.findings(&[]).is_empty(), "{}", found.rejects);
}

#[test]
fn the_newest_change_may_come_first_in_the_file() {
    let found = changes(
        "03-02 11:00,bob,Status,Work,Done
         03-02 09:00,ann,Status,New,Work",
    );
    let found = found.unwrap();
    assert_eq!(found.of("A")[1..], ["03-02T09:00 new -> open", "03-02T11:00 resolved 1 by bob"]);
    assert!(found.balance.findings(&[]).is_empty());
}

#[test]
fn a_change_that_begins_elsewhere_than_the_one_before_ended_is_named() {
    let found = changes(
        "03-02 09:00,ann,Status,New,Work
         03-02 11:00,bob,Status,New,Done",
    )
    .unwrap();
    assert_eq!(found.of("A")[1..], ["03-02T09:00 new -> open", "03-02T11:00 resolved 1 by bob"]);
    assert_eq!(found.balance.findings(&[])[&Reason::Contradicted], 1);
    assert!(found.rejects.contains("\n3,A,") && found.rejects.contains("\"\"New\"\""), "{}", found.rejects);
}

#[test]
fn the_record_decides_how_a_ticket_ends_and_a_missing_change_is_named() {
    let header = "ticket,created,at,by,field,old,new,status\n";
    let row =
        |to: &str, now: &str| format!("A,2026-03-01 08:00,2026-03-02 09:00,ann,Status,New,{to},{now}\n");
    let mapping = CHANGES.replace("changes:status", "status");
    let whole = read_text(&mapping, &(header.to_owned() + &row("Work", "Work"))).unwrap();
    assert!(whole.balance.findings(&[]).is_empty(), "{}", whole.rejects);
    let cut = read_text(&mapping, &(header.to_owned() + &row("Work", "Done"))).unwrap();
    assert_eq!(cut.of("A")[1..], ["03-02T09:00 new -> open", "03-02T09:00 resolved 1 by unknown"]);
    assert_eq!(cut.balance.findings(&[])[&Reason::Contradicted], 1);
    assert!(cut.balance.adds_up());
}

#[test]
fn what_came_from_nothing_when_the_ticket_was_created_belongs_to_its_creation() {
    let found = changes(
        "03-01 08:00,rita,Status,,New
         03-01 08:00,rita,Prio,,high
         03-01 08:00,rita,Tags,,a b
         03-02 09:00,ann,Tags,b a,b a c",
    )
    .unwrap();
    assert_eq!(
        found.of("A"),
        ["03-01T08:00 created none none tier 1", "03-02T09:00 tags [\"c\"] instead of []"]
    );
    let rows = &found.balance.rows;
    assert_eq!((rows.read, rows.used, rows.without_effect), (4, 4, 0));
    // The order of tags is none.
    assert!(found.balance.findings(&[]).is_empty(), "{}", found.rejects);
}

#[test]
fn a_field_that_no_key_names_is_a_note_or_passed_over_or_rejected_and_counted() {
    let row = "03-02 09:00,ann,Colour,red,blue";
    let noted = changes(row).unwrap();
    assert!(noted.of("A")[1].contains("\"Colour\" from \"red\" to \"blue\""), "{:?}", noted.of("A"));
    assert_eq!(noted.balance.findings(&[])[&Reason::UnknownValue], 1);
    let with = |unknown: &str| {
        let mapping = CHANGES.replace("ignore =", &format!("unknown = \"{unknown}\"\nignore ="));
        read_text(&mapping, &format!("ticket,created,at,by,field,old,new\nA,2026-03-01 08:00,2026-{row}\n"))
            .unwrap()
    };
    let ignored = with("ignore");
    assert_eq!((ignored.of("A").len(), ignored.balance.findings(&[])[&Reason::Ignored]), (1, 1));
    let rejected = with("reject");
    assert_eq!((rejected.story.len(), rejected.balance.rows.rejected[&Reason::UnknownValue]), (0, 1));
}

#[test]
fn a_mapping_of_changes_must_hold_together() {
    for (from, to, problem) in [
        ("Status = \"changes:status\"", "Status = \"staus\"", "no other key names"),
        ("Status = \"changes:status\", ", "", "no field of changes.fields changes"),
        ("fields = {", "fields = { Hand = \"by\",", "nothing that a ticket keeps"),
        ("ignore = [\"Rank\"]", "ignore = [\"Prio\"]", "changes.fields names too"),
        ("to = \"new\"", "to = \"changes:status\"", "a value of the ticket as well"),
        ("[changes]", "[milestones]\ncreated = \"created\"\n[changes]", "milestones"),
        ("ignore =", "unknown = \"default\"\nignore =", "note, ignore, reject"),
    ] {
        let mapping = CHANGES.replace(from, to);
        assert_ne!(mapping, CHANGES);
        let error = Mapping::parse(&mapping).unwrap_err().to_string();
        assert!(error.contains(problem), "{to}: {error}");
    }
}

#[test]
fn rows_that_are_filtered_are_counted_and_are_no_loss() {
    let mapping = "[source]\nformat = \"xes\"\n[ticket]\nid = \"trace:id\"\n[row]\nat = \"at\"\n[state]\ncolumn = \"is\"\nmap = { a = \"open\", b = \"resolved\" }\n[filter]\nkeep = { \"lifecycle:transition\" = [\"complete\"] }\n";
    let event = |is: &str, step: &str, minute: u32| {
        format!(
            "<event><string key=\"is\" value=\"{is}\"/><string key=\"lifecycle:transition\" value=\"{step}\"/><date key=\"at\" value=\"2026-03-02T09:{minute:02}:00Z\"/></event>\n"
        )
    };
    let events = [
        event("a", "start", 0),
        event("a", "complete", 5),
        event("b", "start", 10),
        event("b", "complete", 15),
    ];
    let log = format!("<log><trace><string key=\"id\" value=\"A\"/>\n{}</trace></log>", events.concat());
    let found = read_text(mapping, &log).unwrap();
    assert_eq!(
        found.of("A"),
        [
            "03-02T09:05 created none none tier 1",
            "03-02T09:05 new -> open",
            "03-02T09:15 resolved 1 by unknown"
        ]
    );
    assert_eq!((found.balance.rows.read, found.balance.rows.used, found.balance.rows.filtered), (4, 2, 2));
    assert!(found.balance.adds_up() && found.balance.findings(&[]).is_empty());
    let started = read_text(&mapping.replace("keep", "drop"), &log).unwrap();
    assert_eq!(started.of("A")[2], "03-02T09:10 resolved 1 by unknown");
}

#[test]
fn numbers_and_fractions_may_have_a_decimal_comma() {
    let mapping = "[source]\nformat = \"csv\"\ndelimiter = \";\"\ndecimal = \",\"\ndate_formats = [\"%d.%m.%Y %H:%M:%S%.f\"]\n[ticket]\nid = \"id\"\nnumbers = [\"hours\"]\nflags = [\"paid\"]\n[row]\nat = \"at\"\n";
    let export = "id;at;hours;paid\nA;02.03.2026 09:00:00,250;1.234,5;no\nA;02.03.2026 10:00:00,5;2,25;no\nA;02.03.2026 11:00:00;2,2,5;YES\n";
    let found = read_text(mapping, export).unwrap();
    assert_eq!(found.of("A")[1], "03-02T10:00 hours Some(Number(1234.5)) -> Some(Number(2.25))");
    assert!(found.of("A")[2].contains("Text(\"2,2,5\")"));
    assert_eq!(found.of("A")[3], "03-02T11:00 paid Some(Flag(false)) -> Some(Flag(true))");
    assert_eq!(found.balance.findings(&[])[&Reason::UnknownValue], 1);
}

#[test]
fn an_element_or_an_event_with_a_comment_that_stands_there_twice_is_named() {
    let mapping = "[source]\nformat = \"json\"\nrows = \"words[]\"\n[ticket]\nid = \"id\"\n[row]\nat = \"words[].at\"\ncomment = \"words[].text\"\n";
    let word = "{\"at\": \"2026-03-02T09:00:00Z\", \"text\": \"x\"}";
    let read =
        |words: &str| read_text(mapping, &format!("[{{\"id\": \"A\", \"words\": [{words}]}}]")).unwrap();
    assert_eq!(read(&format!("{word}, {word}")).balance.findings(&[])[&Reason::Doubled], 1);
    // Said again is not written twice.
    let again = format!("{word}, {}", word.replace('{', "{\"n\": 2, "));
    assert!(read(&again).balance.findings(&[]).is_empty());

    let mapping =
        "[source]\nformat = \"xes\"\n[ticket]\nid = \"trace:id\"\n[row]\nat = \"at\"\ncomment = \"text\"\n";
    let event =
        "<event><date key=\"at\" value=\"2026-03-02T09:00:00Z\"/><string key=\"text\" value=\"x\"/></event>";
    let log = format!("<log><trace><string key=\"id\" value=\"A\"/>{event}{event}</trace></log>");
    let found = read_text(mapping, &log).unwrap();
    assert_eq!((found.of("A").len(), found.balance.findings(&[])[&Reason::Doubled]), (3, 1));
}

#[test]
fn a_log_that_ends_before_it_is_closed_is_refused() {
    let mapping = "[source]\nformat = \"xes\"\n[ticket]\nid = \"trace:id\"\n[row]\nat = \"at\"\n";
    let log = "<log><trace><string key=\"id\" value=\"A\"/><event><date key=\"at\" value=\"2026-03-02T09:00:00Z\"/></event></trace>";
    assert!(read_text(mapping, &format!("{log}</log>")).is_ok());
    let error = read_text(mapping, log).err().unwrap();
    assert!(error.contains("it ends inside an element"), "{error}");
}

#[test]
fn all_rows_of_a_record_are_explained_by_its_line() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let header = "ticket,created,at,by,field,old,new\n";
    let row = "A,2026-03-01 08:00,2026-03-02 09:00,ann,Status,New,Work\n";
    file.write_all(format!("{header}{row}").as_bytes()).unwrap();
    let told = super::explain(file.path(), &Mapping::parse(CHANGES).unwrap(), &"2".parse().unwrap()).unwrap();
    // The creation, which no row tells, and the change.
    assert_eq!(told.facts.len(), 2);
}

/// Writes files into a folder.
pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

pub(super) const FILES: &str = r#"
[source]
format = "csv"
member = "tickets.csv"
[files.words]
member = "words*.csv"
key = "ticket"
[files.people]
member = "people.csv"
key = "id"
on = "who"
[files.writers]
member = "people.csv"
key = "id"
on = "words:by"
[ticket]
id = "id"
[row]
at = ["words:at", "changed"]
[milestones]
created = "opened"
resolved = "done"
[requester]
id = "who"
name = "people:name"
[comment]
text = "words:text"
author = "words:by"
author_kind = "writers:role"
default_visibility = "public"
"#;

pub(super) const TICKETS: &str = "id,who,opened,done,changed\nA,r1,2026-03-02T08:00:00Z,2026-03-02T12:00:00Z,2026-03-02T12:00:00Z\nB,r2,2026-03-02T08:00:00Z,,2026-03-02T08:00:00Z\n";
pub(super) const WORDS: &str = "ticket,at,by,text\nA,2026-03-02T11:00:00Z,r1,yes\nA,2026-03-02T09:00:00Z,a1,plugged?\nZ,2026-03-02T09:00:00Z,a1,lost\n";
pub(super) const PEOPLE: &str =
    "id,name,role\na1,Ada,agent\nr1,Ro,customer\nr1,Rob,customer\nr9,Nobody,customer\n";

#[test]
fn files_are_joined_by_their_keys_and_rows_without_a_partner_are_named() {
    let export =
        folder(&[("tickets.csv", TICKETS), ("words-1.csv", WORDS), ("people.csv", PEOPLE), ("readme", "?")]);
    let found = read(FILES, export.path()).unwrap();
    assert_eq!(
        found.of("A"),
        [
            "03-02T08:00 created none none tier 1",
            "03-02T09:00 agent a1: plugged?",
            "03-02T11:00 requester r1: yes",
            "03-02T12:00 resolved 1 by unknown",
        ]
    );
    assert_eq!(found.of("B"), ["03-02T08:00 created none none tier 1"]);
    // The comment of a ticket that is not there, and a requester who is not.
    assert_eq!(found.balance.rows.rejected[&Reason::NoPartner], 1);
    assert_eq!(found.balance.noted[&Reason::NoPartner], 1);
    assert!(
        found.rejects.contains("\n4,Z,") && found.rejects.contains("no row of the file people"),
        "{}",
        found.rejects
    );
    let rows = &found.balance.rows;
    // People twice: as requesters (one found, one replaced, two not asked for), and as writers.
    assert_eq!(
        (rows.read, rows.used, rows.duplicates, rows.without_effect),
        (2 + 3 + 4 + 4, 4 + 1 + 2, 2, 3)
    );
    assert!(found.balance.adds_up(), "{:?}", found.balance);
}

#[test]
fn the_members_of_an_archive_are_joined_like_the_files_of_a_folder() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [("tickets.csv", TICKETS), ("words.csv", WORDS), ("people.csv", PEOPLE)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&zip.finish().unwrap().into_inner()).unwrap();
    let found = read(FILES, file.path()).unwrap();
    assert_eq!(found.of("A").len(), 4);
    let lone = folder(&[("tickets.csv", TICKETS)]);
    let error = read(FILES, lone.path()).err().unwrap();
    assert!(error.contains("words*.csv") || error.contains("people.csv"), "{error}");
    let error = read(FILES, &lone.path().join("tickets.csv")).err().unwrap();
    assert!(error.contains("is no archive and no folder"), "{error}");
}

#[test]
fn a_mapping_of_several_files_must_hold_together() {
    for (from, to, problem) in [
        ("member = \"tickets.csv\"", "", "source.member"),
        ("member = \"tickets.csv\"", "member = \"tickets.csv\"\ngrouped = true", "source.grouped"),
        ("[files.words]", "[files.\"w:x\"]", "a word of letters"),
        ("key = \"ticket\"", "key = \"ticket\"\nformat = \"ocel\"", "must not be ocel"),
        ("[\"words:at\", \"changed\"]", "[\"changed\", \"words:at\"]\nby = \"changed\"", "begins a list"),
    ] {
        let mapping = FILES.replacen(from, to, 1);
        assert_ne!(mapping, FILES);
        let error = Mapping::parse(&mapping).unwrap_err().to_string();
        assert!(error.contains(problem), "{to}: {error}");
    }
}

#[test]
fn thousands_of_people_are_found_on_disk() {
    let (mut tickets, mut people) =
        (String::from("id,who,opened,done,changed\n"), String::from("id,name,role\n"));
    for n in 0..3_000_u32 {
        let time = "2026-03-02T08:00:00Z";
        tickets += &format!("T{n},r{},{time},,{time}\n", n * 7919 % 3_000);
        people += &format!("r{n},Name {n},customer\n");
    }
    let words = "ticket,at,by,text\nT1,2026-03-02T09:00:00Z,r7,hello\n";
    let export = folder(&[("tickets.csv", &tickets), ("words.csv", words), ("people.csv", &people)]);
    let mut reader = open(export.path(), &Mapping::parse(FILES).unwrap(), None).unwrap();
    let mut met = 0;
    for import in reader.by_ref() {
        let import = import.unwrap();
        let created = import.events[0].event.created().unwrap();
        let name = format!("Plain(\"Name {}\")", &created.requester[1..]);
        assert_eq!(format!("{:?}", created.requester_name.as_ref().unwrap()), name);
        met += 1;
    }
    assert_eq!(met, 3_000);
    assert!(reader.balance().findings(&[]).is_empty());
}
