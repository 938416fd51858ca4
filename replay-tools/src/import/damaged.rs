//! Damaged exports. Whatever is cut, lost, doubled or mixed in a clean export: it is read as if it were clean,
//! or refused, or the balance names it. Silence is the one thing that does not happen.
//!
//! What no reader can see is left out: a cut between two rows, a line doubled within a text.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Mapping, Reason, open};

const RUNS: u64 = 300;
const TAIL: &str = "[ticket]\nid = \"id\"\nsubject = \"title\"\n[row]\nat = \"at\"\nby = \"by\"\ncomment = \"text\"\n[state]\ncolumn = \"state\"\nmap = { Open = \"open\", Done = \"resolved\" }\n";

/// A clean export.
struct Sample {
    name: &'static str,
    mapping: String,
    bytes: Vec<u8>,
    format: &'static str,
}

/// Rows of twelve tickets: id, at, by, state, title, text.
fn rows() -> Vec<[String; 6]> {
    const TEXTS: [&str; 6] = [
        "",
        "plain words",
        "cassé, encore",
        "he said \"now\", twice",
        "first line\nsecond, line\n\nlast line",
        "a 27\" screen\nand: été; hiver",
    ];
    let mut rows = Vec::new();
    for ticket in 0..12_usize {
        for step in 0..4_usize {
            let at = format!("2026-03-{:02} 1{step}:{:02}:00", ticket + 1, ticket * 3);
            rows.push([
                format!("T-{ticket}"),
                at,
                format!("agent {}", (ticket + step) % 3),
                ["Open", "Open", "Open", "Done"][step].to_owned(),
                format!("Écran {ticket}"),
                TEXTS[(ticket + step) % TEXTS.len()].to_owned(),
            ]);
        }
    }
    rows
}

const COLUMNS: [&str; 6] = ["id", "at", "by", "state", "title", "text"];

fn csv(delimiter: u8, quotes: csv::QuoteStyle, end: csv::Terminator) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .quote_style(quotes)
        .terminator(end)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS).unwrap();
    rows().iter().for_each(|row| writer.write_record(row).unwrap());
    writer.into_inner().unwrap()
}

fn objects() -> Vec<String> {
    let object = |row: &[String; 6]| {
        let fields = COLUMNS.iter().zip(row).map(|(key, value)| ((*key).to_owned(), value.clone().into()));
        serde_json::Value::Object(fields.collect()).to_string()
    };
    rows().iter().map(object).collect()
}

fn xes() -> String {
    let mut log = String::from("<log>\n");
    for trace in rows().chunks(4) {
        log += &format!("<trace>\n<string key=\"id\" value=\"{}\"/>\n", trace[0][0]);
        for row in trace {
            log += "<event>";
            for (key, value) in COLUMNS.iter().zip(row).skip(1) {
                let value = quick_xml::escape::escape(value.as_str()).replace('\n', "&#10;");
                log += &format!("<string key=\"{key}\" value=\"{value}\"/>");
            }
            log += "</event>\n";
        }
        log += "</trace>\n";
    }
    log + "</log>\n"
}

