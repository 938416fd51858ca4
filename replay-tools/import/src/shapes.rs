//! The shapes in which exports come, each read to the end: what is found out is said, what is not there is
//! refused, what stands there twice is a list or named.

use std::io::Write as _;

use guichet_schemas::event::{Conversation, Event, Personal, TicketEvent};

use super::{ImportError, Mapping, open};

struct Read {
    /// Ticket, and the text of each of its comments.
    comments: Vec<(String, Vec<String>)>,
    rejects: String,
}

fn read(mapping: &str, export: &[u8]) -> Result<Read, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let (file, rejects) = (folder.path().join("export"), folder.path().join("rejects.csv"));
    std::fs::write(&file, export).unwrap();
    let mut reader = open(&file, &Mapping::parse(mapping).unwrap(), Some(&rejects))?;
    let mut comments = Vec::new();
    for import in reader.by_ref() {
        let import = import?;
        let texts = import.events.iter().filter_map(|fact| {
            let Event::Ticket(TicketEvent::Conversation(Conversation::CommentAdded(comment))) = &fact.event
            else {
                return None;
            };
            match &comment.body {
                Personal::Plain(text) => Some(text.clone()),
                Personal::Sealed(_) => None,
            }
        });
        comments.push((import.external_id.as_str().to_owned(), texts.collect()));
    }
    drop(reader);
    Ok(Read { comments, rejects: std::fs::read_to_string(rejects).unwrap() })
}

fn mapping(source: &str) -> String {
    format!("[source]\n{source}\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\ncomment = \"text\"\n")
}

fn comment(id: &str, text: &str) -> (String, Vec<String>) {
    (id.to_owned(), vec![text.to_owned()])
}

fn refused(mapping: &str, export: &[u8]) -> String {
    read(mapping, export).err().unwrap().to_string()
}

#[test]
fn a_delimiter_is_found_by_the_columns_of_the_mapping_and_said() {
    let csv = mapping("format = \"csv\"");
    for delimiter in [";", "\t", "|"] {
        let export = "id,at,text\nA,2026-01-01T10:00:00Z,x\n".replace(',', delimiter);
        let read = read(&csv, export.as_bytes()).unwrap();
        assert_eq!(read.comments, [comment("A", "x")]);
        assert!(read.rejects.contains("guessed_delimiter"), "{}", read.rejects);
    }
    let stated = read(&csv, b"sep=;\r\nid;at;text\r\nA;2026-01-01T10:00:00Z;x\r\n").unwrap();
    assert_eq!((stated.comments.as_slice(), stated.rejects.lines().count()), (&[comment("A", "x")][..], 1));
    let against = refused(&mapping("format = \"csv\"\ndelimiter = \",\""), b"sep=;\nid;at;text\n");
    assert!(against.contains("near line 1,") && against.contains("source.delimiter"), "{against}");
}

#[test]
fn lines_in_the_rejects_are_those_of_an_editor() {
    let export = "\u{feff}id,at,text\r\n\r\nA,2026-01-01T10:00:00Z,\"é\r\n\r\nz\"\r\nB,never,x\r\rC,2026-01-01T10:00:00Z\n";
    let read = read(&mapping("format = \"csv\""), export.as_bytes()).unwrap();
    assert_eq!(read.comments, [comment("A", "é\r\n\r\nz")]);
    assert!(read.rejects.contains("\n6,B,") && read.rejects.contains("\n8,,"), "{}", read.rejects);
}

#[test]
fn a_repeated_column_is_a_list_where_the_mapping_takes_one() {
    let export = b"id,at,text,Sprint,Sprint,text\nA,2026-01-01T10:00:00Z,one,1,2,two\n";
    let comments = read(&mapping("format = \"csv\""), export).unwrap().comments;
    assert_eq!(
        comments.iter().map(|(_, texts)| texts.join("")).collect::<String>().matches(['n', 'w']).count(),
        2
    );
    let id = mapping("format = \"csv\"").replace("id = \"id\"", "id = \"Sprint\"");
    let error = refused(&id, export);
    assert!(error.contains("ticket.id") && error.contains("has twice"), "{error}");
}

