//! Damaged exports. Whatever is cut, lost, doubled, renamed, shifted or mixed in a clean export: it is read as if it
//! were clean, or refused, or the balance names it. Silence is the one thing that does not happen.
//!
//! What no reader can see is left out: a cut between two rows of a file without an end, a line doubled within a text.
//! `GUICHET_LONG=1` damages five thousand exports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use guichet_schemas::time::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::grammar::Format;
use super::shipped::{SAMPLES, sample};
use super::{Mapping, Reason, open};

/// Damaged exports of all samples together.
const RUNS: u64 = 600;
const RUNS_LONG: u64 = 5_000;
/// No sample tells of a later day: 2027-01-01.
const TODAY: Timestamp = Timestamp(1_798_761_600_000);
const TAIL: &str = "[ticket]\nid = \"id\"\nsubject = \"title\"\n[row]\nat = \"at\"\nby = \"by\"\ncomment = \"text\"\n[state]\ncolumn = \"state\"\nmap = { Open = \"open\", Done = \"resolved\" }\n";

/// A clean export.
struct Sample {
    name: String,
    mapping: Mapping,
    /// Its only file, which has no name, or the files of a folder.
    files: Vec<(String, Vec<u8>)>,
}

impl Sample {
    fn of_one(name: &str, mapping: &str, bytes: Vec<u8>) -> Self {
        let mapping = Mapping::parse(mapping).unwrap().as_of(TODAY);
        Self { name: name.to_owned(), mapping, files: vec![(String::new(), bytes)] }
    }

    fn shipped(name: &str, file: &str) -> Self {
        let path = sample(file);
        let mut files = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).unwrap() {
                let entry = entry.unwrap();
                files.push((entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
            }
            files.sort();
        } else {
            files.push((String::new(), std::fs::read(&path).unwrap()));
        }
        Self { name: name.to_owned(), mapping: Mapping::load(name).unwrap().as_of(TODAY), files }
    }

    const fn format(&self) -> Format {
        self.mapping.source.format
    }

    /// Whether its bytes are UTF-8, as far as the mapping says.
    fn is_utf8(&self) -> bool {
        self.mapping.source.encoding.is_none_or(|encoding| encoding == encoding_rs::UTF_8)
    }

    fn delimiter(&self) -> u8 {
        self.mapping.source.delimiter.unwrap_or(b',')
    }

