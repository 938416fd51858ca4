//! A store that was damaged while no server ran, and the server that is started on it: each file of it in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};

use super::rights::Role;
use super::tests::real_server;
use super::*;

const STREAM: &str = "GUICHET_EVENTS_0";

/// What somebody does to a file.
#[derive(Debug, Clone, Copy)]
enum Harm {
    FlipFirst,
    FlipMiddle,
    FlipLast,
    Halve,
    Empty,
    Delete,
    OtherText,
    FolderInItsPlace,
}

const ALL: [Harm; 8] = [
    Harm::FlipFirst,
    Harm::FlipMiddle,
    Harm::FlipLast,
    Harm::Halve,
    Harm::Empty,
    Harm::Delete,
    Harm::OtherText,
    Harm::FolderInItsPlace,
];

impl Harm {
    fn on(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let length = bytes.len();
        let mut flip = |at: usize| {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x10;
            }
        };
        match self {
            Self::FlipFirst => flip(0),
            Self::FlipMiddle => flip(length / 2),
            Self::FlipLast => flip(length.saturating_sub(1)),
            Self::Halve => bytes.truncate(length / 2),
            Self::Empty => bytes.clear(),
            Self::OtherText => bytes = b"{\"name\":7}".to_vec(),
            Self::Delete | Self::FolderInItsPlace => {
                fs::remove_file(path).unwrap();
                if matches!(self, Self::FolderInItsPlace) {
                    fs::create_dir(path).unwrap();
                }
                return;
            }
        }
        fs::write(path, bytes).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(of: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![of.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// The stream as whoever starts needs it: there, or rebuilt, and taking messages.
async fn works(server: &NatsServer) {
    // Whoever writes the stream makes it.
    let seed = fs::read_to_string(server.keys().file(Role::Publisher)).unwrap();
    let options = async_nats::ConnectOptions::new().custom_inbox_prefix(Role::Publisher.inbox());
    let client = options.nkey(seed.trim().to_owned()).connect(server.url()).await.unwrap();
    let context = jetstream::new(client);
    let config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["guichet.v1.evt.>".to_owned()],
        ..stream::Config::default()
    };
    context.get_or_create_stream(config).await.unwrap();
    context.publish("guichet.v1.evt.y", "more".into()).await.unwrap().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_within_seconds_whatever_file_of_its_store_was_harmed() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let good = temp.path().join("good/nats");
    let server = NatsServer::start(&found, &good, 0).await.unwrap();
    for _ in 0..50 {
        works(&server).await;
    }
    server.stop().await;
    let all = files(&good);
    assert!(all.iter().any(|path| path.ends_with("meta.inf")), "{all:?}");
    assert!(all.iter().any(|path| path.ends_with("meta.sum")), "{all:?}");
    let mut aside = 0;
    for (number, file) in all.iter().enumerate() {
        for harm in ALL {
            let data = temp.path().join(format!("{number}-{harm:?}"));
            copy(&good, &data.join("nats"));
            harm.on(&data.join("nats").join(file.strip_prefix(&good).unwrap()));
            let begun = Instant::now();
            let started = NatsServer::start(&found, &data.join("nats"), 0).await;
            let server = started.unwrap_or_else(|why| panic!("{harm:?} of {}: {why:#}", file.display()));
            // It was 120 s. A machine that does much besides gets its time.
            assert!(begun.elapsed() < Duration::from_secs(30), "{harm:?} of {}", file.display());
            works(&server).await;
            server.stop().await;
            let kept = fs::read_dir(&data).unwrap();
            let kept = kept
                .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("nats.damaged-"));
            aside += kept.count();
            fs::remove_dir_all(data).unwrap();
        }
    }
    // Every harm to the two files that say what the stream is, and what is kept of it can be looked at.
    assert!(aside >= 16, "{aside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_the_shape_of_one_is_put_aside() {
    let Some(found) = real_server() else { return };
    for part in [
        "jetstream",
        "jetstream/EVENTS",
        "jetstream/EVENTS/streams",
        "jetstream/EVENTS/streams/GUICHET_EVENTS_0",
        "jetstream/EVENTS/streams/GUICHET_EVENTS_0/msgs",
    ] {
        let temp = tempfile::tempdir().unwrap();
        let store = temp.path().join("data/nats");
        let server = NatsServer::start(&found, &store, 0).await.unwrap();
        works(&server).await;
        server.stop().await;
        let path = store.join(part);
        fs::remove_dir_all(&path).unwrap();
        fs::write(&path, "no folder").unwrap();
        let server =
            NatsServer::start(&found, &store, 0).await.unwrap_or_else(|why| panic!("{part}: {why:#}"));
        works(&server).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_brought_back_stands_aside_with_its_messages() {
    let Some(found) = real_server() else { return };
    let temp = tempfile::tempdir().unwrap();
    let store = temp.path().join("data/nats");
    let server = NatsServer::start(&found, &store, 0).await.unwrap();
    works(&server).await;
    server.stop().await;
    fs::remove_file(store.join("jetstream/EVENTS/streams/GUICHET_EVENTS_0/meta.sum")).unwrap();
    NatsServer::start(&found, &store, 0).await.unwrap().stop().await;
    let mut aside = fs::read_dir(temp.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.find(|path| path.to_string_lossy().contains("nats.damaged-")).unwrap();
    assert!(aside.join("EVENTS/streams/GUICHET_EVENTS_0/msgs/1.blk").is_file());
    assert!(!store.join("jetstream/EVENTS/streams/GUICHET_EVENTS_0").exists());
}