#[test]
fn a_row_with_misplaced_quotes_is_rejected_and_quotes_in_plain_text_stand() {
    let export = b"id,at,text\nA,2026-01-01T10:00:00Z,27\" screen\nB,2026-01-01T10:00:00Z,\"27\" screen\"\nC,2026-01-01T10:00:00Z,He said \"now\"\n";
    let found = read(&mapping("format = \"csv\""), export).unwrap();
    assert_eq!(found.comments, [comment("A", "27\" screen"), comment("C", "He said \"now\"")]);
    assert!(found.rejects.contains("3,,") && found.rejects.contains("open_quote"), "{}", found.rejects);
    let escaped = b"id,at,text\nA,2026-01-01T10:00:00Z,\"say \\\"now\\\", twice\"\n";
    let found = read(&mapping("format = \"csv\"\nescape = '\\'"), escaped).unwrap();
    assert_eq!(found.comments, [comment("A", "say \"now\", twice")]);
    let told = read(&mapping("format = \"csv\""), escaped).unwrap().rejects;
    assert!(told.contains("source.escape"), "{told}");
}

const ISSUES: &str = r#"{"total": 2, "issues": [
 {"key": "OPS-7", "fields": {"created": "2026-03-02T09:00:00Z"}, "changelog": {"histories": [
   {"created": "2026-03-02T10:00:00Z", "items": [{"to": "Doing"}, {"to": "Done"}]},
   {"created": "2026-03-02T11:00:00Z", "items": [{"to": "Closed"}]}]}},
 {"key": "OPS-8", "fields": {"created": "2026-03-02T09:00:00Z"}, "changelog": {"histories": []}}
]}"#;
const JIRA: &str = "[source]\nformat = \"json\"\nrecords = \"issues[]\"\nrows = \"changelog.histories[].items[]\"\n[ticket]\nid = \"key\"\n[row]\nat = \"changelog.histories[].created\"\ncomment = \"changelog.histories[].items[].to\"\n";

#[test]
fn a_document_is_rows_of_its_inner_lists_and_a_record_without_them_is_named() {
    let found = read(JIRA, ISSUES.as_bytes()).unwrap();
    let texts = ["Doing", "Done", "Closed"].map(str::to_owned).to_vec();
    assert_eq!(found.comments, [("OPS-7".to_owned(), texts)]);
    assert!(found.rejects.contains("5,OPS-8,") && found.rejects.contains("no time"), "{}", found.rejects);
    let absent = refused(&JIRA.replace("items[].to", "items[].into"), ISSUES.as_bytes());
    assert!(absent.contains("row.comment") && absent.contains("items[].into"), "{absent}");
    let nowhere = refused(&JIRA.replace("issues[]", "tickets[]"), ISSUES.as_bytes());
    assert!(nowhere.contains("source.records"), "{nowhere}");
    let cut = refused(JIRA, &ISSUES.as_bytes()[..ISSUES.len() - 3]);
    assert!(cut.contains("it ends within"), "{cut}");
    let lines = JIRA.replace("\"json\"\nrecords = \"issues[]\"", "\"jsonl\"");
    for export in ["[{\"key\": 1}]\n", "{\n\"key\": 1\n}\n"] {
        let error = refused(&lines, export.as_bytes());
        assert!(error.contains("source.format = \"json\""), "{error}");
    }
}

#[test]
fn a_path_that_no_row_has_is_refused_before_anything_is_read_into_a_ticket() {
    let jsonl = mapping("format = \"jsonl\"\ngrouped = true").replace("\"text\"", "\"via.chanel\"");
    let line = "{\"id\": 1, \"at\": \"2026-01-01T10:00:00Z\", \"via\": {\"channel\": \"mail\"}}\n";
    let error = read(&jsonl, line.repeat(3).as_bytes()).err().unwrap();
    assert!(matches!(error, ImportError::Absent { .. }), "{error}");
    assert!(error.to_string().contains("via.chanel"), "{error}");
    // Once is enough, however late, and a null is a value that is not there yet.
    let late = line.repeat(3) + "{\"id\": 1, \"at\": \"2026-01-01T10:00:00Z\", \"via\": null}\n";
    assert!(read(&jsonl, late.as_bytes()).is_ok());
}

