//! Files that may not be read are no damage. Alone in its process: RocksDB's threads keep the rights of the thread that
//! was there when they began.
#![expect(clippy::unwrap_used, reason = "a test says what must hold by unwrapping it")]

#[path = "support/folder.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod folder;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use folder::{Folder, Stream, contents, same};
use nix::unistd::{Uid, geteuid, setfsuid};

/// Somebody without rights; root reads everything.
const NOBODY: u32 = 65_534;

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_start_that_may_not_read_a_file_is_refused_and_sets_nothing_aside() {
    if geteuid().is_root() {
        setfsuid(Uid::from_raw(NOBODY));
    }
    let folder = Folder::new();
    let all = folder.write(1_000, 50);
    let copy = Stream(folder.published(&all));
    let mut found = Vec::new();
    files(&folder.path("log-0"), &mut found);
    // What RocksDB writes for people, or writes again without reading.
    let is_read = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        !["LOG", "LOCK", "IDENTITY", "OPTIONS"].iter().any(|other| name.starts_with(other))
    };
    found.retain(is_read);
    assert!(found.len() >= 6, "tables, a write-ahead log, CURRENT, MANIFEST, head, identity: {found:?}");
    found.extend([folder.path("anchor-0/checkpoint"), folder.path("signing.key")]);
    let mut tried = 0;
    // A start that was refused late may have begun another write-ahead log.
    for file in found.iter().filter(|file| file.exists()) {
        tried += 1;
        set_mode(file, 0);
        let error = folder.open(&copy).unwrap_err();
        set_mode(file, 0o600);
        let said = error.to_string();
        assert!(said.contains("Permission denied"), "{}: {said}", file.display());
        let aside = std::fs::read_dir(folder.path("log-0")).unwrap();
        let aside = aside.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("damaged"));
        assert_eq!(aside.count(), 0, "{}: {said}", file.display());
    }
    assert!(tried >= 6, "{tried} of {found:?}");
    // Nothing can be made either.
    let dir = folder.path("log-0/rocksdb");
    set_mode(&dir, 0o500);
    let said = folder.open(&copy).unwrap_err().to_string();
    set_mode(&dir, 0o700);
    assert!(said.contains("Permission denied"), "{said}");
    let log = folder.open(&copy).unwrap();
    let (records, started) = contents(&log);
    same(&records, &all);
    assert_eq!((started.epoch, started.repaired_from), (2, None), "no start before it wrote anything");
    log.close().unwrap();
}