    /// The names, by the last step of their paths, of the columns without whose times a row cannot be used.
    fn times(&self) -> Vec<&str> {
        let m = &self.mapping;
        let others = m.stand_ins.iter().filter(|(slot, _)| *slot == m.at).flat_map(|(_, others)| others);
        let slots = others
            .copied()
            .chain([m.at])
            .chain(m.created())
            .chain(m.milestones.iter().map(|(_, slot)| *slot));
        slots.map(|slot| m.columns[slot].name.rsplit(['.', ':']).next().unwrap_or_default()).collect()
    }
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

fn handmade() -> Vec<Sample> {
    let mapping = |format: &str, more: &str| {
        format!("[source]\nformat = \"{format}\"\ndate_formats = [\"%Y-%m-%d %H:%M:%S\"]\n{more}\n{TAIL}")
    };
    let plain = csv(b',', csv::QuoteStyle::Necessary, csv::Terminator::Any(b'\n'));
    let latin = encoding_rs::WINDOWS_1252.encode(std::str::from_utf8(&plain).unwrap()).0.into_owned();
    let quoted = csv(b';', csv::QuoteStyle::Always, csv::Terminator::CRLF);
    let tabs = csv(b'\t', csv::QuoteStyle::NonNumeric, csv::Terminator::Any(b'\n'));
    let document = format!("{{\"n\": 48, \"tickets\": [\n{}\n]}}\n", objects().join(",\n"));
    let trace = TAIL.replace("id = \"id\"", "id = \"trace:id\"");
    vec![
        Sample::of_one("csv", &mapping("csv", "grouped = true"), plain),
        Sample::of_one("csv with everything quoted", &mapping("csv", "delimiter = \";\""), quoted),
        Sample::of_one("csv in windows-1252", &mapping("csv", "encoding = \"windows-1252\""), latin),
        Sample::of_one("tabs", &mapping("csv", "delimiter = \"\\t\"\nencoding = \"utf-8\""), tabs),
        Sample::of_one("json lines", &mapping("jsonl", ""), (objects().join("\n") + "\n").into_bytes()),
        Sample::of_one("a json document", &mapping("json", "records = \"tickets[]\""), document.into_bytes()),
        Sample::of_one("xes", &mapping("xes", "").replace(TAIL, &trace), xes().into_bytes()),
    ]
}

fn samples() -> Vec<Sample> {
    let shipped = SAMPLES.iter().map(|(name, file, ..)| Sample::shipped(name, file));
    handmade().into_iter().chain(shipped).collect()
}

/// The contents of an export and the names in its balance; or the reason why it is refused.
type Told = Result<(BTreeMap<String, String>, BTreeMap<Reason, u64>), String>;

fn told(mapping: &Mapping, files: &[(String, Vec<u8>)], folder: &Path) -> Told {
    let export = written(files, folder);
    let mut reader = open(&export, mapping, None).map_err(|e| e.to_string())?;
    let mut facts = BTreeMap::<String, String>::new();
    for import in reader.by_ref() {
        let import = import.map_err(|e| e.to_string())?;
        let told = format!("{:?}\n", import.events);
        facts.entry(import.external_id.as_str().to_owned()).or_default().push_str(&told);
    }
    let findings = reader.balance().findings(&[]);
    if facts.is_empty() && findings.is_empty() {
        // The command refuses such a file, whatever it holds.
        return Err("not one ticket comes out of it".to_owned());
    }
    Ok((facts, findings))
}

fn written(files: &[(String, Vec<u8>)], folder: &Path) -> PathBuf {
    let export = folder.join(if files[0].0.is_empty() { "export" } else { "folder" });
    if files[0].0.is_empty() {
        std::fs::write(&export, &files[0].1).unwrap();
        return export;
    }
    if export.exists() {
        std::fs::remove_dir_all(&export).unwrap();
    }
    std::fs::create_dir(&export).unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(export.join(name), bytes).unwrap());
    export
}

const IN_ORDER: &str = "columns in another order";

type Damage = fn(&Sample, &[u8], &mut StdRng) -> Option<Vec<u8>>;

const DAMAGES: &[(&str, Damage)] = &[
    ("cut", cut),
    ("a lost quote", lost_quote),
    ("a doubled line", doubled),
    ("a time in another place", swapped),
    (IN_ORDER, reordered),
    ("a line in another encoding", mixed),
    ("a byte of another encoding", foreign),
    ("a renamed key", renamed),
    ("a shifted time", shifted),
];

/// One of the places.
fn pick<T: Copy>(places: &[T], dice: &mut StdRng) -> Option<T> {
    (!places.is_empty()).then(|| places[dice.random_range(0..places.len())])
}

fn cut(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let cut = &bytes[..dice.random_range(1..bytes.len())];
    let between_rows = match sample.format() {
        Format::Csv => cut.ends_with(b"\n") || cut.ends_with(b"\r"),
        Format::Jsonl | Format::Events => cut.ends_with(b"\n") || bytes[cut.len()] == b'\n',
        Format::Json | Format::Xes | Format::Ocel => false,
    };
    (!between_rows).then(|| cut.to_vec())
}

