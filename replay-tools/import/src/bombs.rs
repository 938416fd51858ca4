//! Files that are small on disk and swell when they are read, each read in a process of its own whose memory
//! is looked at: what is too long is rejected with its line, or the file is refused with the rule.

use std::io::{self, Write};
use std::path::Path;

use super::{ImportError, Mapping, open};

const CSV: &str = "[source]\nformat = \"csv\"\ngrouped = true\n[ticket]\nid = \"id\"\nfields = [\"room\"]\n[row]\nat = \"at\"\ncomment = \"text\"\n";
const XES: &str = "[source]\nformat = \"xes\"\n[ticket]\nid = \"trace:id\"\nfields = [\"room\"]\n[row]\nat = \"at\"\ncomment = \"text\"\n[dedupe]\nby = \"row\"\n";
/// The least size of an unpacked bomb.
const SWOLLEN_MIB: usize = 256;
/// The memory that reading it may take. The longest row is 16 MiB, a ticket 64 MiB and its facts as much again.
const MORE_MIB: u64 = 230;
const MIB: usize = 1024 * 1024;

/// A file, and what must become of it: so many usable tickets and a sentence in the rejects file or the error.
struct Bomb {
    name: &'static str,
    mapping: fn() -> String,
    write: fn(&mut dyn Write) -> io::Result<()>,
    tickets: usize,
    says: &'static str,
}