fn samples() -> Vec<Sample> {
    let mapping = |format: &str, more: &str| {
        format!("[source]\nformat = \"{format}\"\ndate_formats = [\"%Y-%m-%d %H:%M:%S\"]\n{more}\n{TAIL}")
    };
    let plain = csv(b',', csv::QuoteStyle::Necessary, csv::Terminator::Any(b'\n'));
    let latin =
        |bytes: &[u8]| encoding_rs::WINDOWS_1252.encode(std::str::from_utf8(bytes).unwrap()).0.into_owned();
    let mut samples = vec![
        Sample {
            name: "csv",
            mapping: mapping("csv", "grouped = true"),
            bytes: plain.clone(),
            format: "csv",
        },
        Sample {
            name: "csv with everything quoted",
            mapping: mapping("csv", "delimiter = \";\""),
            bytes: csv(b';', csv::QuoteStyle::Always, csv::Terminator::CRLF),
            format: "csv",
        },
        Sample {
            name: "csv in windows-1252",
            mapping: mapping("csv", "encoding = \"windows-1252\""),
            bytes: latin(&plain),
            format: "csv",
        },
        Sample {
            name: "tabs",
            mapping: mapping("csv", "delimiter = \"\\t\"\nencoding = \"utf-8\""),
            bytes: csv(b'\t', csv::QuoteStyle::NonNumeric, csv::Terminator::Any(b'\n')),
            format: "csv",
        },
        Sample {
            name: "json lines",
            mapping: mapping("jsonl", ""),
            bytes: (objects().join("\n") + "\n").into_bytes(),
            format: "json",
        },
        Sample {
            name: "a json document",
            mapping: mapping("json", "records = \"tickets[]\""),
            bytes: format!("{{\"n\": 48, \"tickets\": [\n{}\n]}}\n", objects().join(",\n")).into_bytes(),
            format: "json",
        },
    ];
    let trace = TAIL.replace("id = \"id\"", "id = \"trace:id\"");
    let mapping = mapping("xes", "").replace(TAIL, &trace);
    samples.push(Sample { name: "xes", mapping, bytes: xes().into_bytes(), format: "xes" });
    samples
}

/// What an export says, and what the balance names; or why it is refused.
type Told = Result<(BTreeMap<String, String>, BTreeMap<Reason, u64>), String>;

fn told(mapping: &str, bytes: &[u8], folder: &Path) -> Told {
    let file = folder.join("export");
    std::fs::write(&file, bytes).unwrap();
    let mut reader = open(&file, &Mapping::parse(mapping).unwrap(), None).map_err(|e| e.to_string())?;
    let mut facts = BTreeMap::<String, String>::new();
    for import in reader.by_ref() {
        let import = import.map_err(|e| e.to_string())?;
        let told = format!("{:?}\n", import.events);
        facts.entry(import.external_id.as_str().to_owned()).or_default().push_str(&told);
    }
    Ok((facts, reader.balance().findings(&[])))
}

