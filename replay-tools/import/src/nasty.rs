//! Exports as strangers have them: what a spreadsheet, a copy or a careless program does to them is refused or counted.

use std::io::Write as _;

use guichet_schemas::command::{Fact, limits};
use guichet_schemas::text;

use super::{Balance, ImportError, Mapping, Reason, open};

struct Out {
    tickets: Vec<(String, Vec<Fact>)>,
    balance: Balance,
    rejects: String,
}

fn read(mapping: &str, export: &[u8]) -> Result<Out, ImportError> {
    let room = tempfile::tempdir().unwrap();
    let (file, rejects) = (room.path().join("export"), room.path().join("rejects.csv"));
    std::fs::write(&file, export).unwrap();
    let mapping = Mapping::parse(mapping)?;
    let mut tickets = Vec::new();
    for import in open(&file, &mapping, Some(&rejects))? {
        let import = import?;
        tickets.push((import.external_id.as_str().to_owned(), import.events));
    }
    let balance = open(&file, &mapping, None)?.check()?;
    assert!(balance.adds_up(), "{balance:?}");
    Ok(Out { tickets, balance, rejects: std::fs::read_to_string(rejects).unwrap() })
}

fn mapping(format: &str, more: &str) -> String {
    format!("[source]\nformat = \"{format}\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n{more}")
}

#[test]
fn ids_that_a_spreadsheet_spoilt_are_rejected_before_two_tickets_become_one() {
    let ids =
        ["1.00045E+11", "1.00045E+11", "2E+05", "#REF!", "#N/A", "1.5", "E+1", "12E+05", "1e5", "007", "7"];
    let rows: String = ids.iter().map(|id| format!("{id},2026-01-01T10:00:00Z\n")).collect();
    let out = read(&mapping("csv", ""), format!("id,at\n{rows}").as_bytes()).unwrap();
    assert_eq!(out.balance.rows.rejected[&Reason::BadTicketId], 5);
    assert_eq!(
        out.tickets.iter().map(|t| t.0.as_str()).collect::<Vec<_>>(),
        ["007", "1.5", "12E+05", "1e5", "7", "E+1"]
    );
    assert!(out.rejects.contains("2,1.00045E+11,") && out.rejects.contains("has rounded"), "{}", out.rejects);
}

#[test]
fn a_number_that_is_an_id_has_one_way_to_be_written() {
    let ids = ["1", "1.0", "1e5", "100000", "-0", "true", "9007199254740993", "\"1.0\"", "null"];
    let lines: String =
        ids.iter().map(|id| format!("{{\"id\":{id},\"at\":\"2026-01-01T10:00:00Z\"}}\n")).collect();
    let out = read(&mapping("jsonl", ""), lines.as_bytes()).unwrap();
    assert_eq!(out.tickets.iter().map(|t| t.0.as_str()).collect::<Vec<_>>(), ["1", "1.0", "100000"]);
    assert_eq!(out.balance.rows.rejected[&Reason::Unreadable], 5);
    assert_eq!(out.balance.rows.rejected[&Reason::NoTicket], 1);
    assert!(
        out.rejects.contains("\"\"id\"\" is 1e5; the id of a ticket is a text or a whole number"),
        "{}",
        out.rejects
    );
}

#[test]
fn a_key_that_is_there_twice_is_named_though_it_holds_objects() {
    let line =
        "{\"id\":1,\"at\":\"2026-01-01T10:00:00Z\",\"via\":{\"channel\":\"email\"},\"via\":{\"x\":1}}\n";
    let good = "{\"id\":2,\"at\":\"2026-01-01T10:00:00Z\",\"via\":{\"channel\":\"email\"},\"x\":1,\"x\":2}\n";
    let channel = mapping("jsonl", "").replace("[row]", "channel = \"via.channel\"\n[row]");
    let out = read(&channel, format!("{line}{good}").as_bytes()).unwrap();
    assert_eq!(out.tickets.len(), 1);
    assert!(out.rejects.contains("\"\"via\"\" is there twice"), "{}", out.rejects);
}

#[test]
fn an_archive_with_two_members_of_one_name_is_refused() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.csv", "b.csv"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"id,at\nA,2026-01-01T10:00:00Z\n").unwrap();
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    // No writer of archives does it on purpose; appending to one does.
    let from = bytes.windows(5).filter(|name| *name == b"b.csv").count();
    assert_eq!(from, 2);
    while let Some(place) = bytes.windows(5).position(|name| name == b"b.csv") {
        bytes[place] = b'a';
    }
    let all = mapping("csv", "").replace("[ticket]", "member = \"*.csv\"\n[ticket]");
    let error = read(&all, &bytes).err().unwrap().to_string();
    assert!(error.contains("says that it has 2 members, and has 1"), "{error}");
}

