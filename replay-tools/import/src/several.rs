//! Exports of several files: named one by one, in a folder or in an archive. What is not read is named, and so is the file
//! of whatever is said of a row.

use std::path::{Path, PathBuf};

use super::changed::{FILES, PEOPLE, TICKETS, WORDS, folder};
use super::{Balance, Export, ImportError, Mapping, Reason, Which, explain, open};
use guichet_client::exit;

const CSV: &str = "[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\nsubject = \"title\"\nfields = [\"room\"]\n[row]\nat = \"at\"\n";

struct Found {
    /// Ticket, its subject and how many facts it has.
    tickets: Vec<(String, String, usize)>,
    balance: Balance,
    rejects: String,
}

fn read(export: impl Into<Export>, mapping: &str) -> Result<Found, ImportError> {
    let room = tempfile::tempdir().unwrap();
    let rejects = room.path().join("rejects.csv");
    let (export, mapping) = (export.into(), Mapping::parse(mapping)?);
    let reader = open(export.clone(), &mapping, Some(&rejects))?;
    let mut tickets = Vec::new();
    for import in reader {
        let import = import?;
        let subject = format!("{:?}", import.events[0].event.created().unwrap().subject);
        tickets.push((import.external_id.as_str().to_owned(), subject, import.events.len()));
    }
    let balance = open(export, &mapping, None)?.check()?;
    Ok(Found { tickets, balance, rejects: std::fs::read_to_string(rejects).unwrap() })
}

fn paths(folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).collect()
}

const FIRST: &str = "id,at,title,room\nA,2026-01-01T10:00:00Z,first,1\n";
const SECOND: &str =
    "id,at,title,room\nB,2026-01-02T10:00:00Z,second,1\nC,never,x,1\nA,2026-01-03T10:00:00Z,later,2\n";

#[test]
fn several_files_are_one_export_in_the_order_in_which_they_are_named() {
    let folder = folder(&[("1.csv", FIRST), ("2.csv", SECOND)]);
    let found = read(paths(folder.path(), &["1.csv", "2.csv"]).as_slice(), CSV).unwrap();
    let told: Vec<_> = found.tickets.iter().map(|(id, subject, _)| format!("{id} {subject}")).collect();
    assert_eq!(told, ["A Plain(\"first\")", "B Plain(\"second\")"]);
    // The later row of A stands in the other file.
    assert!(found.tickets[0].2 > 1 && found.tickets[1].2 == 1, "{:?}", found.tickets);
    let place = folder.path().join("2.csv").display().to_string();
    let line = found.rejects.lines().find(|line| line.starts_with("3,C,")).unwrap();
    assert!(line.ends_with(&format!(",unreadable_time,{place}")), "{line}");
    assert!(found.balance.adds_up() && found.balance.left_out.is_empty());

    let found = read(paths(folder.path(), &["2.csv", "1.csv"]).as_slice(), CSV).unwrap();
    assert_eq!(found.tickets[0].1, "Plain(\"later\")");
}

#[test]
fn a_ticket_torn_between_two_files_names_both() {
    let folder = folder(&[("1.csv", FIRST), ("2.csv", SECOND)]);
    let grouped = CSV.replace("[ticket]", "grouped = true\n[ticket]");
    let error =
        read(paths(folder.path(), &["1.csv", "2.csv"]).as_slice(), &grouped).err().unwrap().to_string();
    assert!(
        error.contains("begins at line 2 of ") && error.contains("/1.csv, comes back at line 4 of "),
        "{error}"
    );
    assert!(error.contains("/2.csv; set"), "{error}");
}

#[test]
fn files_that_are_named_are_joined_like_those_of_a_folder() {
    let whole = folder(&[("tickets.csv", TICKETS), ("words-1.csv", WORDS), ("people.csv", PEOPLE)]);
    let of_folder = read(whole.path(), FILES).unwrap();
    let named = paths(whole.path(), &["people.csv", "words-1.csv", "tickets.csv"]);
    let of_names = read(named.as_slice(), FILES).unwrap();
    assert_eq!(of_folder.tickets, of_names.tickets);
    assert_eq!(of_folder.balance, of_names.balance);
    assert!(of_folder.balance.left_out.is_empty());
    let error = read(named[1..].as_ref(), FILES).err().unwrap().to_string();
    assert!(error.contains("people.csv\") names; it has: words-1.csv, tickets.csv"), "{error}");
}