/// The damaged bytes, and how they were damaged; `None` where this damage cannot be seen.
fn damage(sample: &Sample, dice: &mut StdRng) -> Option<(Vec<u8>, &'static str)> {
    let bytes = &sample.bytes;
    match dice.random_range(0..5) {
        0 => {
            let cut = &bytes[..dice.random_range(1..bytes.len())];
            (!cut.ends_with(b"\n") && !cut.ends_with(b"\r")).then(|| (cut.to_vec(), "cut"))
        }
        1 => {
            // `\"n` without its quote is a line break of JSON, and a text like any other.
            let seen = |place: &usize| sample.format != "json" || bytes[place - 1] != b'\\';
            let quotes: Vec<usize> = memchr::memchr_iter(b'"', bytes).filter(seen).collect();
            let place = quotes[dice.random_range(0..quotes.len())];
            Some(([&bytes[..place], &bytes[place + 1..]].concat(), "a lost quote"))
        }
        2 => doubled(sample, dice),
        3 => swapped(sample, dice),
        _ => mixed(sample, dice),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A row that is one line, twice.
fn doubled(sample: &Sample, dice: &mut StdRng) -> Option<(Vec<u8>, &'static str)> {
    let mut lines = lines(&sample.bytes);
    let place = dice.random_range(1..lines.len());
    let line = String::from_utf8_lossy(lines[place]).into_owned();
    // The last element of a list has no comma after it.
    let whole = match sample.format {
        "csv" => line.contains("2026-03-") && line.matches('"').count().is_multiple_of(2),
        "json" => line.contains("2026-03-") && (sample.name == "json lines" || line.ends_with(",\n")),
        _ => false,
    };
    lines.insert(place, lines[place]);
    whole.then(|| (lines.concat(), "a doubled line"))
}

/// The ticket and the time of a row in each other's place.
fn swapped(sample: &Sample, dice: &mut StdRng) -> Option<(Vec<u8>, &'static str)> {
    let text = String::from_utf8(sample.bytes.clone()).ok()?;
    let rows = rows();
    let row = &rows[dice.random_range(0..rows.len())];
    let swapped = match sample.format {
        "csv" => {
            let delimiter = text.as_bytes()[text.find("at")? - 1..].first().copied()?;
            let quote = if text.starts_with('"') { "\"" } else { "" };
            let between =
                format!("{quote}{}{quote}", char::from(if quote.is_empty() { delimiter } else { b';' }));
            text.replacen(
                &format!("{}{between}{}", row[0], row[1]),
                &format!("{}{between}{}", row[1], row[0]),
                1,
            )
        }
        "json" => text.replacen(&format!("\"at\":\"{}\"", row[1]), "\"at\":\"?\"", 1).replacen(
            &format!("\"by\":\"{}\"", row[2]),
            &format!("\"by\":\"{}\"", row[1]),
            1,
        ),
        _ => return None,
    };
    (swapped != text).then(|| (swapped.into_bytes(), "swapped columns"))
}

/// One line in another encoding than the others.
fn mixed(sample: &Sample, dice: &mut StdRng) -> Option<(Vec<u8>, &'static str)> {
    let lines = lines(&sample.bytes);
    let place = dice.random_range(0..lines.len());
    let line = lines[place];
    let other = match std::str::from_utf8(line) {
        Ok(text) if !text.is_ascii() => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        Ok(_) => return None,
        Err(_) => encoding_rs::WINDOWS_1252.decode(line).0.into_owned().into_bytes(),
    };
    let bytes = [lines[..place].concat(), other, lines[place + 1..].concat()].concat();
    Some((bytes, "mixed encodings"))
}

#[test]
fn no_damage_passes_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    for sample in samples() {
        let (clean, findings) = told(&sample.mapping, &sample.bytes, folder.path()).unwrap();
        assert_eq!((clean.len(), findings), (12, BTreeMap::new()), "{}", sample.name);
        let mut seen = BTreeMap::<&str, [u64; 3]>::new();
        for seed in 0..RUNS {
            let mut dice = StdRng::seed_from_u64(seed);
            let Some((bytes, how)) = damage(&sample, &mut dice) else { continue };
            let outcome = match told(&sample.mapping, &bytes, folder.path()) {
                Err(_) => 0,
                Ok((_, findings)) if !findings.is_empty() => 1,
                Ok((facts, _)) => {
                    assert_eq!(facts, clean, "{}, seed {seed}: {how} passed in silence", sample.name);
                    2
                }
            };
            seen.entry(how).or_default()[outcome] += 1;
        }
        println!("{}: refused, named, right: {seen:?}", sample.name);
        let most = if sample.format == "xes" { 3 } else { 5 };
        assert!(seen.len() >= most - 1, "{}: {seen:?}", sample.name);
    }
}

/// A file of thousands of tickets with one quote lost is never a file of a few.
#[test]
fn a_lost_quote_in_a_long_file_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (file, rejects) = (folder.path().join("export"), folder.path().join("rejects.csv"));
    let mapping = format!("[source]\nformat = \"csv\"\n{TAIL}");
    for (text, next) in
        [("\"27 inch screen", "Mouse"), ("\"open", "\"quoted, title\""), ("\"open", "\", begins so\"")]
    {
        let mut export = String::from("id,at,by,state,title,text\n");
        for n in 1..=5000 {
            let title = match n {
                2500 => text,
                2501 => next,
                _ => "Cable",
            };
            export += &format!("{n},2026-03-02T09:00:00Z,ann,Open,{title},x\n");
        }
        std::fs::write(&file, &export).unwrap();
        if rejects.exists() {
            std::fs::remove_file(&rejects).unwrap();
        }
        let mut reader = open(&file, &Mapping::parse(&mapping).unwrap(), Some(&rejects)).unwrap();
        let error = reader.by_ref().find_map(Result::err).unwrap().to_string();
        assert!(error.contains("near line 2501,") && error.contains("quote"), "{error}");
        drop(reader);
        let told = std::fs::read_to_string(&rejects).unwrap();
        assert!(told.contains("\n2501,") && told.contains("open_quote"), "{told}");
    }
}