fn lost_quote(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    // `\"n` without its quote is a line break of JSON, and a text like any other.
    let is_json = matches!(sample.format(), Format::Json | Format::Jsonl);
    let seen = |place: &usize| !is_json || bytes[place - 1] != b'\\';
    let quotes: Vec<usize> = memchr::memchr_iter(b'"', bytes).filter(seen).collect();
    let place = pick(&quotes, dice)?;
    Some([&bytes[..place], &bytes[place + 1..]].concat())
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn doubled(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let mut lines = lines(bytes);
    let place = dice.random_range(0..lines.len());
    let line = String::from_utf8_lossy(lines[place]).into_owned();
    // A line of a text of several lines may well stand there twice.
    let many_lines =
        sample.format() == Format::Csv && sample.name.starts_with(['c', 't']) && sample.files[0].0.is_empty();
    if many_lines && !(line.contains("2026-03-") && line.matches('"').count().is_multiple_of(2)) {
        return None;
    }
    lines.insert(place, lines[place]);
    Some(lines.concat())
}

/// The time of a row where another value of it belongs, and the other way round.
fn swapped(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let times = sample.times();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = dice.random_range(0..lines.len());
    let line = lines[place];
    let swapped = if sample.format() == Format::Csv {
        let delimiter = char::from(sample.delimiter());
        let name = |cell: &str| cell.trim().trim_matches('"').to_owned();
        let header: Vec<String> = lines[0].split(delimiter).map(name).collect();
        let mut cells: Vec<&str> = line.trim_end().split(delimiter).collect();
        let at = header.iter().position(|name| times.contains(&name.as_str()))?;
        if place == 0 || cells.len() != header.len() || cells[at].trim_matches('"').is_empty() || at == 0 {
            return None;
        }
        // The first column is the id of every sample, or leads to it.
        cells.swap(0, at);
        cells.join(&delimiter.to_string()) + &line[line.trim_end().len()..]
    } else {
        let key = pick(&times, dice)?;
        let begin = line.find(&format!("\"{key}\""))? + key.len() + 2;
        let value = begin + line[begin..].find('"')? + 1;
        let end = value + line[value..].find('"')?;
        if !line[value..end].starts_with("20") {
            return None;
        }
        format!("{}some name{}", &line[..value], &line[end..])
    };
    Some([lines[..place].concat(), swapped, lines[place + 1..].concat()].concat().into_bytes())
}

/// Two columns with all their values in each other's place: nothing is damaged by that.
fn reordered(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    if sample.format() != Format::Csv {
        return None;
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).delimiter(sample.delimiter()).from_reader(bytes);
    let mut writer = csv::WriterBuilder::new().delimiter(sample.delimiter()).from_writer(Vec::new());
    let mut columns = None;
    for record in reader.byte_records() {
        let mut cells: Vec<Vec<u8>> = record.ok()?.iter().map(<[u8]>::to_vec).collect();
        let n = cells.len();
        if columns.is_none() && has_twins(&cells) {
            // Of columns of one name the order counts.
            return None;
        }
        let (a, b) = *columns.get_or_insert_with(|| (dice.random_range(0..n), dice.random_range(0..n)));
        cells.swap(a, b);
        writer.write_record(&cells).ok()?;
    }
    writer.into_inner().ok()
}

fn has_twins(cells: &[Vec<u8>]) -> bool {
    (1..cells.len()).any(|n| cells[..n].contains(&cells[n]))
}

/// One line in another encoding than the others.
fn mixed(_: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let lines = lines(bytes);
    let place = dice.random_range(0..lines.len());
    let line = lines[place];
    let other = match std::str::from_utf8(line) {
        Ok(text) if !text.is_ascii() => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        Ok(_) => return None,
        Err(_) => encoding_rs::WINDOWS_1252.decode(line).0.into_owned().into_bytes(),
    };
    Some([lines[..place].concat(), other, lines[place + 1..].concat()].concat())
}

/// A letter of windows-1252 in a file of UTF-8.
fn foreign(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    if !sample.is_utf8() {
        return None;
    }
    let letters: Vec<usize> = (0..bytes.len()).filter(|n| bytes[*n].is_ascii_lowercase()).collect();
    let mut bytes = bytes.to_vec();
    bytes[pick(&letters, dice)?] = 0xe9;
    Some(bytes)
}

/// A key of the file under another name, wherever it stands.
fn renamed(sample: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if sample.format() == Format::Csv {
        let (header, rest) = text.split_once('\n')?;
        let delimiter = char::from(sample.delimiter()).to_string();
        let mut names: Vec<String> = header.split(&delimiter).map(str::to_owned).collect();
        let old = names[dice.random_range(0..names.len())].clone();
        let end = old.trim_end_matches(['"', '\r']).len();
        // Columns of one name are one list.
        names.iter_mut().filter(|name| **name == old).for_each(|name| name.insert_str(end, " (new)"));
        return Some(format!("{}\n{rest}", names.join(&delimiter)).into_bytes());
    }
    let before = if sample.format() == Format::Xes { "key=\"" } else { "\"" };
    let after = if sample.format() == Format::Xes { "\"" } else { "\":" };
    let keys: Vec<&str> = text
        .split(before)
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(key, _)| key))
        .filter(|key| text.contains(&format!("{before}{key}{after}")))
        .collect();
    let key = pick(&keys, dice)?;
    Some(text.replace(&format!("{before}{key}{after}"), &format!("{before}{key}_new{after}")).into_bytes())
}

