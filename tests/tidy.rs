//! The style guide as far as a program can check it: owners of outside things, direction of dependencies, pins.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    // Cargo runs tests in the folder of their package.
    Path::new(".")
}

fn sources(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Every Rust file of ours, by its path below the checkout, with its text.
fn all() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(root(), &mut found);
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    let below = |p: &PathBuf| p.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
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
        strangers("rocksdb::", &["engine/src/log/", "engine/keys/src/", "projections/src/store"]),
        Vec::<String>::new()
    );
}

#[test]
fn nats_has_its_owners() {
    let owners = [
        "engine/service/",
        "engine/src/intake",
        "engine/keys/client/",
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
        "replay-tools/src/client",
        "replay-tools/src/import/",
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
fn the_rules_and_the_words_know_no_machine() {
    for manifest in [
        "schemas/Cargo.toml",
        "engine/rules/Cargo.toml",
        "engine/config/Cargo.toml",
        "engine/proof/Cargo.toml",
    ] {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        let dependencies = text.split("[dev-dependencies]").next().unwrap();
        for forbidden in ["rocksdb", "async-nats", "tokio"] {
            assert!(!dependencies.contains(forbidden), "{manifest} depends on {forbidden}");
        }
    }
}

#[test]
fn the_read_side_does_not_know_the_engine() {
    let text = std::fs::read_to_string(root().join("projections/Cargo.toml")).unwrap();
    assert!(!text.contains("guichet-engine"), "projections may use only schemas and engine/rules");
}

#[test]
fn the_http_side_only_asks() {
    let text = std::fs::read_to_string(root().join("projections/http/Cargo.toml")).unwrap();
    for forbidden in ["guichet-projections", "guichet-engine", "rocksdb"] {
        assert!(
            !text.contains(forbidden),
            "projections/http knows only what is answered over NATS, not {forbidden}"
        );
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

/// How many product files may name a verb or its event; `docs/EXTENDING.md` lists them.
const FILES_OF_A_VERB: usize = 9;

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
    all.into_iter().filter(|(path, text)| !is_test(path) && names(text)).map(|(path, _)| path).collect()
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