const BOMBS: &[Bomb] = &[
    Bomb {
        name: "a quote that is never closed",
        mapping: csv,
        write: |out| {
            out.write_all(b"id,at,room,text\nA,2026-01-01T10:00:00Z,1,x\nB,2026-01-01T10:00:00Z,1,\"")?;
            pour(out, b"a,\n")
        },
        tickets: 0,
        says: "near line 3, or not what source.format says: a quote opens here and does not close within 16777216 bytes",
    },
    Bomb {
        name: "a record of millions of columns between two good ones",
        mapping: csv,
        write: |out| {
            out.write_all(b"id,at,room,text\nA,2026-01-01T10:00:00Z,1,x\n")?;
            pour(out, b",,,,")?;
            out.write_all(b"\nB,2026-01-01T10:00:00Z,1,x\n")
        },
        tickets: 2,
        says: "3,,it has more than 4096 columns",
    },
    Bomb {
        name: "a header without an end",
        mapping: csv,
        write: |out| pour(out, b"id,at,room,text,"),
        tickets: 0,
        says: "the header has more than 4096 columns",
    },
    Bomb {
        name: "a value of two mebibytes in a column that is mapped",
        mapping: csv,
        write: |out| {
            out.write_all(b"id,at,room,text\n")?;
            for _ in 0..SWOLLEN_MIB / 2 {
                out.write_all(b"A,2026-01-01T10:00:00Z,1,")?;
                out.write_all(&vec![b'x'; 2 * MIB])?;
                out.write_all(b"\n")?;
            }
            out.write_all(b"B,2026-01-01T10:00:00Z,1,x\n")
        },
        tickets: 1,
        says: "2,A,\"the values of its mapped columns have more than 1048576 bytes together, \"\"text\"\" alone 2097152",
    },
    Bomb {
        name: "a ticket of millions of rows",
        mapping: || format!("{CSV}[dedupe]\nby = [\"text\"]\n"),
        write: |out| {
            out.write_all(b"id,at,room,text\n")?;
            for n in 0..800_000 {
                writeln!(out, "A,2026-01-01T10:00:00Z,1,{n:050}")?;
            }
            out.write_all(b"B,2026-01-01T10:00:00Z,1,x\n")
        },
        tickets: 1,
        says: "2,A,its rows have more than 64 MiB",
    },
    Bomb {
        name: "a ticket whose facts are many times its rows",
        mapping: || format!("{CSV}[group]\ncolumn = \"text\"\nlevel = {{ \"a*\" = 2 }}\n"),
        write: |out| {
            out.write_all(b"id,at,room,text\n")?;
            for n in 0..120_000 {
                writeln!(out, "A,2026-01-01T10:00:00Z,{n},{}", ["a", "b"][n % 2])?;
            }
            out.write_all(b"B,2026-01-01T10:00:00Z,1,x\n")
        },
        tickets: 1,
        says: "2,A,its history has more than 64 MiB",
    },
    Bomb {
        name: "a line of JSON without an end",
        mapping: jsonl,
        write: |out| {
            out.write_all(GOOD_LINE)?;
            out.write_all(b"{\"id\":\"")?;
            pour(out, b"b")?;
            out.write_all(b"\n{\"id\":\"C\",\"at\":\"2026-01-01T10:00:00Z\"}\n")
        },
        tickets: 2,
        says: "2,,it has more than 16777216 bytes",
    },
    Bomb {
        name: "lists of millions of numbers in a column that is mapped",
        mapping: jsonl,
        write: |out| {
            for _ in 0..SWOLLEN_MIB / 15 {
                out.write_all(b"{\"id\":\"A\",\"at\":\"2026-01-01T10:00:00Z\",\"room\":[0")?;
                out.write_all(&b",0".repeat(15 * MIB / 2))?;
                out.write_all(b"]}\n")?;
            }
            out.write_all(GOOD_LINE)
        },
        tickets: 1,
        says: "it has more than 100000 values",
    },
    Bomb {
        name: "brackets within brackets",
        mapping: jsonl,
        write: |out| {
            out.write_all(b"{\"id\":\"A\",\"at\":\"2026-01-01T10:00:00Z\",\"else\":")?;
            out.write_all(&b"[".repeat(15 * MIB))?;
            out.write_all(b"\n")?;
            out.write_all(GOOD_LINE)
        },
        tickets: 1,
        says: "it is not one JSON object",
    },
    Bomb {
        name: "an attribute without an end",
        mapping: xes,
        write: |out| {
            out.write_all(b"<log>\n<trace><string key=\"id\" value=\"")?;
            pour(out, b"a")
        },
        tickets: 0,
        says: "near line 2, or not what source.format says: an element, a text or a comment has more than 16777216 bytes",
    },
    Bomb {
        name: "a comment without an end",
        mapping: xes,
        write: |out| {
            out.write_all(b"<log><!--")?;
            pour(out, b"- ")
        },
        tickets: 0,
        says: "a comment has more than 16777216 bytes",
    },
    Bomb {
        name: "elements within elements",
        mapping: xes,
        write: |out| {
            out.write_all(b"<log><trace>")?;
            pour(out, b"<a>")
        },
        tickets: 0,
        says: "more than 64 elements within each other",
    },
    Bomb {
        name: "an event of millions of attributes between two good ones",
        mapping: xes,
        write: |out| {
            out.write_all(b"<log><trace><string key=\"id\" value=\"A\"/>\n")?;
            out.write_all(GOOD_EVENT)?;
            out.write_all(b"<event>\n")?;
            pour(out, b"<string key=\"k\" value=\"vvvvvvvvvvvvvvvvvvv\"/>")?;
            out.write_all(b"</event></trace><trace><string key=\"id\" value=\"B\"/>")?;
            out.write_all(GOOD_EVENT)?;
            out.write_all(b"</trace></log>")
        },
        tickets: 2,
        says: "2,A,it has more than 16777216 bytes",
    },
    Bomb {
        name: "a trace whose attributes are millions",
        mapping: xes,
        write: |out| {
            out.write_all(b"<log><trace>")?;
            pour(out, b"<string key=\"id\" value=\"vvvvvvvvvvvvvvvvvvvvvv\"/>")?;
            out.write_all(GOOD_EVENT)?;
            out.write_all(b"</trace><trace><string key=\"id\" value=\"B\"/>")?;
            out.write_all(GOOD_EVENT)?;
            out.write_all(b"</trace></log>")
        },
        tickets: 1,
        says: "the mapped attributes of its trace have more than 1048576 bytes",
    },
    Bomb {
        name: "entities of entities",
        mapping: xes,
        write: |out| {
            out.write_all(b"<!DOCTYPE log [<!ENTITY a \"aaaaaaaaaa\">\n")?;
            for n in b'b'..=b'z' {
                let (n, before) = (char::from(n), char::from(n - 1));
                writeln!(out, "<!ENTITY {n} \"{}\">", format!("&{before};").repeat(10))?;
            }
            out.write_all(b"<!ENTITY file SYSTEM \"file:///etc/passwd\">]>\n<log><trace><string key=\"id\" value=\"&z;&file;\"/>")?;
            out.write_all(GOOD_EVENT)?;
            out.write_all(b"</trace></log>")
        },
        tickets: 0,
        says: "unrecognized entity",
    },
];

