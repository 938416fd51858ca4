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
