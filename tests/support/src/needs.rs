//! What some tests need and not every machine has.

use std::path::PathBuf;

/// A file or folder below `GUICHET_SHARED`; `None`, loudly, where it is not there.
pub fn shared(what: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GUICHET_SHARED").filter(|named| !named.is_empty()).map(PathBuf::from);
    let path = named.unwrap_or_else(|| workspace().join("../shared")).join(what);
    if path.exists() {
        return Some(path);
    }
    missing(&format!("{} is not there; GUICHET_SHARED names the folder of the data sets", path.display()));
    None
}

/// A path in the project. Cargo runs tests in the folder of their package; its path at compile time may be that of
/// another checkout, which shares the target directory and with it this very program.
pub fn project(relative: &str) -> PathBuf {
    std::path::absolute(relative).expect("a working directory")
}

/// The folder of the workspace, from that of any package in it.
fn workspace() -> PathBuf {
    let package = project(".");
    let root = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    root.unwrap_or(&package).to_owned()
}

/// Says what is missing. In CI nothing may be.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI leaves no test out, but {what}");
    eprintln!("LEFT OUT, NOT TESTED: {what}");
}

/// True where the tests may take their time.
pub fn long() -> bool {
    std::env::var_os("GUICHET_LONG").is_some_and(|v| v == "1")
}

/// The seed that somebody wants to see again, or to try.
pub fn seed() -> Option<u64> {
    let named = std::env::var_os("GUICHET_SEED").filter(|v| !v.is_empty())?;
    Some(named.to_string_lossy().parse().expect("GUICHET_SEED is a number"))
}
