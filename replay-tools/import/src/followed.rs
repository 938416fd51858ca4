//! A file that grows: each look reads whole histories of the tickets that the new lines are about, and nothing else.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Growing, ImportError, Mapping};

const MAPPING: &str = r#"
[source]
format = "jsonl"
[ticket]
id = "ticket.key"
fields = ["room"]
[row]
at = "at"
by = "by"
"#;

struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("log.jsonl")
    }

    fn grow(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn line(ticket: &str, minute: u32, room: u32) -> String {
    format!(
        "{{\"ticket\": {{\"key\": {ticket}}}, \"at\": \"2026-01-01T10:{minute:02}:00Z\", \"room\": {room}}}\n"
    )
}

fn growing(path: &Path) -> Result<Growing, ImportError> {
    Growing::open(path, &Mapping::parse(MAPPING).unwrap())
}

/// Facts of each ticket, and the lines at which rows were rejected; nothing where nothing came.
fn look(file: &mut Growing) -> Option<(BTreeMap<String, usize>, String)> {
    let rejects = tempfile::tempdir().unwrap();
    let rejects = rejects.path().join("rejects.csv");
    let part = file.look(Some(&rejects)).unwrap()?;
    let mut facts = BTreeMap::<String, usize>::new();
    for import in part.reader {
        let import = import.unwrap();
        *facts.entry(import.external_id.as_str().to_owned()).or_default() += import.events.len();
    }
    file.done();
    Some((facts, std::fs::read_to_string(rejects).unwrap()))
}

fn facts<const N: usize>(of: [(&str, usize); N]) -> BTreeMap<String, usize> {
    of.into_iter().map(|(id, n)| (id.to_owned(), n)).collect()
}

#[test]
fn what_is_new_comes_with_the_whole_history_of_its_tickets() {
    let desk = Desk::new();
    desk.grow(&(line("\"A\"", 0, 1) + &line("7", 1, 1)));
    let mut file = growing(&desk.path()).unwrap();
    // No row has the column row.by: a file that has just begun need not have all of them.
    assert_eq!(look(&mut file).unwrap().0, facts([("A", 1), ("7", 1)]));
    assert!(look(&mut file).is_none(), "nothing came");
    desk.grow(&line("\"7\"", 2, 2)[..20]);
    assert!(look(&mut file).is_none(), "the line is not whole");
    assert_eq!(file.unread().unwrap(), 20);
    desk.grow(&(line("\"7\"", 2, 2)[20..].to_owned() + "no json\n"));
    let (part, rejects) = look(&mut file).unwrap();
    assert_eq!(part, facts([("7", 2)]), "a number and a text are the same id");
    assert!(rejects.lines().nth(1).is_some_and(|line| line.starts_with("4,")), "{rejects}");
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    desk.grow(&line("\"A\"", 3, 2));
    let (part, rejects) = look(&mut file).unwrap();
    assert_eq!(part, facts([("A", 2)]));
    assert_eq!(rejects.lines().count(), 1, "what was rejected before is not told again: {rejects}");
    assert!(file.refuse_absent().unwrap_err().to_string().contains("row.by"));
}

#[test]
fn a_part_that_was_not_imported_comes_again() {
    let desk = Desk::new();
    desk.grow(&line("\"A\"", 0, 1));
    let mut file = growing(&desk.path()).unwrap();
    assert!(file.look(None).unwrap().is_some());
    assert_eq!(look(&mut file).unwrap().0, facts([("A", 1)]));
    assert!(look(&mut file).is_none());
}

#[test]
fn another_file_in_its_place_is_refused_by_name() {
    let refused = |change: fn(&Desk)| {
        let desk = Desk::new();
        desk.grow(&(line("\"A\"", 0, 1) + &line("\"B\"", 0, 1)));
        let mut file = growing(&desk.path()).unwrap();
        look(&mut file).unwrap();
        change(&desk);
        let Err(error) = file.look(None) else { panic!("it was taken for the same file") };
        assert!(matches!(error, ImportError::Rotated { .. }), "{error}");
        error.to_string()
    };
    assert!(refused(|desk| std::fs::write(desk.path(), "").unwrap()).contains("shorter"));
    assert!(refused(|desk| std::fs::remove_file(desk.path()).unwrap()).contains("gone"));
    let rotated = |desk: &Desk| {
        std::fs::rename(desk.path(), desk.dir.path().join("log.1")).unwrap();
        desk.grow(&line("\"A\"", 0, 1).repeat(9));
    };
    assert!(refused(rotated).contains("another file"));
    assert!(
        refused(|desk| {
            let text = std::fs::read_to_string(desk.path()).unwrap().replace("\"A\"", "\"X\"");
            std::fs::write(desk.path(), text + &line("\"C\"", 0, 1)).unwrap();
        })
        .contains("others now")
    );
    assert!(
        refused(|desk| {
            let text = std::fs::read_to_string(desk.path()).unwrap().replace("\"A\"", "\"longer\"");
            std::fs::write(desk.path(), text + &line("\"C\"", 0, 1)).unwrap();
        })
        .contains("others now")
    );
}

#[test]
fn what_does_not_grow_line_by_line_is_refused() {
    let desk = Desk::new();
    desk.grow("x");
    let refused = |mapping: &str, path: &Path| {
        let refused = Growing::open(path, &Mapping::parse(mapping).unwrap()).err().map(|e| e.to_string());
        refused.unwrap_or_else(|| panic!("{mapping}"))
    };
    assert!(refused(&MAPPING.replace("jsonl", "json"), &desk.path()).contains("only JSON lines"));
    let latin = MAPPING.replace("format", "encoding = \"latin1\"\nformat");
    assert!(refused(&latin, &desk.path()).contains("UTF-8"));
    assert!(refused(MAPPING, desk.dir.path()).contains("no file"));
}
