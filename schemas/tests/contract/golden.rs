//! The bytes of every event version, kept for ever: what is once released must read and write the same in
//! every later program.

use guichet_schemas::codec;
use guichet_schemas::event::Event;
use guichet_schemas::record::Record;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};
use sha2::{Digest, Sha256};

use crate::schema::plain_fields;
use crate::{descriptors, files, samples};

const FOLDER: &str = "golden";
const RELEASED: &str = "RELEASED";

fn name(record: &Record, ending: &str) -> String {
    format!("{}.v{}.{ending}", record.event.type_name(), record.event.schema_version())
}

fn records() -> Vec<Record> {
    samples::events::all().into_iter().map(samples::record).collect()
}

fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `(sha256, file name)` of each line.
fn released(list: &str) -> Vec<(String, String)> {
    let lines = list.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|l| {
            l.split_once("  ")
                .map(|(sum, name)| (sum.to_owned(), name.to_owned()))
                .expect("<sha256>  <file>, as of sha256sum")
        })
        .collect()
}

fn released_list() -> String {
    std::fs::read_to_string(files::path(&format!("{FOLDER}/{RELEASED}"))).unwrap()
}

/// Like [`files::keep`], but what is released is never rewritten.
fn keep(list: &[(String, String)], file: &str, bytes: &[u8]) -> Result<(), String> {
    match list.iter().find(|(_, name)| name == file) {
        Some((released, _)) if *released != sum(bytes) => Err(format!(
            "{file} is released and would change: logs out there hold such bytes; add a new version of the event instead"
        )),
        Some(_) | None => files::keep(&format!("{FOLDER}/{file}"), bytes),
    }
}

#[test]
fn every_event_version_has_its_golden_bytes_and_reads_and_writes_them_the_same() {
    let list = released(&released_list());
    let mut wrong = Vec::new();
    for record in records() {
        let bytes = codec::encode_record(record.clone());
        let mut json = serde_json::to_vec_pretty(&record.clone().into_wire()).unwrap();
        json.push(b'\n');
        wrong.extend(keep(&list, &name(&record, "bin"), &bytes).err());
        wrong.extend(keep(&list, &name(&record, "json"), &json).err());
        let kept =
            std::fs::read(files::path(&format!("{FOLDER}/{}", name(&record, "bin")))).unwrap_or_default();
        match codec::decode_record(&kept) {
            Ok(found) => {
                assert_eq!(found, record);
                assert_eq!(codec::encode_record(found), kept);
            }
            Err(e) => wrong.push(format!("{}: {e}", name(&record, "bin"))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_a_golden_file_for_each_type_and_no_other() {
    let types: Vec<_> = samples::events::all().iter().map(Event::type_name).collect();
    assert_eq!(types, Event::TYPES, "samples::events must hold every type, in order");
    let mut expected: Vec<String> =
        records().iter().flat_map(|r| [name(r, "bin"), name(r, "json")]).collect();
    expected.push(RELEASED.to_owned());
    // Versions that we no longer write stay here for ever.
    expected.extend(released(&released_list()).into_iter().map(|(_, name)| name));
    expected.sort();
    expected.dedup();
    assert_eq!(files::names(FOLDER), expected);
}

#[test]
fn golden_records_leave_no_field_empty() {
    fn inside(path: &str, message: &DynamicMessage, field: &FieldDescriptor, empty: &mut Vec<String>) {
        let path = format!("{path}.{}", field.name());
        if !message.has_field(field) {
            empty.push(path);
        } else if let Value::Message(inner) = message.get_field(field).as_ref() {
            check(&path, inner, empty);
        }
    }
    fn check(path: &str, message: &DynamicMessage, empty: &mut Vec<String>) {
        let descriptor = message.descriptor();
        for field in plain_fields(&descriptor) {
            inside(path, message, &field, empty);
        }
        for oneof in descriptor.oneofs().filter(|o| !o.is_synthetic()) {
            match oneof.fields().find(|f| message.has_field(f)) {
                Some(field) => inside(path, message, &field, empty),
                None => empty.push(format!("{path}.{}", oneof.name())),
            }
        }
    }
    let mut empty = Vec::new();
    for record in records() {
        let bytes = codec::encode_record(record.clone());
        let message = DynamicMessage::decode(descriptors::message("Record"), bytes.as_slice()).unwrap();
        check(record.event.type_name(), &message, &mut empty);
    }
    assert!(empty.is_empty(), "without a value in the samples: {empty:?}");
}

#[test]
fn released_files_are_as_they_were_released() {
    for (sum_then, file) in released(&released_list()) {
        let bytes = std::fs::read(files::path(&format!("{FOLDER}/{file}"))).unwrap();
        assert_eq!(sum(&bytes), sum_then, "{file} is released and has changed");
    }
}

#[test]
fn a_released_file_is_not_rewritten_even_when_asked() {
    let list = released(&format!("# comment\n{}  TicketClosed.v1.bin\n", sum(b"released")));
    assert!(keep(&list, "TicketClosed.v1.bin", b"other bytes").unwrap_err().contains("is released"));
}

#[test]
fn the_list_of_released_files_only_ever_grew() {
    let git = |args: &[&str]| {
        let out =
            std::process::Command::new("git").args(args).current_dir(files::path(FOLDER)).output().ok()?;
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let Some(commits) = git(&["log", "--format=%H", "--", RELEASED]) else {
        eprintln!("SKIPPED: no git history here, so nobody checks that {RELEASED} only grew");
        return;
    };
    let now = released(&released_list());
    for commit in commits.lines() {
        let Some(then) = git(&["show", &format!("{commit}:./{RELEASED}")]) else { continue };
        let then = released(&then);
        assert!(now.starts_with(&then), "{RELEASED} lost or changed a line since {commit}; restore it");
    }
}