#[test]
fn the_members_of_an_archive_are_one_export_and_each_is_named() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("b.csv", "id,at,text\nB,2026-01-01T10:00:00Z,two\nC,never,x\n"),
        ("a.csv", "id,at,text\nA,2026-01-01T10:00:00Z,one\n"),
        ("readme.txt", "nothing"),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let found = read(&mapping("format = \"csv\"\nmember = \"*.csv\""), &bytes).unwrap();
    assert_eq!(found.comments, [comment("A", "one"), comment("B", "two")]);
    assert!(
        found.rejects.contains("\n3,C,") && found.rejects.contains(",unreadable_time,b.csv\n"),
        "{}",
        found.rejects
    );
    assert!(found.rejects.contains("readme.txt") && found.rejects.contains("left_out"), "{}", found.rejects);
    let error = refused(&mapping("format = \"csv\""), &bytes);
    assert!(error.contains("a.csv, b.csv, readme.txt"), "{error}");
}

#[test]
fn xes_holds_lists_and_attributes_within_others() {
    let xes = mapping("format = \"xes\"")
        .replace("id = \"id\"", "id = \"trace:id\"\nfields = [\"cost.currency\"]")
        .replace("\"text\"", "\"notes.text\"");
    let log = "<log><trace><string key=\"id\" value=\"A\"/><event><date key=\"at\" value=\"2026-01-01T10:00:00Z\"/>\
        <float key=\"cost\" value=\"1\"><string key=\"currency\" value=\"EUR\"/></float>\
        <list key=\"notes\"><values><string key=\"text\" value=\"one\"/><string key=\"text\" value=\"two\"/></values></list>\
        </event></trace>\n<event/></log>";
    let found = read(&xes, log.as_bytes()).unwrap();
    assert_eq!(found.comments.len(), 1);
    assert!(found.comments[0].1.concat().contains("one") && found.comments[0].1.concat().contains("two"));
    assert!(found.rejects.contains("left_out"), "{}", found.rejects);
    let twice = log.replace("\"notes\"", "\"at\"").replace("key=\"text\"", "key=\"x\"");
    let named = read(
        &xes.replace("notes.text", "cost.currency")
            .replace("fields = [\"cost.currency\"]", "fields = [\"cost\"]")
            .replace("at = \"at\"", "at = \"at.x\""),
        twice.as_bytes(),
    );
    assert!(named.unwrap().rejects.contains("\"\"at.x\"\" is there twice"));
}

#[test]
fn the_hour_that_comes_twice_is_noted_and_ordered() {
    let csv = mapping("format = \"csv\"\nzone = \"Europe/Paris\"\ndate_formats = [\"%Y-%m-%d %H:%M\"]");
    let export = b"id,at,text\nA,2025-10-26 02:50,x\nA,2025-10-26 02:10,y\nA,2025-03-30 02:30,z\n";
    let told = read(&csv, export).unwrap().rejects;
    assert!(told.contains("2025-10-26T00:50:00.000Z") && told.contains("2025-10-26T01:10:00.000Z"), "{told}");
    assert!(told.contains("repeated_hour") && told.contains("skipped_hour"), "{told}");
    let zones = mapping("format = \"csv\"\nzone_column = \"tz\"\ndate_formats = [\"%Y-%m-%d %H:%M\"]");
    let export = b"id,at,text,tz\nA,2025-07-01 12:00,x,Mars\nA,2025-07-01 12:00,y,Europe/Paris\n";
    let told = read(&zones, export).unwrap();
    assert_eq!(told.comments, [comment("A", "y")]);
    assert!(told.rejects.contains("2,A,") && told.rejects.contains("Mars"), "{}", told.rejects);
}
