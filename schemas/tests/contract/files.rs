//! The files that these tests keep: compared in every run, rewritten only when asked.

use std::path::PathBuf;

/// A path below `schemas/`.
pub(crate) fn path(relative: &str) -> PathBuf {
    // Cargo runs tests in the folder of their package. Its path at compile time may be that of another checkout,
    // which shares the target directory and with it this very program.
    std::path::absolute(relative).expect("a working directory")
}

/// True where the files are to be rewritten.
pub(crate) fn update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|v| v == "1")
}

/// Compares a file with what it should hold, or rewrites it. Says what is wrong.
pub(crate) fn keep(relative: &str, expected: &[u8]) -> Result<(), String> {
    let path = path(relative);
    let found = std::fs::read(&path).ok();
    if found.as_deref() == Some(expected) {
        return Ok(());
    }
    if update() {
        std::fs::create_dir_all(path.parent().expect("a file stands in a folder")).unwrap();
        std::fs::write(&path, expected).unwrap();
        return Ok(());
    }
    let what = if found.is_some() { "differs from what the code says" } else { "is missing" };
    Err(format!(
        "schemas/{relative} {what}; if the change is meant, run UPDATE_GOLDEN=1 cargo test -p guichet-schemas"
    ))
}

/// Names of the files of a folder below `schemas/`, sorted.
pub(crate) fn names(relative: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path(relative))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.file_type().unwrap().is_file())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// JSON as it stands in our files.
pub(crate) fn pretty(value: &serde_json::Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap();
    text.push(b'\n');
    text
}
