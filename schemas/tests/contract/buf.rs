//! A second opinion from a codec that we did not write: buf lints our files and reads our golden bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use guichet_schemas::record::Record;
use guichet_schemas::{codec, wire};
use prost::Message as _;
use serde_json::Value;

use crate::{files, samples};

/// `buf`: the one that `GUICHET_BUF` names, or on the PATH. CI has it.
fn buf() -> Option<PathBuf> {
    let named = std::env::var_os("GUICHET_BUF").map(PathBuf::from);
    let works = |p: &PathBuf| Command::new(p).arg("--version").output().is_ok_and(|o| o.status.success());
    let found = named.into_iter().chain(["buf".into()]).find(works);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI leaves no test out, but buf is not there");
        eprintln!("SKIPPED: no buf here (pip install buf-bin), so no foreign codec has read our bytes");
    }
    found
}

fn run(command: &mut Command) {
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn the_proto_files_are_clean() {
    let Some(buf) = buf() else { return };
    run(Command::new(buf).arg("lint").arg(files::path("proto")));
}

#[test]
fn a_foreign_codec_reads_and_writes_our_golden_records() {
    let Some(buf) = buf() else { return };
    let records: Vec<_> = samples::events::all().into_iter().map(samples::record).collect();
    let events = records.iter().map(|r| wire::RecordView {
        hash: Vec::new(),
        record: Some(codec::decode_record_wire(&golden(r)).unwrap()),
    });
    let folder = tempdir();
    let [bytes, json, back] = ["view.bin", "view.json", "back.bin"].map(|name| folder.join(name));
    std::fs::write(&bytes, wire::EventsView { events: events.collect() }.encode_to_vec()).unwrap();
    let convert = |from: &Path, to: &Path| {
        let mut command = Command::new(&buf);
        run(command
            .arg("convert")
            .arg(files::path("proto"))
            .args(["--type", "guichet.v1.EventsView", "--from"])
            .arg(from)
            .arg("--to")
            .arg(to));
    };

    convert(&bytes, &json);
    let read: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    for (read, record) in read["events"].as_array().unwrap().iter().map(|e| &e["record"]).zip(&records) {
        let name = record.event.type_name();
        assert_eq!((read["type"].as_str(), read["position"].as_str()), (Some(name), Some("1234")));
        assert_eq!(read["recordedAt"].as_str(), Some(record.recorded_at.0.to_string().as_str()));
        let case = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
        assert!(read[&case].is_object(), "{name} is not in {read}");
    }

    convert(&json, &back);
    let back = wire::EventsView::decode(std::fs::read(&back).unwrap().as_slice()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let back: Vec<_> =
        back.events.into_iter().map(|e| Record::from_wire(e.record.unwrap()).unwrap()).collect();
    assert_eq!(back, records);
}

fn golden(record: &Record) -> Vec<u8> {
    std::fs::read(files::path(&format!("golden/{}.v1.bin", record.event.type_name()))).unwrap()
}

fn tempdir() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("guichet-buf-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
