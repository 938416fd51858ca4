//! Who may do everything on the machine and has our signing key: records are edited and all is signed again, or the
//! whole folder is rolled back to an older, valid copy. Our own program can then be content; a witness that kept a
//! checkpoint is not, and neither are we once we are given that checkpoint.

use std::path::{Path, PathBuf};

use guichet_proof::{Checkpoint, Edge, SigningKey};
use guichet_schemas::codec::decode_record;
use guichet_schemas::hash::Hash;
use guichet_test_support::damage;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rocksdb::{DB, IteratorMode, Options};

use super::judge::Judge;
use super::{Node, size_of, text};
use crate::harness::{HALTED, guichet, long, seed};

/// Single-byte edits, and roll-backs: short, and with `GUICHET_LONG=1`.
const EDITS: (u32, u32) = (14, 200);
const ROLL_BACKS: (u32, u32) = (6, 100);

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_root_signed_again_with_our_key_is_found_by_the_witness() {
    let mut node = Node::with_tickets(40).await;
    let judge = Judge::new(node.serve.dir());
    let (copy, kept, original) = (node.file("copy"), node.file("kept"), node.file("original"));
    node.done(&["audit", text(&copy)]);
    assert_eq!(judge.witness(&node.key(), &copy, &kept).unwrap_or(Ok(())), Ok(()));
    std::fs::copy(copy.join("checkpoint"), node.file("ours")).expect("a checkpoint");
    assert!(node.serve.stop().await.success());
    damage::copy(&node.data(), &original);
    let signed = size_of(&copy);

    let mut dice = StdRng::seed_from_u64(seed().unwrap_or(4));
    for n in 0..if long() { EDITS.1 } else { EDITS.0 } {
        put_back(&original, &node.data());
        let position = dice.random_range(1..=signed);
        edit_and_sign_again(&node.data(), position, Edit::Reads, &mut dice);
        // Ours cannot know by itself: whoever did this changed the anchor too.
        node.serve.launch().await;
        let forged = node.file(&format!("forged-{n}"));
        node.done(&["audit", text(&forged)]);
        let verdict = judge.witness(&node.key(), &forged, &kept);
        assert!(verdict.is_none_or(|v| v.is_err()), "the edit of position {position} was not found");
        let said = node.found(&["verify", "--no-stream", "--checkpoint", text(&node.file("ours"))]);
        assert!(said.contains("records were changed after they were signed"), "{said}");
        // And into the copy that was there before, nothing of it gets.
        node.found(&["audit", text(&copy)]);
        assert!(node.serve.stop().await.success());
    }
}

