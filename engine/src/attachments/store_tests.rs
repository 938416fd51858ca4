//! The folder from inside: what is told is there, what is not told leaves no trace, and what goes is gone.

use std::time::Duration;

use guichet_keys::{DataKey, Dice, KekSource, NewKey, SEGMENT, random_key_id};
use guichet_schemas::hash::Hash;
use guichet_schemas::ids::{KeyId, TicketId};
use proptest::prelude::*;
use uuid::Uuid;

use super::super::sweep::{Standing, Swept};
use super::*;
use crate::log::Memory;

const DAY: Duration = Duration::from_secs(24 * 3600);

struct Folder {
    dir: tempfile::TempDir,
    keys: Arc<KeyStore>,
    key_id: KeyId,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::new(1 << 20, 1 << 20);
        let kek = KekSource::Own(dir.path().join("kek")).load(false).unwrap();
        let keys =
            KeyStore::open(&dir.path().join("keys"), &memory.cache, &memory.write_buffers, kek).unwrap();
        let mut dice = Dice::new();
        let (key_id, key) = (random_key_id(&mut dice).unwrap(), DataKey::random(&mut dice).unwrap());
        let new = NewKey { tenant: "default".to_owned(), subject: "r-1".to_owned(), id: key_id, key };
        keys.put(&[new], &mut dice).unwrap();
        Self { dir, keys: Arc::new(keys), key_id }
    }

    fn store(&self) -> AttachmentStore {
        AttachmentStore::open(&self.dir.path().join("attachments"), Some(Arc::clone(&self.keys))).unwrap()
    }

    fn place(&self, ticket: u128, bytes: &[u8]) -> Place {
        let tenant = TenantId::default_tenant();
        let (sha256, ticket) = (Hash::of_bytes(bytes), TicketId(Uuid::from_u128(ticket)));
        Place { tenant, key_id: self.key_id, sha256, ticket }
    }
}

fn caller() -> CallerId {
    CallerId::parse("outside").unwrap()
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n * 7 % 251) as u8).collect()
}

/// Brings all bytes, in parts of this size.
fn upload(store: &AttachmentStore, place: &Place, bytes: &[u8], part: usize) -> Result<Received, Rejection> {
    let size = bytes.len() as u64;
    let mut last = Received { received: 0, stored: false };
    while !last.stored {
        let from = last.received as usize;
        let part = &bytes[from..bytes.len().min(from + part)];
        last = store.put(place, &caller(), false, size, last.received, part)?;
    }
    Ok(last)
}

fn uploads_left(store: &AttachmentStore) -> usize {
    layout::listed(&layout::uploads(store.dir())).unwrap().len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_brought_comes_back_from_any_offset(
        size in 1usize..3 * SEGMENT + 9, part in 1_000usize..SEGMENT * 2, at in 0.0f64..1.0, most in 1usize..SEGMENT * 2,
    ) {
        let (folder, all) = (Folder::new(), bytes(size));
        let (store, place) = (folder.store(), folder.place(1, &all));
        upload(&store, &place, &all, part).unwrap();
        let offset = (size as f64 * at) as usize;
        let read = store.read(&place, size as u64, offset as u64, most).unwrap();
        prop_assert_eq!(&read, &all[offset..size.min(offset + most)]);
        store.check(&place, size as u64).unwrap();
        prop_assert_eq!(uploads_left(&store), 0);
    }
}

#[test]
fn a_command_may_name_what_is_there_and_nothing_else() {
    let (folder, all) = (Folder::new(), bytes(100));
    let (store, place) = (folder.store(), folder.place(1, &all));
    assert_eq!(store.held(&place, false).unwrap(), None);
    let first = store.put(&place, &caller(), false, 100, 0, &all[..60]).unwrap();
    assert_eq!(first, Received { received: 60, stored: false });
    assert_eq!(store.held(&place, false).unwrap(), None, "a part is not the whole");
    // A part that comes twice, and one that comes too early, change nothing.
    assert_eq!(store.put(&place, &caller(), false, 100, 70, &all[70..]).unwrap(), first);
    assert_eq!(store.put(&place, &caller(), false, 100, 60, &all[60..]).unwrap().received, 100);
    assert_eq!(store.held(&place, false).unwrap(), Some(100));
    let other = folder.place(2, &all);
    assert_eq!(store.held(&other, false).unwrap(), None, "another ticket has to bring them itself");
}