const GOOD_EVENT: &[u8] = b"<event><date key=\"at\" value=\"2026-01-01T10:00:00Z\"/><string key=\"room\" value=\"\"/><string key=\"text\" value=\"\"/></event>";
const GOOD_LINE: &[u8] = b"{\"id\":\"A\",\"at\":\"2026-01-01T10:00:00Z\",\"room\":null,\"text\":null}\n";

fn csv() -> String {
    CSV.to_owned()
}

fn jsonl() -> String {
    CSV.replace("csv", "jsonl")
}

fn xes() -> String {
    XES.to_owned()
}

/// Writes the same again and again.
fn pour(out: &mut dyn Write, what: &[u8]) -> io::Result<()> {
    let piece = what.repeat(MIB / what.len());
    (0..SWOLLEN_MIB).try_for_each(|_| out.write_all(&piece))
}

/// Peak memory of this process so far, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn no_file_swells_in_memory_and_what_is_too_long_is_named_with_its_line() {
    if let Some(name) = std::env::var_os("GUICHET_TEST_BOMB") {
        let folder = std::env::var_os("GUICHET_TEST_FOLDER").unwrap();
        return set_off(BOMBS.iter().find(|b| name == b.name).unwrap(), Path::new(&folder));
    }
    for bomb in BOMBS {
        let folder = tempfile::tempdir().unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("bombs::no_file_swells_in_memory_and_what_is_too_long_is_named_with_its_line")
            .env("GUICHET_TEST_BOMB", bomb.name)
            .env("GUICHET_TEST_FOLDER", folder.path())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout);
        print!(
            "{}",
            told.lines().find(|l| l.contains("MiB more")).map(|l| format!("{l}\n")).unwrap_or_default()
        );
        assert!(child.status.success(), "{}: {told}{}", bomb.name, String::from_utf8_lossy(&child.stderr));
    }
}

fn set_off(bomb: &Bomb, folder: &Path) {
    let (file, rejects) = (folder.join("export.gz"), folder.join("rejects.csv"));
    let gz = std::fs::File::create(&file).unwrap();
    let mut out = flate2::write::GzEncoder::new(gz, flate2::Compression::fast());
    (bomb.write)(&mut out).unwrap();
    let packed_kib = out.finish().unwrap().metadata().unwrap().len() / 1024;

    let before = peak_mib();
    let mapping = Mapping::parse(&(bomb.mapping)()).unwrap();
    let mut tickets = 0;
    let mut told = String::new();
    match open(&file, &mapping, Some(&rejects)) {
        Err(error) => told = error.to_string(),
        Ok(reader) => {
            for import in reader {
                match import {
                    Ok(import) => tickets += usize::from(import.part == 1),
                    Err(error) => told = error.to_string(),
                }
            }
        }
    }
    let more = peak_mib() - before;
    println!("{}: {packed_kib} KiB packed, {more} MiB more, {tickets} tickets", bomb.name);
    told += &std::fs::read_to_string(&rejects).unwrap_or_default();
    assert!(told.contains(bomb.says), "{:?} is not in {:?}", bomb.says, &told[..told.len().min(2000)]);
    assert_eq!(tickets, bomb.tickets, "{told}");
    assert!(more < MORE_MIB, "{more} MiB");
}