/// A time of another century.
fn shifted(_: &Sample, bytes: &[u8], dice: &mut StdRng) -> Option<Vec<u8>> {
    let years: Vec<usize> = (1..bytes.len().saturating_sub(5))
        .filter(|n| {
            let year = bytes[*n..].starts_with(b"20") && bytes[n + 2..n + 4].iter().all(u8::is_ascii_digit);
            let dashed = bytes[n + 4] == b'-' && !bytes[n - 1].is_ascii_alphanumeric();
            year && (dashed || (bytes[n + 4] == b' ' && bytes[n - 1] == b'/'))
        })
        .collect();
    let year = pick(&years, dice)?;
    // What is due may lie far ahead.
    let has_due = memchr::memmem::find(&bytes.to_ascii_lowercase(), b"due").is_some();
    let century: &[u8] = if has_due || dice.random_bool(0.5) { b"18" } else { b"21" };
    Some([&bytes[..year], century, &bytes[year + 2..]].concat())
}

#[test]
fn no_damage_passes_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let long = std::env::var_os("GUICHET_LONG").is_some_and(|long| long == "1");
    let samples = samples();
    let clean: Vec<_> = samples.iter().map(|s| told(&s.mapping, &s.files, folder.path()).unwrap()).collect();
    for ((facts, findings), sample) in clean.iter().zip(&samples) {
        assert!(!facts.is_empty(), "{}", sample.name);
        assert!(
            findings.keys().all(|reason| *reason == Reason::GuessedTime),
            "{}: {findings:?}",
            sample.name
        );
    }
    let (mut runs, mut seed) = (0, 0_u64);
    let mut seen = BTreeMap::<&str, [u64; 3]>::new();
    let mut silent = Vec::new();
    while runs < if long { RUNS_LONG } else { RUNS } {
        let mut dice = StdRng::seed_from_u64(seed);
        seed += 1;
        let n = dice.random_range(0..samples.len());
        let (sample, (facts, findings)) = (&samples[n], &clean[n]);
        let (how, damage) = DAMAGES[dice.random_range(0..DAMAGES.len())];
        let mut files = sample.files.clone();
        let file = dice.random_range(0..files.len());
        let Some(bytes) = damage(sample, &files[file].1, &mut dice) else { continue };
        files[file].1 = bytes;
        runs += 1;
        let outcome = match told(&sample.mapping, &files, folder.path()) {
            Ok(same) if (&same.0, &same.1) == (facts, findings) => 0,
            Err(why) if how == IN_ORDER => {
                silent.push(format!("{}, seed {}: {how} refused: {why}", sample.name, seed - 1));
                continue;
            }
            Err(_) => 1,
            Ok((_, now)) if now != *findings => 2,
            Ok(_) => {
                silent.push(format!("{}, file {:?}, seed {}: {how}", sample.name, files[file].0, seed - 1));
                continue;
            }
        };
        seen.entry(how).or_default()[outcome] += 1;
    }
    println!("{runs} damaged exports of {} samples; right, refused, named: {seen:?}", samples.len());
    assert!(silent.is_empty(), "{} passed in silence: {silent:#?}", silent.len());
    assert_eq!(seen.len(), DAMAGES.len(), "{seen:?}");
    assert_eq!(seen[IN_ORDER][1..], [0, 0], "{seen:?}");
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