#[test]
fn bytes_with_another_digest_are_refused_and_leave_nothing() {
    let folder = Folder::new();
    let store = folder.store();
    let place = folder.place(1, b"something else");
    let refused = store.put(&place, &caller(), false, 5, 0, b"12345").unwrap_err();
    assert!(matches!(&refused, Rejection::ValidationFailed(e) if e.field == "sha256"), "{refused:?}");
    let refused = store.put(&place, &caller(), false, 5, 0, b"123456").unwrap_err();
    assert!(matches!(&refused, Rejection::ValidationFailed(e) if e.field == "size"), "{refused:?}");
    assert_eq!((uploads_left(&store), store.held(&place, false).unwrap()), (0, None));
}

#[test]
fn an_interrupted_upload_is_gone_after_a_start_and_begins_again() {
    let (folder, all) = (Folder::new(), bytes(100));
    let place = folder.place(1, &all);
    let store = folder.store();
    store.put(&place, &caller(), false, 100, 0, &all[..60]).unwrap();
    // As a kill leaves it: nothing is dropped.
    std::mem::forget(store);
    let store = folder.store();
    assert_eq!(uploads_left(&store), 0);
    let again = store.put(&place, &caller(), false, 100, 60, &all[60..]).unwrap();
    assert_eq!(again, Received { received: 0, stored: false });
    upload(&store, &place, &all, 60).unwrap();
    drop(store);
    assert_eq!(
        folder.store().held(&place, false).unwrap(),
        Some(100),
        "what was told is there after a start"
    );
}

#[test]
fn a_subject_has_the_same_bytes_once_and_the_last_ticket_takes_them_along() {
    let (folder, all) = (Folder::new(), bytes(100));
    let store = folder.store();
    let (one, two) = (folder.place(1, &all), folder.place(2, &all));
    upload(&store, &one, &all, 100).unwrap();
    upload(&store, &two, &all, 100).unwrap();
    let mut found = Vec::new();
    layout::filed(store.dir(), &mut |filed| {
        found.push(filed.tickets.len());
        Ok::<_, io::Error>(())
    })
    .unwrap();
    assert_eq!(found, [2]);
    let position = LogPosition::new(7).unwrap();
    store.doom(one.clone(), position);
    assert_eq!(store.held(&one, false).unwrap(), None, "nobody names what is being redacted");
    store.remove_doomed(LogPosition::new(6).unwrap());
    assert!(store.has_doomed(), "the command is not on disk yet");
    store.remove_doomed(position);
    assert_eq!(store.read(&two, 100, 0, 100).unwrap(), all);
    store.doom(two.clone(), position);
    store.remove_doomed(position);
    assert!(!two.folder(store.dir()).exists());
    // Brought again, it may be named again.
    upload(&store, &two, &all, 100).unwrap();
    assert_eq!(store.held(&two, true).unwrap(), Some(100));
}

#[test]
fn bytes_that_a_redaction_left_behind_are_named_by_nobody() {
    let (folder, all) = (Folder::new(), bytes(100));
    let place = folder.place(1, &all);
    upload(&folder.store(), &place, &all, 100).unwrap();
    let store = folder.store();
    assert_eq!(store.held(&place, true).unwrap(), None);
    let swept = store.sweep(|_| Some(Standing::Redacted)).unwrap();
    assert_eq!(swept, Swept { redacted: 1, ..Swept::default() });
    assert!(!place.folder(store.dir()).exists());
}

