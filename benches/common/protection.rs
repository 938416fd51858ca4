//! The protection that every log has, with a key-encryption key that is no secret.

use std::path::{Path, PathBuf};

use guichet_engine::log::{Memory, Protection};
use guichet_keys::Kek;

/// The key-encryption key of all benches.
pub(crate) fn kek() -> Kek {
    Kek::parse(&"be".repeat(32), "the bench").expect("64 hex digits")
}

/// The folder of the keys of the log in `dir`.
pub(crate) fn keys_dir(dir: &Path) -> PathBuf {
    dir.join("keys-0")
}

/// Personal texts are sealed, as in the binary.
pub(crate) fn sealed(dir: &Path, memory: &Memory) -> Protection {
    Protection::open(&keys_dir(dir), memory, kek()).expect("a fresh key store opens")
}
