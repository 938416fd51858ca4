//! An answer that would never end, and askers that go away: they cost a moment, not the bounds of an answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt as _;
use guichet_schemas::position::Partition;
use guichet_schemas::time::Timestamp;
use guichet_test_support::Nats;
use tokio::sync::{mpsc, watch};

use super::budget::Over;
use super::reader::{Found, Reader, Refusal};
use super::{Queries, serve};
use crate::ground::{Ground, Settings};
use crate::history::History;
use crate::model::rig::Rig;
use crate::projection::{Accepted, Answers, Opened, Projection, ReadModel};
use crate::store::{Batch, Memory, Store, StoreError};
use crate::worker::feed::Feed;

/// Long, because a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

static ENDLESS: ReadModel =
    ReadModel { name: "endless", version: 1, families: &[], answers: &["tickets"], in_memory: false, open };

/// Why an answer ended; `None`: one began.
type Told = Option<Over>;

static TELL: Mutex<Option<mpsc::UnboundedSender<Told>>> = Mutex::new(None);

struct Nothing;

impl Projection for Nothing {
    fn apply(&mut self, _: &Accepted<'_>, _: &mut Batch<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Endless(mpsc::UnboundedSender<Told>);

impl Answers for Endless {
    fn answer(&self, reader: &Reader<'_>) -> Result<Found, Refusal> {
        self.0.send(None).unwrap();
        loop {
            if let Err(refusal) = reader.entry(1) {
                let Refusal::Over(over) = refusal else { panic!("{refusal:?}") };
                self.0.send(Some(over)).unwrap();
                return Err(refusal);
            }
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a model says so")]
fn open(_: &Arc<Store>) -> Result<Opened, StoreError> {
    let tell = TELL.lock().unwrap().clone().unwrap();
    Ok(Opened { fold: Box::new(Nothing), answers: Arc::new(Endless(tell)) })
}

async fn asks(server: &Nats, prefix: &str) -> Client {
    let options = async_nats::ConnectOptions::new().custom_inbox_prefix(prefix);
    options.connect(server.url()).await.unwrap()
}

/// Asks without waiting; whoever drops the subscription listens no more.
async fn ask(client: &Client, inbox: String) -> async_nats::Subscriber {
    let answers = client.subscribe(inbox.clone()).await.unwrap();
    client.publish_with_reply("guichet.v1.query.default.test.tickets", inbox, "{}".into()).await.unwrap();
    client.flush().await.unwrap();
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_soon_after_nobody_listens_for_it() {
    let Some(server) = Nats::start_where_there_is_one().await else { return };
    let (tell, mut told) = mpsc::unbounded_channel();
    *TELL.lock().unwrap() = Some(tell);
    let mut history = History::new();
    history.open(1);
    let mut rig = Rig::new(&ENDLESS);
    rig.fold(&history.entries);
    let (model, dir) = rig.into_model();
    let client = async_nats::connect(server.url()).await.unwrap();
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        dir: dir.path().to_owned(),
        partition: Partition(0),
        batch_events_max: 100,
        authorship: None,
    };
    let ground = Ground {
        settings,
        memory: Memory::new(1 << 20, 1 << 20),
        source: crate::worker::nats::Nats::new(client, Partition(0), None),
        feed: Feed::new(),
        clock: Arc::new(|| Timestamp(0)),
        stopped,
        beside: Arc::new(|_| {}),
    };
    let service = serve(Queries::new(vec![model], ground)).await.unwrap();
    let mut next = async || tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap();

    // As many as one caller may have at a time; the third waits behind them.
    let (leaving, staying) = (asks(&server, "_INBOX.leaving").await, asks(&server, "_INBOX.staying").await);
    let mut stays = ask(&staying, staying.new_inbox()).await;
    let leaves = ask(&leaving, leaving.new_inbox()).await;
    assert_eq!((next().await, next().await), (None, None), "two are read");
    let stops_listening = ask(&staying, staying.new_inbox()).await;
    // One by its connection, the other by its subscription.
    drop((leaves, leaving));
    assert_eq!(next().await, Some(Over::Unheard), "before any bound of an answer");
    assert_eq!(next().await, None, "its slot is the next one's");
    drop(stops_listening);
    assert_eq!(next().await, Some(Over::Unheard));
    // Whoever listens is answered, however long it takes.
    service.stop(Duration::from_secs(1)).await;
    assert_eq!(next().await, Some(Over::Stopping));
    let answer = tokio::time::timeout(PATIENCE, stays.next()).await.unwrap().unwrap();
    assert_eq!(answer.headers.unwrap().get("Nats-Service-Error").unwrap().as_str(), "unavailable");
}
