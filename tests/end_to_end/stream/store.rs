//! The files of the embedded server, harmed while the node is down: the next start says so, and the copy is whole again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::{Serve, Settings, until};
use crate::published;

const WHOLE_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn whatever_file_of_the_embedded_server_is_harmed_the_copy_is_whole_again() {
    let mut node = Serve::start(Settings::default()).await;
    let newest = node.desk().await.open_tickets("before", 20).await;
    for name in ["meta.inf", "meta.sum", "index.db", "1.blk"] {
        for harm in [flip, halve, empty, delete] {
            let desk = node.desk().await;
            let published = async || published::last_sequence(&desk).await.filter(|last| *last >= newest);
            until("everything is published", WHOLE_WITHIN, published).await;
            let before = desk.log().await;
            node.stop().await;
            harm(&find(&node.dir().join("data/nats"), name));
            node.launch().await;
            let desk = node.desk().await;
            let whole = async || {
                let (log, messages) = (desk.log().await, published::try_read(&desk).await?);
                let same = log.len() == messages.len();
                (same && log.iter().zip(&messages).all(|(r, m)| r[..] == m.payload[..])).then_some(log)
            };
            let after = until("the copy is whole", WHOLE_WITHIN, whole).await;
            assert!(after.starts_with(&before), "{name}");
            desk.open_tickets("after", 1).await;
        }
    }
    let aside = fs::read_dir(node.dir().join("data")).expect("a folder").flatten();
    let aside =
        aside.filter(|entry| entry.file_name().to_string_lossy().starts_with("nats.damaged-")).count();
    assert_eq!(aside, 8, "each time the stream was put aside that the server could not bring back");
}

fn find(folder: &Path, name: &str) -> PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if entry.file_name() == name => return path,
                _ => {}
            }
        }
    }
    panic!("no {name}")
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).expect("written");
}

fn halve(path: &Path) {
    let mut bytes = fs::read(path).expect("it is there");
    bytes.truncate(bytes.len() / 2);
    fs::write(path, bytes).expect("written");
}

fn empty(path: &Path) {
    fs::write(path, "").expect("written");
}

fn delete(path: &Path) {
    fs::remove_file(path).expect("removed");
}
