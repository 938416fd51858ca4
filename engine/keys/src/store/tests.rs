//! The key store from outside: what it keeps, what it refuses, and what its files tell.

use std::path::Path;

use rocksdb::{Cache, WriteBufferManager};

use super::*;
use crate::key::random_key_id;

const KEK: &str = "abababababababababababababababababababababababababababababababab";
const OTHER: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";

fn try_open(dir: &Path, kek: &str) -> Result<KeyStore, OpenError> {
    let buffers = WriteBufferManager::new_write_buffer_manager(4 << 20, false);
    KeyStore::open(dir, &Cache::new_lru_cache(1 << 20), &buffers, Kek::parse(kek, "the test").unwrap())
}

fn open(dir: &Path) -> KeyStore {
    try_open(dir, KEK).unwrap()
}

fn new(tenant: &str, subject: &str) -> NewKey {
    let mut dice = Dice::new();
    NewKey {
        tenant: tenant.to_owned(),
        subject: subject.to_owned(),
        id: random_key_id(&mut dice).unwrap(),
        key: DataKey::random(&mut dice).unwrap(),
    }
}

fn files(dir: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(std::fs::read(path).unwrap()) }
    }
}

#[test]
fn keys_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (new("default", "r-1"), new("default", "r-2"));
    let store = open(dir.path());
    assert!(store.is_new());
    store.put(&[a.clone(), b.clone()], &mut Dice::new()).unwrap();
    drop(store);
    let store = open(dir.path());
    assert!(!store.is_new());
    for key in [a, b] {
        let (found, commitment) = store.get("default", key.id).unwrap().unwrap();
        assert_eq!((found.reveal(), commitment), (key.key.reveal(), key.key.commitment()));
        assert_eq!(store.keys_of("default", &key.subject).unwrap(), [key.id]);
    }
}

#[test]
fn a_key_is_found_only_in_its_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let key = new("default", "r-1");
    let store = open(dir.path());
    store.put(std::slice::from_ref(&key), &mut Dice::new()).unwrap();
    assert!(store.get("other", key.id).unwrap().is_none());
    assert!(store.keys_of("other", "r-1").unwrap().is_empty());
    assert!(store.get("default", KeyId(uuid::Uuid::from_u128(9))).unwrap().is_none());
}

#[test]
fn a_subject_may_have_several_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b, c) = (new("default", "r-1"), new("default", "r-1"), new("default", "r-11"));
    let store = open(dir.path());
    store.put(&[a.clone(), b.clone(), c], &mut Dice::new()).unwrap();
    let mut expected = vec![a.id, b.id];
    expected.sort();
    assert_eq!(store.keys_of("default", "r-1").unwrap(), expected);
}

#[test]
fn a_store_made_under_another_kek_is_refused_with_both_names() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let error = try_open(dir.path(), OTHER).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, OpenError::OtherKek { .. }), "{text}");
    assert!(text.contains("--kek-file") && !text.contains(KEK) && !text.contains(OTHER), "{text}");
}

#[test]
fn two_engines_do_not_share_a_key_store() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(dir.path());
    assert!(matches!(try_open(dir.path(), KEK), Err(OpenError::Locked(_))));
}

#[test]
fn the_files_of_the_store_tell_neither_a_key_nor_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let key = new("default", "jeanne.moreau@example.org");
    let store = open(dir.path());
    store.put(std::slice::from_ref(&key), &mut Dice::new()).unwrap();
    store.flush().unwrap();
    drop(store);
    let mut found = Vec::new();
    files(dir.path(), &mut found);
    assert!(
        found.iter().any(|f| f.windows(16).any(|w| w == key.id.0.as_bytes())),
        "the id must be findable, or this looks nowhere"
    );
    for secret in [key.key.reveal().as_slice(), b"jeanne", &[0xab; 32]] {
        assert!(!found.iter().any(|f| f.windows(secret.len()).any(|w| w == secret)), "{secret:x?}");
    }
}

#[test]
fn what_is_left_of_a_store_is_damage_and_no_place_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let key = new("default", "r-1");
    let store = open(dir.path());
    store.put(std::slice::from_ref(&key), &mut Dice::new()).unwrap();
    store.flush().unwrap();
    drop(store);
    let (current, away) = (dir.path().join("rocksdb/CURRENT"), dir.path().join("CURRENT"));
    std::fs::rename(&current, &away).unwrap();
    assert!(KeyStore::is_there(dir.path()).unwrap());
    let error = try_open(dir.path(), KEK).unwrap_err();
    let OpenError::Fault { fault, .. } = &error else { panic!("{error}") };
    assert_eq!(fault.kind(), FaultKind::Missing);
    assert!(error.to_string().contains("bring back a copy"), "{error}");
    std::fs::rename(&away, &current).unwrap();
    assert!(open(dir.path()).get("default", key.id).unwrap().is_some(), "nothing of it was removed");
}

#[test]
fn a_system_that_refuses_is_no_reason_to_move_the_keys_away() {
    let dir = tempfile::tempdir().unwrap();
    let key = new("default", "r-1");
    let store = open(dir.path());
    store.put(std::slice::from_ref(&key), &mut Dice::new()).unwrap();
    store.flush().unwrap();
    drop(store);
    let database = dir.path().join("rocksdb");
    let files = std::fs::read_dir(&database).unwrap().map(|entry| entry.unwrap().path());
    let table = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "sst")).unwrap();
    let away = dir.path().join("table");
    std::fs::rename(&table, &away).unwrap();
    std::os::unix::fs::symlink(&table, &table).unwrap();
    let error = try_open(dir.path(), KEK).unwrap_err();
    assert!(matches!(error, OpenError::Refused { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("symbolic links") && !said.contains("move it away"), "{said}");
    std::fs::remove_file(&table).unwrap();
    std::fs::rename(&away, &table).unwrap();
    assert!(open(dir.path()).get("default", key.id).unwrap().is_some());
}

#[test]
fn a_row_that_was_changed_is_damage_and_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (new("default", "r-1"), new("default", "r-2"));
    let store = open(dir.path());
    store.put(&[a.clone(), b.clone()], &mut Dice::new()).unwrap();
    // The row of one key put under the id of another.
    let family = cf(&store.db, rows::KEYS);
    let row = store.db.get_cf(&family, rows::key("default", b.id)).unwrap().unwrap();
    store.db.put_cf(&family, rows::key("default", a.id), &row).unwrap();
    assert!(store.get("default", a.id).unwrap_err().to_string().contains("does not open"));
    store.db.put_cf(&family, rows::key("default", a.id), &row[1..]).unwrap();
    assert!(store.get("default", a.id).unwrap_err().to_string().contains("known form"));
}