#[test]
fn a_milestone_before_the_creation_is_counted_and_says_which() {
    let milestones = mapping("csv", "[milestones]\ncreated = \"opened\"\nresolved = \"done\"\n");
    let export = "id,at,opened,done\n\
        A,2026-01-03T10:00:00Z,2026-01-02T10:00:00Z,1970-01-01T00:00:00Z\n\
        B,2026-01-03T10:00:00Z,2026-01-02T10:00:00Z,2026-01-02T10:00:00Z\n\
        C,2026-01-03T10:00:00Z,2026-01-02T10:00:00Z,\n";
    let out = read(&milestones, export.as_bytes()).unwrap();
    assert_eq!(out.balance.noted[&Reason::ImplausibleTime], 1);
    let line = out.rejects.lines().find(|line| line.contains("implausible_time")).unwrap();
    assert!(
        line.starts_with("2,A,\"\"\"done\"\" is of 1970-01-01T00:00:00.000Z, before the ticket was created"),
        "{line}"
    );
    assert_eq!(out.tickets.len(), 3);
}

#[test]
fn a_comment_that_comes_twice_is_counted_however_far_apart() {
    let comments = mapping("csv", "comment = \"text\"\n").replace("[row]", "fields = [\"room\"]\n[row]");
    let export = "id,at,room,text\n\
        A,2026-01-01T10:00:00Z,1,hello\n\
        B,2026-01-01T10:00:00Z,1,hello\n\
        A,2026-01-02T10:00:00Z,2,hello\n\
        A,2026-01-01T10:00:00Z,1,hello\n";
    let out = read(&comments, export.as_bytes()).unwrap();
    assert_eq!(out.balance.noted[&Reason::Doubled], 1);
    assert!(
        out.rejects.contains("\n5,A,") && out.rejects.contains("its row stands there twice"),
        "{}",
        out.rejects
    );
}

#[test]
fn every_limit_of_a_live_command_is_kept_and_cut_only_where_the_mapping_says_so() {
    let long = |limit: usize| format!("\"{}\"", "x".repeat(limit + 1));
    let tags = (0..=limits::TAGS).map(|n| format!("\"t{n}\"")).collect::<Vec<_>>().join(",");
    let cases = [
        ("title", long(text::Subject::CHARACTERS), Reason::Cut),
        ("body", long(text::Body::BYTES), Reason::Cut),
        ("area", long(text::CategoryPath::CHARACTERS), Reason::Cut),
        ("tags", format!("[{tags}]"), Reason::Cut),
        ("tags", format!("[{}]", long(text::Tag::CHARACTERS)), Reason::Cut),
        ("done", long(text::Note::BYTES), Reason::Cut),
        ("product", long(text::Label::CHARACTERS), Reason::Cut),
        // Half a field may be another value.
        ("room", long(limits::FIELDS_BYTES), Reason::OverLimit),
    ];
    let keys = ["title", "body", "area", "tags", "done", "product", "room"];
    for (key, value, where_cut) in cases {
        let others: String =
            keys.iter().filter(|other| **other != key).map(|other| format!(",\"{other}\":\"x\"")).collect();
        let line = format!("{{\"id\":1,\"at\":\"2026-01-01T10:00:00Z\",\"{key}\":{value}{others}}}\n");
        for (too_long, reason) in [("reject", Reason::OverLimit), ("cut", where_cut)] {
            let mapping = format!(
                "[source]\nformat = \"jsonl\"\ntoo_long = \"{too_long}\"\n[ticket]\nid = \"id\"\nsubject = \"title\"\n\
                 description = \"body\"\ncategory = \"area\"\ntags = \"tags\"\nproduct = \"product\"\nfields = [\"room\"]\n\
                 [row]\nat = \"at\"\n[resolution]\nsummary = \"done\"\n"
            );
            let out = read(&mapping, line.as_bytes()).unwrap();
            let found: Vec<_> = out.balance.findings(&[]).into_iter().collect();
            assert_eq!(found, [(reason, 1)], "{key}, {too_long}: {}", out.rejects);
            assert_eq!(out.tickets.len(), usize::from(reason == Reason::Cut), "{key}, {too_long}");
        }
    }
}

#[test]
fn a_pipe_is_read_once_and_refused_at_its_end_where_it_lacks_a_column() {
    let room = tempfile::tempdir().unwrap();
    let pipe = room.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let read = |more: &str| {
        let to = pipe.clone();
        let writer =
            std::thread::spawn(move || std::fs::write(to, "{\"id\":1,\"at\":\"2026-01-01T10:00:00Z\"}\n"));
        let balance = open(&pipe, &Mapping::parse(&mapping("jsonl", more)).unwrap(), None).unwrap().check();
        writer.join().unwrap().unwrap();
        balance
    };
    assert_eq!(read("").unwrap().tickets.new, 1);
    let error = read("comment = \"text\"\n").unwrap_err();
    assert!(matches!(&error, ImportError::Absent { column, .. } if column == "text"), "{error}");
}