// The start said that something did not read, and not where: the newest record, and one before it among those that may
// name the newest key.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_leaves_no_record_is_named_at_the_start() {
    let mut node = Node::with_tickets(3).await;
    assert!(node.serve.stop().await.success());
    let (original, newest) = (node.file("original"), newest(&node.data()));
    damage::copy(&node.data(), &original);
    for position in [newest, newest - 1] {
        put_back(&original, &node.data());
        edit_and_sign_again(&node.data(), position, Edit::DoesNotRead, &mut StdRng::seed_from_u64(4));
        let ended = guichet().args(["serve", "--data-dir"]).arg(node.data()).output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(HALTED), "{said}");
        let last = said.lines().last().unwrap_or_default();
        let named = format!("position {position} does not read");
        assert!(last.starts_with("halted") && last.contains(&named), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_back_to_an_older_valid_copy_is_found_by_the_witness() {
    let mut node = Node::with_tickets(10).await;
    let judge = Judge::new(node.serve.dir());
    let kept = node.file("kept");
    for n in 0..if long() { ROLL_BACKS.1 } else { ROLL_BACKS.0 } {
        assert!(node.serve.stop().await.success());
        let older = node.file(&format!("older-{n}"));
        damage::copy(&node.data(), &older);
        node.serve.launch().await;
        let desk = node.serve.desk().await;
        desk.open_tickets(&format!("seen {n}"), 7).await;
        let copy = node.file(&format!("copy-{n}"));
        node.audited(&copy).await;
        assert_eq!(judge.witness(&node.key(), &copy, &kept).unwrap_or(Ok(())), Ok(()));

        assert!(node.serve.stop().await.success());
        damage::copy(&node.data(), &node.file(&format!("true-{n}")));
        put_back(&older, &node.data());
        // The older copy is whole: it starts, and its checkpoints are signed well.
        node.serve.launch().await;
        let rolled_back = node.file(&format!("rolled-back-{n}"));
        node.done(&["audit", text(&rolled_back)]);
        refused(judge.witness(&node.key(), &rolled_back, &kept), "rolled back");
        assert!(node.found(&["audit", text(&copy)]).contains("rolled back"));
        // It grows past what the witness has seen: another story.
        node.serve.desk().await.open_tickets(&format!("fork {n}"), 30).await;
        let fork = node.file(&format!("fork-{n}"));
        node.audited(&fork).await;
        refused(judge.witness(&node.key(), &fork, &kept), "does not begin with");
        node.found(&["verify", "--no-stream", "--checkpoint", text(&kept_of(&copy))]);

        assert!(node.serve.stop().await.success());
        put_back(&node.file(&format!("true-{n}")), &node.data());
        node.serve.launch().await;
    }
}

fn refused(verdict: Option<Result<(), String>>, why: &str) {
    if let Some(verdict) = verdict {
        let said = verdict.expect_err("the witness believed it");
        assert!(said.contains(why), "{said}");
    }
}

fn kept_of(copy: &Path) -> PathBuf {
    copy.join("checkpoint")
}

/// What an edit leaves.
#[derive(Clone, Copy, PartialEq)]
enum Edit {
    Reads,
    DoesNotRead,
}

fn newest(data: &Path) -> u64 {
    let database = data.join("log-0/rocksdb");
    let families = DB::list_cf(&Options::default(), &database).expect("a database");
    let db = DB::open_cf_for_read_only(&Options::default(), &database, &families, false).expect("a database");
    let last = db.iterator_cf(db.cf_handle("events").expect("the events"), IteratorMode::End).next();
    let (key, _) = last.expect("a record").expect("a row");
    u64::from_be_bytes(key.as_ref().try_into().expect("a position"))
}

/// One bit of one record, then tree and anchor as if it had always been so. The copy of the events in the stream goes
/// too: the engine publishes it again.
fn edit_and_sign_again(data: &Path, position: u64, edit: Edit, dice: &mut StdRng) {
    let database = data.join("log-0/rocksdb");
    let families = DB::list_cf(&Options::default(), &database).expect("a database");
    let db = DB::open_cf(&Options::default(), &database, &families).expect("a database");
    let events = db.cf_handle("events").expect("the events");
    let key = position.to_be_bytes();
    let record = db.get_cf(events, key).expect("read").expect("the record");
    let mut edited = std::iter::repeat_with(|| {
        let mut edited = record.clone();
        // What must read is changed in the text of the event, at the end.
        let within = if edit == Edit::Reads { 3 } else { record.len() };
        edited[record.len() - 1 - dice.random_range(0..within)] ^= 1 << dice.random_range(0..8);
        edited
    });
    let wanted = |edited: &Vec<u8>| decode_record(edited).is_ok() == (edit == Edit::Reads);
    let edited = edited.find(wanted).expect("the dice fall for ever");
    db.put_cf(events, key, edited).expect("written");
    let (mut edge, mut full) = (Edge::new(), Vec::new());
    for row in db.iterator_cf(events, IteratorMode::Start) {
        edge.append(Hash::of_record(&row.expect("a row").1), &mut full);
    }
    let tree = db.cf_handle("tree").expect("the tree");
    for tile in full {
        let key = [&[tile.level][..], &tile.index.to_be_bytes()].concat();
        db.put_cf(tree, key, tile.hashes).expect("written");
    }
    drop(db);
    let key = std::fs::read_to_string(data.join("signing.key")).expect("the key");
    let key = SigningKey::parse(&key).expect("the key");
    let forged =
        Checkpoint { origin: key.origin().to_owned(), size: edge.size(), root: edge.root() }.sign(&key);
    std::fs::write(data.join("anchor-0/checkpoint"), forged.note()).expect("written");
    std::fs::remove_dir_all(data.join("nats")).expect("removed");
}

pub(super) fn put_back(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).expect("removed");
    damage::copy(from, to);
}