#[test]
fn a_packed_file_that_asks_for_a_window_of_gigabytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.csv.zst");
    let mut out = zstd::Encoder::new(std::fs::File::create(&file).unwrap(), 1).unwrap();
    out.window_log(31).unwrap();
    out.write_all(b"id,at,room,text\n").unwrap();
    out.finish().unwrap();
    let error = open(&file, &Mapping::parse(CSV).unwrap(), None).err().unwrap();
    assert!(matches!(error, ImportError::Read { .. }), "{error}");
}

#[test]
fn many_empty_frames_and_members_are_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()).finish().unwrap();
    let zst = zstd::encode_all(&b""[..], 1).unwrap();
    // A skippable frame of no bytes.
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
    for (name, frames) in
        [("gz", gz.repeat(50_000)), ("zst", [zst, skipped.to_vec()].concat().repeat(50_000))]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, frames).unwrap();
        let error = open(&file, &Mapping::parse(CSV).unwrap(), None).err().unwrap();
        assert!(matches!(error, ImportError::Column { .. }), "{error}");
    }
}

/// The rejects of a small file.
fn rejected(mapping: &str, export: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, rejects) = (folder.path().join("export"), folder.path().join("rejects.csv"));
    std::fs::write(&file, export).unwrap();
    let reader = open(&file, &Mapping::parse(mapping).unwrap(), Some(&rejects)).unwrap();
    assert_eq!(reader.map(Result::unwrap).count(), 0);
    std::fs::read_to_string(rejects).unwrap()
}

#[test]
fn instants_and_numbers_out_of_range_are_rejected_alike_in_every_format() {
    for at in [
        "1899-12-30T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "2200-01-01T00:00:00.001Z",
        "9999-12-31T00:00:00Z",
    ] {
        let reason = format!("\"\"at\"\" is \"\"{at}\"\", which is outside 1970-01-01 to 2200-01-01");
        for told in [
            rejected(&csv(), &format!("id,at,room,text\nA,{at},1,x\n")),
            rejected(&jsonl(), &format!("\n{{\"id\":\"A\",\"at\":\"{at}\",\"room\":null,\"text\":null}}\n")),
            rejected(
                &xes(),
                &format!(
                    "<log>\n<trace><string key=\"id\" value=\"A\"/><event><date key=\"at\" value=\"{at}\"/><string key=\"room\" value=\"\"/><string key=\"text\" value=\"\"/></event></trace></log>"
                ),
            ),
        ] {
            assert!(told.contains("2,A,") && told.contains(&reason), "{told}");
        }
    }
    for number in ["9007199254740993", "-9007199254740993", "18446744073709551616", "1e17"] {
        let told = rejected(
            &jsonl(),
            &format!("\n{{\"id\":\"A\",\"at\":\"2026-01-01T10:00:00Z\",\"room\":{number}}}\n"),
        );
        assert!(
            told.contains("2,A,") && told.contains("\"\"room\"\" is ") && told.contains("2^53"),
            "{told}"
        );
        let kind = if number.contains('e') { "float" } else { "int" };
        let told = rejected(
            &xes(),
            &format!(
                "<log>\n<trace><string key=\"id\" value=\"A\"/><event><{kind} key=\"room\" value=\"{number}\"/><date key=\"at\" value=\"2026-01-01T10:00:00Z\"/></event></trace></log>"
            ),
        );
        assert!(
            told.contains("2,A,") && told.contains("\"\"room\"\" is ") && told.contains("2^53"),
            "{told}"
        );
    }
}
