//! What `--infer` proposes: shipped mappings for desks that are known, and for others what their columns show.

use std::io::Write as _;
use std::path::Path;

use guichet_schemas::time::Timestamp;

use super::{Mapping, Reason, infer};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn proposed(file_name: &str, export: &[u8]) -> super::Proposal {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(file_name);
    std::fs::File::create(&path).unwrap().write_all(export).unwrap();
    infer(&path, NOW).unwrap()
}

#[test]
fn each_shipped_sample_is_known_by_its_columns_and_passes_the_check() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/samples");
    let mut seen = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let proposal = match infer(&path, NOW) {
            Ok(proposal) => proposal,
            Err(why) if path.is_dir() => {
                assert!(why.to_string().contains("several files"), "{name}: {why}");
                continue;
            }
            Err(why) => panic!("{name}: {why}"),
        };
        if proposal.shipped != Some(name.as_str()) {
            // One that others look like, or whose rows stand in lists, is told from its own words.
            let text = &proposal.text;
            assert!(text.contains("# decide") && text.contains("[ticket]"), "{name}: {text}");
            continue;
        }
        let mut findings = proposal.outcome.unwrap_or_else(|why| panic!("{name}: {why}")).findings(&[]);
        findings.remove(&Reason::GuessedTime);
        assert!(findings.is_empty(), "{name}: {findings:?}\n{}", proposal.text);
        assert_eq!(Mapping::parse(&proposal.text).unwrap().name(), name, "it is known as before");
        seen += 1;
    }
    assert!(seen >= 9, "{seen} samples are known");
}

