//! The table of `docs/REQUIREMENTS.md`: each requirement that is built names tests, and they are there.

use std::path::Path;

/// The requirements have numbers up to this one.
const LAST: u32 = 218;

/// The rows: number, and what stands in the column of tests.
fn rows() -> Vec<(u32, String)> {
    let page = std::fs::read_to_string("docs/REQUIREMENTS.md").unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| ")).map(cells);
    rows.filter_map(|cells| Some((cells.get(1)?.parse().ok()?, cells.get(4)?.clone()))).collect()
}

#[test]
fn every_requirement_that_is_built_names_a_test_that_is_there() {
    let rows = rows();
    assert!(rows.len() > 10, "only {} rows were read", rows.len());
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "in their order, each once: {numbers:?}");
    assert!(numbers.last().is_some_and(|last| *last <= LAST), "{numbers:?}");
    let mut missing = Vec::new();
    for (number, tests) in rows {
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "row {number} names no test");
        for test in named {
            let (file, name) = test.split_once("::").unwrap_or((test, ""));
            let text = std::fs::read_to_string(Path::new(file)).unwrap_or_default();
            if name.is_empty() || !text.contains(&format!("fn {name}(")) {
                missing.push((number, test.to_owned()));
            }
        }
    }
    assert!(missing.is_empty(), "no such test: {missing:?}");
}
