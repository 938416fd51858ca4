//! A second opinion from a codec that we did not write: buf lints our files and reads our golden bytes.

use std::path::PathBuf;
use std::process::Command;

use guichet_schemas::codec;
use serde_json::Value;

use crate::{files, samples};

/// `buf`, where it is installed: on the PATH, or among the tools of the build.
fn buf() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let places = ["buf".into()].into_iter().chain(home.map(|h| h.join(".cache/guichet/tools/buf")));
    let works = |p: &PathBuf| Command::new(p).arg("--version").output().is_ok_and(|o| o.status.success());
    let found = places.into_iter().find(works);
    if found.is_none() {
        eprintln!("SKIPPED: no buf here (pip install buf-bin), so no foreign codec has read our bytes");
    }
    found
}

fn run(command: &mut Command) -> Vec<u8> {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    out.stdout
}

#[test]
fn the_proto_files_are_clean() {
    let Some(buf) = buf() else { return };
    run(Command::new(buf).arg("lint").arg(files::path("proto")));
}

#[test]
fn a_foreign_codec_reads_and_writes_our_golden_records() {
    let Some(buf) = buf() else { return };
    for event in samples::events::all() {
        let record = samples::record(event);
        let name = record.event.type_name();
        let golden = files::path(&format!("golden/{name}.v1.bin"));
        let convert = |from: &str, to: &str| run(Command::new(&buf).arg("convert").arg(files::path("proto")).args(["--type", "guichet.v1.Record", "--from", from, "--to", to]));

        let json = convert(&format!("{}#format=bin", golden.display()), "-#format=json");
        let read: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((read["type"].as_str(), read["position"].as_str()), (Some(name), Some("1234")));
        assert_eq!(read["recordedAt"].as_str(), Some(record.recorded_at.0.to_string().as_str()));
        let case = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
        assert!(read[&case].is_object(), "{name} is not in {read}");

        let file = std::env::temp_dir().join(format!("guichet-buf-{}-{name}.json", std::process::id()));
        std::fs::write(&file, &json).unwrap();
        let bytes = convert(&format!("{}#format=json", file.display()), "-#format=bin");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(codec::decode_record(&bytes).unwrap(), record);
    }
}