/// The same export with columns that no desk has, so that only their names and values tell what they are.
#[test]
fn an_unknown_desk_is_told_by_the_names_and_values_of_its_columns() {
    let export = "N°;Titre;Statut;Priorité;Créé le;Résolu le;Demandeur;Étage\n\
                  A-1;Lampe;Résolu;Haute;03/02/2026 08:00;25/02/2026 09:00;r1;3\n\
                  A-2;Porte;En cours;Basse;04/02/2026 10:00;;r2;1\n";
    let proposal = proposed("tickets.csv", export.as_bytes());
    assert_eq!(proposal.shipped, None);
    let text = &proposal.text;
    for part in [
        "delimiter = \";\"",
        "id = \"N°\"",
        "subject = \"Titre\"",
        "[milestones]",
        "created = \"Créé le\"",
        "resolved = \"Résolu le\"",
        // The 25th shows that the day comes first.
        "date_formats = [\"%d/%m/%Y %H:%M\"]",
        "# decide: zone =",
        "\"En cours\" = \"open\"",
        "\"Haute\" = \"high\"",
        "# \"Étage\": filled in 100 % of the rows, 2 different, such as \"1\", \"3\"",
        "# 2 tickets met = 2 new + 0 rejected.",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let balance = proposal.outcome.unwrap();
    assert_eq!((balance.tickets.new, balance.rows.rejected.len()), (2, 0), "{text}");
}

#[test]
fn a_desk_that_lacks_a_column_of_a_shipped_mapping_hears_of_it() {
    let sample = super::shipped::sample("freshdesk-csv.csv");
    let export = std::fs::read_to_string(sample).unwrap().replacen("Group", "Team of ours", 1);
    let proposal = proposed("tickets.csv", export.as_bytes());
    assert_eq!(proposal.shipped, None);
    let near = "Near to the shipped mapping freshdesk-csv, which also names \"Group\"; these are not here.";
    assert!(proposal.text.contains(near), "{}", proposal.text);
}

#[test]
fn what_is_uncertain_is_left_to_a_person_and_shows_in_the_check() {
    let export = "Ticket ID,Status,Priority,Updated at,Updated by\n\
                  7,Open,P1,03/02/2026 08:00,ann\n\
                  7,Parked,P1,04/02/2026 08:00,ann\n";
    let proposal = proposed("log.csv", export.as_bytes());
    let text = &proposal.text;
    for part in [
        "# decide: date_formats = [\"%d/%m/%Y %H:%M\"] or [\"%m/%d/%Y %H:%M\"]",
        "# decide: \"Parked\" = \"…\", 1 times",
        "# decide: \"P1\" = \"…\", 2 times",
        "at = \"Updated at\"",
        "by = \"Updated by\"",
        "rejected: 2 × unreadable_time",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(proposal.outcome.unwrap().tickets.new, 0);
}

#[test]
fn json_xes_and_ocel_are_told_from_their_first_letters() {
    let lines = "{\"ticket\": {\"key\": \"A\"}, \"at\": \"2026-02-02T08:00:00Z\", \"status\": \"open\", \"tags\": [\"a\", \"b\"]}\n\
                 {\"ticket\": {\"key\": \"A\"}, \"at\": \"2026-02-01T08:00:00Z\", \"status\": \"closed\", \"tags\": []}\n";
    let proposal = proposed("x", lines.as_bytes());
    for part in ["format = \"jsonl\"", "id = \"ticket.key\"", "order = \"time\"", "tags = \"tags\""] {
        assert!(proposal.text.contains(part), "{part} is not in\n{}", proposal.text);
    }
    assert_eq!(proposal.outcome.unwrap().tickets.new, 1);
    let plain = proposed("x", b"id,at,by\n1,2026-01-01 10:00,ann\n2,2026-01-01 11:00,ben\n");
    assert!(plain.text.contains("[row]") && !plain.text.contains("[milestones]"), "{}", plain.text);
    assert_eq!(plain.outcome.unwrap().tickets.new, 2);
    let nameless = proposed("x", b"{\"a\": 1}\n{\"a\": 2}\n");
    assert!(
        nameless.text.contains("# decide: id =") && nameless.outcome.unwrap_err().contains("missing field")
    );
    let document = "{\"page\": 1, \"cases\": [{\"number\": 7, \"title\": \"Lamp\", \"created_at\": \"2026-02-02T08:00:00Z\"}]}";
    let proposal = proposed("x", document.as_bytes());
    for part in ["format = \"json\"", "records = \"cases[]\"", "id = \"number\"", "created = \"created_at\""]
    {
        assert!(proposal.text.contains(part), "{part} is not in\n{}", proposal.text);
    }
    assert_eq!(proposal.outcome.unwrap().tickets.new, 1);
    let log = "<log><trace><string key=\"concept:name\" value=\"C1\"/>\
               <event><string key=\"concept:name\" value=\"Open\"/><date key=\"time:timestamp\" value=\"2026-02-02T08:00:00Z\"/></event>\
               <event><string key=\"concept:name\" value=\"Done\"/><date key=\"time:timestamp\" value=\"2026-02-02T09:00:00Z\"/></event>\
               </trace></log>";
    let proposal = proposed("x", log.as_bytes());
    for part in [
        "format = \"xes\"",
        "id = \"trace:concept:name\"",
        "at = \"time:timestamp\"",
        "\"Done\" = \"resolved\"",
    ] {
        assert!(proposal.text.contains(part), "{part} is not in\n{}", proposal.text);
    }
    assert_eq!(proposal.outcome.unwrap().tickets.new, 1);
    let ocel = r#"{"objectTypes": [{"name": "incident"}, {"name": "agent"}], "eventTypes": [{"name": "open"}],
        "objects": [{"id": "i1", "type": "incident"}, {"id": "a1", "type": "agent"}],
        "events": [
            {"id": "e1", "type": "open", "time": "2026-02-02T08:00:00Z", "relationships": [{"objectId": "i1", "qualifier": ""}, {"objectId": "a1", "qualifier": ""}]},
            {"id": "e2", "type": "solved", "time": "2026-02-02T09:00:00Z", "relationships": [{"objectId": "i1", "qualifier": ""}]}]}"#;
    let proposal = proposed("x", ocel.as_bytes());
    for part in [
        "format = \"ocel\"",
        "object_type = \"incident\"",
        "id = \"object.id\"",
        "at = \"event.time\"",
        "column = \"event.type\"",
    ] {
        assert!(proposal.text.contains(part), "{part} is not in\n{}", proposal.text);
    }
    assert_eq!(proposal.outcome.unwrap().tickets.new, 1);
}

/// A comment must not end early, and no value may steer a terminal.
#[test]
fn what_stands_in_the_file_cannot_leave_its_comment() {
    let export = "Ticket ID,Created at,\"Note\n[row]\"\n1,2026-02-02T08:00:00Z,\"x\nname = \u{1b}[2J\"\n";
    let text = proposed("a.csv", export.as_bytes()).text;
    assert!(Mapping::parse(&text).is_ok(), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("\nname"), "{text}");
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let said = infer(nothing.path(), NOW).unwrap_err().to_string();
    assert!(said.contains("it is empty"), "{said}");
}
