//! Mappings that hold, and what is said of those that do not.

use super::*;

const SMALL: &str = "[source]\nformat = \"csv\"\n[ticket]\nid = \"id\"\n[row]\nat = \"at\"\n";

fn problem(more: &str) -> String {
    Mapping::parse(&format!("{SMALL}{more}")).unwrap_err().to_string()
}

fn problem_in_source(key: &str) -> String {
    Mapping::parse(&SMALL.replace("\n[ticket]", &format!("\n{key}\n[ticket]"))).unwrap_err().to_string()
}

#[test]
fn every_shipped_mapping_can_be_loaded_by_its_name() {
    for (name, _) in SHIPPED {
        assert_eq!(Mapping::load(name).unwrap().name(), *name);
    }
    let error = Mapping::load("no-such-thing").unwrap_err().to_string();
    assert!(error.contains("servicenow, bpi2013") && error.contains("audit"), "{error}");
}

#[test]
fn a_mapping_needs_no_more_than_format_id_and_time() {
    assert!(!Mapping::parse(SMALL).unwrap().source.grouped);
}

#[test]
fn a_key_that_the_grammar_does_not_have_is_refused_by_its_name() {
    for (more, key) in [
        ("zone = \"UTC\"\n", "zone"),
        ("[ticket2]\n", "ticket2"),
        ("[state]\ncolumn = \"s\"\nmap = { a = { state = \"open\", why = \"x\" } }\n", "why"),
        ("[group]\ncolumn = \"g\"\nlevels = {}\n", "levels"),
        ("[agent]\nsystems = []\n", "systems"),
        ("[dedupe]\nby = \"row\"\nkeep = 1\n", "keep"),
    ] {
        let error = problem(more);
        assert!(error.contains("unknown field") && error.contains(key), "{error}");
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_key_and_what_would_be_right() {
    let cases = [
        ("[state]\ncolumn = \"s\"\nmap = { Done = \"finished\" }\n", "state.map.\"Done\"", "resolved"),
        ("[state]\ncolumn = \"s\"\nmap = { Wait = \"hold\" }\n", "state.map.\"Wait\"", "third_party"),
        (
            "[state]\ncolumn = \"s\"\nmap = { W = { state = \"open\", hold_reason = \"vendor\" } }\n",
            "state.map.\"W\"",
            "only for hold",
        ),
        (
            "[state]\ncolumn = \"s\"\nmap = { W = { state = \"hold\", hold_reason = \"rain\" } }\n",
            "state.map.\"W\"",
            "vendor",
        ),
        ("[state]\ncolumn = []\nmap = { W = \"new\" }\n", "state.column", "column"),
        ("[state]\ncolumn = 3\nmap = { W = \"new\" }\n", "column", "a column or a list of columns"),
        ("[state]\ncolumn = \"s\"\nunknown = \"drop\"\nmap = { W = \"new\" }\n", "unknown", "reject"),
        ("[group]\ncolumn = \"g\"\nlevel = { \"* 9th\" = 9 }\n", "group.level.\"* 9th\"", "0 to 4"),
        ("[group]\ncolumn = \"\"\n", "group.column", "column"),
        ("[priority]\nmap = { a = \"low\" }\n", "priority.map", "ticket.priority"),
        ("[dedupe]\nby = \"rows\"\n", "dedupe.by", "\"row\""),
        ("[dedupe]\nby = []\n", "dedupe.by", "list of columns"),
    ];
    for (more, key, hint) in cases {
        let error = problem(more);
        assert!(error.contains(key) && error.contains(hint), "{more}: {error}");
    }
    for (line, key, hint) in [
        ("delimiter = \"||\"", "source.delimiter", "one ASCII character"),
        ("encoding = \"klingon\"", "source.encoding", "windows-1252"),
        ("delimiter = '\"'", "source.delimiter", "no quote"),
        ("records = \"a[]\"", "source.records", "only for json"),
        ("rows = \"a[]\"", "source.rows", "only for json"),
        ("two_digit_years = \"19xx\"", "source.two_digit_years", "20xx"),
        ("date_formats = [\"%H:%M:%S.%f\"]", "source.date_formats[0]", "%.f"),
        ("zone = \"Mars/Olympus\"", "source.zone", "IANA"),
        ("date_formats = [\"%d/%m/%Y\", \"%Q\"]", "source.date_formats[1]", "%Q"),
        ("order = \"size\"", "order", "time"),
    ] {
        let error = problem_in_source(line);
        assert!(error.contains(key) && error.contains(hint), "{line}: {error}");
    }
    let error = Mapping::parse(
        &SMALL.replace("id = \"id\"", "id = \"id\"\npriority = \"p\"\nfields = [\"a\", \"a\"]"),
    );
    assert!(error.unwrap_err().to_string().contains("ticket.fields[1]"));
}

#[test]
fn another_zone_is_another_version_of_the_mapping() {
    let utc = Mapping::load("servicenow").unwrap();
    let local = utc.clone().with_zone("America/Sao_Paulo").unwrap();
    assert_ne!(utc.version, local.version);
    assert!(utc.with_zone("Sao_Paulo").unwrap_err().to_string().contains("source.zone"));
}

#[test]
fn the_longest_pattern_decides_the_tier() {
    let mapping = Mapping::parse(&format!(
        "{SMALL}[group]\ncolumn = \"g\"\nlevel = {{ \"* 2nd\" = 2, \"V* 2nd\" = 3, \"*x*\" = 4 }}\n"
    ));
    let mapping = mapping.unwrap();
    let tiers = ["S1 2nd", "V1 2nd", "2nd", "axb", "S1 2nd line", " 2nd"].map(|g| mapping.tier(g));
    assert_eq!(tiers, [2, 3, 1, 4, 1, 2]);
}

#[test]
fn stars_stand_for_any_text_and_cost_no_more_than_their_number() {
    for (pattern, text) in [("*", ""), ("**", "x"), ("a*", "a"), ("*b*", "abc"), ("a*b*c", "a-b-b-c")] {
        assert!(fits(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("a*a", "a"), ("*b", "abc"), ("a*b*c", "a-c-b"), ("", "x")] {
        assert!(!fits(pattern, text), "{pattern} {text}");
    }
    // One that tries every place for every star does not come back from this.
    assert!(!fits(&"*a".repeat(60), &("a".repeat(127) + "b")));
}

#[test]
fn a_mapping_is_bounded() {
    let columns: Vec<String> = (0..300).map(|n| format!("\"c{n}\"")).collect();
    let error = problem(&format!("[state]\ncolumn = [{}]\nmap = {{}}\n", columns.join(", ")));
    assert!(error.contains("state.column") && error.contains("256"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{SMALL}{}", "#".repeat(1024 * 1024))).unwrap();
    let error = Mapping::load(file.path().to_str().unwrap()).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("at most"), "{error}");
    let error = Mapping::load("/dev/zero").unwrap_err();
    assert!(matches!(error, MappingError::Read { .. }), "{error}");
    for (more, key) in [
        ("[group]\ncolumn = \"g\"\nlevel = { \"a\" = 18446744073709551616 }\n", "level"),
        ("[group]\ncolumn = \"g\"\nlevel = { \"a\" = -1 }\n", "level"),
        ("[agent]\nsystem = [1]\n", "system"),
    ] {
        assert!(problem(more).contains(key), "{}", problem(more));
    }
}

#[test]
fn replies_are_told_where_comments_may_be_public_or_a_milestone_names_the_first() {
    for (more, tells) in [
        ("", false),
        ("[comment]\ntext = \"c\"\n", false),
        ("[comment]\ntext = \"c\"\nvisibility = \"v\"\n", true),
        ("[comment]\ntext = \"c\"\ndefault_visibility = \"public\"\n", true),
        ("[comment]\ntext = \"c\"\nvisibility = \"v\"\ncomplete = false\n", false),
        ("[milestones]\nfirst_reply = \"replied\"\n", true),
    ] {
        assert_eq!(Mapping::parse(&format!("{SMALL}{more}")).unwrap().tells_replies(), tells, "{more}");
    }
}