#[test]
fn a_sweep_takes_what_is_nobodys_and_leaves_the_rest() {
    let folder = Folder::new();
    let store = folder.store();
    let all: Vec<Place> = (1..=4u8).map(|n| folder.place(u128::from(n), &[n])).collect();
    for (n, place) in (1..).zip(&all) {
        upload(&store, place, &[n], 1).unwrap();
    }
    let standing = |place: &Place| match place.ticket.0.as_u128() {
        1 => Some(Standing::Named),
        2 => Some(Standing::Unnamed),
        3 => None,
        _ => Some(Standing::Redacted),
    };
    let young = store.sweep_after(DAY, DAY, standing).unwrap();
    assert_eq!(young, Swept { named: 1, unsure: 1, ..Swept::default() }, "a day has not passed");
    // Halves of a pair: a kill may leave either.
    std::fs::remove_file(all[1].mark(store.dir())).unwrap();
    let six = folder.place(6, &[6]);
    upload(&store, &six, &[6], 1).unwrap();
    std::fs::remove_file(six.bytes(store.dir())).unwrap();
    let young = store.sweep_after(DAY, DAY, |place| match place.ticket.0.as_u128() {
        6 => Some(Standing::Named),
        _ => standing(place),
    });
    assert_eq!(young.unwrap(), Swept { named: 1, missing: 1, halves: 1, unsure: 1, ..Swept::default() });
    let half = store.sweep_after(DAY, DAY, |place| match place.ticket.0.as_u128() {
        6 => Some(Standing::Unnamed),
        _ => standing(place),
    });
    assert_eq!(half.unwrap(), Swept { named: 1, halves: 1, unsure: 1, ..Swept::default() });
    assert!(!six.folder(store.dir()).exists());
    upload(&store, &folder.place(5, &[5]), &[5], 1).unwrap();
    let old = store.sweep_after(Duration::ZERO, DAY, |place| match place.ticket.0.as_u128() {
        5 => Some(Standing::Unnamed),
        _ => standing(place),
    });
    assert_eq!(old.unwrap(), Swept { named: 1, abandoned: 2, unsure: 1, ..Swept::default() });
    let left: Vec<bool> = all.iter().map(|place| place.bytes(store.dir()).exists()).collect();
    assert_eq!(left, [true, false, true, false]);
}

#[test]
fn an_upload_that_nobody_goes_on_with_is_given_up() {
    let (folder, all) = (Folder::new(), bytes(100));
    let (store, place) = (folder.store(), folder.place(1, &all));
    store.put(&place, &caller(), false, 100, 0, &all[..60]).unwrap();
    assert_eq!(store.sweep_after(DAY, DAY, |_| None).unwrap().idle, 0);
    assert_eq!(store.sweep_after(DAY, Duration::ZERO, |_| None).unwrap().idle, 1);
    assert_eq!(uploads_left(&store), 0);
}

#[test]
fn a_caller_has_so_many_uploads_at_a_time() {
    let folder = Folder::new();
    let store = folder.store();
    let begin = |n: u128| store.put(&folder.place(n, b"12"), &caller(), false, 2, 0, b"1");
    let begun = (0..).take_while(|n| begin(*n).is_ok()).count();
    assert_eq!(begun, 8);
    assert!(matches!(begin(99), Err(Rejection::Busy { .. })));
    let other = CallerId::parse("other").unwrap();
    assert!(store.put(&folder.place(1, b"12"), &other, false, 2, 0, b"1").is_ok(), "others go on");
}

#[test]
fn damage_is_found_and_a_destroyed_key_ends_it() {
    let (folder, all) = (Folder::new(), bytes(SEGMENT + 10));
    let (store, place) = (folder.store(), folder.place(1, &all));
    let size = all.len() as u64;
    upload(&store, &place, &all, all.len()).unwrap();
    let path = place.bytes(store.dir());
    let whole = std::fs::read(&path).unwrap();
    assert!(!whole.windows(16).any(|window| window == &all[..16]), "it is readable");
    for at in [3, 10, 30, 40, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        let found = store.check(&place, size);
        assert!(matches!(found, Err(ReadError::Damaged(_))), "byte {at}: {found:?}");
    }
    for harmed in [whole[..whole.len() - 1].to_vec(), [whole.as_slice(), b"x"].concat(), whole[..9].to_vec()]
    {
        std::fs::write(&path, &harmed).unwrap();
        assert!(matches!(store.check(&place, size), Err(ReadError::Damaged(_))), "{} bytes", harmed.len());
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(store.check(&place, size), Err(ReadError::Missing)));
    // Brought again, it is whole again.
    upload(&store, &place, &all, all.len()).unwrap();
    store.check(&place, size).unwrap();
    let other = Place { key_id: KeyId(Uuid::from_u128(9)), ..place };
    assert!(matches!(store.check(&other, size), Err(ReadError::Erased)));
}

#[test]
fn a_folder_that_takes_no_file_refuses_and_goes_on_once_it_does() {
    let (folder, all) = (Folder::new(), bytes(10));
    let (store, place) = (folder.store(), folder.place(1, &all));
    std::fs::remove_dir(layout::uploads(store.dir())).unwrap();
    let refused = store.put(&place, &caller(), false, 10, 0, &all).unwrap_err();
    assert!(matches!(refused, Rejection::Unavailable { .. }), "{refused:?}");
    durable::make(&layout::uploads(store.dir())).unwrap();
    upload(&store, &place, &all, 10).unwrap();
}
