//! Which crate may know which: all that the map of `docs/ARCHITECTURE.md` allows, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What touches the world outside, and therefore has few owners.
const OUTSIDE: [&str; 6] = ["async-nats", "axum", "hyper", "rand", "rocksdb", "tokio"];

/// Every crate with the crates of ours that it knows, and what of the outside it touches.
const ALLOWED: [(&str, &[&str], &[&str]); 25] = [
    ("schemas", &[], &[]),
    ("rules", &["schemas"], &[]),
    ("config", &["rules", "schemas"], &[]),
    ("crash", &[], &[]),
    ("fault", &[], &["rocksdb"]),
    ("proof", &["schemas"], &[]),
    ("service", &["schemas"], &["async-nats", "tokio"]),
    ("keys", &["fault", "schemas"], &["rocksdb"]),
    ("key-client", &["keys", "schemas"], &["async-nats", "tokio"]),
    (
        "engine",
        &["config", "crash", "fault", "keys", "proof", "rules", "schemas", "service"],
        &["async-nats", "rocksdb", "tokio"],
    ),
    ("reports", &["config", "rules", "schemas"], &[]),
    ("sla", &["config", "rules", "schemas"], &[]),
    (
        "projections",
        &["config", "crash", "fault", "key-client", "proof", "reports", "rules", "schemas", "service", "sla"],
        &["async-nats", "rocksdb", "tokio"],
    ),
    ("http", &["schemas", "service"], &["async-nats", "axum", "hyper", "tokio"]),
    // Nothing here could append: no engine, no database, no connection.
    ("audit", &["config", "proof", "rules", "schemas"], &[]),
    ("client", &["key-client", "proof", "schemas"], &["async-nats", "tokio"]),
    ("golden", &["client", "config", "rules", "schemas", "sla"], &[]),
    ("import", &["client", "config", "rules", "schemas"], &["async-nats", "tokio"]),
    (
        "replay-tools",
        &["audit", "client", "config", "golden", "key-client", "proof", "rules", "schemas", "sla"],
        &["tokio"],
    ),
    ("demo", &["client", "config", "import", "replay-tools", "rules", "schemas"], &["rand"]),
    ("test-support", &["schemas"], &["async-nats", "tokio"]),
    ("bench-support", &["engine", "schemas"], &[]),
    ("history", &["client", "config", "proof", "replay-tools", "rules", "schemas", "sla"], &["tokio"]),
    ("sql", &["client", "config", "history", "replay-tools", "reports", "schemas", "sla"], &["tokio"]),
    (
        "",
        &[
            "audit",
            "client",
            "crash",
            "demo",
            "engine",
            "golden",
            "history",
            "http",
            "import",
            "keys",
            "projections",
            "proof",
            "replay-tools",
            "rules",
            "schemas",
            "service",
            "sql",
        ],
        &["async-nats", "tokio"],
    ),
];

/// The part of a crate's name behind ours; empty for the binary itself.
fn short(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("guichet")?;
    Some(rest.strip_prefix('-').unwrap_or(rest))
}

/// What each crate depends on, tests and build scripts apart: crates of ours, and others.
fn metadata() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = all["packages"].as_array().expect("a list of packages");
    packages.iter().map(edges).collect()
}

fn edges(package: &Value) -> (String, (BTreeSet<String>, BTreeSet<String>)) {
    let (mut ours, mut outside) = (BTreeSet::new(), BTreeSet::new());
    for dependency in package["dependencies"].as_array().expect("a list of dependencies") {
        let name = dependency["name"].as_str().expect("a name");
        if !dependency["kind"].is_null() {
            continue;
        }
        match short(name) {
            Some(short) => ours.insert(short.to_owned()),
            None => outside.insert(name.to_owned()),
        };
    }
    let name = package["name"].as_str().and_then(short).expect("a crate of ours");
    (name.to_owned(), (ours, outside))
}

#[test]
fn every_crate_knows_what_the_map_allows_and_nothing_else() {
    let mut found = metadata();
    for (name, ours, outside) in ALLOWED {
        let (knows, touches) = found.remove(name).unwrap_or_else(|| panic!("no crate {name:?}"));
        let allowed: BTreeSet<String> = ours.iter().map(ToString::to_string).collect();
        assert_eq!(
            knows, allowed,
            "the crate {name:?} knows others than the map says; change both or neither"
        );
        let touches: Vec<&str> = OUTSIDE.into_iter().filter(|one| touches.contains(*one)).collect();
        assert_eq!(touches, outside, "the crate {name:?} touches others of the outside than the map says");
    }
    assert!(found.is_empty(), "crates that stand on no map: {:?}", found.keys());
}