#[test]
fn what_no_pattern_names_is_counted_and_named_and_costs_the_exit_code() {
    let files =
        [("tickets.csv", TICKETS), ("words-1.csv", WORDS), ("people.csv", PEOPLE), ("calls.csv", "id\n")];
    let export = folder(&files);
    std::fs::create_dir(export.path().join("2024")).unwrap();
    let found = read(export.path(), FILES).unwrap();
    assert_eq!(found.balance.left_out, ["calls.csv", "2024/"]);
    assert_eq!(found.balance.noted[&Reason::LeftOut], 2);
    assert!(found.rejects.contains("calls.csv") && found.rejects.contains(",left_out,"), "{}", found.rejects);
    assert_eq!(found.balance.exit_code(&[Reason::NoPartner]), exit::REFUSED);
    assert_eq!(found.balance.exit_code(&[Reason::NoPartner, Reason::LeftOut]), exit::DONE);
    // Named one by one as well.
    let named = paths(export.path(), &["tickets.csv", "words-1.csv", "people.csv", "calls.csv"]);
    assert_eq!(read(named.as_slice(), FILES).unwrap().balance.left_out.len(), 1);
}

#[test]
fn a_file_that_is_named_twice_and_an_archive_in_a_folder_are_refused() {
    let export = folder(&[("1.csv", FIRST), ("more.csv", "PK\u{3}\u{4}")]);
    let twice = [export.path().join("1.csv"), export.path().join("./1.csv")];
    let error = read(twice.as_slice(), CSV).err().unwrap().to_string();
    assert!(error.contains("is named twice"), "{error}");
    let all = CSV.replace("[ticket]", "member = \"*.csv\"\n[ticket]");
    let error = read(export.path(), &all).err().unwrap();
    let said = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(said.contains("more.csv") && said.contains("a .zip within a folder"), "{said}");
}

#[test]
fn a_row_of_several_files_is_asked_for_by_its_file() {
    let export = folder(&[("tickets.csv", TICKETS), ("words-1.csv", WORDS), ("people.csv", PEOPLE)]);
    let mapping = Mapping::parse(FILES).unwrap();
    let of = |which: &str| explain(export.path(), &mapping, &which.parse::<Which>().unwrap());
    let told = of("words-1.csv:3").unwrap();
    assert_eq!((told.ticket.as_deref(), told.file.as_deref()), (Some("A"), Some("words-1.csv")));
    assert!(told.values.iter().any(|(.., value)| value.as_deref() == Some("plugged?")), "{:?}", told.values);
    let said = of("words-1.csv:4").unwrap().said;
    assert!(said.iter().any(|(reason, _)| *reason == Reason::NoPartner), "{said:?}");
    for which in ["3", "words.csv:3"] {
        let error = of(which).unwrap_err().to_string();
        assert!(error.contains("people.csv, tickets.csv, words-1.csv"), "{error}");
    }
    // Two of one name are told apart by their folders.
    let two = self::folder(&[("1.csv", SECOND)]);
    let names = [export.path().join("1.csv"), two.path().join("1.csv")];
    std::fs::write(&names[0], FIRST).unwrap();
    let of =
        |which: String| explain(names.as_slice(), &Mapping::parse(CSV).unwrap(), &which.parse().unwrap());
    assert!(matches!(of("1.csv:2".to_owned()), Err(ImportError::WhichFile { .. })));
    assert_eq!(of(format!("{}:2", names[1].display())).unwrap().ticket.as_deref(), Some("B"));
    assert!("words.csv:0".parse::<Which>().is_err() && "x".parse::<Which>().is_err());
}
