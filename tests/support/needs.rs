//! What some tests need and not every machine has.

use std::path::{Path, PathBuf};

/// A file or folder below `GUICHET_SHARED`; `None`, loudly, where it is not there.
pub(crate) fn shared(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GUICHET_SHARED")
        .filter(|named| !named.is_empty())
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = folder.join(what);
    if path.exists() {
        return Some(path);
    }
    missing(&format!("{} is not there; GUICHET_SHARED names the folder of the data sets", path.display()));
    None
}

/// Says what is missing. In CI nothing may be.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out, but {what}");
    eprintln!("LEFT OUT, NOT TESTED: {what}");
}

/// True where the tests may take their time.
pub(crate) fn long() -> bool {
    std::env::var_os("GUICHET_LONG").is_some_and(|v| v == "1")
}

/// The seed that somebody wants to see again, or to try.
pub(crate) fn seed() -> Option<u64> {
    let named = std::env::var_os("GUICHET_SEED").filter(|v| !v.is_empty())?;
    Some(named.to_string_lossy().parse().expect("GUICHET_SEED is a number"))
}
